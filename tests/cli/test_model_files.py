"""Model files from unknown sources: none runs code, ends in a traceback or takes much memory."""

import gc
import json
import re
import sys
import warnings
from pathlib import Path

import keras
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from catdog_keras.cli.group import commands
from tests.corpora.model_files import GROUPS, Corpus

MAX_BYTES = 500 * 2**20


def resident(field: str) -> int:
    """Resident memory of this process (VmRSS), or its maximum since the last reset (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{field}:\s+(\d+)", status)[1])


def reset_maximum() -> None:
    """Resets the peak of memory that the kernel measures for this process."""
    Path("/proc/self/clear_refs").write_text("5")


def predict(model: Path, image: Path) -> Result:
    """Runs `predict` with a model on an image."""
    return CliRunner().invoke(commands, ["predict", str(model), str(image)])


def check_group(group: str, folder: Path) -> None:
    """Predicts with each file of a group, and prints the faults of each as JSON in the last line.

    In a process of its own, as for a user: what other tests leave in memory, to be freed at any
    time, would let a model allocate as much again.
    """
    warnings.simplefilter("ignore")  # NumPy's and Keras's, of values that are not finite
    image, canary = folder / "image.png", folder / "canary"
    Image.new("RGB", (8, 8), (200, 100, 50)).save(image)
    corpus = Corpus(folder, canary)
    assert predict(folder / "valid.keras", image).exit_code == 0  # imports everything
    gc.collect()
    gc.freeze()  # collecting for each file then takes no time for what exists already
    statuses = {0} if group == "usable" else {2}
    if group == "values" and keras.backend.backend() != "tensorflow":
        statuses = {0, 2}  # other backends need less memory for some of these layers
    failures = {}
    for number, (name, write) in enumerate(GROUPS[group](corpus)):
        path = folder / f"{number}.keras"
        write(path)
        gc.collect()
        reset_maximum()
        before = resident("VmRSS")
        ended = predict(path, image)
        grown = resident("VmHWM") - before
        errors = ended.stderr.splitlines()
        lines = [line for line in errors if not line.startswith("Warning: ")]
        faults = {
            "code was run": canary.exists(),
            f"traceback: {ended.exception!r}"[:300]: not isinstance(
                ended.exception, SystemExit | None
            ),
            f"status {ended.exit_code}": ended.exit_code not in statuses,
            f"{grown / 2**20:.0f} MB": grown > MAX_BYTES,
            f"{len(lines)} lines of errors, {len(ended.stderr)} letters": ended.exit_code != 0
            and (len(lines) != 1 or len(ended.stderr) > 1200),
        }
        canary.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        found = [fault for fault, holds in faults.items() if holds]
        print(f"{group} {name}: {grown / 2**20:.0f} MB, {ended.stderr.strip()[-220:]}")
        if found:
            failures[name] = [*found, ended.stderr[-300:]]
    print(json.dumps(failures))


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_model_file_runs_no_code_and_is_refused_in_one_sentence_or_predicted(
    group, tmp_path, forked
):
    ended = forked.run("-m", "tests.cli.test_model_files", group, tmp_path, text=True)
    print(ended.stdout, ended.stderr)
    assert ended.returncode == 0
    failures = json.loads(ended.stdout.splitlines()[-1])
    assert not failures, "\n".join(f"{name}: {faults}" for name, faults in failures.items())


if __name__ == "__main__":
    check_group(sys.argv[1], Path(sys.argv[2]))
