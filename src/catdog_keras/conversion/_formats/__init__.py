"""File formats to which models are exported, with the same interface for each of them."""

from pathlib import Path

from catdog_keras._checks import check_choice, describe
from catdog_keras._message import argument, setting
from catdog_keras.conversion._formats._format import ExportFormat, Run
from catdog_keras.conversion._formats._litert import LiteRt
from catdog_keras.conversion._formats._onnx import Onnx
from catdog_keras.conversion._formats._saved_model import SavedModel

__all__ = ["FORMATS", "ExportFormat", "Run", "choose_format", "format_of_file"]

FORMATS: dict[str, ExportFormat] = {
    "onnx": Onnx(),
    "litert": LiteRt(),
    "savedmodel": SavedModel(),
}


def choose_format(path: Path, name: str | None) -> ExportFormat:
    """Returns the format with a name, or that of the file name extension if there is no name.

    Raises:
        TypeError: If `name` is not a string.
        ValueError: If the format is unknown, or contradicts the extension.
    """
    suffix = path.suffix.lower()
    by_suffix = {each.suffix: key for key, each in FORMATS.items()}
    if name is None:
        if suffix not in by_suffix:
            listed = ", ".join(f"{each.suffix or 'none'} ({key})" for key, each in FORMATS.items())
            requirement = f"a path with the extension of a format: {listed}"
            remedy = "Or pass " + argument("format") + "."
            raise ValueError(describe("path", requirement, str(path), remedy))
        return FORMATS[by_suffix[suffix]]
    chosen = FORMATS[check_choice("format", name, tuple(FORMATS))]
    if suffix != chosen.suffix and (chosen.suffix or suffix in by_suffix):
        requirement = f"a path that ends in {chosen.suffix!r}" if chosen.suffix else "a folder"
        stated = setting("format", repr(name))
        reason = "This is the extension of " + stated + "." if chosen.suffix else ""
        raise ValueError(describe("path", f"{requirement} for " + stated, str(path), reason))
    return chosen


def format_of_file(path: Path) -> ExportFormat:
    """Returns the format of an existing file or folder.

    Raises:
        OSError: If it does not exist, or cannot be read.
        ValueError: If it is of none of the formats.
    """
    for each in FORMATS.values():
        if each.recognizes(path):
            return each
    requirement = "an ONNX or LiteRT file, or the folder of a SavedModel"
    raise ValueError(describe("path", requirement, str(path)))
