"""Reading of image labels from a CSV file, a data frame or another mapping of columns."""

import csv
import numbers
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from catdog_keras._checks import check_path, describe
from catdog_keras._message import argument
from catdog_keras._printable import first_lines, listed, printable

# A data frame of pandas or polars also has columns by name.
Table: TypeAlias = str | os.PathLike[str] | Mapping[str, Sequence[Any]] | Any

DELIMITERS = ",;\t"
SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # as Excel writes it
LABELS = "a column of texts or integers, the classes"
REQUIREMENT = "the path of a CSV file, a data frame, or a dict of columns"


def read_columns(
    table: Table, columns: Mapping[str, str]
) -> tuple[dict[str, list[Any]], Path | None, Sequence[int]]:
    """Returns columns of a table, the folder of the file if it is one, and numbers of its rows.

    Rows are counted as programs show them: the header of a CSV file is row 1, blank lines count,
    and the first row of a table in memory is row 0.

    Args:
        table: A file or a table in memory.
        columns: Names of columns by the arguments that state them, which are the keys of the
            result.

    Raises:
        TypeError: If `table` is neither a path nor has columns, or a column name is not a string.
        ValueError: If a column is missing or repeated, or the file is not a table.
        OSError: If the file does not exist.
    """
    for name, column in columns.items():
        if not isinstance(column, str):
            raise TypeError(describe(name, "the name of a column", column))
    folder = None
    content: Any = table
    numbers_of_rows: Sequence[int] | None = None
    if isinstance(table, (str, os.PathLike)):
        path = check_path("table", table, REQUIREMENT)
        folder = path.absolute().parent
        found, content, numbers_of_rows = _read_csv_columns(path)
    else:
        found = _columns_in_memory(table)
    for name, column in columns.items():
        if column not in found:
            requirement = "the name of a column of the table"
            remedy = f"Its columns are {listed(map(str, found))}."
            raise ValueError(describe(name, requirement, column, remedy))
        if found.count(column) > 1:
            requirement = "the name of one column of the table"
            remedy = f"It has {found.count(column)} columns of this name. Rename all but one."
            raise ValueError(describe(name, requirement, column, remedy))
    values = {name: list(content[column]) for name, column in columns.items()}
    first, *others = values
    for name in others:
        if len(values[name]) != len(values[first]):
            raise ValueError(
                f"The columns {columns[first]!r} and {columns[name]!r} have {len(values[first])} "
                f"and {len(values[name])} values. They must be of the same length."
            )
    return values, folder, numbers_of_rows or range(len(values[first]))


def _columns_in_memory(table: Any) -> list[Any]:
    """Returns the names of the columns of a label table in memory."""
    if isinstance(table, np.ndarray) and table.ndim == 1 and table.dtype.names:
        return list(table.dtype.names)
    if not (hasattr(table, "__getitem__") and hasattr(table, "__contains__")) or isinstance(
        table, (bytes, Sequence, np.ndarray)
    ):
        raise TypeError(describe("table", REQUIREMENT, table))
    return list(getattr(table, "columns", table))


def _read_csv_columns(path: Path) -> tuple[list[str], dict[str, list[str]], Sequence[int]]:
    """Reads a label table from a CSV file of UTF-8, separated by commas, semicolons or tabs.

    Returns:
        The header, the columns by name, the last one of those with equal names, and the number of
        each row.
    """
    if not path.exists():
        raise FileNotFoundError(describe("table", REQUIREMENT, str(path), "There is no such file."))
    if not path.is_file():  # reading a FIFO would block
        raise ValueError(describe("table", REQUIREMENT, str(path), "It is not a regular file."))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stated = SEPARATOR_LINE.fullmatch(first)
            if stated is None:
                stream.seek(0)
            unquoted = re.sub(r'"[^"]*"', "", first)
            delimiter = stated[1] if stated else max(DELIMITERS, key=unquoted.count)
            read = list(csv.reader(stream, delimiter=delimiter, strict=True))
    except UnicodeDecodeError as error:
        remedy = "Save it with the encoding UTF-8."
        raise ValueError(describe("table", REQUIREMENT, str(path), remedy)) from error
    except csv.Error as error:
        raise ValueError(describe("table", REQUIREMENT, str(path), f"{error}.")) from error
    start = 1 if stated is None else 2
    numbered = [(number, row) for number, row in enumerate(read, start) if row]  # not blank lines
    if not numbered:
        raise ValueError(describe("table", REQUIREMENT, str(path), "The file is empty."))
    (_, header), *rows = numbered
    wrong = [f"row {number}: {len(row)} values" for number, row in rows if len(row) != len(header)]
    if wrong:
        remedy = f"Its header has {len(header)} columns, but not all rows:{first_lines(wrong)}"
        raise ValueError(describe("table", REQUIREMENT, str(path), remedy))
    columns = {name: [row[at] for _, row in rows] for at, name in enumerate(header)}
    return header, columns, [number for number, _ in rows]


