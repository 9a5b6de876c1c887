"""JSON files of evaluations, without loss of precision."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from catdog_keras._checks import check_path, describe
from catdog_keras._write_files import save_text

VERSION = 1
KEYS = ("version", "class_names", "labels", "probabilities", "files")

Made = TypeVar("Made")


def write_evaluation(
    path: str | os.PathLike[str],
    class_names: Sequence[str],
    labels: list[int],
    probabilities: list[list[float]],
    files: Sequence[str] | None,
) -> None:
    """Writes the fields of an evaluation to a file, atomically."""
    values = (VERSION, class_names, labels, probabilities, files)
    content = dict(zip(KEYS, values, strict=True))
    save_text(check_path("path", path), json.dumps(content, allow_nan=False))


def read_evaluation(path: str | os.PathLike[str], make: Callable[..., Made]) -> Made:
    """Reads the fields of an evaluation from a file and creates the evaluation.

    Raises:
        TypeError: If `path` is not a path.
        OSError: If the file does not exist.
        ValueError: If the file does not contain an evaluation.
    """
    file = check_path("path", path)
    requirement = "a file that `Evaluation.save` wrote"
    if file.exists() and not file.is_file():  # reading a FIFO would block
        raise ValueError(describe("path", requirement, str(path), "It is not a regular file."))
    try:
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        return make(**_check_fields(content))
    except (ValueError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(describe("path", requirement, str(path), reason)) from error


def _check_fields(content: Any) -> Mapping[str, Any]:
    """Returns the fields of an evaluation file; raises an error if they have other types."""
    if not isinstance(content, dict) or "version" not in content:
        raise ValueError("it is not a record with a version.")
    if type(content["version"]) is not int or content["version"] != VERSION:  # True equals 1
        raise ValueError(f"its version is {content['version']!r}, supported is {VERSION}.")
    if set(content) != set(KEYS):
        raise ValueError(f"it holds {sorted(content)}, not {sorted(KEYS)}.")
    rows, files = content["probabilities"], content["files"]
    # NumPy would convert strings and True to numbers, and one-hot rows to labels.
    _check_list_of("labels", content["labels"], (int,))
    _check_list_of("probabilities", rows, (list,))
    for index, row in enumerate(rows):
        _check_list_of(f"probabilities[{index}]", row, (int, float))
        if len(row) != len(rows[0]):
            raise ValueError(f"probabilities[{index}] has another length than the first row.")
    if files is not None:
        _check_list_of("files", files, (str,))
    return {key: content[key] for key in KEYS if key != "version"}


def _check_list_of(name: str, value: Any, types: tuple[type, ...]) -> None:
    """Raises a TypeError if a field of an evaluation file is not a list of these types."""
    if not isinstance(value, list):
        raise TypeError(f"{name} is not a list.")
    for index, each in enumerate(value):
        if type(each) not in types:
            expected = " or ".join(kind.__name__ for kind in types)
            raise TypeError(f"{name}[{index}] is {each!r}, not of type {expected}.")


def _refuse_constant(name: str) -> NoReturn:
    """Raises a ValueError for NaN and infinity, which Python would read from a JSON file."""
    raise ValueError(f"it holds {name}, which is not a JSON number.")
