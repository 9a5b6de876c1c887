"""The numbers of an evaluation against hand-worked cases and plain loops."""

import dataclasses
import json
import math
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import balanced_accuracy_score, f1_score, top_k_accuracy_score

from catdog_keras._intervals import mean_interval
from catdog_keras.evaluation import Evaluation, ExampleLoss, wilson_interval

NAMES = ["cat", "dog"]
ROWS = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
LABELS = [0, 1, 1, 1]
FILES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


def example():
    """Four images; the third, a dog, is misclassified as a cat with probability 0.7."""
    return Evaluation(NAMES, LABELS, ROWS, FILES)


@st.composite
def evaluations(draw):
    classes = draw(st.integers(1, 5))
    images = draw(st.integers(1, 30))
    scores = draw(hnp.arrays("float64", (images, classes), elements=st.floats(1e-3, 1)))
    labels = draw(hnp.arrays("int64", images, elements=st.integers(0, classes - 1)))
    rows = scores / scores.sum(axis=1, keepdims=True)
    return Evaluation([f"class {n}" for n in range(classes)], labels, rows)


FOLDERS = ["cat/1.jpg", "dog/2.jpg", "dog/3.jpg", "dog/4.jpg"]


@pytest.mark.parametrize(
    "files",
    [
        [f"/data/train/{file}" for file in FOLDERS],
        [f"/data/dog/test/{file}" for file in FOLDERS],  # a folder above all files
        [f"cat/images/{number}.jpg" for number in range(4)],
        [f"{number}/images/dog.jpg" for number in range(4)],
        ["cat/dog/1.jpg", "cat/dog/2.jpg", "dog/3.jpg", "dog/4.jpg"],  # either is possible
        ["Katze/1.jpg", "Hund/2.jpg", "Hund/3.jpg", "Hund/4.jpg"],
    ],
)
def test_files_that_do_not_contradict_labels_are_accepted(files):
    assert Evaluation(NAMES, LABELS, ROWS, files).files == tuple(files)


@pytest.mark.parametrize("folder", ["", "/data/", "C:\\data\\", "/data/dog/test/"])
def test_files_in_folder_of_another_class_raise_with_index_and_remedy(folder):
    shuffled = [folder + FOLDERS[place] for place in (0, 1, 3, 2)]
    assert Evaluation(NAMES, LABELS, ROWS, shuffled)  # the classes are the same
    shuffled = [folder + FOLDERS[place] for place in (1, 2, 0, 3)]
    with pytest.raises(ValueError, match="`files` must be in the order of the images") as caught:
        Evaluation(NAMES, LABELS, ROWS, shuffled)
    message = str(caught.value)
    assert f"received files[0]={shuffled[0]!r}, but the label at index 0 is 'cat'" in message
    assert "(2 of 4 files" in message
    assert "`shuffle=False`" in message


def test_files_with_decomposed_letters_in_folder_of_another_class_raise():
    files = ["cafe\u0301/1.jpg", "bar/2.jpg"]
    rows = [[1, 0], [0, 1]]
    assert Evaluation(["caf\u00e9", "bar"], [0, 1], rows, files)
    with pytest.raises(ValueError, match="2 of 2 files"):
        Evaluation(["caf\u00e9", "bar"], [1, 0], rows, files)


def test_evaluation_matches_hand_computed_values():
    result = example()
    assert len(result) == 4
    assert result.predictions.tolist() == [0, 1, 0, 1]
    assert result.correct == 3
    assert result.accuracy == 0.75
    assert result.accuracy_interval == wilson_interval(3, 4)
    assert result.counts == {"cat": 1, "dog": 3}
    assert result.confusion_matrix.tolist() == [[1, 0], [1, 2]]
    assert result.losses == pytest.approx([-math.log(p) for p in (0.9, 0.6, 0.3, 0.8)])
    assert result.log_loss == pytest.approx(-math.log(0.9 * 0.6 * 0.3 * 0.8) / 4)
    # Each image is alone in its bin: |1 - 0.9|, |1 - 0.6|, |0 - 0.7|, |1 - 0.8|.
    assert result.calibration_error == pytest.approx((0.1 + 0.4 + 0.7 + 0.2) / 4)


def test_top_losses_returns_highest_loss_images_first():
    worst, second = example().top_losses(2)
    assert worst == ExampleLoss(2, "c.jpg", "dog", "cat", 0.7, pytest.approx(-math.log(0.3)))
    assert (second.index, second.file, second.true_class) == (1, "b.jpg", "dog")
    assert [record.index for record in example().top_losses(100)] == [2, 1, 3, 0]
    assert len(Evaluation(NAMES, [0] * 20, [[0.5, 0.5]] * 20).top_losses()) == 9


