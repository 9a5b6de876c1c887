"""What users hold in hand: splits that never share a file, labels that fit, orders that stay."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import catdog_keras
from catdog_keras import (
    evaluate_classifier,
    load_cats_dogs,
    load_image_folder,
    load_images,
    plot_images,
)
from catdog_keras.datasets import _image_splits, _source as source, synthetic

TINY = {"image_size": (4, 4), "batch_size": 4}


def _read_epoch(dataset, read_code):
    """One pass: the (label in the image, number in the image, label given) of each image."""
    seen = []
    for images, labels in dataset:
        seen += [
            (*read_code(image), int(label)) for image, label in zip(images, labels, strict=True)
        ]
    return seen


def _decode(files, image_size):
    """Decodes and resizes files with Pillow and Keras, independently of the loader.

    Fails if two of the images are so similar that `_match` could confuse them.
    """
    images = [np.asarray(Image.open(file).convert("RGB"), np.float32) for file in files]
    images = np.stack([keras.ops.image.resize(image, image_size) for image in images])
    for index, image in enumerate(images[:-1]):
        assert np.abs(images[index + 1 :] - image).mean(axis=(1, 2, 3)).min() > 10
    return images


def _match(image, files, decoded):
    """Returns the one file whose decoded image equals `image` up to rounding in the decoder."""
    differences = np.abs(decoded - image)
    nearest = differences.mean(axis=(1, 2, 3)).argmin()
    assert differences[nearest].max() < 10
    assert differences[nearest].mean() < 2
    return files[nearest]


def _numbers(files):
    return [int(re.search(r"image\.(\d+)", file)[1]) for file in files]


def test_batches_have_documented_shape_dtype_and_range(cats_dogs):
    splits = load_cats_dogs(cats_dogs, image_size=(6, 5), batch_size=8)
    for dataset in splits:
        images, labels = next(iter(dataset))
        assert images.shape == (8, 6, 5, 3)
        assert images.dtype.name == "float32"
        assert images.numpy().min() >= 0
        assert images.numpy().max() > 1
        assert labels.shape == (8,)
        assert labels.dtype.name == "int32"
    assert splits.train.cardinality() == 8  # 60 images in batches of 8


def test_splits_are_disjoint_and_complete_in_every_epoch(cats_dogs, read_code):
    splits = load_cats_dogs(cats_dogs, **TINY)
    expected = {split: set(_numbers(splits.files[split])) for split in splits.files}
    for _ in range(3):
        seen = {
            split: {number for _, number, _ in _read_epoch(dataset, read_code)}
            for split, dataset in zip(expected, splits, strict=True)
        }
        assert seen == expected
    everything = [number for numbers in expected.values() for number in numbers]
    assert sorted(everything) == list(range(100))


def test_each_image_has_its_own_label(cats_dogs, read_code):
    for dataset in load_cats_dogs(cats_dogs, **TINY):
        assert all(coded == given for coded, _, given in _read_epoch(dataset, read_code))


@pytest.mark.parametrize("cache", [False, True, "decoded"])
def test_validation_and_test_keep_file_order(cats_dogs, read_code, cache, monkeypatch):
    monkeypatch.chdir(cats_dogs.parent)
    splits = load_cats_dogs(cats_dogs, **TINY, cache=cache)
    for split in ("validation", "test"):
        for _ in range(2):
            seen = _read_epoch(getattr(splits, split), read_code)
            assert [number for _, number, _ in seen] == _numbers(splits.files[split])
            assert [label for _, _, label in seen] == splits.labels[split].tolist()


@pytest.mark.parametrize("cache", [False, True, "decoded"])
def test_training_order_depends_on_seed_and_epoch(cats_dogs, read_code, cache, monkeypatch):
    monkeypatch.chdir(cats_dogs.parent)

    def orders(seed):
        train = load_cats_dogs(cats_dogs, **TINY, seed=seed, cache=cache).train
        return [tuple(number for _, number, _ in _read_epoch(train, read_code)) for _ in range(2)]

    first = orders(seed=1)
    assert len(set(first)) == 2
    keras.utils.set_random_seed(99)  # the process's own seed must not matter
    assert orders(seed=1) == first
    if not cache:
        assert orders(seed=2) != first


def test_training_keeps_file_order_when_shuffle_is_false(cats_dogs, read_code):
    splits = load_cats_dogs(cats_dogs, **TINY, shuffle=False)
    for _ in range(2):
        numbers = [number for _, number, _ in _read_epoch(splits.train, read_code)]
        assert numbers == _numbers(splits.files["train"])


def test_only_datasets_that_keep_their_order_know_their_files(cats_dogs):
    splits = load_cats_dogs(cats_dogs, **TINY)
    assert not hasattr(splits.train, "files_in_order")
    assert not hasattr(splits.test.map(lambda images, labels: (images, labels)), "files_in_order")
    known = [load_cats_dogs(cats_dogs, **TINY, shuffle=False).train, splits.validation, splits.test]
    for dataset, split in zip(known, splits.files, strict=True):
        assert dataset.files_in_order == splits.files[split]
    assert load_images(cats_dogs).dataset.files_in_order == load_images(cats_dogs).files


def test_evaluation_of_a_split_has_its_files(cats_dogs):
    splits = load_cats_dogs(cats_dogs, **TINY)
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    assert evaluate_classifier(model, splits.test).files == splits.files["test"]
    assert evaluate_classifier(model, splits.test, files=splits.files["test"][::-1][::-1]).files
    assert evaluate_classifier(model, splits.train).files is None
    assert evaluate_classifier(model, splits.test.take(1), class_names=["a", "b"]).files is None


def test_counts_and_labels_match_files(cats_dogs):
    splits = load_cats_dogs(cats_dogs, **TINY)
    for split, files in splits.files.items():
        in_name = [int("/dogs/" in file) for file in files]
        assert splits.labels[split].tolist() == in_name
        assert list(splits.counts[split].values()) == np.bincount(in_name, minlength=2).tolist()
        assert all(Path(file).is_absolute() and Path(file).exists() for file in files)


def test_split_is_same_in_another_process(cats_dogs):
    program = """
