"""Unusual file-system entries: they never hang a loader and never become a class."""

import os
import shutil

import pytest

from catdog_keras import load_cats_dogs, scan_images
from catdog_keras.datasets._image_index import index_image_folder
from tests.corpora.folders import CATS, IGNORED, NAMED

TINY = {"image_size": (4, 4), "batch_size": 4}


@pytest.fixture(autouse=True)
def run_in_tmp_path(monkeypatch, tmp_path):
    """Restores the working folder after the test, which creating a socket changes."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", IGNORED)
def test_ignored_entries_do_not_change_index(cats_dogs, kind):
    expected = index_image_folder(cats_dogs)
    IGNORED[kind](cats_dogs)
    found = index_image_folder(cats_dogs)
    assert (found.root, found.class_names) == (expected.root, expected.class_names)
    for part, listing in expected.parts.items():
        assert found.parts[part].files == listing.files
        assert found.parts[part].labels.tolist() == listing.labels.tolist()


@pytest.mark.parametrize("kind", NAMED)
def test_unreadable_entries_with_image_extension_are_reported_as_bad(cats_dogs, kind):
    NAMED[kind](cats_dogs.joinpath(*CATS))
    with pytest.warns(UserWarning, match="1 of 101 files could not be read as images"):
        splits = load_cats_dogs(cats_dogs, **TINY, max_bad_fraction=0.01)
    assert sum(len(images) for images, _ in splits.train) == 60
    assert len(splits.scan.bad) == len(scan_images(cats_dogs).bad) == 1


def test_images_in_deep_or_unusually_named_subfolders_are_counted(cats_dogs):
    cats = cats_dogs.joinpath(*CATS)
    for number, place in enumerate(("x.jpg", "/".join("d" * 200), "line\nbreak", "кошка 猫")):
        (cats / place).mkdir(parents=True)
        (cats / f"image.{number}.png").rename(cats / place / "a b.png")
    train = load_cats_dogs(cats_dogs, **TINY)
    assert train.counts["train"] == {"cats": 30, "dogs": 30}
    assert sum(len(images) for images, _ in train.train) == 60


def test_class_folder_can_be_symlink(cats_dogs, tmp_path):
    cats = cats_dogs.joinpath(*CATS)
    shutil.move(cats, tmp_path / "elsewhere")
    cats.symlink_to(tmp_path / "elsewhere")
    assert load_cats_dogs(cats_dogs, **TINY).counts["train"] == {"cats": 30, "dogs": 30}


def test_unexpected_class_error_includes_invalid_utf8_name(cats_dogs):
    for split in ("train", "validation"):
        (cats_dogs / split / "cats").rename(cats_dogs / split / os.fsdecode(b"caf\xe9"))
    with pytest.raises(ValueError, match=r"It holds the classes caf\\udce9, dogs in train"):
        load_cats_dogs(cats_dogs, **TINY)


def test_scan_of_unknown_home_folder_raises_with_path(no_home):
    with pytest.raises(NotADirectoryError, match="received directory='~/images'"):
        scan_images("~/images")