def test_top_losses_keeps_image_order_for_equal_losses():
    result = Evaluation(NAMES, [0] * 20, [[0.5, 0.5]] * 20)
    assert [record.index for record in result.top_losses(20)] == list(range(20))
    labels = [0, 1] * 300
    mixed = Evaluation(NAMES, labels, [[0.8, 0.2]] * 600).top_losses(600)
    assert [record.index for record in mixed] == [*range(1, 600, 2), *range(0, 600, 2)]
    assert result.top_losses(1)[0].file is None


def test_predictions_use_first_class_for_equal_probabilities():
    assert Evaluation(NAMES, [1], [[0.5, 0.5]]).predictions.tolist() == [0]


@pytest.mark.parametrize("edge", [0.3, 0.6, 0.7])
def test_probability_on_bin_edge_belongs_to_lower_bin(edge):
    """Otherwise it would share a bin with the second image, and the gaps would cancel."""
    rest = (1 - edge) / 3
    rows = [[edge, rest, rest, rest], [edge + 0.05, rest - 0.05, rest, rest]]
    result = Evaluation(list("abcd"), [0, 1], rows)
    assert result.calibration_error == pytest.approx((1 - edge + edge + 0.05) / 2)


def test_calibration_error_is_zero_when_accuracy_equals_confidence():
    rows = [[0.75, 0.25]] * 4
    assert Evaluation(NAMES, [0, 0, 0, 1], rows).calibration_error == pytest.approx(0)


def test_loss_is_finite_at_probability_0_and_zero_at_probability_1():
    result = Evaluation(NAMES, [1, 0], [[1.0, 0.0], [1.0, 0.0]])
    assert result.losses.tolist() == pytest.approx([36.0436533891, 0.0])
    assert math.isfinite(result.log_loss)


@given(evaluations())
def test_metrics_match_plain_loops(result):
    pairs = list(zip(result.labels.tolist(), result.probabilities.tolist(), strict=True))
    size = len(result.class_names)
    matrix = [[0] * size for _ in range(size)]
    bins = {}
    for label, row in pairs:
        predicted = row.index(max(row))
        matrix[label][predicted] += 1
        place = next(n for n in range(10) if n == 9 or max(row) <= np.linspace(0, 1, 11)[n + 1])
        bins.setdefault(place, []).append((predicted == label, max(row)))
    assert result.confusion_matrix.tolist() == matrix
    assert result.correct == sum(matrix[n][n] for n in range(size))
    assert result.log_loss == pytest.approx(
        sum(-math.log(row[label]) for label, row in pairs) / len(pairs)
    )
    error = sum(
        len(of_bin) * abs(np.mean([hit for hit, _ in of_bin]) - np.mean([p for _, p in of_bin]))
        for of_bin in bins.values()
    )
    assert result.calibration_error == pytest.approx(error / len(pairs), abs=1e-12)
    losses = [record.loss for record in result.top_losses(len(pairs))]
    assert losses == sorted(losses, reverse=True)
    assert np.mean(losses) == pytest.approx(result.log_loss)


def test_evaluation_copies_inputs_and_is_read_only():
    labels, rows = np.array(LABELS), np.array(ROWS)
    result = Evaluation(NAMES, labels, rows)
    labels[:] = 0
    rows[:] = 0.5
    assert result.accuracy == 0.75
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.labels = labels
    for array in (result.labels, result.probabilities):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert isinstance(result.class_names, tuple)


@given(evaluations())
def test_balanced_accuracy_f1_and_top_k_accuracy_match_scikit_learn(result):
    present = sorted({*result.labels.tolist(), *result.predictions.tolist()})
    with warnings.catch_warnings():  # scikit-learn warns of classes that occur only as predictions
        warnings.simplefilter("ignore")
        assert result.balanced_accuracy == pytest.approx(
            balanced_accuracy_score(result.labels, result.predictions)
        )
    f1 = f1_score(result.labels, result.predictions, labels=present, average="macro")
    assert result.f1 == pytest.approx(f1)
    assert result.top_k_accuracy(1) == result.accuracy
    assert result.top_k_accuracy(len(result.class_names)) == 1
    for k in range(1, len(result.class_names)):
        ranks = (
            result.probabilities > result.probabilities[range(len(result)), result.labels][:, None]
        ).sum(axis=1)
        assert result.top_k_accuracy(k) <= np.mean(ranks < k) + 1e-12
        if (
            k > 1
            and len(result.class_names) > 2
            and len(np.unique(result.probabilities)) == result.probabilities.size
        ):
            expected = top_k_accuracy_score(
                result.labels, result.probabilities, k=k, labels=range(len(result.class_names))
            )
            assert result.top_k_accuracy(k) == pytest.approx(expected)


