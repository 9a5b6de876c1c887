"""The synthetic data set: reproducible bytes, the public layout, and no shortcut to the class."""

import hashlib
import io
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from catdog_keras.datasets import synthetic
from catdog_keras.datasets.synthetic import _images as drawing, draw_image, write_synthetic

CLASS_NAMES = ("cat", "dog")
LARGEST_NUMBER = 1048575
TRAIN, VALIDATION = 80, 60

# How often `np.rot90` turns an image so that the edge becomes its lowest rows.
EDGES = {"bottom": 0, "left": 1, "top": 2, "right": 3}
EDGE_LINES = 64


@pytest.fixture(scope="module")
def written_set(tmp_path_factory):
    """Writes a small set: its folder, and the numbers that were passed to `progress`."""
    folder = tmp_path_factory.mktemp("written_set")
    steps = []
    write_synthetic(
        folder,
        train_per_class=TRAIN,
        validation_per_class=VALIDATION,
        progress=steps.append,
    )
    return folder, steps


@pytest.fixture(scope="module")
def files(written_set):
    """The files of the set, sorted; labels, 1 for dogs; whether each is a training file."""
    files = sorted(written_set[0].rglob("*.jpg"))
    labels = np.array([file.name.startswith("dog") for file in files]).astype(int)
    return files, labels, np.array(["train" in str(file) for file in files])


@pytest.fixture(scope="module")
def images(files):
    """Images of 32 x 32 pixels, float64; labels; whether each is a training image."""
    small = np.stack([np.asarray(Image.open(file).resize((32, 32))) for file in files[0]])
    return small.astype(np.float64), *files[1:]


@pytest.fixture(scope="module")
def edges(files):
    """The outermost lines of each image at full resolution, 48 pixels long, for each edge.

    The last line is the outermost one. Float64, shape `(files, EDGE_LINES, 48, 3)`.
    """
    lines = {edge: [] for edge in EDGES}
    for file in files[0]:
        pixels = np.asarray(Image.open(file))
        for edge, turns in EDGES.items():
            outermost = np.ascontiguousarray(np.rot90(pixels, turns)[-EDGE_LINES:])
            lines[edge].append(np.asarray(Image.fromarray(outermost).resize((48, EDGE_LINES))))
    return {edge: np.stack(found).astype(np.float64) for edge, found in lines.items()}


