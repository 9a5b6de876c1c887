"""What the loaders write to disk, killed at each of its steps, or done by many processes at once.

    python -m tests.datasets.processes FOLDER URL

One process imports what is needed and forks the others, so that each costs milliseconds. Prints
what was done, as JSON, if all of it gave the same, correct result.
"""

import hashlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from catdog_keras.datasets._fetch_archive import fetch_archive
from catdog_keras.datasets._image_cache import cache_in_file
from catdog_keras.datasets._manifest import write_manifest
from catdog_keras.datasets._unpack_archive import unpack_archive
from tests.corpora.archives import PLAIN, zipped

# Begins a program that imports modules of `catdog_keras.datasets` without TensorFlow, which the
# package itself imports and which takes seconds.
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"}
TOGETHER = 8


def unpack(folder: Path, _: str) -> None:
    """Unpacks an archive into the cache."""
    archive = folder.with_suffix(".zip")
    if not archive.exists():
        archive.write_bytes(zipped(PLAIN))
    unpack_archive(archive, folder)


def download(folder: Path, url: str) -> None:
    """Downloads an archive, and records its hash."""
    fetch_archive(url, folder)


def cache(folder: Path, _: str) -> None:
    """Decodes images into a file."""
    images = np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3)
    cache_in_file(folder, ["one", "two"], images.shape, iter(images))


def manifest(folder: Path, _: str) -> None:
    """Writes a manifest."""
    folder.mkdir(exist_ok=True)
    rows = [("train", str(folder / f"{n}.png"), 0, n, "00", n) for n in range(3)]
    write_manifest(folder / "split.json", folder, ("cats", "dogs"), rows, {}, "folders")


OPERATIONS: dict[str, Callable[[Path, str], None]] = {
    operation.__name__: operation for operation in (unpack, download, cache, manifest)
}


def checksums_of_finished_files(folder: Path) -> dict[str, str]:
    """What a later call may take for finished: all but what begins with a dot."""
    finished = [path for path in folder.iterdir() if not path.name.startswith(".")]
    files = [file for path in finished for file in (path, *path.rglob("*")) if file.is_file()]
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
    }


def start_process(work: Callable[[], None]) -> int:
    """Starts `work` in a new process and returns its number."""
    process = os.fork()
    if process == 0:
        try:
            work()
        except BaseException:  # whatever it is, the parent process has to hear of it
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return process


def run_and_kill_at_step(step: int, folder: Path, work: Callable[[], None]) -> bool:
    """Runs `work` until its `step`-th change of `folder`; returns whether it came so far."""

    def run() -> None:
        seen = 0

        def count(event: str, arguments: tuple) -> None:
            nonlocal seen
            if event in STEPS and str(folder) in str(arguments[0]):
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                seen += 1

        sys.addaudithook(count)
        work()

    _, status = os.waitpid(start_process(run), 0)
    if os.WIFSIGNALED(status):
        return True
    assert status == 0, f"{folder} failed"
    return False


def kill(name: str, root: Path, url: str) -> int:
    """Kills an operation before each of its steps; the next call must recover from it."""
    expected: dict[str, str] = {}
    step = 0
    while True:
        folder = root / f"{name}.killed.{step}"
        came_so_far = run_and_kill_at_step(
            step, folder, lambda at=folder: OPERATIONS[name](at, url)
        )
        OPERATIONS[name](folder, url)
        found = checksums_of_finished_files(folder)
        expected = expected or found
        assert found == expected, f"killed before step {step}: {found} instead of {expected}"
        if not came_so_far:
            return step
        step += 1


def check_concurrent_runs(name: str, root: Path, url: str) -> int:
    """Runs an operation in several processes that start at once; all must be right."""
    alone = root / f"{name}.alone"
    OPERATIONS[name](alone, url)
    for turn in range(3):
        folder = root / f"{name}.together.{turn}"
        folder.with_suffix(".zip").write_bytes(zipped(PLAIN))
        waiting, start = os.pipe()

        def work(at: Path = folder, gate: int = waiting, other: int = start) -> None:
            os.close(other)
            os.read(gate, 1)  # returns to all of them when the parent closes its end
            OPERATIONS[name](at, url)
            assert checksums_of_finished_files(at) == checksums_of_finished_files(alone)

        processes = [start_process(work) for _ in range(TOGETHER)]
        os.close(start)
        os.close(waiting)
        assert [os.waitpid(process, 0)[1] for process in processes] == [0] * TOGETHER
        assert checksums_of_finished_files(folder) == checksums_of_finished_files(alone)
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    return TOGETHER


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of the hash that is recorded
    place, address = Path(sys.argv[1]), sys.argv[2]
    done = {
        name: (kill(name, place, address), check_concurrent_runs(name, place, address))
        for name in OPERATIONS
    }
    print(json.dumps(done))
