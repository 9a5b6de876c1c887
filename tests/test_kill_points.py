"""A process that is killed before any of its file operations leaves the old results or the new."""

import json
import os
import subprocess
import sys

import pytest

# Number of kill points that a case has at least, so that an empty count is not a success.
AT_LEAST = {
    "train": 15,
    "train-first": 15,
    "train-with-other-files": 15,
    "evaluate": 10,
    "tutorial": 20,
    "manifest": 5,
    "cache": 5,
    "download": 10,
    "archive": 8,
    "archive-damaged": 8,
    "features": 5,
}
# Where a part of the results may be new. Next to a file of the user, folders cannot be exchanged,
# and `evaluate` then rejects a mix. A download and its checksum, and the files of a damaged folder,
# are replaced one by one, and the next run completes them.
PARTIAL = {
    "train-with-other-files": "mix, refused",
    "download": "mix",
    "archive-damaged": "mix",
}


@pytest.mark.slow
@pytest.mark.parametrize("case", AT_LEAST)
def test_kill_before_each_operation_leaves_old_or_new_results(case, tmp_path):
    (tmp_path / "place").mkdir()
    command = [sys.executable, "-m", "tests.kill_points", case, str(tmp_path / "place")]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_HOME": str(tmp_path / "home"), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert ended.returncode == 0, ended.stderr
    counts = json.loads(ended.stdout.splitlines()[-1])
    print(case, counts)
    assert counts["kill points"] >= AT_LEAST[case]
    allowed = {"old", "new", PARTIAL.get(case, "new")}
    assert sum(counts.get(result, 0) for result in allowed) == counts["kill points"]
    assert counts["old"] > 0
    assert counts["new"] > 0
    assert counts["with leftovers after one more run"] == 0
    assert counts["not written by one more run"] == 0
    assert counts["not whole after one more run"] == 0
    assert counts["lost files of the user"] == 0