import sys
from catdog_keras.datasets._image_index import index_image_folder
from catdog_keras.datasets._split_methods import take_skip
assert "tensorflow" not in sys.modules
index = index_image_folder(sys.argv[1])
listing = index.parts["validation"].below(index.root)
_, test = take_skip(listing.labels, batch_size=4, seed=0)
print("|".join(listing.files[position] for position in test))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, str(cats_dogs)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    files = load_cats_dogs(cats_dogs, **TINY).files["test"]
    assert ran.stdout.strip() == "|".join(files)


def test_split_does_not_depend_on_file_order_on_disk(cats_dogs, tmp_path):
    other = tmp_path / "other"
    for path in sorted(cats_dogs.rglob("*.png"), reverse=True):
        target = other / path.relative_to(cats_dogs)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    first, second = (load_cats_dogs(root, **TINY).files["test"] for root in (cats_dogs, other))
    assert _numbers(first) == _numbers(second)


def test_zip_archive_and_folder_have_same_splits(cats_dogs, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    archive = shutil.make_archive(str(tmp_path / "images"), "zip", cats_dogs.parent, "images")
    assert zipfile.is_zipfile(archive)
    unpacked, folder = (load_cats_dogs(at, **TINY).files for at in (archive, cats_dogs))
    assert [_numbers(unpacked[s]) for s in unpacked] == [_numbers(folder[s]) for s in folder]


def test_train_batches_match_keras_image_dataset_from_directory(tmp_path):
    noise = np.random.default_rng(0)
    for split in ("train", "validation"):
        for name in ("cats", "dogs"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(6):
                pixels = noise.integers(0, 256, (20, 30, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.{'jpg' if number % 2 else 'png'}")
    ours = load_cats_dogs(tmp_path, image_size=(16, 16), batch_size=2, shuffle=False)
    keras_own = keras.utils.image_dataset_from_directory(
        tmp_path / "train", image_size=(16, 16), batch_size=2, shuffle=False, verbose=False
    )
    assert list(keras_own.file_paths) == list(ours.files["train"])
    for (images, labels), (expected, expected_labels) in zip(ours.train, keras_own, strict=True):
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, expected_labels)


def test_test_folder_is_used_as_test_split(tmp_path, make_folder):
    counts = {f"{split}/{name}": 5 for split in ("train", "val", "test") for name in "ab"}
    splits = load_image_folder(make_folder(tmp_path, counts), **TINY)
    assert {split: len(files) for split, files in splits.files.items()} == {
        "train": 10,
        "validation": 10,
        "test": 10,
    }
    assert all("/test/" in file for file in splits.files["test"])


def _add_bad_images(root, count=1):
    cats = root / "train" / "cats"
    for number in range(count):
        (cats / f"broken.{number}.jpg").write_bytes(b"no image")
    return str(cats / "broken.0.jpg")


def test_bad_images_are_skipped_and_listed_in_warning(cats_dogs, read_code):
    broken = _add_bad_images(cats_dogs)
    with pytest.warns(UserWarning, match="1 of 101 files could not be read as images") as caught:
        splits = load_cats_dogs(cats_dogs, **TINY, max_bad_fraction=0.02)
    assert str(caught[0].message).endswith(
        f"{broken}: not an image in any known format\nThey are skipped."
    )
    assert caught[0].filename == __file__
    assert [image.path for image in splits.scan.bad] == [broken]
    assert len(_read_epoch(splits.train, read_code)) == 60
    assert Path(broken).exists()


def test_too_many_bad_images_raise(cats_dogs):
    _add_bad_images(cats_dogs, count=7)
    with pytest.raises(ValueError, match="7 of 107 files could not be read as images") as caught:
        load_cats_dogs(cats_dogs, **TINY, max_bad_fraction=0.06)
    assert "and 2 more\nThat is more than max_bad_fraction=0.06. Fix or remove" in str(caught.value)
    with pytest.warns(UserWarning, match=r"and 2 more\nThey are skipped\. .* lists all of them\."):
        load_cats_dogs(cats_dogs, **TINY)


def test_bad_image_raises_when_on_bad_is_raise(cats_dogs):
    _add_bad_images(cats_dogs)
    with pytest.raises(ValueError, match=r'Fix or remove them, or use on_bad="skip"\.'):
        load_cats_dogs(cats_dogs, **TINY, on_bad="raise", max_bad_fraction=1)


def test_exif_rotated_image_is_decoded_upright(cats_dogs):
    nonstandard = cats_dogs / "train" / "cats" / "a_turned.png"
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 3
    image.save(nonstandard, exif=exif)
    splits = load_cats_dogs(cats_dogs, **TINY, shuffle=False)
    assert splits.files["train"][0] == str(nonstandard)
    images, _ = next(iter(splits.train))
    np.testing.assert_array_equal(images[0], pixels[::-1])


def test_train_has_one_partial_batch_when_batch_size_exceeds_images(cats_dogs):
    splits = load_cats_dogs(cats_dogs, image_size=(8, 8), batch_size=61, split="stratified")
    assert [len(labels) for _, labels in splits.train] == [60]


INVALID = [
    ({"image_size": 16.0}, TypeError, "`image_size` must be an integer of at least 1, or a pair (height, width) of them; received image_size=16.0."),
    ({"image_size": True}, TypeError, "`image_size` must be an integer of at least 1, or a pair (height, width) of them; received image_size=True."),
    ({"image_size": 0}, ValueError, "`image_size` must be an integer from 1 to 10000, or a pair (height, width) of them; received image_size=0."),
    ({"label_mode": None}, TypeError, "`label_mode` must be one of 'int', 'categorical', 'binary'; received label_mode=None. `load_images` without class names loads images without labels."),
    ({"color_mode": "bgr"}, ValueError, "`color_mode` must be one of 'rgb', 'grayscale', 'rgba'; received color_mode='bgr'."),
    ({"interpolation": "cubic"}, ValueError, "`interpolation` must be one of 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic'; received interpolation='cubic'."),
    ({"crop_to_aspect_ratio": 1}, TypeError, "`crop_to_aspect_ratio` must be True or False; received crop_to_aspect_ratio=1."),
    ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ValueError, "`pad_to_aspect_ratio` must be False if `crop_to_aspect_ratio` is True; received pad_to_aspect_ratio=True."),
    ({"image_size": (0, 160)}, ValueError, "`image_size` must be a pair (height, width) of integers of at least 1; received image_size=(0, 160)."),
    ({"batch_size": 0}, ValueError, "`batch_size` must be an integer of at least 1; received batch_size=0."),
    ({"batch_size": 2.5}, TypeError, "`batch_size` must be an integer of at least 1; received batch_size=2.5."),
    ({"shuffle": 1}, TypeError, "`shuffle` must be True or False; received shuffle=1."),
    ({"seed": -1}, ValueError, "`seed` must be an integer of at least 0; received seed=-1."),
    ({"seed": None}, TypeError, "`seed` must be an integer of at least 0; received seed=None."),
    ({"split": "random"}, ValueError, "`split` must be one of 'take_skip', 'stratified'; received split='random'. Both draw at random, by `seed`; 'stratified' draws from each class separately."),
    ({"cache": 1}, TypeError, "`cache` must be True, False or the path of a folder; received cache=1."),
    ({"cache": ""}, ValueError, "`cache` must be True, False or the path of a folder, not empty and without NUL; received cache=''."),
    ({"cache": "a\0b"}, ValueError, "`cache` must be True, False or the path of a folder, not empty and without NUL; received cache='a\\x00b'."),
    ({"split": 5}, TypeError, "`split` must be one of 'take_skip', 'stratified'; received split=5."),
    ({"on_bad": "delete"}, ValueError, "`on_bad` must be one of 'skip', 'raise'; received on_bad='delete'."),
    ({"max_bad_fraction": 1.5}, ValueError, "`max_bad_fraction` must be a number from 0 to 1; received max_bad_fraction=1.5."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), INVALID)
@pytest.mark.parametrize("load", [load_cats_dogs, load_image_folder])
def test_invalid_argument_raises_before_folder_is_read(load, arguments, error, message, tmp_path):
    with pytest.raises(error) as caught:
        load(tmp_path / "nowhere", **{"batch_size": 4, "image_size": (4, 4), **arguments})
    assert str(caught.value) == message


def test_invalid_source_raises(tmp_path, make_folder):
    with pytest.raises(TypeError, match=re.escape("`source` must be a path; received source=3.")):
        load_cats_dogs(3)
    with pytest.raises(FileNotFoundError) as caught:
        load_cats_dogs(tmp_path / "none.zip")
    assert str(caught.value) == (
        f"`source` must be an existing folder or zip archive; received source="
        f"'{tmp_path}/none.zip'. Check the path. Or pass 'synthetic', or 'public' for the photographs."
    )
    other = make_folder(tmp_path / "other", {"red": 9, "green": 9})
    with pytest.raises(ValueError, match="It holds the classes green, red in no split folders"):
        load_cats_dogs(other)


@pytest.mark.parametrize("name", [None, "public"])
def test_load_cats_dogs_fetches_public_archive_once(cats_dogs, tmp_path, monkeypatch, name):
    asked = []
    archive = shutil.make_archive(str(tmp_path / "public"), "zip", cats_dogs.parent, "images")

    def fetch(url, directory):
        asked.append((url, directory))
        return type(tmp_path)(archive)

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(source, "fetch_archive", fetch)
    assert len(load_cats_dogs(name, **TINY).files["train"]) == 60
    assert asked == [(source.CATS_DOGS_URL, tmp_path / "home" / "catdog_keras" / "downloads")]


def test_loading_and_scanning_do_not_modify_images(cats_dogs, read_code):
    def state():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes()) for path in cats_dogs.rglob("*.png")
        }

    before = state()
    for dataset in load_cats_dogs(cats_dogs, **TINY, cache=True):
        _read_epoch(dataset, read_code)
    catdog_keras.scan_images(cats_dogs)
    assert state() == before


