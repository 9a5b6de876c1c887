"""Checks of a `.keras` file that run before Keras reads it.

The memory that Keras takes depends on the sizes that the file declares. They are compared with the
size of the file, so that a small file cannot require a large amount of memory.
"""

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from catdog_keras.cli.errors import short_reason
from catdog_keras.cli.model_config import check_config

SUFFIX = ".keras"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = {CONFIG, WEIGHTS, "metadata.json"}
MAX_FILE_BYTES = 2**31 - 1  # beyond it, zip archives have another format
MAX_DIRECTORY_BYTES = 2**14  # of the three members
MAX_CONFIG_BYTES = 8 * 2**20  # the largest network of `keras.applications` has 1.5 MB
MAX_METADATA_BYTES = 2**20
# Declared to stored size of the weights. Keras does not compress them, and trained weights hardly
# shrink. The structure of an HDF5 file takes some bytes for each variable.
MAX_RATIO = 10
FREE_BYTES = 16 * 2**20
FREE_VALUES = 2**20  # for variables that are not saved, such as the state of a recurrent layer
MAX_DEPTH = 100  # groups inside each other; a model in a model takes three
_END = b"PK\5\6"
_END_BYTES = 22


def check_model_archive(file: Path) -> int:
    """Checks the format, the config and the declared sizes of a model file.

    Returns:
        The number of values in its weights.

    Raises:
        PermissionError: If the file cannot be read.
        ValueError: If the file is not a model that is safe to build. The message has the reason.
    """
    size = file.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ValueError(f"It has {size:,} bytes; allowed: {MAX_FILE_BYTES:,}.")
    try:
        _check_member_list(file)
        with zipfile.ZipFile(file) as archive:
            _check_members(archive)
            check_config(archive.read(CONFIG))
            _check_weight_bytes(archive.getinfo(WEIGHTS).file_size, size)
            with archive.open(WEIGHTS) as weights:
                return _count_weights(weights, size)
    except (PermissionError, ValueError):
        raise
    except Exception as error:  # zipfile and h5py raise various errors for a damaged file
        reason = short_reason(error)
        raise ValueError(f"It is damaged, or not written by Keras: {reason}") from error


def _check_member_list(file: Path) -> None:
    """Checks the size of the list of members of an archive, which `zipfile` reads completely."""
    with file.open("rb") as stream:
        stream.seek(max(file.stat().st_size - _END_BYTES, 0))
        end = stream.read(_END_BYTES)
        if len(end) < _END_BYTES or not end.startswith(_END) or not end.endswith(b"\0\0"):
            raise ValueError("It is not a zip archive as Keras writes it.")
        stream.seek(max(file.stat().st_size - _END_BYTES - 20, 0))
        large = stream.read(4) == b"PK\6\7"  # a second, 64-bit record precedes the first
    declared = int.from_bytes(end[12:16], "little")
    if large or declared > MAX_DIRECTORY_BYTES:
        raise ValueError("Its list of members is too long for a Keras model.")


def _check_members(archive: zipfile.ZipFile) -> None:
    """Raises a ValueError if a model file has unknown, repeated, missing or too large members."""
    members = {member.filename: member for member in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise ValueError("It contains a file twice.")
    if unknown := sorted(set(members) - MEMBERS):
        raise ValueError(
            f"It contains {unknown[0][:80]!a}, which Keras does not write for a model."
        )
    for name, member in members.items():
        # The others decompress in one call, whatever size the archive declares. Keras stores.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"Its {name} is compressed by a method that Keras does not use.")
    for name in (CONFIG, WEIGHTS):
        if name not in members:
            raise ValueError(f"It does not contain {name}.")
    for name, limit in ((CONFIG, MAX_CONFIG_BYTES), ("metadata.json", MAX_METADATA_BYTES)):
        if name in members and members[name].file_size > limit:
            size = members[name].file_size
            raise ValueError(f"Its {name} has {size:,} bytes; allowed: {limit:,}.")


def _check_weight_bytes(declared: int, size: int) -> None:
    """Raises a ValueError if weights declare many times the bytes of the model file."""
    if declared > FREE_BYTES + MAX_RATIO * size:
        raise ValueError(f"Its weights take {declared:,} bytes, but the file has {size:,} bytes.")


def _count_weights(stream: IO[bytes], size: int) -> int:
    """Returns the number of values in the weights of a model archive, each of at least 4 bytes.

    Links to other files are not followed here, and Keras refuses them.
    """
    import h5py

    with h5py.File(stream, "r") as weights:
        shapes = [
            (math.prod(each.shape or ()), max(each.dtype.itemsize, 4))
            for each in _hdf5_datasets(weights)
        ]
    _check_weight_bytes(sum(values * width for values, width in shapes), size)
    return sum(values for values, _ in shapes)


def _hdf5_datasets(weights: Any) -> Iterator[Any]:
    """Yields each dataset of the HDF5 file in a model archive once.

    The time is linear in the number of objects, which that of `visititems` is not: it opens each by
    its path from the root.

    Raises:
        ValueError: If groups are nested too deeply.
    """
    import h5py

    waiting = [(weights, 0)]
    visited = set()
    while waiting:
        group, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"Its weights are in more than {MAX_DEPTH} groups inside each other.")
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            each = group[name]
            place = h5py.h5o.get_info(each.id).addr
            if place in visited:
                continue
            visited.add(place)
            if isinstance(each, h5py.Group):
                waiting.append((each, depth + 1))
            elif isinstance(each, h5py.Dataset):
                yield each