def test_top_k_accuracy_breaks_ties_by_class_order():
    result = Evaluation(["cat", "dog", "fox"], [0, 1, 2], [[0.25, 0.375, 0.375]] * 3)
    assert [result.top_k_accuracy(k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert result.top_k_accuracy() == 1  # fewer than five classes
    assert result.top_k_accuracy_interval(2) == wilson_interval(2, 3)
    with pytest.raises(ValueError, match="`k` must be an integer of at least 1; received k=0"):
        result.top_k_accuracy(0)


def test_balanced_accuracy_leaves_out_classes_without_images():
    rows = [[0.9, 0.1, 0], [0.4, 0.6, 0], [0.7, 0.3, 0], [0.2, 0.2, 0.6]]
    result = Evaluation(["cat", "dog", "fox"], [0, 1, 1, 1], rows)
    assert result.balanced_accuracy == pytest.approx((1 + 1 / 3) / 2)
    assert Evaluation(["cat", "dog"], [0, 0], [[1, 0], [0, 1]]).balanced_accuracy_interval == (
        pytest.approx(wilson_interval(1, 2))
    )


@pytest.mark.parametrize(
    ("counts", "recalls", "least", "most"),
    [
        ([80, 20], [0.9, 0.7], 0.93, 0.97),
        ([5] * 10, [0.9] * 10, 0.93, 0.98),
        ([1] * 100, [0.5] * 100, 0.92, 0.96),
        ([2] * 100, [0.9] * 100, 0.93, 0.97),
        ([20] * 120, [0.9] * 120, 0.93, 0.97),
        ([500, 2], [0.95, 0.9], 0.96, 0.99),
        ([100, 30, 10, 5], [0.95, 0.9, 0.7, 0.5], 0.92, 0.96),
    ],
)
def test_balanced_accuracy_interval_covers_true_value(counts, recalls, least, most):
    random = np.random.default_rng(0)
    true = np.mean(recalls)
    covered = 0
    for correct in random.binomial(counts, recalls, (2000, len(counts))):
        shares = [int(k) / n for k, n in zip(correct, counts, strict=True)]
        low, high = mean_interval(shares, counts)
        assert 0 <= low <= sum(shares) / len(shares) <= high <= 1
        covered += low <= true <= high
    assert least <= covered / 2000 <= most


def test_balanced_accuracy_interval_is_that_of_the_recalls():
    labels = np.repeat([0, 1], [80, 20])
    predicted = np.where(np.arange(100) < 72, 0, 1)  # 8 cats wrong
    result = Evaluation(NAMES, labels, np.eye(2)[predicted])
    assert result.balanced_accuracy_interval == mean_interval([0.9, 1.0], [80, 20])
    # As wide as for an accuracy with the same variance.
    assert result.balanced_accuracy_interval == pytest.approx((0.881, 0.980), abs=1e-3)


@given(evaluations())
def test_to_dict_holds_metrics_as_json_values(result):
    metrics = result.to_dict()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    for name in (
        "accuracy",
        "balanced_accuracy",
        "f1",
        "log_loss",
        "calibration_error",
        "baseline",
    ):
        assert metrics[name] == getattr(result, name)
    assert metrics["images"] == len(result)
    assert metrics["confusion_matrix"] == result.confusion_matrix.tolist()
    assert metrics["baseline_p_value"] == result.baseline_comparison.p_value
    for found, scores, curve in zip(
        metrics["classes"], result.class_metrics, result.precision_recall_curves, strict=True
    ):
        assert (found["name"], found["images"]) == (scores.class_name, scores.num_images)
        for name, value in (
            ("precision", scores.precision),
            ("recall", scores.recall),
            ("f1", scores.f1),
            ("average_precision", curve.average_precision),
        ):
            assert found[name] == (None if math.isnan(value) else value)
            source = curve if name == "average_precision" else scores
            ends = list(getattr(source, f"{name}_interval"))
            assert found[f"{name}_interval"] == (None if math.isnan(value) else ends)


def test_html_shows_metrics_and_escapes_class_names():
    result = Evaluation(["<b>cat</b>", "dog\x1b[31m"], LABELS, ROWS)
    html = result._repr_html_()
    assert "<td>accuracy</td><td>0.750 (0.301 to 0.954)</td>" in html
    assert "<td>&lt;b&gt;cat&lt;/b&gt;</td><td>1</td><td>0.500 (0.095 to 0.905)</td>" in html
    assert "dog\\x1b[31m" in html
    assert "<b>" not in html


def test_html_shows_20_classes_with_lowest_f1():
    names = [f"class {n}" for n in range(30)]
    labels = np.repeat(np.arange(29), 2)  # the last class has no images
    predictions = labels.copy()
    predictions[[0, 56]] = 3
    html = Evaluation(names, labels, np.eye(30)[predictions])._repr_html_()
    assert "<caption>20 of 30 classes: those with the lowest F1</caption>" in html
    rows = html.split("<caption>")[2].split("<tr><td>")[1:]
    assert [row.partition("<")[0] for row in rows[:3]] == ["class 0", "class 3", "class 28"]
    assert len(rows) == 20
    assert "class 29" not in html


def test_to_frame_without_pandas_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        example().to_frame()


def test_str_and_repr_summarize_evaluation():
    low, high = wilson_interval(3, 4)
    ends = example().balanced_accuracy_interval
    assert str(example()).splitlines() == [
        f"accuracy           0.750, 3 of 4 images, 95% interval {low:.3f} to {high:.3f}",
        f"balanced accuracy  0.833, mean recall of the classes, 95% interval {ends[0]:.3f} to {ends[1]:.3f}",
        "baseline           0.750, always predicting dog; the model equals it (p = 1)",
        "log loss           0.511 nats",
        "calibration error  0.350 (10 bins)",
    ]
    assert repr(example()) == "Evaluation(4 images, 2 classes, accuracy=0.750)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((NAMES, [], np.zeros((0, 2))), ValueError, "`labels` must hold at least one image; received none."),
        ((NAMES, [0, 1], ROWS), ValueError, "`probabilities` must be of shape (images, classes), here (2, 2); received shape (4, 2)."),
        ((["cat"], [0] * 4, ROWS), ValueError, "`probabilities` must be of shape (images, classes), here (4, 1); received shape (4, 2)."),
        ((NAMES, [0], [[1.5, -0.5]]), ValueError, "`probabilities` must be rows from 0 to 1 that sum to 1; received values from -0.5 to 1.5, sums from 1 to 1."),
        ((NAMES, [0], [[0.5, 0.25]]), ValueError, "`probabilities` must be rows from 0 to 1 that sum to 1; received values from 0.25 to 0.5, sums from 0.75 to 0.75."),
        ((NAMES, [0], [[np.nan, 1.0]]), ValueError, "`probabilities` must be rows from 0 to 1 that sum to 1; received values from nan to nan, sums from nan to nan."),
        ((NAMES, [2], [[0.5, 0.5]]), ValueError, "`labels` must be class indices from 0 to 1, one for each class name; received labels=2."),
        (("ab", [0], [[0.5, 0.5]]), TypeError, "`class_names` must be a list of distinct class names; received class_names='ab'."),
        ((NAMES, LABELS, ROWS, ["a.jpg"]), ValueError, "`files` must hold one file per image, here 4; received 1. Pass the files of the split that is evaluated."),
        ((NAMES, [0], [[0.5, 0.5]], "a"), TypeError, "`files` must be a list with the file of each image, or None; received files='a'."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(arguments, error, message):
    with pytest.raises(error) as caught:
        Evaluation(*arguments)
    assert str(caught.value) == message


def test_top_losses_raises_when_k_is_zero():
    with pytest.raises(ValueError, match="at least 1") as caught:
        example().top_losses(0)
    assert str(caught.value) == "`k` must be an integer of at least 1; received k=0."


def test_bfloat16_probabilities_are_accepted():
    import ml_dtypes

    rows = np.array([[0.335, 0.331, 0.337]], ml_dtypes.bfloat16)
    assert Evaluation(list("abc"), [2], rows).predictions.tolist() == [2]


def test_records_of_classes_are_found_by_the_name_of_the_class():
    rows = [[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1]]
    evaluation = Evaluation(["cat", "dog", "fox"], [0, 1, 2, 2], rows)
    assert evaluation.class_metrics["fox"] is not None
    assert evaluation.class_metrics["fox"].recall == 0.5
    assert evaluation.class_metrics["fox"] == evaluation.class_metrics[2]
    assert evaluation.roc_curves["dog"].class_name == "dog"
    assert evaluation.precision_recall_curves["cat"].class_name == "cat"
    assert [each.class_name for each in evaluation.class_metrics[1:]] == ["dog", "fox"]
    with pytest.raises(KeyError, match=r"No class 'foxes' among .*Did you mean 'fox'"):
        evaluation.class_metrics["foxes"]
    two = Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(KeyError, match=r"No class 'cat' among \['dog'\]"):
        two.roc_curves["cat"]
