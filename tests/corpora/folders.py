"""Files and folders that a folder of images can contain besides images."""

import os
import socket
from pathlib import Path


def _write_file(path: Path, content: bytes = b"stray") -> None:
    """Writes a file into a folder that may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _make_socket(path: Path) -> None:
    """Creates a Unix socket, which is neither a file nor a folder."""
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # a socket's whole path may have 107 bytes
        made.bind(path.name)


def _link_to_each_other(folder: Path) -> None:
    """Creates two links, each to the other."""
    (folder / "there").symlink_to("back")
    (folder / "back").symlink_to("there")


CATS = ("train", "cats")

# Each is put into the folder `images`, which holds train and validation, each with cats and dogs.
IGNORED = {
    "a hidden folder": lambda root: _write_file(root / ".git" / "a.png"),
    "a hidden class": lambda root: _write_file(root / "train" / ".cache" / "a.png"),
    "what macOS adds": lambda root: _write_file(root / "__MACOSX" / "train" / "cats" / "._a.png"),
    "what macOS adds to a split": lambda root: _write_file(root / "train" / "__MACOSX" / "a.png"),
    "a fork of macOS": lambda root: _write_file(root / "train" / "cats" / "._image.0.png"),
    "files of the desktop": lambda root: _write_file(root / "train" / "cats" / ".DS_Store"),
    "a database of thumbnails": lambda root: _write_file(root / "train" / "cats" / "Thumbs.db"),
    "notes next to the classes": lambda root: _write_file(root / "train" / "notes.txt"),
    "an image next to the classes": lambda root: _write_file(root / "train" / "cover.png"),
    "a link to itself": lambda root: (root / "train" / "self").symlink_to("self"),
    "a link to the folder": lambda root: (root / "train" / "loop").symlink_to("."),
    "a link to the folder above": lambda root: (root / "train" / "up").symlink_to(".."),
    "a link upwards in a class": lambda root: (root / "train" / "cats" / "up").symlink_to("../.."),
    "a link upwards, named like an image": lambda root: (
        (root / "train" / "cats" / "up.jpg").symlink_to("../..")
    ),
    "two links in a circle": lambda root: _link_to_each_other(root / "train"),
    "a link that leads nowhere": lambda root: (root / "train" / "gone").symlink_to("nowhere"),
    "a pipe next to the classes": lambda root: os.mkfifo(root / "train" / "pipe"),
    "an empty folder named like an image": lambda root: (root / "train" / "cats" / "a.jpg").mkdir(),
}  # fmt: skip

# Each is put into the folder of the training cats.
NAMED = {
    "a pipe": lambda folder: os.mkfifo(folder / "a.jpg"),
    "a socket": lambda folder: _make_socket(folder / "a.jpg"),
    "a device": lambda folder: (folder / "a.jpg").symlink_to("/dev/zero"),
    "a link to itself": lambda folder: (folder / "a.jpg").symlink_to("a.jpg"),
    "a link to nothing": lambda folder: (folder / "a.jpg").symlink_to("nowhere"),
    "no UTF-8": lambda folder: _write_file(folder / os.fsdecode(b"\xff.jpg")),
}
