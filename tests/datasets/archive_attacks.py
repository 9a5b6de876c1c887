"""Unpacks hostile archives, and counts those that change a file outside of their own folder.

    python tests/datasets/archive_attacks.py

Needs no installed package, so that each supported Python can run it: `zipfile` differs between them.
Prints the counts as JSON, and exits with 1 if an archive escaped, or gave an error that does not
reject it.
"""

import json
import platform
import shutil
import struct
import sys
import tempfile
import types
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
VICTIM = b"weights!"  # a file is moved only if its size is the one that the archive states

NAMES = {
    "plain": "train/cats/a.jpg",
    "up to the weights": "../../../models/weights.h5",
    "up to the weights from a scratch folder": "../../../../models/weights.h5",
    "up by one": "../weights.h5",
    "up by two": "../../weights.h5",
    "into the scratch folder": "../new/train/dogs/x.jpg",
    "up within": "a/../../weights.h5",
    "backslashes": "..\\..\\..\\models\\weights.h5",
    "mixed slashes": "..\\../weights.h5",
    "absolute": "{root}/home/models/weights.h5",
    "double slash": "//{root}/home/models/weights.h5",
    "drive": "C:\\weights.h5",
    "drive of two": "C:weights.h5",
    "null": "a.jpg\0/../../../weights.h5",
    "null up": "../../../models/weights.h5\0.jpg",
    "only null": "\0",
    "dot": ".",
    "dots": "..",
    "slash": "/",
    "empty": "",
    "folder": "models/",
    "folder up": "../../../escaped/",
    "home": "~/weights.h5",
    "full width dots": "\uff0e\uff0e/weights.h5",
    "encoded dots": "%2e%2e/weights.h5",
    "escape": "\x1b[2J.jpg",
    "line break": "a\nb.jpg",
    "stream": "a.jpg:stream",
    "override": "a\u202egpj.exe",
    "long": "x" * 300,
    "deep": "x/" * 2000 + "a.jpg",
}  # fmt: skip


def _second_name_field(
    raw: bytes, name: str, *, version: int = 1, checksum: int | None = None
) -> bytes:
    """The extra field with a second name."""
    crc = zlib.crc32(raw) if checksum is None else checksum
    data = struct.pack("<BL", version, crc) + name.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


def _member_named(name: str) -> zipfile.ZipInfo:
    """A member with a name that is not changed."""
    member = zipfile.ZipInfo("x")
    member.filename = name  # as it is, while the constructor cuts it at a null
    return member


def _member_with_second_names(*seconds: bytes) -> zipfile.ZipInfo:
    """A member with extra fields that contain further names of it."""
    member = _member_named("train/cats/a.jpg")
    member.extra = b"".join(seconds)
    return member


RAW = b"train/cats/a.jpg"
WAYS: dict[str, Callable[[str], zipfile.ZipInfo]] = {
    "name": _member_named,
    "second name": lambda name: _member_with_second_names(_second_name_field(RAW, name)),
    "second name, other checksum": lambda name: _member_with_second_names(
        _second_name_field(RAW, name, checksum=1)
    ),
    "second name, later version": lambda name: _member_with_second_names(
        _second_name_field(RAW, name, version=2)
    ),
    "second name behind the same": lambda name: _member_with_second_names(
        _second_name_field(RAW, RAW.decode()), _second_name_field(RAW, name)
    ),
    "second name in front of the same": lambda name: _member_with_second_names(
        _second_name_field(RAW, name), _second_name_field(RAW, RAW.decode())
    ),
    "second name behind another field": lambda name: _member_with_second_names(
        struct.pack("<HH", 0x5455, 1) + b"\0", _second_name_field(RAW, name)
    ),
}


def _with_local_name(name: str) -> bytes:
    """An archive whose member has another name in front of its content than in the list."""
    from tests.corpora.archives import zipped

    content = zipped([(_member_named("y" * len(name.encode())), VICTIM)])
    return content.replace(b"y" * len(name.encode()), name.encode(), 1)


def attacks(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yields archives with their descriptions."""
    from tests.corpora.archives import ACCEPTED, REJECTED, zipped

    yield from ACCEPTED.items()
    yield from ((kind, content) for kind, (content, _) in REJECTED.items())
    for kind, pattern in NAMES.items():
        name = pattern.replace("{root}", str(root))
        for way, make in WAYS.items():
            for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                members = [("train/dogs/b.jpg", b"b"), (make(name), VICTIM)]
                yield f"{kind}, {way}, method {method}", zipped(members, method)
        yield f"{kind}, name in front of the content", _with_local_name(name)


def _contents_of(folder: Path) -> dict[str, bytes | None]:
    """The content of each file below a folder, and None for each folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def run_attacks(root: Path) -> dict[str, object]:
    """Unpacks each archive twice, as the first load and the second, beside files that must stay."""
    from catdog_keras.datasets._unpack_archive import unpack_archive

    cache = root / "home" / "catdog_keras" / "unpacked"
    cache.mkdir(parents=True)
    archive = root / "images.zip"
    for folder in (root, root / "home", root / "home" / "models", cache.parent):
        folder.mkdir(exist_ok=True)
        (folder / "weights.h5").write_bytes(VICTIM)
    archive.touch()
    before = _contents_of(root)
    tried = rejected = 0
    escaped, crashed = [], []
    for kind, content in attacks(root):
        archive.write_bytes(content)
        tried += 1
        folders: set[Path] = set()
        try:
            for _ in range(2):
                folders.add(unpack_archive(archive, cache))
        except ValueError:
            rejected += 1
        except Exception as error:
            crashed.append(f"{kind}: {error!r}")
        for folder in folders:
            shutil.rmtree(folder)
        archive.write_bytes(b"")
        after = _contents_of(root)
        if after != before:
            escaped.append(kind)
        before = after
    return {
        "python": platform.python_version(),
        "tried": tried,
        "rejected": rejected,
        "unpacked": tried - rejected - len(crashed),
        "crashed": crashed,
        "escaped": escaped,
    }


def _import_without_dependencies() -> None:
    """Makes the package's modules importable one by one, without Keras and the lazy loader."""
    sys.path.insert(0, str(CHECKOUT))
    for name in ("catdog_keras", "catdog_keras.datasets"):
        package = types.ModuleType(name)
        package.__path__ = [str(CHECKOUT.joinpath("src", *name.split(".")))]
        sys.modules[name] = package


if __name__ == "__main__":
    _import_without_dependencies()
    with tempfile.TemporaryDirectory() as scratch:
        counts = run_attacks(Path(scratch))
    print(json.dumps(counts))
    sys.exit(bool(counts["escaped"] or counts["crashed"]))
