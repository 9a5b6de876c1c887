"""Publication of finished files and folders: readers find the old ones or the new ones."""

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from catdog_keras._scratch import kept_from_removal, scratch_folder

AT_CURRENT_FOLDER = -100  # AT_FDCWD of Linux
EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def publish_folder(scratch: Path, target: Path) -> None:
    """Renames a finished folder to `target`; keeps a folder that another process made there."""
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def publish_files(scratch: Path, folder: Path, names: Sequence[str]) -> None:
    """Moves all files of `scratch` to `folder`, in place of the files of an earlier run.

    If `folder` contains nothing else, the two folders are exchanged by one system call, so that a
    process that is killed at any moment leaves the old files or the new ones. Otherwise, and where
    the system has no such call, each file replaces its predecessor, in the order of `names`; those
    that have no successor are removed at the end.

    Args:
        scratch: Folder with the new files.
        folder: Folder for the files; may have been removed.
        names: Names of all files that a run may write, the most important one last. A folder among
            them is removed with its files. A file under another name is never replaced.

    Raises:
        FileExistsError: If there is a file of another name that a new one would replace.
    """
    if _is_exchangeable(scratch, folder, names) and _exchange_folders(scratch, folder, names):
        return
    folder.mkdir(parents=True, exist_ok=True)
    new = _names_in_folder(scratch)
    for name in sorted((new - set(names)) & _names_in_folder(folder)):
        reason = "Another program wrote there meanwhile"
        raise FileExistsError(errno.EEXIST, reason, str(folder / name))
    for name in sorted(new - set(names)) + [name for name in names if name in new]:
        if (folder / name).is_dir():  # a rename replaces only empty folders
            shutil.rmtree(folder / name)
        move(scratch / name, folder / name)
    for name in set(names) - new:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Renames a finished file or folder to `target`, in place of a file there.

    A mount point can be on the same device as its parent, and still not allow a rename: then a
    complete copy is renamed.
    """
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with scratch_folder(target.parent) as near:
            copy = near / source.name
            if source.is_dir():
                shutil.copytree(source, copy)
            else:
                shutil.copy2(source, copy)
            copy.replace(target)


def _is_exchangeable(scratch: Path, folder: Path, names: Sequence[str]) -> bool:
    """Returns whether the published folder has only files of an earlier run, and no other use."""
    if scratch.parent != folder.parent:
        return False
    if not folder.exists():
        return True
    here, there = folder.stat(), scratch.stat()
    return (
        os.access(folder, os.W_OK)
        and _names_in_folder(folder) <= set(names)
        and (here.st_uid, here.st_gid) == (there.st_uid, there.st_gid)
        and not os.path.samestat(here, Path().stat())  # a shell would stay in the old folder
    )


def _exchange_folders(scratch: Path, folder: Path, names: Sequence[str]) -> bool:
    """Publishes by an exchange of folders; renames `scratch` if `folder` is empty or missing."""
    if not folder.exists():
        scratch.chmod(0o777 & ~_current_umask())
    else:
        shutil.copystat(folder, scratch)  # permissions and access control lists
        os.utime(scratch)
    with kept_from_removal(folder):
        if _exchange_atomically(scratch, folder):
            with suppress(FileNotFoundError):  # old results of a third process, already removed
                _move_foreign_files(scratch, folder, names)
            return True
    try:
        scratch.rename(folder)
    except OSError:  # not empty, a mount point, or on Windows
        return False
    return True


def _exchange_atomically(first: Path, second: Path) -> bool:
    """Exchanges the new and the published folder atomically; returns False if not possible."""
    if sys.platform not in ("linux", "darwin"):
        return False
    library = ctypes.CDLL(None)
    ends = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "darwin":
            return bool(library.renamex_np(*ends, EXCHANGE) == 0)
        at = AT_CURRENT_FOLDER
        return bool(library.renameat2(at, ends[0], at, ends[1], EXCHANGE) == 0)
    except AttributeError:  # an older C library
        return False


def _move_foreign_files(old: Path, folder: Path, names: Sequence[str]) -> None:
    """Moves files that another process just wrote to the old folder to the published one."""
    for name in _names_in_folder(old) - set(names):
        with suppress(OSError):
            (old / name).rename(folder / name)


def _names_in_folder(folder: Path) -> set[str]:
    """Returns the names of the files and folders directly in a published folder."""
    return {file.name for file in folder.iterdir()}


def _current_umask() -> int:
    """Returns the umask for a published folder, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
