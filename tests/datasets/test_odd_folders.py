"""What file systems can hold beside pictures: never a hang and never a class."""

import os
import shutil
import socket

import pytest

from catdog_keras import load_cats_dogs, scan_images
from catdog_keras.datasets.index import index_image_folder

TINY = {"image_size": (4, 4), "batch_size": 4}


def _write(path, content=b"stray"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # a socket's whole path may have 107 bytes
        made.bind(path.name)


def _two_links(folder):
    (folder / "there").symlink_to("back")
    (folder / "back").symlink_to("there")


# Each is put into the folder `pictures`, which holds train and validation, each with cats and dogs.
PASSED_OVER = {
    "a hidden folder": lambda root: _write(root / ".git" / "a.png"),
    "a hidden class": lambda root: _write(root / "train" / ".cache" / "a.png"),
    "what macOS adds": lambda root: _write(root / "__MACOSX" / "train" / "cats" / "._a.png"),
    "what macOS adds to a split": lambda root: _write(root / "train" / "__MACOSX" / "a.png"),
    "a fork of macOS": lambda root: _write(root / "train" / "cats" / "._picture.0.png"),
    "files of the desktop": lambda root: _write(root / "train" / "cats" / ".DS_Store"),
    "a database of thumbnails": lambda root: _write(root / "train" / "cats" / "Thumbs.db"),
    "notes beside the classes": lambda root: _write(root / "train" / "notes.txt"),
    "a picture beside the classes": lambda root: _write(root / "train" / "cover.png"),
    "a link to itself": lambda root: (root / "train" / "self").symlink_to("self"),
    "a link to the folder": lambda root: (root / "train" / "loop").symlink_to("."),
    "a link to the folder above": lambda root: (root / "train" / "up").symlink_to(".."),
    "a link upwards in a class": lambda root: (root / "train" / "cats" / "up").symlink_to("../.."),
    "two links in a circle": lambda root: _two_links(root / "train"),
    "a link that leads nowhere": lambda root: (root / "train" / "gone").symlink_to("nowhere"),
    "a pipe beside the classes": lambda root: os.mkfifo(root / "train" / "pipe"),
    "an empty folder named like a picture": lambda root: (root / "train" / "cats" / "a.jpg").mkdir(),
}  # fmt: skip

CATS = ("train", "cats")
NAMED = {
    "a pipe": lambda folder: os.mkfifo(folder / "a.jpg"),
    "a socket": lambda folder: _socket(folder / "a.jpg"),
    "a device": lambda folder: (folder / "a.jpg").symlink_to("/dev/zero"),
    "a link to itself": lambda folder: (folder / "a.jpg").symlink_to("a.jpg"),
    "a link to nothing": lambda folder: (folder / "a.jpg").symlink_to("nowhere"),
    "no UTF-8": lambda folder: _write(folder / os.fsdecode(b"\xff.jpg")),
}


@pytest.fixture(autouse=True)
def same_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", PASSED_OVER)
def test_what_is_no_picture_is_no_class_either(cats_dogs, kind):
    expected = index_image_folder(cats_dogs)
    PASSED_OVER[kind](cats_dogs)
    found = index_image_folder(cats_dogs)
    assert (found.root, found.class_names) == (expected.root, expected.class_names)
    for part, listing in expected.parts.items():
        assert found.parts[part].files == listing.files
        assert found.parts[part].labels.tolist() == listing.labels.tolist()


@pytest.mark.parametrize("kind", NAMED)
def test_what_is_named_like_a_picture_is_named_in_the_report(cats_dogs, kind):
    NAMED[kind](cats_dogs.joinpath(*CATS))
    with pytest.warns(UserWarning, match="1 of 101 files are no usable pictures"):
        splits = load_cats_dogs(cats_dogs, **TINY, max_bad_fraction=0.01)
    assert sum(len(images) for images, _ in splits.train) == 60
    assert len(splits.scan.bad) == len(scan_images(cats_dogs).bad) == 1


def test_pictures_in_folders_however_deep_or_named_belong_to_their_class(cats_dogs):
    cats = cats_dogs.joinpath(*CATS)
    for number, place in enumerate(("x.jpg", "/".join("d" * 200), "line\nbreak", "кошка 猫")):
        (cats / place).mkdir(parents=True)
        (cats / f"picture.{number}.png").rename(cats / place / "a b.png")
    train = load_cats_dogs(cats_dogs, **TINY)
    assert train.counts["train"] == {"cats": 30, "dogs": 30}
    assert sum(len(images) for images, _ in train.train) == 60


def test_a_class_may_be_a_link_to_a_folder_elsewhere(cats_dogs, tmp_path):
    cats = cats_dogs.joinpath(*CATS)
    shutil.move(cats, tmp_path / "elsewhere")
    cats.symlink_to(tmp_path / "elsewhere")
    assert load_cats_dogs(cats_dogs, **TINY).counts["train"] == {"cats": 30, "dogs": 30}


def test_a_class_whose_name_cannot_be_read_is_an_error_that_shows_it(cats_dogs):
    for split in ("train", "validation"):
        (cats_dogs / split / "cats").rename(cats_dogs / split / os.fsdecode(b"caf\xe9"))
    with pytest.raises(ValueError, match="It holds the classes caf\udce9, dogs in train"):
        load_cats_dogs(cats_dogs, **TINY)
