"""Folders with small, empty and unreadable classes: they load, and one warning lists the classes."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from catdog_keras import load_image_folder, load_manifest
from catdog_keras.datasets._image_index import ImageIndex, Listing
from catdog_keras.datasets._options import SplitOptions
from catdog_keras.datasets._scan_report import ImageFile
from catdog_keras.datasets._select_images import select_images

TINY = {"image_size": 4, "batch_size": 4}


def load_with_messages(folder, **options):
    """Returns the splits and the texts of all warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        splits = load_image_folder(folder, **TINY, **options)
    return splits, [str(warning.message) for warning in caught]


def test_two_classes_of_two_images_load_with_one_warning(tmp_path, make_folder):
    splits, messages = load_with_messages(make_folder(tmp_path, {"a": 2, "b": 2}))
    assert splits.counts == {
        "train": {"a": 1, "b": 1},
        "validation": {"a": 1, "b": 1},
        "test": {"a": 0, "b": 0},
    }
    assert messages == [
        "2 of 2 classes are not in each split:\n  a: 2 images, none in test\n  b: 2 images, none in "
        "test\nMetrics of a split do not include the classes that are missing in it. Add images, or "
        "increase `holdout_fraction`."
    ]


def test_small_classes_are_listed_in_one_warning(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 30, "b": 1, "c": 4, "d": 5})
    splits, messages = load_with_messages(tmp_path)
    assert splits.counts == {
        "train": {"a": 20, "b": 1, "c": 3, "d": 3},
        "validation": {"a": 8, "b": 0, "c": 1, "d": 1},
        "test": {"a": 2, "b": 0, "c": 0, "d": 1},
    }
    (message,) = messages
    assert message.startswith(
        "2 of 4 classes are not in each split:\n  b: 1 image, none in validation or test\n"
        "  c: 4 images, none in test\n"
    )


def test_classes_without_a_second_image_raise(tmp_path, make_folder):
    with pytest.raises(ValueError, match="at least one class needs a second image"):
        load_image_folder(make_folder(tmp_path, {"a": 1, "b": 1}), **TINY)


def test_small_class_in_validation_folder_is_not_in_test(tmp_path, make_folder):
    make_folder(tmp_path, {"train/a": 9, "train/b": 9, "val/a": 1, "val/b": 10})
    splits, messages = load_with_messages(tmp_path)
    assert splits.counts["validation"] == {"a": 1, "b": 8}
    assert splits.counts["test"] == {"a": 0, "b": 2}
    (message,) = messages
    assert "a: 10 images, none in test\n" in message
    assert message.endswith("Add images of these classes.")


@pytest.mark.parametrize("split", ["stratified", "take_skip"])
def test_no_test_set_if_test_fraction_is_zero(tmp_path, make_folder, split):
    make_folder(tmp_path / "images", {"a": 30, "b": 3})
    splits, messages = load_with_messages(tmp_path / "images", test_fraction=0, split=split)
    assert messages == []
    assert splits.counts == {
        "train": {"a": 20, "b": 2},
        "validation": {"a": 10, "b": 1},
        "test": {"a": 0, "b": 0},
    }
    train, validation, test = splits
    assert (len(train), len(validation), len(test), list(test)) == (6, 3, 0, [])
    assert test.element_spec == validation.element_spec
    assert [len(part.files["test"]) for part in (splits.shard(0, 2), splits.shard(1, 2))] == [0, 0]
    splits.save_manifest(tmp_path / "split.json")
    assert load_manifest(tmp_path / "split.json", tmp_path / "images", **TINY).files == splits.files


@pytest.mark.parametrize("cache", [True, "decoded"])
def test_empty_test_set_is_not_cached(tmp_path, make_folder, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "images", {"a": 6, "b": 6})
    splits, _ = load_with_messages(tmp_path / "images", test_fraction=0, cache=cache)
    assert [sum(len(labels) for _, labels in split) for split in splits] == [8, 4, 0]


def test_fractions_give_documented_sizes(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 100, "b": 10})
    splits = load_image_folder(tmp_path, **TINY, holdout_fraction=0.4, test_fraction=0.5)
    assert splits.counts == {
        "train": {"a": 60, "b": 6},
        "validation": {"a": 20, "b": 2},
        "test": {"a": 20, "b": 2},
    }


def test_test_fraction_applies_to_validation_folder_but_not_with_test_folder(tmp_path, make_folder):
    folders = {f"{split}/{name}": 10 for split in ("train", "val") for name in "ab"}
    make_folder(tmp_path, folders)
    splits = load_image_folder(tmp_path, **TINY, test_fraction=0.4)
    assert splits.counts["validation"] == {"a": 6, "b": 6}
    assert splits.counts["test"] == {"a": 4, "b": 4}
    (tmp_path / "val").rename(tmp_path / "test")
    with pytest.warns(UserWarning, match="no validation folder"):
        splits = load_image_folder(tmp_path, **TINY, test_fraction=0)
    assert splits.counts["test"] == {"a": 10, "b": 10}


@pytest.mark.parametrize("fraction", [1, -0.1, float("nan"), "0", True])
def test_invalid_test_fraction_raises(tmp_path, fraction):
    error = TypeError if isinstance(fraction, (str, bool)) else ValueError
    with pytest.raises(error, match="must be a number of at least 0 and below 1; received"):
        load_image_folder(tmp_path, test_fraction=fraction)


