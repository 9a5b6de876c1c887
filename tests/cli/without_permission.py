"""Runs commands and code while permissions of a file or folder are missing; prints what came out.

Reads a list of cases as JSON: the path whose mode is changed, the mode, and the arguments of the
command or code. Prints a list of exit status, output, and whether the folder is unchanged.
"""

import json
import os
import sys
import traceback
import warnings
from pathlib import Path

from click.testing import CliRunner

import catdog_keras
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.group import commands


def is_enforced(place: Path) -> bool:
    """Returns whether permissions apply to this process."""
    change_mode(place, 0)
    try:
        return not os.access(place, os.R_OK)
    finally:
        change_mode(place, 0o755)


def change_mode(place: Path, mode: int) -> int:
    """Sets the permissions of a file or folder, and returns the earlier ones."""
    before = place.stat().st_mode & 0o7777
    place.chmod(mode)
    return before


def outcome(action: list[str] | str) -> tuple[int, str]:
    """Returns the exit status and the output of a command, or of code: 1 for an exception."""
    if isinstance(action, list):
        result = CliRunner().invoke(commands, action)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return -1, "".join(traceback.format_exception(result.exception))
        return result.exit_code, result.output
    try:
        with warnings.catch_warnings(record=True):
            exec(action, {"ck": catdog_keras})
    except Exception as error:
        return 1, f"{type(error).__name__}: {error}"
    return 0, ""


def contents_of(root: Path) -> dict[str, bytes]:
    """Returns the content of each file below a folder, by path."""
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def main(root: Path) -> None:
    """Runs the actions in standard input; prints status, output, and if files are the same."""
    if not is_enforced(root):
        print(json.dumps(None))
        return
    import_frameworks()  # Keras then writes its settings to KERAS_HOME
    found = []
    for path, mode, action in json.load(sys.stdin):
        before = contents_of(root)
        earlier = change_mode(root / path, mode)
        try:
            status, output = outcome(action)
        finally:
            change_mode(root / path, earlier)
        found.append((status, output, contents_of(root) == before))
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