def test_synthetic_set_is_written_once_and_images_match_files_and_labels(tmp_path, monkeypatch):
    drawn = []

    def draw(directory, **options):
        drawn.append(directory)
        write_synthetic(directory, train_per_class=3, validation_per_class=5, **options)

    write_synthetic = synthetic.write_synthetic
    monkeypatch.setattr(synthetic, "write_synthetic", draw)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    _, splits = (load_cats_dogs("synthetic", image_size=(96, 80), batch_size=2) for _ in range(2))
    assert len(drawn) == 1
    target = tmp_path / "catdog_keras" / f"synthetic-{synthetic.VERSION}"
    assert list(target.parent.iterdir()) == [target]
    files = [file for split in splits.files.values() for file in split]
    assert sorted(files) == sorted(str(file) for file in target.rglob("*.jpg"))
    decoded = _decode(files, (96, 80))
    for dataset, split in zip(splits, splits.files, strict=True):
        for _ in range(2):
            seen = []
            for images, labels in dataset:
                for image, label in zip(images.numpy(), labels.numpy(), strict=True):
                    seen.append(_match(image, files, decoded))
                    assert Path(seen[-1]).parent.name == splits.class_names[label]
                    assert Path(seen[-1]).name.split(".")[0] + "s" == splits.class_names[label]
            assert sorted(seen) == sorted(splits.files[split])
            assert split == "train" or seen == list(splits.files[split])


