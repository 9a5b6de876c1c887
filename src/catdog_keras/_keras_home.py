"""The folder in which Keras, and this package, keep downloaded files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def keras_home() -> Path:
    """Returns `$KERAS_HOME`, or `~/.keras` if it is not set, as an absolute path.

    Like Keras, expands a leading `~`. The path is absolute, so that a later `os.chdir` does not
    change where the files of a dataset are.

    Raises:
        OSError: If the user has no home folder, as in a container that runs with the id of an
            unknown user, and KERAS_HOME does not name another folder.
    """
    chosen = os.environ.get("KERAS_HOME") or "~/.keras"
    expanded = os.path.expanduser(chosen)  # noqa: PTH111 - Path.expanduser raises a RuntimeError
    if expanded.startswith("~"):
        raise OSError(
            f"The home folder of {chosen!r}, for downloads and unpacked archives, is not known: "
            "the user has no home folder. Set KERAS_HOME to the absolute path of a writable folder."
        )
    return Path(expanded).absolute()


def create_keras_home() -> None:
    """Creates the folder: while it does not exist, Keras writes to a folder in `/tmp` instead.

    A folder that cannot be created is reported where it is needed.
    """
    with suppress(OSError):
        keras_home().mkdir(parents=True, exist_ok=True)


def set_keras_home() -> None:
    """Sets `$KERAS_HOME` to the absolute path of the folder; call it before Keras is imported.

    Keras expands a leading `~` when it reads the folder but not when it creates it, looks for a
    relative path in the working directory of each download, and takes an empty one for `/tmp`.
    """
    if "KERAS_HOME" in os.environ:
        with suppress(OSError):
            os.environ["KERAS_HOME"] = str(keras_home())


def cache_directory() -> Path:
    """Returns the folder of downloads and unpacked archives, `catdog_keras` in Keras's folder.

    Raises:
        OSError: If the folder cannot be created, or the user has no home folder.
    """
    directory = keras_home() / "catdog_keras"
    with cache_write_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def cache_write_errors(directory: Path) -> Iterator[None]:
    """Converts system errors in the block to one that names the cache folder and KERAS_HOME.

    Raises:
        OSError: In place of a system error.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # raised by this package, not by the system
            raise
        raise OSError(
            f"The folder for downloads and unpacked archives, {str(directory)!r}, cannot be "
            f"written to: {error.strerror}. Set KERAS_HOME to a folder with room for them."
        ) from error