def best_linear_accuracy(features, labels, train):
    """Accuracy of the best of several ridge classifiers on the images that are not in `train`.

    Solves the dual problem, because an image has more values than there are images.
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


def test_draw_image_returns_same_bytes_in_another_process():
    script = (
        "from catdog_keras.datasets.synthetic import draw_image\n"
        "import hashlib\n"
        "for name in ('cat', 'dog'):\n"
        "    for number in (0, 41, 2003):\n"
        "        pixels = draw_image(name, number, seed=5).tobytes()\n"
        "        print(hashlib.sha256(pixels).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    here = [
        hashlib.sha256(draw_image(name, number, seed=5).tobytes()).hexdigest()
        for name in CLASS_NAMES
        for number in (0, 41, 2003)
    ]
    assert elsewhere.stdout.split() == here


def test_files_do_not_depend_on_count_or_number_of_threads(written_set, tmp_path, monkeypatch):
    write_image, threads = drawing._write_jpeg, set()

    def record_thread(job, seed):
        threads.add(threading.get_ident())
        write_image(job, seed)

    monkeypatch.setattr(drawing, "_write_jpeg", record_thread)
    for count in (1, 4):
        threads.clear()
        monkeypatch.setattr(drawing.os, "cpu_count", lambda count=count: count)
        folder = tmp_path / str(count)
        write_synthetic(folder, train_per_class=2, validation_per_class=1)
        assert (len(threads) > 1) == (count > 1)
        files = sorted(folder.rglob("*.jpg"))
        assert len(files) == 6
        for file in files:
            assert file.read_bytes() == (written_set[0] / file.relative_to(folder)).read_bytes()


def test_seed_class_and_number_each_change_image():
    drawings = [
        draw_image("cat", 3),
        draw_image("cat", 3, seed=1),
        draw_image("cat", 4),
        draw_image("dog", 3),
    ]
    assert len({drawing.tobytes() for drawing in drawings}) == len(drawings)


# --- layout


def test_layout_matches_public_archive(written_set):
    folder, steps = written_set
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


def test_validation_numbers_start_after_training_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_FIRST_VALIDATION_NUMBER", 1)
    write_synthetic(tmp_path, train_per_class=2, validation_per_class=1)
    names = [file.name for file in tmp_path.rglob("cat.*")]
    assert sorted(names) == ["cat.0.jpg", "cat.1.jpg", "cat.2.jpg"]


def test_count_equals_default_number_of_images(tmp_path, monkeypatch):
    written, steps = [], []
    monkeypatch.setattr(drawing, "_write_jpeg", lambda job, seed: written.append(job.path))
    write_synthetic(tmp_path, progress=steps.append)
    assert len(set(written)) == len(written) == sum(steps) == synthetic.COUNT == 700


def test_keyboard_interrupt_stops_write_synthetic(tmp_path):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path, train_per_class=200, validation_per_class=0, progress=interrupt)
    assert len(list(tmp_path.rglob("*.jpg"))) < 100


def test_empty_classes_have_folders(tmp_path):
    write_synthetic(tmp_path, train_per_class=0, validation_per_class=0)
    folders = sorted(str(path.relative_to(tmp_path).as_posix()) for path in tmp_path.rglob("*s"))
    assert folders == ["train/cats", "train/dogs", "validation/cats", "validation/dogs"]


def test_files_are_complete_jpeg_images_of_many_sizes(written_set):
    sizes = set()
    for file in sorted(written_set[0].rglob("*.jpg")):
        with Image.open(file) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            image.load()
            sizes.add(image.size)
    assert len(sizes) > 100
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)
    assert min(min(size) for size in sizes) >= 160
    assert max(max(size) for size in sizes) <= 350


def test_all_images_differ(images):
    small = images[0].astype(np.uint8)
    assert len({image.tobytes() for image in small}) == len(small)


def test_each_file_contains_image_of_its_class_number_and_seed(tmp_path):
    write_synthetic(tmp_path, train_per_class=3, validation_per_class=2, seed=7)
    for file in sorted(tmp_path.rglob("*.jpg")):
        class_name, number, _ = file.name.split(".")
        assert file.parent.name == f"{class_name}s"
        expected = io.BytesIO()
        draw_image(class_name, int(number), seed=7).save(expected, "JPEG", quality=90)
        assert file.read_bytes() == expected.getvalue()


# --- no shortcut to the class


def test_linear_classifier_does_not_separate_classes(images):
    assert best_linear_accuracy(*images) < 0.65


def test_linear_classifier_detects_label_in_one_pixel(images):
    features, labels, train = images
    marked = features.copy()
    marked[:, 0, 0, 0] = 255 * labels
    assert best_linear_accuracy(marked, labels, train) > 0.9


@pytest.mark.parametrize("edge", EDGES)
def test_edge_lines_do_not_separate_classes(files, edges, edge):
    _, labels, train = files
    for lines in (1, 4, 12):
        assert best_linear_accuracy(edges[edge][:, -lines:], labels, train) < 0.65


@pytest.mark.parametrize("edge", EDGES)
def test_linear_classifier_detects_label_in_edge_lines(files, edges, edge):
    _, labels, train = files
    marked = edges[edge].copy()
    marked[:, -1, 10:14] = 68 + 132 * labels[:, None, None]
    for lines in (1, 4, 12):
        assert best_linear_accuracy(marked[:, -lines:], labels, train) > 0.9


@pytest.mark.parametrize("edge", EDGES)
def test_images_have_no_band_along_edge(edges, edge):
    """A band that is painted over the image has a visible border and less texture inside."""
    steps = np.abs(np.diff(edges[edge], axis=1)).mean(axis=(0, 2, 3))
    interior = np.median(steps[:-16])
    assert steps.max() < 1.6 * interior
    assert steps.min() > 0.4 * interior


def test_classes_have_similar_mean_color(images):
    features, labels, _ = images
    colors = features.mean(axis=(1, 2))
    difference = colors[labels == 0].mean(axis=0) - colors[labels == 1].mean(axis=0)
    assert np.abs(difference).max() < 0.25 * colors.std(axis=0).min()


# --- arguments


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: draw_image("bird", 0),
            ValueError,
            "`class_name` must be one of 'cat', 'dog'; received class_name='bird'.",
        ),
        (
            lambda: draw_image("cat", 0.5),
            TypeError,
            "`number` must be an integer of at least 0; received number=0.5.",
        ),
        (
            lambda: draw_image("cat", LARGEST_NUMBER + 1),
            ValueError,
            "`number` must be an integer of at most 1048575; received number=1048576.",
        ),
        (
            lambda: draw_image("cat", 0, seed=-1),
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
    ],
)
def test_invalid_arguments_raise_before_anything_is_written(
    call, error, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message
    assert not list(tmp_path.iterdir())


def test_write_synthetic_raises_when_disk_is_full(tmp_path, full_disk):
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_synthetic(tmp_path, train_per_class=1, validation_per_class=0)