def test_failed_synthetic_generation_leaves_no_file(tmp_path, monkeypatch):
    def fail(directory, **options):
        directory.mkdir()
        (directory / "half.jpg").touch()
        raise OSError("disk full")

    monkeypatch.setattr(synthetic, "write_synthetic", fail)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(OSError, match="disk full"):
        load_cats_dogs("synthetic")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_archive_with_invalid_layout_raises_with_path_and_stays_unpacked(
    tmp_path, make_folder, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    make_folder(tmp_path / "other", {"one/a": 2, "one/b": 0})
    archive = shutil.make_archive(str(tmp_path / "images"), "zip", tmp_path / "other")
    for load, name in ((load_cats_dogs, "source"), (load_image_folder, "directory")):
        with pytest.raises(ValueError, match="b' contains no image") as caught:
            load(archive)
        assert str(caught.value).startswith(f"`{name}` must be a folder or zip archive ")
        assert f"; received {name}={archive!r}. '{archive}/one/b' contains" in str(caught.value)
    # Another process may be reading the images, `predict` for example, which needs no layout.
    (unpacked,) = (tmp_path / "home" / "catdog_keras" / "unpacked").iterdir()
    assert len([*unpacked.rglob("*.png")]) == 2


def test_invalid_folder_does_not_create_cache_directory(tmp_path, make_folder, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    make_folder(tmp_path / "one", {"cats": 1})
    with pytest.raises(ValueError, match="holds only one class folder, 'cats'"):
        load_image_folder(tmp_path / "one")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), "a third", True])
