"""A folder of results in which every file appears whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from catdog_keras._checks import describe


class OutputFolder:
    """A folder that is checked early, made late, and written one whole file at a time."""

    def __init__(self, path: str | os.PathLike[str], name: str = "output") -> None:
        """Checks that the folder can be made, without making it.

        Raises:
            TypeError: If `path` is no path.
            OSError: If a file stands in the way or the place cannot be written to.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(describe(name, "a path", path))
        self.path = Path(path).expanduser()
        present = next(
            place for place in (self.path, *self.path.absolute().parents) if place.exists()
        )
        if not present.is_dir():
            raise NotADirectoryError(
                describe(name, "a folder", str(path), f"{str(present)!r} is a file.")
            )
        if not os.access(present, os.W_OK | os.X_OK):
            raise PermissionError(
                describe(
                    name,
                    "a folder that can be written to",
                    str(path),
                    f"There is no right to write in {str(present)!r}.",
                )
            )

    def remove(self, names: Iterable[str]) -> None:
        """Removes what an earlier run left under these names, so that no result is a stale one."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def write(self, name: str, save: Callable[[Path], object]) -> Path:
        """Lets `save` write a file under a temporary name, then gives it its own."""
        self.path.mkdir(parents=True, exist_ok=True)
        target = self.path / name
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=self.path) as scratch:
            unfinished = Path(scratch) / name
            save(unfinished)
            unfinished.replace(target)
        return target
