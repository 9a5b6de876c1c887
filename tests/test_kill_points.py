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
    "doctor": 10,
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


@pytest.fixture(scope="module")
def counts(request, tmp_path_factory):
    """Counts of all selected cases, from one process: importing takes longer than some cases."""
    cases = [
        item.callspec.params["case"]
        for item in request.session.items
        if item.path == request.path and "counts" in item.fixturenames
    ]
    root = tmp_path_factory.mktemp("kill points")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.kill_points", str(root), *cases],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_HOME": str(root / "home"), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("case", AT_LEAST)
def test_kill_before_each_operation_leaves_old_or_new_results(case, counts):
    found = counts[case]
    print(case, found)
    assert found["kill points"] >= AT_LEAST[case]
    allowed = {"old", "new", PARTIAL.get(case, "new")}
    assert sum(found.get(result, 0) for result in allowed) == found["kill points"]
    assert found["old"] > 0
    assert found["new"] > 0
    assert found["with leftovers after one more run"] == 0
    assert found["not written by one more run"] == 0
    assert found["not whole after one more run"] == 0
    assert found["lost files of the user"] == 0
