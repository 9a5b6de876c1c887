"""Unusual images are found by features and by pixels, and typical ones are not."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image, ImageFilter

from catdog_keras.datasets.synthetic import draw_image
from catdog_keras.diagnostics import find_outliers

DRAWN = [draw_image("cat" if number % 2 else "dog", number) for number in range(6)]


def clusters(generator, per_class=40, spread=0.5):
    """Two classes of features around different centers."""
    centers = np.repeat(np.eye(2, 16) * 5, per_class, axis=0)
    return generator.normal(centers, spread), np.repeat([0, 1], per_class)


@given(
    seed=st.integers(0, 2**32),
    places=st.sets(st.integers(0, 79), min_size=1, max_size=3),
    scale=st.floats(0.5, 100),
)
def test_planted_outliers_have_highest_deviations_at_any_scale(seed, places, scale):
    generator = np.random.default_rng(seed)
    features, labels = clusters(generator)
    for number, place in enumerate(sorted(places)):  # far from both classes and from each other
        features[place] = 40 * np.eye(16)[5 + number]
    found = find_outliers(features * scale, labels)
    assert set(np.argsort(found.deviations)[-len(places) :]) == places
    assert places <= {outlier.index for outlier in found.outliers}


def test_image_of_another_class_is_an_outlier():
    features, labels = clusters(np.random.default_rng(0))
    labels[3] = 1
    found = find_outliers(features, labels, class_names=["cats", "dogs"])
    assert found.outliers[0].index == 3
    finding = found.findings[0]
    assert (finding.kind, finding.indices, finding.files) == ("outlier", (3,), ())
    assert "unlike the other images of dogs" in finding.text
    assert finding.score == found.deviations[3] / 3.5
    one_hot = find_outliers(features, np.eye(2)[labels], class_names=["cats", "dogs"])
    assert one_hot.findings == found.findings


def test_few_typical_images_are_flagged():
    counts = []
    for seed in range(20):
        features, labels = clusters(np.random.default_rng(seed), per_class=200)
        counts.append(len(find_outliers(features, labels).findings))
    assert np.mean(counts) < 0.01 * 400


def test_equal_features_and_small_classes_have_no_outliers():
    assert find_outliers(np.ones((30, 4)), np.zeros(30)).findings == ()
    features, labels = clusters(np.random.default_rng(0), per_class=19)
    features[0] *= -9
    found = find_outliers(features, labels)
    assert found.findings == ()
    assert set(found.deviations) == {0.0}


DEFECTS = {
    "dark": lambda image: image.point(lambda level: level // 6),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(max(image.size) / 40)),
    "uniform": lambda image: image.point(lambda level: 120 + level // 32),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defect_of_pixels_is_found(defect, tmp_path):
    images = [*DRAWN, DEFECTS[defect](DRAWN[1])]
    paths = []
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number}.png")
        paths.append(str(tmp_path / f"{number}.png"))
    features = np.random.default_rng(0).normal(0, 1, (7, 4))
    labels = np.zeros(7, int)
    found = find_outliers(features, labels, files=paths)
    assert [(outlier.index, outlier.reasons) for outlier in found.outliers] == [(6, (defect,))]
    assert found.findings[0].files == (paths[6],)
    assert 1 <= found.outliers[0].score <= 100
    arrays = [np.asarray(image) for image in images]
    assert find_outliers(features, labels, images=arrays).outliers == found.outliers
    assert find_outliers(features, labels).outliers == ()


def test_black_image_has_two_reasons_in_one_finding():
    images = [*map(np.asarray, DRAWN), np.zeros((50, 60, 3), np.uint8)]
    found = find_outliers(np.ones((7, 2)), [0] * 7, images=images)
    assert [outlier.reasons for outlier in found.outliers] == [("dark", "uniform")]
    assert found.findings[0].score == found.outliers[0].score == 80


def test_noise_image_is_not_blurred():
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    smooth = Image.fromarray(noise[:4, :4]).resize((200, 200), Image.Resampling.BICUBIC)
    images = [noise, np.asarray(smooth)]
    found = find_outliers(np.ones((2, 2)), [0, 1], images=images)
    assert [(each.index, each.reasons) for each in found.outliers] == [(1, ("blurred",))]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"features": np.full((8, 2), np.inf)}, ValueError, ["`features`", "infinity", "8 rows"]),
        ({"features": np.full((8, 2), -1e38)}, ValueError, ["`features`", "1e+15", "1e+38"]),
        ({"features": np.ones((0, 2))}, ValueError, ["`features`", "(0, 2)"]),
        ({"features": np.ones((8, 2, 2, 3))}, ValueError, ["`features`", "Pool"]),
        ({"labels": [0, 1]}, ValueError, ["`labels`", "8 images", "(2,)"]),
        ({"labels": ["cat"] * 8}, TypeError, ["`labels`", "names.index"]),
        ({"labels": [0.5] * 8}, ValueError, ["`labels`", "integers", "0.5"]),
        ({"labels": [-1] * 8}, ValueError, ["`labels`", "-1"]),
        ({"labels": np.eye(8) / 2}, ValueError, ["`labels`", "one-hot", "0.5"]),
        ({"class_names": ["cat"], "labels": [1] * 8}, ValueError, ["`labels`", "class name"]),
        ({"files": ["a.jpg"]}, ValueError, ["`files`", "8", "1 path"]),
        ({"images": [np.ones((2, 2), np.uint8)]}, ValueError, ["`images`", "8", "1 image"]),
    ],
)
def test_invalid_argument_raises(changes, error, words):
    arguments = {"features": np.ones((8, 2)), "labels": [0] * 8, **changes}
    with pytest.raises(error) as raised:
        find_outliers(**arguments)
    assert all(word in str(raised.value) for word in words)