def test_empty_class_folders_are_skipped_with_one_warning(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 6, "b": 0, "c": 6, "d": 0})
    (tmp_path / "d" / "photo.dng").write_bytes(b"raw")
    splits, messages = load_with_messages(tmp_path)
    assert splits.class_names == ("a", "c")
    assert splits.labels["train"].tolist().count(1) == 4
    assert messages == [
        "Skipped 2 class folders that contain no image:\n  b\n  d",
        "Ignored files without a supported image extension: 1 file (1 .dng). If some are images, "
        "convert or rename them. `scan.ignored` lists all of them.",
    ]
    with pytest.raises(ValueError, match="b' contains no image"):
        load_image_folder(tmp_path, **TINY, class_names=["a", "b", "c"])


def test_class_with_only_unreadable_images_is_skipped_with_reasons(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 6, "c": 6})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "broken.jpg").write_bytes(b"no image")
    splits, messages = load_with_messages(tmp_path)
    assert splits.class_names == ("a", "c")
    assert {Path(file).parent.name for files in splits.files.values() for file in files} == {
        "a",
        "c",
    }
    for file, label in zip(splits.files["train"], splits.labels["train"], strict=True):
        assert Path(file).parent.name == splits.class_names[label]
    (message,) = [message for message in messages if "no usable image" in message]
    assert message.startswith("The classes ['b'] have no usable image:\n  ")
    assert "not an image in any known format" in message
    with pytest.raises(ValueError, match="have no usable image"):
        load_with_messages(tmp_path, class_names=["a", "b", "c"])
    shutil.rmtree(tmp_path / "c")
    with pytest.raises(ValueError, match="have no usable image"):
        load_with_messages(tmp_path)


def test_class_that_is_empty_only_in_train_raises(tmp_path, make_folder):
    counts = {f"{split}/{name}": 5 for split in ("train", "val") for name in "abc"}
    make_folder(tmp_path, {**counts, "train/b": 0})
    with pytest.raises(ValueError, match=r"train/b' contains no image.* only in \['validation'\]"):
        load_image_folder(tmp_path, **TINY)


def test_class_that_is_empty_only_in_validation_is_kept(tmp_path, make_folder):
    counts = {f"{split}/{name}": 10 for split in ("train", "val") for name in "abc"}
    make_folder(tmp_path, {**counts, "val/b": 0})
    splits, messages = load_with_messages(tmp_path)
    assert splits.counts["validation"] == {"a": 8, "b": 0, "c": 8}
    (message,) = messages
    assert "b: 10 images, none in validation or test\n" in message


def test_identical_files_of_a_small_class_are_in_one_split(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 5, "b": 5})
    for name in "ab":
        first, second = sorted((tmp_path / name).iterdir())[:2]
        shutil.copy(first, second)
    for seed in range(5):
        splits, messages = load_with_messages(tmp_path, seed=seed)
        assert messages == []
        assert list(splits.counts.values()) == [{"a": n, "b": n} for n in (3, 1, 1)]
        trained = {Path(file).relative_to(tmp_path).as_posix() for file in splits.files["train"]}
        assert {"a/image.0.png", "a/image.1.png", "b/image.5.png", "b/image.6.png"} <= trained


COUNTS = st.lists(st.integers(1, 14), min_size=2, max_size=6).filter(lambda sizes: max(sizes) > 1)
FRACTIONS = {"holdout": st.floats(0.01, 0.99), "test": st.just(0.0) | st.floats(0.01, 0.99)}


@settings(deadline=None)
@given(counts=COUNTS, seed=st.integers(0, 999), **FRACTIONS)
def test_each_file_is_in_one_split_and_each_class_in_training(counts, seed, holdout, test):
    rows = [
        (f"{label}/{number}.png", label)
        for label, count in enumerate(counts)
        for number in range(count)
    ]

    listing = Listing(tuple(file for file, _ in rows), np.array([label for _, label in rows]))
    index = ImageIndex(Path("/images"), tuple(map(str, range(len(counts)))), {"all": listing}, ())
    options = SplitOptions("stratified", "raise", 1, "together", holdout, test)
    with warnings.catch_warnings(record=True) as caught, pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("always")
        patch.setattr(
            "catdog_keras.datasets._select_images.inspect_files",
            lambda files, thumbnails: [ImageFile(file, "good", sha256=file) for file in files],
        )
        splits, *_ = select_images(index, options, 4, seed)
    messages = [str(warning.message) for warning in caught]
    labels = {f"/images/{file}": label for file, label in rows}
    assert sorted(file for each in splits.values() for file in each.files) == sorted(labels)
    for each in splits.values():
        assert [labels[file] for file in each.files] == each.labels.tolist()
    sizes = {
        name: np.bincount(listing.labels, minlength=len(counts)).tolist()
        for name, listing in splits.items()
    }
    for label, count in enumerate(counts):
        trained, validated, tested = (sizes[name][label] for name in splits)
        held = min(max(round(count * holdout), 1), count - 1)
        assert (trained, validated + tested) == (count - held, held)
        assert trained >= 1
        assert (validated >= 1) == (count >= 2)
        assert tested == (min(max(round(held * test), 1), held - 1) if test and held else 0)
    lacking = [
        str(label)
        for label in range(len(counts))
        if not sizes["validation"][label] or (test and not sizes["test"][label])
    ]
    assert len(messages) == bool(lacking)
    assert all(f"\n  {name}: " in messages[0] for name in lacking[:5])
