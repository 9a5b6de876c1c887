"""Import of Matplotlib with its default settings, so that figures do not depend on the user's.

Keras imports Matplotlib, so that a wrong `matplotlibrc` ends commands that draw nothing. Settings
such as `text.usetex` can make a report impossible, or change its layout. Only the font families are
kept, because the default font has no Chinese, Japanese and Korean characters.
"""

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from catdog_keras.cli.errors import InputError, first_line_of

MAX_BYTES = 2**20
NAME = "matplotlibrc"
FONTS = ("family", "serif", "sans-serif", "cursive", "fantasy", "monospace")


def import_matplotlib() -> None:
    """Imports Matplotlib for figures, with its default settings, unless it is imported already.

    Its warnings about fonts, wrong settings and its cache folder are not printed.

    Raises:
        InputError: If it cannot be imported, as with a `matplotlibrc` that cannot be read.
    """
    if "matplotlib" in sys.modules:
        return
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        for file in _settings_file_candidates():
            # As Matplotlib selects it; pathlib raises an error for some paths.
            if os.path.exists(file) and not os.path.isdir(file):  # noqa: PTH110, PTH112
                _check_settings_file(file)
                break
        matplotlib = importlib.import_module("matplotlib")
        importlib.import_module("matplotlib.pyplot")
    except Exception as error:  # about folders, the styles of the user, incompatible packages, ...
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"Matplotlib could not be imported: {first_line_of(error)}. Correct its settings, or "
            "set MPLCONFIGDIR to an empty, writable folder."
        ) from error
    chosen = {f"font.{name}": matplotlib.rcParams[f"font.{name}"] for name in FONTS}
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(chosen)


def _settings_file_candidates() -> Iterator[Path]:
    """Yields the places of a user's settings of figures, in the order of Matplotlib."""
    yield Path(NAME)
    if (chosen := os.environ.get("MATPLOTLIBRC")) is not None:
        yield Path(chosen)
        yield Path(chosen, NAME)
    if folder := os.environ.get("MPLCONFIGDIR"):
        yield Path(folder, NAME)
        return
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser raises a RuntimeError
    if sys.platform.startswith(("linux", "freebsd")):
        yield Path(os.environ.get("XDG_CONFIG_HOME") or Path(home, ".config"), "matplotlib", NAME)
    else:
        yield Path(home, ".matplotlib", NAME)


def _check_settings_file(file: Path) -> None:
    """Raises an InputError if the settings file of figures cannot be read as text."""
    if not file.is_file():  # reading a FIFO would block
        raise _settings_file_error(file, "it is not a regular file")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        content.decode()
    except OSError as error:
        raise _settings_file_error(file, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _settings_file_error(file, "it is not UTF-8 text") from error
    if len(content) > MAX_BYTES:
        raise _settings_file_error(file, f"it has more than {MAX_BYTES:,} bytes")


def _settings_file_error(file: Path, reason: str) -> InputError:
    """Returns the error about settings of figures (`matplotlibrc`), with their path and the fix."""
    return InputError(
        f"{str(file.absolute())!r}, the settings of Matplotlib, cannot be used: {reason}. Correct "
        "or remove the file."
    )
