"""Label issues: planted errors are found, ranked and described; invalid calls are rejected."""

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from catdog_keras.diagnostics import find_label_issues
from catdog_keras.diagnostics._confident_learning import ConfidentLabels


def make_features(images=150, classes=2, seed=0, distance=5.0):
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    return random.normal(size=(images, 8)) + distance * np.eye(classes, 8)[labels], labels


def places(issues):
    return [finding.indices[0] for finding in issues.findings]


@settings(max_examples=6)
@given(st.integers(0, 999), st.integers(2, 4), st.integers(0, 6))
@example(650, 4, 6)  # two of six: the fewest that were seen
def test_findings_in_separable_classes_are_planted_errors(seed, classes, count):
    features, truth = make_features(150, classes, seed, distance=12.0)
    planted = np.random.default_rng(seed).choice(150, count, replace=False)
    labels = truth.copy()
    labels[planted] = (labels[planted] + 1) % classes
    names = [f"class {n}" for n in range(classes)]
    issues = find_label_issues(features, labels, class_names=names, seed=seed)
    assert set(places(issues)) <= set(planted.tolist())
    assert count - 4 <= len(issues) <= count  # the number of errors is an estimate
    for finding in issues.findings:
        (index,) = finding.indices
        assert (finding.given, finding.likely) == (names[labels[index]], names[truth[index]])


def test_findings_are_ranked_by_score_and_name_files_and_classes():
    features, labels = make_features(distance=2.0)
    labels[[4, 9, 31]] = 1 - labels[[4, 9, 31]]
    files = [f"{n}.jpg" for n in range(150)]
    issues = find_label_issues(features, labels, class_names=["cat", "dog"], files=files)
    scores = [finding.score for finding in issues.findings]
    assert scores == sorted(scores, reverse=True)
    assert 0 < len(issues) <= issues.num_expected
    first = issues.findings[0]
    (index,) = first.indices
    assert first.kind == "label_issue"
    assert first.files == (files[index],)
    rows = issues.probabilities[index]
    assert first.score == pytest.approx(abs(rows[0] - rows[1]))
    assert f"Labeled {first.given} (probability {rows[labels[index]]:.2f})" in first.text
    assert f"predicts {first.likely} ({rows[1 - labels[index]]:.2f})" in first.text
    assert first.given in ("cat", "dog")


def test_second_training_leaves_out_suspicious_images():
    """With many errors, the heads of the first training are less certain than those of the second."""
    features, truth = make_features(400, distance=3.0)
    flipped = np.random.default_rng(1).random(400) < 0.2
    labels = np.where(flipped, 1 - truth, truth)
    issues = find_label_issues(features, labels)
    assert (issues.probabilities.argmax(1) == truth).mean() > 0.97
    given = issues.probabilities[np.arange(400), truth]
    assert given.mean() > 0.9  # 0.8 or less with heads that were trained on the errors


def test_given_probabilities_give_the_findings_of_the_source_definition():
    rows = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.95, 0.05], [0.45, 0.55]]
    labels = [0, 0, 1, 1, 1, 0]
    issues = find_label_issues(None, labels, probabilities=rows)
    # Thresholds: (0.9 + 0.8 + 0.45) / 3 = 0.717 and (0.9 + 0.8 + 0.05) / 3 = 0.583.
    assert issues.confident_joint.tolist() == [[2, 0], [1, 2]]
    assert issues.num_expected == 1  # a third of three images of class 1, none of class 0
    assert places(issues) == [4]
    assert (issues.findings[0].given, issues.findings[0].likely) == ("1", "0")
    assert str(issues).startswith("About 1 of 6 labels contradict the model.")
    assert "Labeled 1 (probability 0.05)" in str(issues)


@pytest.mark.parametrize("kind", ["equal", "random"])
def test_features_without_information_give_a_warning_and_no_findings(kind):
    labels = np.arange(60) % 2
    features = np.ones((60, 4))
    if kind == "random":
        features = np.random.default_rng(0).normal(size=(60, 4))
    with pytest.warns(UserWarning, match="better than by a guess.*Use features of a backbone"):
        issues = find_label_issues(features, labels)
    assert len(issues) == issues.num_expected == 0
    assert not issues.is_informative
    assert "better than by a guess" in str(issues)


@pytest.mark.parametrize(("images", "dimensions"), [(60, 16), (200, 8), (600, 16)])
def test_labels_at_random_give_no_findings(images, dimensions):
    """Heads without the labels that contradict the first heads agree with any labels."""
    random = np.random.default_rng(1)
    features = random.normal(size=(images, dimensions))
    labels = random.permutation(np.arange(images) % 2)
    with pytest.warns(UserWarning, match="better than by a guess"):
        issues = find_label_issues(features, labels)
    assert len(issues) == 0


