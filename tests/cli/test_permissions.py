"""Files and folders without permission: one sentence that names them, and nothing is changed."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TINY = [
    *["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "4", "--epochs", "1"],
    "--no-report",
]
NONE, LIST, ENTER, READ = 0o000, 0o444, 0o111, 0o555

PREDICT = ["predict", "R/model/model.keras", "R/images"]
EVALUATE = ["evaluate", "R/model/model.keras", "R/images"]
EVERYTHING = [*EVALUATE, "--split", "all"]
REPORT = [*EVALUATE, "--report", "R/results/report"]
SCAN = ["scan", "R/images"]
TRAIN = ["train", "R/images", "--output", "R/results/new", *TINY]
TRAIN_OTHERS = ["train", "R/images", "--output", "R/of other classes", *TINY]
TRAIN_AGAIN = ["train", "R/images", "--output", "R/old", *TINY]
ZIP = ["predict", "R/model/model.keras", "R/images.zip"]
WEIGHTS = [*TRAIN, "--weights", "R/weights.h5"]
TUTORIAL = ["tutorial", "--output", "R/results"]

DENIED = "Permission denied"
# What lacks permission, its mode, what is run, the exit status, and the message.
CASES = [
    ("images/CLASS/FILE", NONE, SCAN, 1, rf"1 bad, .*FILE: cannot be read: {DENIED}"),
    ("images/CLASS/FILE", NONE, PREDICT, 0, rf"1 of \d+ files .*FILE: cannot be read: {DENIED}"),
    ("images/CLASS/FILE", NONE, EVERYTHING, 0, rf"1 of \d+ files .*: cannot be read: {DENIED}"),
    ("images/CLASS", NONE, SCAN, 1, r"1 bad, .*CLASS: a folder that cannot be read"),
    ("images/CLASS", ENTER, PREDICT, 0, r"CLASS: a folder that cannot be read"),
    ("images/CLASS", NONE, TRAIN, 2, rf"Error: '.*CLASS': {DENIED}"),
    (
        "images/CLASS",
        LIST,
        TRAIN_OTHERS,
        0,
        rf"FILE: cannot be read: {DENIED}.*'CLASS'\] have no usable",
    ),
    ("images/CLASS", NONE, EVERYTHING, 2, r"Error: '.*CLASS' is a folder that cannot be read\. Ch"),
    ("images/CLASS", NONE, EVALUATE, 2, rf"match the manifest:.*cannot be read: {DENIED}"),
    ("images", NONE, SCAN, 2, rf"Error: '.*images/?': {DENIED}"),
    ("images", NONE, PREDICT, 2, rf"Error: '.*images/?': {DENIED}"),
    ("images", ENTER, TRAIN, 2, rf"Error: '.*images/?': {DENIED}"),
    ("images", LIST, EVERYTHING, 2, rf"cannot be read: {DENIED}"),
    ("images.zip", NONE, ZIP, 2, rf"Error: '.*images\.zip' cannot be read: {DENIED}"),
    ("model/model.keras", NONE, PREDICT, 2, rf"Error: '.*model\.keras': {DENIED}\. Check the path"),
    ("model", LIST, PREDICT, 2, rf"Error: '.*model\.keras': {DENIED}"),
    ("model/split.json", NONE, EVALUATE, 2, rf"Error: '.*split\.json': {DENIED}"),
    ("model/training.json", NONE, EVALUATE, 2, rf"Error: '.*training\.json': {DENIED}"),
    ("weights.h5", NONE, WEIGHTS, 2, rf"Error: '.*weights\.h5': {DENIED}"),
    ("results", READ, TRAIN, 2, rf"`--output` must be a writable folder; .*new'\. {DENIED}"),
    ("results", NONE, TRAIN, 2, rf"`--output` must be a writable folder; .*new'\. {DENIED}"),
    ("results", READ, REPORT, 2, rf"`--report` must be a writable folder; .*report'\. {DENIED}"),
    ("results", READ, TUTORIAL, 2, rf"`--output` must be a writable folder; .*results'\. {DENIED}"),
    ("old", READ, TRAIN_AGAIN, 2, rf"`--output` must be a writable folder; .*old'\. {DENIED}"),
    ("old", NONE, TRAIN_AGAIN, 2, rf"`--output` must be a writable folder; .*old'\. {DENIED}"),
    (
        "home/catdog_keras/unpacked",
        READ,
        ZIP,
        2,
        rf"'.*home/catdog_keras.*', cannot be written to: {DENIED}.*KERAS_HOME",
    ),
    (
        "home/catdog_keras",
        NONE,
        ZIP,
        2,
        rf"'.*home/catdog_keras.*', cannot be written to: {DENIED}.*KERAS_HOME",
    ),
    (
        "home/catdog_keras",
        READ,
        TUTORIAL,
        2,
        rf"'.*home/catdog_keras.*', cannot be written to: {DENIED}",
    ),
    (
        "results",
        READ,
        "ck.load_image_folder('R/images', cache='R/results/c')",
        1,
        "OSError: `cache`",
    ),
    ("results", NONE, "ck.load_image_folder('R/images', cache='R/results')", 1, "OSError: `cache`"),
    (
        "home/catdog_keras",
        READ,
        "ck.load_cats_dogs('synthetic')",
        1,
        "OSError: The folder for downloads",
    ),
    ("home/keras.json", NONE, SCAN, 2, rf"home/keras\.json', the settings of Keras.*: {DENIED}"),
    ("model/split.json", NONE, "ck.load_manifest('R/model/split.json', 'R/images')", 1, DENIED),
]


@pytest.fixture(scope="module")
def folder(drawn, model, tmp_path_factory):
    """Images, as folder and zip archive, a model, results of an earlier run, and KERAS_HOME."""
    root = tmp_path_factory.mktemp("permissions")
    shutil.copytree(drawn, root / "images")
    shutil.copytree(model.parent, root / "model")
    with zipfile.ZipFile(root / "images.zip", "w") as archive:
        for number, file in enumerate(drawn.rglob("*.png")):
            archive.write(file, f"images/{number}.png")
    for name in ("results", "home/catdog_keras/unpacked", "old"):
        (root / name).mkdir(parents=True)
    for name in ("model.keras", "split.json", "training.json"):
        (root / "old" / name).write_text("of an earlier run")
    (root / "weights.h5").write_bytes(b"weights")
    return root


@pytest.fixture(scope="module")
def found(folder):
    """What each of the cases printed, in one process without the privileges of root."""
    command = [sys.executable, "-m", "tests.cli.without_permission", str(folder)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("permissions do not apply to root, and setpriv is not installed")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    cases = json.dumps([case[:3] for case in CASES])
    for name, place in names(folder).items():
        cases = cases.replace(name, json.dumps(place)[1:-1])
    environment = {**os.environ, "KERAS_HOME": str(folder / "home")}
    ended = subprocess.run(
        command, input=cases, capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stderr
    results = json.loads(ended.stdout.splitlines()[-1])
    if results is None:
        pytest.skip("permissions do not apply to this user or file system")
    return results


def names(folder: Path) -> dict[str, str]:
    """Placeholders of the cases, with what they stand for."""
    first = sorted((folder / "images").iterdir())[0]
    return {"FILE": sorted(first.iterdir())[0].name, "CLASS": first.name, "R/": f"{folder}/"}


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}: {CASES[n][0]}")
def test_missing_permission_is_reported_in_one_sentence(found, folder, number):
    *_, action, expected, pattern = CASES[number]
    status, output, unchanged = found[number]
    for name, place in names(folder).items():
        output = output.replace(place, name)
    assert status == expected, output
    assert re.search(pattern, output, re.DOTALL), output
    assert "Traceback" not in output
    if status != 0 and isinstance(action, list):
        assert unchanged
    assert not list(folder.rglob(".unfinished-*"))