def test_invalid_holdout_fraction_raises(tmp_path, fraction):
    error = TypeError if fraction is True or fraction == "a third" else ValueError
    with pytest.raises(error, match="must be a number above 0 and below 1; received"):
        load_image_folder(tmp_path, holdout_fraction=fraction)


def test_identical_images_are_moved_to_one_split_with_warning(cats_dogs):
    first, second = (cats_dogs / "train" / "cats" / f"image.{n}.png" for n in (0, 1))
    shutil.copy(first, cats_dogs / "validation" / "cats" / "copy.png")
    shutil.copy(second, cats_dogs / "validation" / "dogs" / "other.png")
    with (
        pytest.warns(UserWarning, match="Identical files are in more than one class, 1 time:"),
        pytest.warns(UserWarning, match="2 files are identical to a file of an") as caught,
    ):
        splits = load_cats_dogs(cats_dogs, **TINY)
    assert {warning.filename for warning in caught} == {__file__}
    assert {Path(file).name for file in splits.files["train"][-2:]} == {"copy.png", "other.png"}
    assert sorted(len(files) for files in splits.files.values()) == [8, 32, 62]


def test_split_that_contains_only_copies_raises(cats_dogs):
    for image in (cats_dogs / "train").rglob("*.png"):
        copy = cats_dogs / "test" / image.relative_to(cats_dogs / "train")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, copy)
    with (
        pytest.warns(UserWarning, match="60 files are identical"),
        pytest.raises(ValueError, match="No image is left for test: each of its files belongs"),
    ):
        load_image_folder(cats_dogs, **TINY)