def test_weak_features_give_findings_with_a_warning():
    random = np.random.default_rng(0)
    labels = np.arange(400) % 2
    features = random.normal(size=(400, 16)) + 0.9 * labels[:, None] * np.eye(16)[0]
    with pytest.warns(UserWarning, match=r"of 400 labels contradict the model\. Either so many"):
        issues = find_label_issues(features, labels)
    assert issues.is_informative
    assert issues.is_doubtful
    assert issues.num_expected > 100


@given(st.integers(0, 999), st.integers(2, 5))
def test_confident_joint_counts_each_confident_image_once(seed, classes):
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.ones(classes), 40)
    labels = random.integers(0, classes, 40)
    confident = ConfidentLabels.from_probabilities(rows, labels)
    assert confident.joint.sum() == np.count_nonzero(confident.likely >= 0)
    for index, likely in enumerate(confident.likely):
        reached = rows[index] >= confident.thresholds - 1e-9
        assert reached.any() == (likely >= 0)
        if likely >= 0:
            assert rows[index, likely] == rows[index][reached].max()
    assert 0 <= confident.estimate_errors(labels) <= 40


def test_same_seed_repeats_and_groups_change_the_probabilities():
    features, labels = make_features()
    first, again = (find_label_issues(features, labels, seed=3).probabilities for _ in range(2))
    np.testing.assert_array_equal(first, again)
    groups = [f"film {n // 3}" for n in range(150)]
    assert (find_label_issues(features, labels, groups=groups).probabilities != first).any()


def test_one_hot_labels_equal_indices():
    features, labels = make_features(60, 3)
    assert places(find_label_issues(features, np.eye(3)[labels])) == places(
        find_label_issues(features, labels)
    )


FEATURES, LABELS = make_features(40)
NAN = FEATURES.copy()
NAN[7, 2] = np.nan
ROWS = np.full((40, 2), 0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"labels": LABELS[:39]}, ValueError, "one label for each of the 40 images"),
        ({"labels": [0] * 9}, ValueError, "one label for each of the 40 images; received an array"),
        ({"labels": np.zeros(40, int)}, ValueError, "`labels` must be of at least two classes"),
        ({"labels": np.r_[np.zeros(37, int), 1, 1, 1]}, ValueError, "received 3 of '1'"),
        ({"labels": LABELS + 0.5}, ValueError, "`labels` must be class indices from 0"),
        ({"labels": LABELS - 1}, ValueError, "`labels` must be class indices from 0"),
        ({"labels": LABELS * 99}, ValueError, "with fewer classes than images"),
        ({"labels": []}, ValueError, "at least one image"),
        ({"labels": ["cat"] * 40}, TypeError, "strings such as 'cat'"),
        ({"class_names": ["cat", "dog", "fox"]}, ValueError, "received 0 of 'fox'"),
        ({"class_names": ["cat"]}, ValueError, "class indices from 0 to 0"),
        ({"features": NAN}, ValueError, "in 1 row, the first at index 7"),
        ({"features": FEATURES[:, 0]}, ValueError, "shape (40,)"),
        ({"features": FEATURES[:, :0]}, ValueError, "shape (40, 0)"),
        ({"features": None}, TypeError, "received neither"),
        ({"probabilities": ROWS}, TypeError, "received both"),
        ({"files": ["a.jpg"]}, ValueError, "`files` must be a list of 40 paths"),
        ({"files": "a.jpg"}, TypeError, "`files` must be a list"),
        ({"groups": [0] * 40}, ValueError, "`groups` must have at least 5 groups"),
        ({"groups": range(39)}, ValueError, "here 40; received 39"),
        ({"groups": [None, *range(39)]}, ValueError, "`groups[0]` must be the group of an image"),
        ({"groups": [*range(39), float("nan")]}, ValueError, "`groups[39]`"),
        ({"groups": "film"}, TypeError, "`groups` must be a list"),
        ({"groups": [[0]] * 40}, TypeError, "`groups[0]` must be a number or a name"),
        ({"folds": 1}, ValueError, "`folds` must be an integer of at least 2"),
        ({"folds": 21}, ValueError, "at least 21 images of each class"),
        ({"seed": -1}, ValueError, "`seed` must be an integer of at least 0"),
        ({"features": None, "probabilities": ROWS / 2}, ValueError, "sums from 0.5 to 0.5"),
        ({"features": None, "probabilities": ROWS[:9]}, ValueError, "here (40, 2)"),
        ({"features": None, "probabilities": ROWS * np.nan}, ValueError, "`probabilities` must be"),
    ],
)
def test_find_label_issues_rejects_invalid_arguments(arguments, error, message):
    with pytest.raises(error) as caught:
        find_label_issues(**{"features": FEATURES, "labels": LABELS, **arguments})
    assert message in str(caught.value)
