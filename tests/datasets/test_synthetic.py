"""The drawn data set: same bytes everywhere, identity in the pixels, nothing to cheat with."""

import hashlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catdog_keras.datasets import synthetic
from catdog_keras.datasets.synthetic import (
    PictureIdentity,
    draw_picture,
    read_identity,
    write_synthetic,
)
from catdog_keras.datasets.synthetic import identity as coding
from catdog_keras.datasets.synthetic import pictures as drawing

CLASS_NAMES = ("cat", "dog")
LARGEST_NUMBER = 1048575
TRAIN, VALIDATION = 200, 100

classes = st.sampled_from(CLASS_NAMES)
numbers = st.integers(0, LARGEST_NUMBER)
sides = st.integers(64, 300)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A small set on disk: its folder, and the numbers that its progress callable was given."""
    folder = tmp_path_factory.mktemp("drawn")
    steps = []
    write_synthetic(
        folder,
        train_per_class=TRAIN,
        validation_per_class=VALIDATION,
        progress=steps.append,
    )
    return folder, steps


@pytest.fixture(scope="module")
def pictures(drawn):
    """Pictures of 32 x 32, float64; labels, 1 for dogs; whether they are for training."""
    files = sorted(drawn[0].rglob("*.jpg"))
    small = np.stack([np.asarray(Image.open(file).resize((32, 32))) for file in files])
    labels = np.array([file.name.startswith("dog") for file in files]).astype(int)
    return small.astype(np.float64), labels, np.array(["train" in str(file) for file in files])


def identity_of(file):
    class_name, number, _ = file.name.split(".")
    return PictureIdentity(class_name, int(number))


def best_linear_accuracy(features, labels, train):
    """Accuracy on the pictures not in `train` of the best of several ridge classifiers.

    Solved in the dual, since a picture has more values than there are pictures.
    """
    flat = features.reshape(len(features), -1)
    flat = (flat - flat[train].mean(axis=0)) / flat[train].std()
    gram, signs = flat @ flat[train].T, np.where(labels == 1, 1.0, -1.0)
    accuracies = []
    for strength in 10.0 ** np.arange(-1, 6):
        ridge = gram[train] + strength * np.eye(train.sum())
        scores = gram[~train] @ np.linalg.solve(ridge, signs[train])
        accuracies.append(np.mean((scores > 0) == (labels[~train] == 1)))
    return max(accuracies)


# --- the same bytes everywhere


def test_pictures_are_the_same_bytes_in_another_process():
    script = (
        "import hashlib; from catdog_keras.datasets.synthetic import draw_picture\n"
        "for name in ('cat', 'dog'):\n"
        "    for number in (0, 41, 2003):\n"
        "        pixels = draw_picture(name, number, seed=5).tobytes()\n"
        "        print(hashlib.sha256(pixels).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    here = [
        hashlib.sha256(draw_picture(name, number, seed=5).tobytes()).hexdigest()
        for name in CLASS_NAMES
        for number in (0, 41, 2003)
    ]
    assert elsewhere.stdout.split() == here


def test_files_do_not_depend_on_the_count_or_on_the_threads(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing.os, "cpu_count", lambda: 1)
    write_synthetic(tmp_path, train_per_class=3, validation_per_class=2)
    files = sorted(tmp_path.rglob("*.jpg"))
    assert len(files) == 10
    for file in files:
        assert file.read_bytes() == (drawn[0] / file.relative_to(tmp_path)).read_bytes()


def test_seed_class_and_number_each_change_the_picture():
    drawings = [
        draw_picture("cat", 3),
        draw_picture("cat", 3, seed=1),
        draw_picture("cat", 4),
        draw_picture("dog", 3),
    ]
    assert len({drawing.tobytes() for drawing in drawings}) == len(drawings)


# --- layout


def test_layout_is_the_public_archives(drawn):
    folder, steps = drawn
    expected = {
        f"{split}/{name}s/{name}.{number}.jpg"
        for name in CLASS_NAMES
        for split, found in (
            ("train", range(TRAIN)),
            ("validation", range(2000, 2000 + VALIDATION)),
        )
        for number in found
    }
    written = {str(file.relative_to(folder).as_posix()) for file in folder.rglob("*.*")}
    assert written == expected
    assert steps == [1] * len(expected)


def test_validation_numbers_move_on_when_training_takes_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_FIRST_VALIDATION_NUMBER", 1)
    write_synthetic(tmp_path, train_per_class=2, validation_per_class=1)
    names = [file.name for file in tmp_path.rglob("cat.*")]
    assert sorted(names) == ["cat.0.jpg", "cat.1.jpg", "cat.2.jpg"]


def test_the_announced_count_is_what_is_written_by_default(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_write_picture", lambda job, seed: None)
    steps = []
    write_synthetic(tmp_path, progress=steps.append)
    assert sum(steps) == synthetic.COUNT == 1200


def test_an_empty_class_still_has_its_folder(tmp_path):
    write_synthetic(tmp_path, train_per_class=0, validation_per_class=0)
    folders = sorted(str(path.relative_to(tmp_path).as_posix()) for path in tmp_path.rglob("*s"))
    assert folders == ["train/cats", "train/dogs", "validation/cats", "validation/dogs"]


def test_files_are_whole_jpeg_pictures_of_many_sizes(drawn):
    sizes = set()
    for file in sorted(drawn[0].rglob("*.jpg")):
        with Image.open(file) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            image.load()
            sizes.add(image.size)
    assert len(sizes) > 100
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)
    assert min(min(size) for size in sizes) >= 160
    assert max(max(size) for size in sizes) <= 350


def test_every_picture_differs(pictures):
    small = pictures[0].astype(np.uint8)[:, :28]  # the strip, left out here, differs anyway
    assert len({picture.tobytes() for picture in small}) == len(small)


# --- identity in the pixels


@given(class_name=classes, number=numbers, seed=st.integers(0, 2**40), height=sides, width=sides)
def test_identity_survives_resizing(class_name, number, seed, height, width):
    pixels = np.asarray(draw_picture(class_name, number, seed), dtype=np.float32)
    resized = keras.ops.image.resize(pixels, (height, width), interpolation="bilinear")
    identity = PictureIdentity(class_name, number)
    assert read_identity(pixels) == identity
    assert read_identity(keras.ops.convert_to_numpy(resized)) == identity


@pytest.mark.parametrize("side", [None, 96, 160, 224])
def test_identity_of_every_file_is_its_name(drawn, side):
    for file in sorted(drawn[0].rglob("*.jpg")):
        with Image.open(file) as image:
            seen = image if side is None else image.resize((side, side), Image.Resampling.BILINEAR)
            assert read_identity(seen) == identity_of(file)


@given(class_name=classes, number=numbers, cell=st.integers(0, 23), step=st.integers(1, 3))
def test_one_wrong_cell_is_refused(class_name, number, cell, step):
    pixels = np.zeros((64, 240, 3), dtype=np.uint8)
    coding.paint_strip(pixels, PictureIdentity(class_name, number))
    levels = [68, 112, 156, 200]
    columns = slice(10 * cell, 10 * cell + 10)
    shown = levels.index(pixels[-1, columns.start, 0])
    pixels[-2:, columns] = levels[(shown + step) % 4]
    with pytest.raises(ValueError, match="carries no readable identity"):
        read_identity(pixels)


def test_other_pictures_are_refused():
    mirrored = np.asarray(draw_picture("cat", 1))[:, ::-1]
    cropped = np.asarray(draw_picture("cat", 1))[:-20]
    noise = np.random.default_rng(0).integers(0, 256, size=(100, 100, 3))
    for picture in (mirrored, cropped, noise, np.zeros((64, 64, 3)), np.full((64, 64, 3), 255.0)):
        with pytest.raises(ValueError, match="its lowest rows fail the checksum"):
            read_identity(picture)


# --- nothing to cheat with


def test_a_linear_classifier_does_not_tell_the_classes_apart(pictures):
    assert best_linear_accuracy(*pictures) < 0.65


def test_the_linear_classifier_would_find_a_label_in_the_pixels(pictures):
    features, labels, train = pictures
    marked = features.copy()
    marked[:, 0, 0, 0] = 255 * labels
    assert best_linear_accuracy(marked, labels, train) > 0.9


def strip_accuracy():
    """Best linear accuracy on the 24 cells of 2,000 strips."""
    cells = np.zeros((2000, 24, 3), dtype=np.uint8)
    labels = np.arange(2000) % 2
    for index, label in enumerate(labels):
        identity = PictureIdentity(CLASS_NAMES[label], index // 2)
        coding.paint_strip(cells[index : index + 1].reshape(1, 24, 3), identity)
    train = np.random.default_rng(0).random(2000) < 0.5
    return best_linear_accuracy(cells[:, :, 0].astype(np.float64), labels, train)


def test_the_strip_does_not_tell_the_class_linearly():
    assert strip_accuracy() < 0.57


def test_the_strip_would_tell_the_class_without_its_cipher(monkeypatch):
    monkeypatch.setattr(coding, "_encrypt", lambda code: code)
    assert strip_accuracy() > 0.65


def test_the_classes_have_the_same_mean_colour(pictures):
    features, labels, _ = pictures
    colours = features.mean(axis=(1, 2))
    difference = colours[labels == 0].mean(axis=0) - colours[labels == 1].mean(axis=0)
    assert np.abs(difference).max() < 0.25 * colours.std(axis=0).min()


# --- arguments


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: draw_picture("bird", 0),
            ValueError,
            "`class_name` must be one of 'cat', 'dog'; received class_name='bird'.",
        ),
        (
            lambda: draw_picture("cat", 0.5),
            TypeError,
            "`number` must be an integer of at least 0; received number=0.5.",
        ),
        (
            lambda: draw_picture("cat", LARGEST_NUMBER + 1),
            ValueError,
            "`number` must be an integer of at most 1048575; received number=1048576.",
        ),
        (
            lambda: draw_picture("cat", 0, seed=-1),
            ValueError,
            "`seed` must be an integer of at least 0; received seed=-1.",
        ),
        (
            lambda: write_synthetic("nowhere", train_per_class=-1),
            ValueError,
            "`train_per_class` must be an integer of at least 0; received train_per_class=-1.",
        ),
        (
            lambda: write_synthetic("nowhere", validation_per_class=True),
            TypeError,
            "`validation_per_class` must be an integer of at least 0; "
            "received validation_per_class=True.",
        ),
        (
            lambda: write_synthetic("nowhere", validation_per_class=LARGEST_NUMBER),
            ValueError,
            "`validation_per_class` must be an integer of at most 1046576; "
            "received validation_per_class=1048575.",
        ),
        (
            lambda: read_identity(np.zeros((160, 160))),
            ValueError,
            "`image` must be one picture of shape (height, width, 3), both sides at least 64; "
            "received an array of shape (160, 160).",
        ),
        (
            lambda: read_identity(np.zeros((160, 63, 3))),
            ValueError,
            "`image` must be one picture of shape (height, width, 3), both sides at least 64; "
            "received an array of shape (160, 63, 3).",
        ),
    ],
)
def test_wrong_arguments_are_named_before_any_work(call, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_an_error_and_no_short_picture(tmp_path, full_disk):
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_synthetic(tmp_path, train_per_class=1, validation_per_class=0)
