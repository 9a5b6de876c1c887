"""McNemar's test against SciPy, its interval against Newcombe and by coverage, and the words."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import binom, binomtest

from catdog_keras.evaluation import Comparison, Comparisons, Evaluation, compare, wilson_interval

NAMES = ["cats", "dogs"]
counts = st.integers(0, 60)


def answers(right, files=None, labels=None):
    """An evaluation with the answers given, right or wrong."""
    labels = np.arange(len(right)) % 2 if labels is None else np.asarray(labels)
    return Evaluation(NAMES, labels, np.eye(2)[np.where(right, labels, 1 - labels)], files)


def test_compare_returns_counts_accuracies_and_difference():
    result = compare(answers([1, 1, 1, 0, 0, 1]), answers([1, 0, 0, 1, 0, 1]))
    assert result == Comparison(("a", "b"), 2, first_only=2, second_only=1, neither_correct=1)
    assert result.num_images == 6
    assert result.accuracies == (4 / 6, 3 / 6)
    assert result.difference == 1 / 6


@given(counts, counts)
def test_p_value_matches_scipy_binomtest(first, second):
    ours = Comparison(NAMES, 5, first, second, 1).p_value
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert ours == pytest.approx(expected, rel=1e-12)


def test_p_value_is_accurate_for_large_counts():
    assert Comparison(NAMES, 0, 20_000, 20_000, 0).p_value == 1.0
    assert Comparison(NAMES, 0, 0, 40_000, 0).p_value == 0.0
    assert Comparison(NAMES, 0, 20_300, 20_000, 0).p_value == pytest.approx(
        binomtest(20_300, 40_300).pvalue, rel=1e-9
    )


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((53, 1, 0, 0), -0.0494, 0.0979),
        ((0, 30, 0, 0), 0.8395, 1.0000),
        ((54, 0, 0, 0), -0.0664, 0.0664),
    ],
)
def test_difference_interval_matches_published_values(cells, low, high):
    assert Comparison(NAMES, *cells).difference_interval == pytest.approx((low, high), abs=5e-4)


def test_difference_interval_matches_hand_computed_formula():
    """The formula, worked through: phi is corrected by half of the images."""
    (p_low, p_high), (q_low, q_high) = wilson_interval(86, 100), wilson_interval(84, 100)
    phi = (80 * 10 - 6 * 4 - 50) / math.sqrt(86 * 14 * 84 * 16)
    down, up = 0.86 - p_low, q_high - 0.84
    low = 0.02 - math.sqrt(down**2 - 2 * phi * down * up + up**2)
    down, up = 0.84 - q_low, p_high - 0.86
    high = 0.02 + math.sqrt(down**2 - 2 * phi * down * up + up**2)
    assert Comparison(NAMES, 80, 6, 4, 10).difference_interval == pytest.approx((low, high))


def test_significant_is_true_only_when_p_value_is_below_0_05():
    """10 and 22 of 32 have p = 0.0501, 9 and 23 have p = 0.0201."""
    assert not Comparison(NAMES, 0, 10, 22, 0).significant
    assert Comparison(NAMES, 0, 9, 23, 0).significant


@given(counts, counts, counts, counts)
def test_difference_interval_contains_difference_and_mirrors_on_swap(both, first, second, neither):
    if both + first + second + neither == 0:
        return
    result = Comparison(NAMES, both, first, second, neither)
    low, high = result.difference_interval
    assert -1 <= low <= result.difference <= high <= 1
    mirrored = Comparison(NAMES, both, second, first, neither)
    assert mirrored.difference_interval == pytest.approx((-high, -low))
    assert mirrored.p_value == result.p_value


@pytest.mark.parametrize(
    "odds", [(0.88, 0.06, 0.02, 0.04), (0.9, 0.03, 0.03, 0.04), (0.5, 0.2, 0.1, 0.2)]
)
def test_difference_interval_has_nominal_coverage(odds):
    truth = odds[1] - odds[2]
    covered = 0
    for cells in np.random.default_rng(0).multinomial(192, odds, size=4000).tolist():
        low, high = Comparison(NAMES, *cells).difference_interval
        covered += low <= truth <= high
    assert covered / 4000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("differing", [1, 5, 6, 17, 40, 101])
def test_false_positive_rate_of_equal_models_is_at_most_5_percent(differing):
    """Exactly: over all ways in which the images may fall to either of them."""
    alarms = sum(
        math.comb(differing, first)
        for first in range(differing + 1)
        if Comparison(NAMES, 0, first, differing - first, 0).significant
    )
    assert alarms / 2**differing <= 0.05
    assert alarms > 0 or differing < 6


def test_str_reports_significant_difference():
    result = Comparison(
        ("model4", "model1"), both_correct=140, first_only=42, second_only=4, neither_correct=6
    )
    low, high = result.difference_interval
    assert str(result).splitlines() == [
        f"Of 192 images model4 is correct on 182 (0.948), model1 on 144 (0.750): a difference of +19.8 points, 95% interval {100 * low:+.1f} to {100 * high:+.1f}.",
        "Exactly one of them is correct on 46 images, model4 on 42 and model1 on 4 (exact McNemar test, p = 5.1e-09).",
        "The difference is statistically significant: model4 is better on such images.",
    ]
    assert str(Comparison(("x", "y"), 1, 0, 10, 0)).endswith(": y is better on such images.")


def test_str_reports_non_significant_difference():
    text = str(Comparison(("a", "b"), 170, 9, 4, 9))
    assert text.startswith("Of 192 images a is correct on 179 (0.932), b on 174 (0.906): ")
    assert text.endswith("\nThe difference is not statistically significant.")


def test_comparisons_correct_p_values_by_holm():
    """The smallest of three is multiplied by 3, the next by 2; none is below the one before."""
    pairs = [
        Comparison(("x", "y"), 0, first, second, 0) for first, second in ((9, 0), (8, 1), (9, 2))
    ]
    raw = [pair.p_value for pair in pairs]
    assert raw == pytest.approx([2 / 512, 20 / 512, 134 / 2048])
    reordered = Comparisons((pairs[2], pairs[0], pairs[1]))
    assert reordered.p_values == pytest.approx((2 * raw[1], 3 * raw[0], 2 * raw[1]))
    assert reordered.significant == (False, True, False)
    assert Comparisons((pairs[1],)).p_values == (raw[1],)
    assert Comparisons((Comparison(NAMES, 5, 0, 0, 0),) * 3).p_values == (1.0, 1.0, 1.0)


def test_compare_of_three_evaluations_compares_each_pair():
    evaluations = [answers([1] * n + [0] * (60 - n)) for n in (40, 50, 51)]
    result = compare(*evaluations, names=["x", "y", "z"])
    assert [pair.names for pair in result.pairs] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert result.pairs[1] == compare(evaluations[0], evaluations[2], names=("x", "z"))
    low, high = (100 * end for end in result.pairs[0].difference_interval)
    lines = str(result).splitlines()
    assert lines[0] == (
        f"x - y: -16.7 points, 95% interval {low:+.1f} to {high:+.1f}; y is better (p = 0.0039)"
    )
    assert lines[2].endswith("; not significant (p = 1)")
    assert lines[3] == "Exact McNemar tests, p-values corrected by Holm's method for 3 comparisons."


def test_compare_takes_a_dict_of_evaluations_by_name():
    old, new, other = answers([1, 1, 0]), answers([1, 0, 0]), answers([0, 1, 1])
    assert compare({"old": old, "new": new}) == compare(old, new, names=("old", "new"))
    three = {"old": old, "new": new, "other": other}
    assert compare(three) == compare(old, new, other, names=tuple(three))
    with pytest.raises(
        ValueError, match=r"`a\['new'\]` must be .* of the same images as `a\['old'\]`"
    ):
        compare({"old": old, "new": answers([1, 0])})
    with pytest.raises(
        TypeError, match=r"`a\['new'\]` must be an Evaluation; received a\['new'\]=0.9"
    ):
        compare({"old": old, "new": 0.9})
    with pytest.raises(
        ValueError, match=r"`a` must be a dict of at least two evaluations; received"
    ):
        compare({"old": old})
    with pytest.raises(
        TypeError, match="`b` must be None if `a` is a dict of evaluations; received"
    ):
        compare({"old": old}, new)
    with pytest.raises(TypeError, match="`names` must be None if `a` is a dict of evaluations"):
        compare({"old": old, "new": new}, names=("a", "b"))
    with pytest.raises(TypeError, match="`b` must be an Evaluation; received b=None"):
        compare(old)


def test_compare_names_evaluations_by_letters():
    assert compare(answers([1, 0]), answers([1, 0])).names == ("a", "b")
    many = compare(*[answers([1, 0])] * 28)
    assert [pair.names[1] for pair in many.pairs[:27]] == [*"bcdefghijklmnopqrstuvwxyz", "aa", "ab"]


def test_compare_names_argument_of_evaluation_with_other_images():
    with pytest.raises(ValueError, match=r"`others\[1\]` must be an evaluation of the same images"):
        compare(answers([1, 0]), answers([1, 0]), answers([1, 1]), answers([1, 0, 1]))


def test_baseline_comparison_compares_model_with_majority_class():
    labels = [0] * 6 + [1] * 4
    result = answers([1, 1, 1, 1, 1, 0, 1, 1, 1, 0], labels=labels)
    assert result.baseline == 0.6
    versus = result.baseline_comparison
    assert versus == Comparison(
        ("the model", "always predicting cats"), 5, first_only=3, second_only=1, neither_correct=1
    )
    assert not versus.significant


def test_summary_reports_model_above_below_or_equal_to_baseline():
    def baseline_line(right, labels):
        return str(answers(right, labels=labels)).splitlines()[2]

    mostly_dogs = [0] * 10 + [1] * 30
    assert (
        baseline_line([1] * 40, mostly_dogs)
        == "baseline           0.750, always predicting dogs; the model is significantly above it (p = 0.002)"
    )
    assert (
        baseline_line([0] * 40, mostly_dogs)
        == "baseline           0.750, always predicting dogs; the model is significantly below it (p = 1.9e-09)"
    )
    assert baseline_line([1] * 31 + [0] * 9, mostly_dogs).endswith(
        "the model is above it, but not significantly (p = 1)"
    )
    assert baseline_line([1] * 29 + [0] * 11, mostly_dogs).endswith(
        "the model is below it, but not significantly (p = 1)"
    )
    assert (
        baseline_line([0] * 10 + [1] * 30, mostly_dogs)
        == "baseline           0.750, always predicting dogs; the model equals it (p = 1)"
    )


RIGHT = [1, 0, 1, 1]
A = answers(RIGHT, ["x/cats/1.jpg", "x/dogs/2.jpg", "x/cats/3.jpg", "x/dogs/4.jpg"])


def test_compare_accepts_same_files_in_other_folder_or_no_files():
    moved = answers(RIGHT, ["/y/cats/1.jpg", "/y/dogs/2.jpg", "/y/cats/3.jpg", "/y/dogs/4.jpg"])
    assert compare(A, moved).difference == 0
    assert compare(A, answers(RIGHT)).difference == 0


def in_folder(folder, names=("cats/1.jpg", "dogs/2.jpg", "cats/3.jpg", "dogs/4.jpg")):
    return answers(RIGHT, [f"{folder}/{name}" for name in names])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("test", "/home/me/data/test"),
        ("/data/val", "/mnt/validation"),
        ("test_images", "/mnt/test"),
        ("test/images", "/mnt/test/images"),
        ("./pets", "../../pets"),
        ("C:\\pets\\test", "/mnt/pets/test"),
        ("/data/cafe\u0301", "/data/caf\u00e9"),
        ("/data/train", "/data"),
        ("/data/pets_128/test", "/data/pets_256/test"),
        ("/home/dev/pets", "/home/test/pets"),
        ("fold1/test", "/runs/2/fold1/test"),
    ],
)
def test_compare_accepts_same_images_in_another_folder(first, second):
    assert compare(in_folder(first), in_folder(second)).difference == 0
    assert compare(in_folder(second), in_folder(first)).difference == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train", "test"),
        ("/data/train", "/data/validation"),
        ("/data/seg_train", "/mnt/seg_test/images"),
        ("train/images", "test/images"),
        ("/data/fold1", "/data/fold2"),
        ("/data/fold_1/images", "/data/fold_2/images"),
    ],
)
def test_compare_rejects_other_images_with_same_last_parts(first, second):
    a, b = in_folder(first), in_folder(second)
    with pytest.raises(ValueError, match=f"received file {b.files[0]!r} at index 0"):
        compare(a, b)


def test_compare_rejects_images_in_different_folders_at_one_index():
    a = answers(RIGHT, ["x/cats/1.jpg", "x/dogs/2.jpg", "x/cats/3.jpg", "x/dogs/4.jpg"])
    b = answers(RIGHT, ["y/cats/1.jpg", "y/dogs/2.jpg", "z/cats/3.jpg", "y/dogs/4.jpg"])
    with pytest.raises(ValueError, match=r"received file 'z/cats/3\.jpg' at index 2"):
        compare(a, b)
    flat = [answers(RIGHT, [f"{folder}/{n}.jpg" for n in range(4)]) for folder in "ab"]
    with pytest.raises(ValueError, match=r"received file 'b/0\.jpg' at index 0"):
        compare(*flat)


SAME = "`b` must be an evaluation of the same images as `a`, in the same order"


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((A, 0.9), {}, TypeError, "`b` must be an Evaluation; received b=0.9."),
        ((None, A), {}, TypeError, "`a` must be an Evaluation; received a=None."),
        ((A, answers(RIGHT[:3])), {}, ValueError, f"{SAME}, here 4; received 3."),
        ((A, Evaluation(["cats", "cows"], A.labels, A.probabilities)), {}, ValueError, f"{SAME}; received classes ['cats', 'cows'], those of `a` are ['cats', 'dogs']."),
        ((A, answers(RIGHT, labels=[0, 1, 1, 1])), {}, ValueError, f"{SAME}; received true class 'dogs' at index 2, where `a` has 'cats'."),
        ((A, answers(RIGHT, ["x/cats/1.jpg", "x/dogs/4.jpg", "x/cats/3.jpg", "x/dogs/2.jpg"])), {}, ValueError, f"{SAME}; received file 'x/dogs/4.jpg' at index 1, where `a` has 'x/dogs/2.jpg'."),
        ((A, A), {"names": "ab"}, TypeError, "`names` must be 2 different names; received names='ab'."),
        ((A, A), {"names": ["a", 1]}, TypeError, "`names` must be 2 different names; received names=['a', 1]."),
        ((A, A), {"names": ["a", "a"]}, ValueError, "`names` must be 2 different names; received names=['a', 'a']."),
    ],
)  # fmt: skip
def test_compare_raises_for_invalid_arguments(arguments, keywords, error, message):
    with pytest.raises(error) as caught:
        compare(*arguments, **keywords)
    assert str(caught.value) == message


@pytest.mark.parametrize("first", [4_900, 5_100, 20_000, 1_000_000])
@pytest.mark.parametrize("factor", [1.0, 1.01, 1.05])
def test_p_value_of_many_images_is_that_of_scipy(first, factor):
    second = round(first * factor)
    found = Comparison(("a", "b"), 0, first, second, 0).p_value
    expected = min(1.0, 2 * binom.cdf(first, first + second, 0.5))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-300)
