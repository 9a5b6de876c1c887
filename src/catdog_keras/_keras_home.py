"""The folder in which Keras, and this package, keep downloaded files."""

import os
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
