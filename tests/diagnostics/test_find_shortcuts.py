"""Properties that differ between the classes are flagged, and those that do not are not."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageOps

from catdog_keras.datasets.synthetic import draw_image
from catdog_keras.diagnostics import find_shortcuts
from catdog_keras.diagnostics._find_shortcuts import PROPERTIES, _three_digits
from catdog_keras.diagnostics._jpeg_quality import LOSSLESS, jpeg_quality
from catdog_keras.diagnostics._measure_images import measure_pixels
from catdog_keras.diagnostics._property_classifier import balanced_accuracy

COUNT = 60
LABELS = np.arange(COUNT) % 2


@pytest.fixture(scope="module")
def drawn():
    """Images of one kind, so that only the planted property differs between the labels."""
    return [draw_image("cat", number) for number in range(COUNT)]


def save(images, folder, change):
    """Saves the images with a quality of 90, those of label 1 with a change."""
    files = []
    for number, image in enumerate(images):
        path = folder / f"{number}.jpg"
        if LABELS[number]:
            image, path, options = change(image, path)
        else:
            options = {"quality": 90}
        image.save(path, **options)
        files.append(str(path))
    return files


def enlarge(image, path):
    small = image.resize((image.width // 2, image.height // 2))
    return small.resize(image.size, Image.Resampling.BICUBIC), path, {"quality": 90}


def add_exif(image, path):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    return image, path, {"quality": 90, "exif": exif}


def tint(image, path):
    red, green, blue = image.split()
    red = red.point(lambda level: min(255, level + 60))
    return Image.merge("RGB", (red, green, blue)), path, {"quality": 90}


PLANTED = {
    "border": lambda image, path: (ImageOps.expand(image, 6, "white"), path, {"quality": 90}),
    "detail": enlarge,
    "JPEG quality": lambda image, path: (image, path, {"quality": 60}),
    "format": lambda image, path: (image, path.with_suffix(".png"), {}),
    "EXIF": add_exif,
    "size": lambda image, path: (image.resize((70, 90)), path, {"quality": 90}),
    "aspect ratio": lambda image, path: (image.resize((40, 90)), path, {"quality": 90}),
    "brightness": lambda image, path: (image.point(lambda v: v // 3), path, {"quality": 90}),
    "color cast": tint,
    "file size": lambda image, path: (image, path, {"quality": 20}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_property_is_flagged(name, drawn, tmp_path):
    files = save(drawn, tmp_path, PLANTED[name])
    found = find_shortcuts(files, LABELS, class_names=["cats", "dogs"])
    flagged = {score.name for score in found.properties if score.flagged}
    assert name in flagged
    assert len(found.findings) == len(flagged)
    text = next(each.text for each in found.findings if each.text.startswith(f"The {name} alone"))
    assert "for cats" in text
    assert "for dogs" in text
    scores = [finding.score for finding in found.findings]
    assert scores == sorted(scores, reverse=True)
    assert {finding.kind for finding in found.findings} == {"shortcut"}


def test_images_that_are_saved_in_the_same_way_have_no_finding(drawn, tmp_path):
    files = save(drawn, tmp_path, lambda image, path: (image, path, {"quality": 90}))
    found = find_shortcuts(files, LABELS)
    assert found.findings == ()
    assert {score.name for score in found.properties} == set(PROPERTIES)
    assert found.num_images == COUNT
    assert find_shortcuts(files, LABELS) == found


def test_interval_contains_chance_for_unrelated_columns():
    """Cross-validated predictions vary more than independent ones, which would miss it 13%."""
    generator = np.random.default_rng(0)
    labels = np.arange(100) % 2
    missed = 0
    for seed in range(200):
        columns = np.floor(1.5 * generator.normal(0, 1, (100, 2)))
        _, (low, high) = balanced_accuracy(columns, labels, seed, 0.95)
        missed += not low <= 0.5 <= high
    assert missed <= 0.07 * 200


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    classes=st.integers(2, 4),
    distance=st.floats(5, 100),
    scale=st.sampled_from([1e-3, 1.0, 1e6]),
)
def test_balanced_accuracy_of_separated_classes_is_high_at_any_scale(
    seed, classes, distance, scale
):
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(240) % classes)
    columns = (generator.normal(0, 1, (240, 1)) + distance * labels[:, None]) * scale
    accuracy, (low, high) = balanced_accuracy(columns, labels, 0, 0.95)
    assert accuracy > 0.8
    assert low <= accuracy <= high


@given(st.lists(st.integers(0, 2), min_size=2, max_size=12).filter(lambda x: len(set(x)) > 1))
def test_balanced_accuracy_of_few_images_is_a_fraction(labels):
    _, indices = np.unique(labels, return_inverse=True)
    columns = np.arange(len(labels), dtype=float)[:, None]
    accuracy, (low, high) = balanced_accuracy(columns, indices, 0, 0.995)
    assert 0 <= low <= accuracy <= high <= 1


def test_rare_class_counts_as_much_as_frequent_class():
    labels = np.repeat([0, 1], [190, 10])
    accuracy, _ = balanced_accuracy(np.zeros((200, 1)), labels, 0, 0.95)
    assert accuracy == 0.5


@pytest.mark.parametrize("quality", [1, 30, 49, 50, 60, 75, 95])
def test_jpeg_quality_is_that_of_libjpeg(quality, tmp_path):
    path = tmp_path / "image.jpg"
    draw_image("dog", 0).save(path, quality=quality)
    with Image.open(path) as image:
        assert jpeg_quality(image) == quality
    assert jpeg_quality(draw_image("dog", 0)) == LOSSLESS


@given(depths=st.tuples(*[st.integers(0, 9)] * 4), level=st.integers(0, 255))
def test_margins_are_depths_of_border(depths, level):
    top, bottom, left, right = depths
    inner = np.random.default_rng(0).integers(0, 256, (60, 70), np.uint8)
    pixels = np.pad(inner, ((top, bottom), (left, right)), constant_values=level)
    assert measure_pixels(pixels, None).margins == depths


def test_detail_falls_where_image_was_enlarged():
    image = draw_image("dog", 3)
    fine, middle, _ = measure_pixels(np.asarray(image), None).detail
    enlarged = image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
    finer, fine_again, _ = measure_pixels(np.asarray(enlarged), None).detail
    assert finer / fine_again < 0.5 * fine / middle


@pytest.mark.parametrize("shape", [(1, 1), (1, 9, 3), (5, 1), (2, 3, 1)])
def test_tiny_images_are_measured(shape):
    found = measure_pixels(np.full(shape, 7, np.uint8), None)
    assert (found.height, found.width) == shape[:2]
    assert (found.brightness, found.contrast, found.sharpness) == (7, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([], []), ValueError, ["`files`", "none"]),
        (("a.jpg", [0]), TypeError, ["`files`", "a.jpg"]),
        ((["a.jpg", "b.jpg"], [0]), ValueError, ["`labels`", "2 images", "(1,)"]),
        ((["a.jpg", "b.jpg"], [1, 1]), ValueError, ["`labels`", "two classes"]),
        ((["a.jpg", 3], [0, 1]), TypeError, ["`files[1]`", "3"]),
        ((["a.jpg", "b.jpg"], [0, 1]), ValueError, ["`files[0]`", "a.jpg", "No such file"]),
    ],
)
def test_invalid_argument_raises(arguments, error, words):
    with pytest.raises(error) as raised:
        find_shortcuts(*arguments)
    assert all(word in str(raised.value) for word in words)


def test_invalid_seed_and_class_names_raise():
    with pytest.raises(ValueError, match="`seed`"):
        find_shortcuts(["a", "b"], [0, 1], seed=-1)
    with pytest.raises(ValueError, match=r"`labels` must be class indices from 0 to 1"):
        find_shortcuts(["a", "b"], [0, 2], class_names=["cat", "dog"])


def test_one_hot_labels_and_odd_class_names_are_accepted(drawn, tmp_path):
    files = save(drawn, tmp_path, PLANTED["brightness"])
    names = ["cats\n", "dogs"]
    found = find_shortcuts(files, np.eye(2)[LABELS], class_names=names)
    plain = find_shortcuts(files, LABELS, class_names=names)
    assert (found.findings, found.properties) == (plain.findings, plain.properties)
    assert r"for cats\n" in found.findings[0].text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (21_049.0, "21,000"),
        (38_100.0, "38,100"),
        (1_234_567.0, "1,230,000"),
        (3.0, "3"),
        (0.90625, "0.906"),
        (-0.1464, "-0.146"),
        (1e-5, "0.00001"),
        (0.0, "0"),
    ],
)
def test_medians_are_printed_without_exponent(value, shown):
    assert _three_digits(value) == shown