def labels_by_file(
    root: Path, images: Sequence[Any], labels: Sequence[Any], rows: Sequence[int]
) -> dict[str, str]:
    """Returns the class of each file, by its path relative to `root` with forward slashes.

    Args:
        root: Folder of the images.
        images: Paths of the images.
        labels: Label of each image.
        rows: Number of the row of each image, for messages.

    Raises:
        ValueError: If there are no rows, labels are empty, paths are outside of `root`, files are
            listed twice, or do not exist.
    """
    if not images:
        raise ValueError(describe("table", "a table of images with their labels", "no rows"))
    names = [text_of("label_column", LABELS, label) for label in labels]
    _raise_if_any(
        "rows have no label",
        (
            f"row {row}: {printable(str(image))}"
            for row, image, name in zip(rows, images, names, strict=True)
            if not name
        ),
        len(images),
        "Fill in the labels, or remove these rows.",
    )
    paths = [_path_below_root(root, image) for image in images]
    _raise_if_any(
        f"paths are not inside of {str(root)!r}",
        (printable(str(image)) for image, path in zip(images, paths, strict=True) if path is None),
        len(images),
        "Pass a folder that contains all images as " + argument("root") + ".",
    )
    files = [path for path in paths if path is not None]
    found: dict[str, str] = {}
    twice: dict[str, str] = {}
    for path, name in zip(files, names, strict=True):
        if path in found:
            twice[path] = found[path] if found[path] == name else f"{found[path]} and {name}"
        found.setdefault(path, name)
    _raise_if_any(
        "images are listed more than once",
        (f"{printable(path)}: {printable(label)}" for path, label in twice.items()),
        len(found),
        "Leave one row for each image.",
    )
    _raise_if_any(
        f"files do not exist in {str(root)!r}",
        (printable(file) for file in found if not os.path.exists(root / file)),  # noqa: PTH110
        len(found),
        "Add the files, remove their rows, or pass the folder of the images as "
        + argument("root")
        + ".",
    )
    return found


def _raise_if_any(problem: str, cases: Iterable[str], total: int, remedy: str) -> None:
    """Raises if rows of a label table have a problem, with their number and the first of them."""
    found = list(cases)
    if found:
        start = f"{len(found)} of {total} {problem}:{first_lines(found)}\n"
        raise ValueError(argument("table") + ": " + start + remedy)


def text_of(name: str, requirement: str, value: Any) -> str:
    """Returns a label or group as text; an empty text for a missing one.

    A column of integers with missing values consists of floats in pandas.

    Raises:
        TypeError: If it is neither a text nor an integer, with the name of the argument and what
            it must be.
    """
    if isinstance(value, str):
        return value.strip()
    if value is None or type(value).__name__ == "NAType":
        return ""
    if isinstance(value, numbers.Integral | np.bool_):
        return str(value)
    if isinstance(value, numbers.Real):
        if value != value:  # NaN
            return ""
        if float(value).is_integer():
            return str(int(float(value)))
    raise TypeError(describe(name, requirement, value))


def _path_below_root(root: Path, image: Any) -> str | None:
    """Returns a path of a label table relative to `root`, or None; links are not resolved."""
    if not isinstance(image, (str, os.PathLike)) or not isinstance(os.fspath(image), str):
        raise TypeError(describe("image_column", "a column of paths", image))
    path = os.fspath(image).strip()
    if "\0" in path:
        return None
    place = os.path.normpath(os.path.join(root, path))  # noqa: PTH118 - an absolute path stays
    try:
        relative = os.path.relpath(place, root)
    except ValueError:  # on another drive of Windows
        return None
    inside = path and relative not in (os.curdir, os.pardir)
    if not inside or relative.startswith(os.pardir + os.sep):
        return None
    return relative.replace(os.sep, "/")