def test_shards_contain_each_image_once_per_epoch(cats_dogs, read_code):
    splits = load_cats_dogs(cats_dogs, **TINY)
    for count in (1, 2, 3, 8):
        parts = [splits.shard(index, count) for index in range(count)]
        for split, files in splits.files.items():
            sizes = [len(part.files[split]) for part in parts]
            assert max(sizes) - min(sizes) <= 1
            assert sorted(file for part in parts for file in part.files[split]) == sorted(files)
    parts = [splits.shard(index, 3) for index in range(3)]
    for split, files in splits.files.items():
        for _ in range(2):
            seen = [_read_epoch(getattr(part, split), read_code) for part in parts]
            assert [len(each) for each in seen] == [len(part.files[split]) for part in parts]
            assert sorted(n for each in seen for _, n, _ in each) == sorted(_numbers(files))


def test_shard_raises_when_count_or_index_is_too_large(cats_dogs):
    splits = load_cats_dogs(cats_dogs, **TINY)
    with pytest.raises(ValueError, match="`count` must be at most 8, the number of images of"):
        splits.shard(0, 9)
    with pytest.raises(ValueError, match="`index` must be an integer from 0 to 1"):
        splits.shard(2, 2)


def test_repr_prints_counts(cats_dogs):
    assert repr(load_cats_dogs(cats_dogs, **TINY)) == (
        "ImageSplits(train: 30 cats, 30 dogs; validation: 16 cats, 16 dogs; test: 4 cats, 4 dogs)"
    )


def test_files_without_image_extension_are_counted_in_warning(cats_dogs):
    cats = cats_dogs / "train" / "cats"
    for name in ("a.dng", "b.DNG", "c.svg", "without", ".hidden"):
        (cats / name).write_bytes(b"")
    with pytest.warns(
        UserWarning,
        match=r"extension: 4 files \(2 \.dng, 1 \.svg, 1 without an extension\)\. If",
    ):
        splits = load_cats_dogs(cats_dogs, **TINY)
    named = ("a.dng", "b.DNG", "c.svg", "without")
    assert sorted(splits.scan.ignored) == [str(cats / name) for name in named]


def test_image_truncated_after_scan_raises_with_path_during_epoch(cats_dogs):
    splits = load_cats_dogs(cats_dogs, **TINY)
    file = Path(splits.files["test"][3])
    size = file.stat().st_size
    os.truncate(file, 50)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        list(splits.test)
    message = str(caught.value)
    assert all(
        part in message for part in (str(file), "has changed since", f"50 bytes, not {size}")
    )


def test_relative_paths_work_after_change_of_directory(cats_dogs, tmp_path, monkeypatch):
    monkeypatch.chdir(cats_dogs.parent)
    splits = load_cats_dogs(cats_dogs.name, **TINY, cache="decoded")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for part in (splits, splits.shard(0, 2)):
        assert sum(len(images) for images, _ in part.test) == len(part.files["test"])
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipe_or_device_as_source_raises(tmp_path, kind):
    place = tmp_path / "images.zip"
    os.mkfifo(place) if kind == "pipe" else place.symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="It is not a regular file"):
        load_image_folder(place)


@pytest.mark.parametrize("place", ["", "cache", "train/cats/small"])
def test_cache_inside_image_folder_raises_unless_hidden(cats_dogs, place):
    with pytest.raises(ValueError, match="`cache` must be a folder outside of the image"):
        load_cats_dogs(cats_dogs, **TINY, cache=cats_dogs / place)
    load_cats_dogs(cats_dogs, **TINY, cache=cats_dogs / ".cache" / place)


def test_class_whose_images_are_all_copies_is_warned_about_with_its_cause(tmp_path, make_folder):
    make_folder(tmp_path, {"train/a": 5, "train/b": 5, "val/a": 5, "val/b": 5, "test/b": 2})
    shutil.copytree(tmp_path / "train" / "a", tmp_path / "test" / "a")
    with (
        pytest.warns(UserWarning, match="5 files are identical to a file of an earlier split"),
        pytest.warns(UserWarning, match="1 of 2 classes have only images in a split") as caught,
    ):
        splits = load_image_folder(tmp_path, **TINY)
    assert splits.counts["test"] == {"a": 0, "b": 2}
    (message,) = [str(each.message) for each in caught if "1 of 2" in str(each.message)]
    assert message.endswith(
        "that belong together with files of an earlier split, to which they were moved:\n  a: none "
        "in test\nRemove the duplicates, or add other images."
    )


@pytest.mark.parametrize("cache", [False, True])
def test_reading_first_batch_does_not_change_order_of_epochs(cats_dogs, read_code, cache):
    def epochs(peek):
        train = load_cats_dogs(cats_dogs, image_size=(4, 4), batch_size=8, cache=cache).train
        orders = []
        for _ in range(2):
            peek(train)
            orders.append(_read_epoch(train, read_code))
        return orders

    expected = epochs(lambda _: None)
    assert epochs(lambda train: [next(iter(train)) for _ in range(2)]) == expected
    if not cache:
        assert (
            epochs(lambda train: plot_images(train, class_names=["cats", "dogs"], per_class=1))
            == expected
        )
    assert epochs(lambda train: list(train.take(1))) == expected


def test_epochs_of_few_batches_have_different_orders(cats_dogs, read_code):
    train = load_cats_dogs(cats_dogs, **TINY).train
    first, second = (_read_epoch(train.take(2), read_code) for _ in range(2))
    assert first != second
    folder = cats_dogs / "train"
    single = load_image_folder(folder, image_size=(4, 4), batch_size=1000).train
    assert len(single) == 1
    first, second = (_read_epoch(single, read_code) for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second)


def test_batches_hold_32_images_by_default(drawn_synthetic):
    splits = load_cats_dogs(drawn_synthetic, image_size=(4, 4))
    assert [len(labels) for _, labels in splits.train] == [32, 32, 16]
    folder = load_image_folder(drawn_synthetic / "train", image_size=(4, 4))
    assert len(next(iter(folder.train))[1]) == 32


def test_train_and_test_folders_hold_validation_out_of_train(tmp_path, make_folder):
    folders = {f"{split}/{name}": 9 for split in ("training_set", "test_set") for name in "ab"}
    make_folder(tmp_path, folders)
    with pytest.warns(UserWarning, match="no validation folder: 33% of the training images"):
        splits = load_image_folder(tmp_path, **TINY)
    assert splits.counts == {
        "train": {"a": 6, "b": 6},
        "validation": {"a": 3, "b": 3},
        "test": {"a": 9, "b": 9},
    }
    assert all("test_set" in file for file in splits.files["test"])
    assert not any("test_set" in file for file in splits.files["validation"])


def test_unlabeled_test_folder_is_ignored_with_warning(tmp_path, make_folder):
    make_folder(tmp_path, {"train/a": 30, "train/b": 30, "test": 2})
    with (
        pytest.warns(UserWarning, match="Ignored 2 images that are not in a class folder"),
        pytest.warns(UserWarning, match="used as validation and test images"),
    ):
        splits = load_image_folder(tmp_path, **TINY)
    assert splits.counts["test"] == {"a": 2, "b": 2}
    assert all("/train/" in file for files in splits.files.values() for file in files)


def test_take_skip_split_without_some_classes_warns_with_names(tmp_path, make_folder):
    make_folder(tmp_path, {f"class {number}": 3 for number in range(10)})
    with pytest.warns(UserWarning, match="of 10 classes are not in each split") as caught:
        splits = load_image_folder(tmp_path, image_size=(4, 4), batch_size=1, split="take_skip")
    missing = {
        name
        for split in ("validation", "test")
        for name, count in splits.counts[split].items()
        if not count
    }
    (message,) = [str(each.message) for each in caught]
    assert message.startswith(f"{len(missing)} of 10 classes")
    assert f"{min(missing)}: 3 images, none in " in message
    assert 'Use split="stratified", or add images.' in message


def test_class_names_select_folders_in_order_of_labels(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 30, "b": 30, "b - Copy": 2, "test": 2})
    with pytest.warns(UserWarning, match="Ignored 4 images that are not in a class folder"):
        splits = load_image_folder(tmp_path, **TINY, class_names=["b", "a"])
    assert splits.class_names == ("b", "a")
    for split, files in splits.files.items():
        assert splits.labels[split].tolist() == [int("/a/" in file) for file in files]


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("ab", TypeError, "list of distinct class names"),
        (["a"], ValueError, "at least two class names"),
        (["a", "a"], ValueError, "list of distinct class names"),
        (["a", "c"], ValueError, r"no folders \['c'\] of `class_names`"),
    ],
)
def test_invalid_class_names_raise(tmp_path, make_folder, names, error, message):
    make_folder(tmp_path, {"a": 1, "b": 1})
    with pytest.raises(error, match=message):
        load_image_folder(tmp_path, class_names=names)


def test_remedy_for_load_cats_dogs_names_the_function_with_the_argument(tmp_path, make_folder):
    make_folder(tmp_path, {"cats": 1, "dogs": 1, "test": 1})
    with pytest.raises(ValueError, match="as `class_names` to `load_image_folder`"):
        load_cats_dogs(tmp_path)


def test_skipped_system_folders_and_links_are_reported(cats_dogs):
    cats = cats_dogs / "train" / "cats"
    shutil.copytree(cats, cats / "@eaDir")
    (cats / "loop").symlink_to(cats_dogs)
    with pytest.warns(UserWarning, match="Skipped 2 folders that a system or program created"):
        splits = load_cats_dogs(cats_dogs, **TINY)
    assert splits.counts["train"] == {"cats": 30, "dogs": 30}
    assert splits.scan.skipped == [str(cats / "@eaDir"), str(cats / "loop")]
    assert "skipped " in str(splits.scan)


def test_datasets_are_built_at_first_use_or_decoded_with_a_cache(cats_dogs, monkeypatch):
    built = []
    build = _image_splits.batched_dataset
    monkeypatch.setattr(
        _image_splits, "batched_dataset", lambda *a, **k: built.append(a) or build(*a, **k)
    )
    splits = load_image_folder(cats_dogs, **TINY)
    assert built == []
    assert splits.train is splits.train is next(iter(splits))
    assert [each.class_names for each in splits] == [["cats", "dogs"]] * 3
    assert len(built) == 3
    load_image_folder(cats_dogs, cache=True, **TINY)
    assert len(built) == 6
