"""The command `doctor`: findings and page appear together or not at all."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from catdog_keras.datasets.synthetic import draw_image
from tests.doctor.planted import FLIPPED, TWIN, plant


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The folder of the images with planted faults."""
    return plant(tmp_path_factory.mktemp("planted") / "images")


def test_doctor_writes_findings_and_page_and_prints_the_first_findings(planted, tmp_path, run):
    output = tmp_path / "out"
    ended = run("doctor", planted, "--output", output, "--weights", "None")
    assert ended.exit_code == 0, ended.output
    assert {path.name for path in output.iterdir()} == {"findings.json", "report.html"}
    content = json.loads((output / "findings.json").read_text("utf-8"))
    assert content["images"] == len(list(planted.rglob("*.*")))
    pairs = [each for each in content["findings"] if each["kind"] == "near_duplicate"]
    assert set(pairs[0]["files"]) == set(TWIN)
    first, *others = ended.stdout.splitlines()
    assert first.startswith(f"{content['images']} images: 1 finding of leakage, 3 groups of near-")
    assert others[-1] == f"The page is {output / 'report.html'}."
    assert any(line.startswith("Left out: ") for line in others)


def test_doctor_with_features_finds_the_wrong_label(planted, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = run("doctor", planted, "--backbone", "synthetic_small", "--image-size", 64)
    assert ended.exit_code == 0, ended.output
    content = json.loads((tmp_path / "runs/images-doctor/findings.json").read_text("utf-8"))
    found = [each["files"] for each in content["findings"] if each["kind"] == "label_issue"]
    assert [FLIPPED] in found
    assert content["left_out"] == {}
    again = run("doctor", planted, "--weights", "None")
    assert "runs/images-doctor-2/report.html" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--decisions", "none.json"], "`--decisions` must be a decisions file"),
        (["--decisions", "old.json"], "Its version is 7, supported is 1"),
        (["--decisions", "other.json"], "1 of its 1 files do not exist in"),
        (["--backbone", "mobilnet"], "`--backbone` must be"),
        (["--weights", "none.h5"], "`--weights` must be"),
        (["--labels", "none.csv"], "`--labels` must be an existing CSV file"),
        (["--label-pattern", "("], "`--label-pattern` must be a regular expression"),
        (["--seed", "-1"], "--seed"),
        (["--image-size", "8", "--weights", "None"], "`--image-size` must be at least"),
    ],
)
def test_wrong_option_is_one_message_with_status_2_and_nothing_is_written(
    arguments, message, planted, tmp_path, run, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.json").write_text('{"version": 7, "images": {}}')
    entry = {"decision": "fine", "sha256": "0" * 64}
    (tmp_path / "other.json").write_text(json.dumps({"version": 1, "images": {"a.jpg": entry}}))
    ended = run("doctor", planted, "--output", "out", *arguments)
    assert ended.exit_code == 2
    *_, last = ended.stderr.split("Error: ")  # before it, there can be a warning of the split
    assert message in last
    assert "Traceback" not in ended.output
    assert {path.name for path in tmp_path.iterdir()} == {"old.json", "other.json"}


def test_split_folders_are_examined_as_they_are_without_warnings_of_moved_images(
    planted, tmp_path, run
):
    """The finding of leakage would contradict a warning that the copies were moved."""
    ended = run("doctor", planted, "--output", tmp_path / "out", "--weights", "None")
    assert ended.exit_code == 0, ended.output
    assert "Warning" not in ended.stderr
    assert "1 image of 30 in test" in ended.stdout
    trained = run("train", planted, "--output", tmp_path / "run", *TINY)
    moved = "1 file is a near-duplicate of a file of an earlier split and was moved to it"
    assert f"Warning: {moved}" in trained.stderr
    assert "`catdog-keras scan --near-duplicates` lists all near-duplicates" in trained.stderr
    assert "use --near-duplicates=" in trained.stderr
    assert "scan." not in trained.stderr


def test_test_folder_of_copies_only_is_examined(tmp_path, run):
    """`train` has no test image left, and raises an error."""
    data = tmp_path / "images"
    for kind in ("cat", "dog"):
        for split in ("train", "test"):
            (data / split / kind).mkdir(parents=True)
            for number in range(6):
                draw_image(kind, number).save(data / split / kind / f"{number}.png")
    ended = run("doctor", data, "--output", tmp_path / "out", "--weights", "None")
    assert ended.exit_code == 0, ended.output
    assert "12 images of 12 in test (100.0%" in ended.stdout
    failed = run("train", data, "--output", tmp_path / "run", *TINY)
    assert "No image is left for test" in failed.stderr


TINY = ["--backbone", "synthetic_small", "--image-size", "32", "--epochs", "1", "--no-report"]


def test_missing_data_and_output_inside_of_it_are_errors(planted, tmp_path, run):
    missing = run("doctor", tmp_path / "none")
    assert missing.exit_code == 2
    assert "`DATA` must be an existing folder or zip archive" in missing.stderr
    inside = run("doctor", planted, "--output", planted / "out")
    assert inside.exit_code == 2
    assert "`--output` must be a folder outside of the images" in inside.stderr
    assert not (planted / "out").exists()


@pytest.mark.slow  # Keras reads KERAS_HOME once, so a new process is required
def test_keras_home_that_cannot_be_used_leaves_out_the_checks_of_features(planted, tmp_path):
    (tmp_path / "home").write_text("a regular file")
    command = [
        sys.executable,
        "-m",
        "catdog_keras",
        "doctor",
        planted,
        "--output",
        tmp_path / "out",
    ]
    environment = {**os.environ, "KERAS_HOME": str(tmp_path / "home")}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    left_out = json.loads((tmp_path / "out" / "findings.json").read_text("utf-8"))["left_out"]
    assert "cannot be read from or saved to" in left_out["label issues"]
    assert "Left out: cropped, mirrored and rotated near-duplicates" in ended.stdout


def test_no_image_file_is_touched(planted, tmp_path, run):
    def state():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in planted.rglob("*.*")}

    before = state()
    assert run("doctor", planted, "--output", tmp_path / "out", "--weights", "None").exit_code == 0
    assert state() == before


def test_train_and_evaluate_obey_decisions(planted, tmp_path, run):
    images = {}
    for file, decision in ((TWIN[1], {"decision": "exclude"}), (FLIPPED, {"decision": "relabel"})):
        digest = hashlib.sha256((planted / file).read_bytes()).hexdigest()
        images[file] = decision | {"sha256": digest}
    images[FLIPPED]["label"] = "cats"
    decisions = tmp_path / "decisions.json"
    decisions.write_text(json.dumps({"version": 1, "images": images}))
    output = tmp_path / "out"
    ended = run("train", planted, "--output", output, "--decisions", decisions, *TINY)
    assert ended.exit_code == 0, ended.output
    assert "\nDecisions: 1 image excluded, 1 relabeled, 0 fine.\n" in f"\n{ended.stdout}"
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert record["decisions"] == {"exclude": 1, "relabel": 1, "fine": 0}
    split = json.loads((output / "split.json").read_text("utf-8"))
    labels = {row["path"]: split["class_names"][row["label"]] for row in split["files"]}
    assert TWIN[1] not in labels
    assert labels[FLIPPED] == "cats"
    assert len(labels) == len(list(planted.rglob("*.*"))) - 1
    judged = run("evaluate", output / "model.keras", planted)
    assert judged.exit_code == 0, judged.output


def test_train_reports_decisions_on_no_image(planted, tmp_path, run):
    (tmp_path / "none.json").write_text('{"version": 1, "images": {}}')
    arguments = ["--decisions", tmp_path / "none.json", "--output", tmp_path / "out", *TINY]
    ended = run("train", planted, *arguments)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("Decisions: 0 images excluded, 0 relabeled, 0 fine.\n")


@pytest.mark.parametrize("content", ['{"version": 2, "images": {}}', "{}", None])
def test_train_with_wrong_decisions_writes_nothing(content, planted, tmp_path, run):
    decisions = tmp_path / "decisions.json"
    if content is None:
        entry = {"decision": "fine", "sha256": "0" * 64}
        content = json.dumps({"version": 1, "images": {"train/cats/none.jpg": entry}})
    decisions.write_text(content)
    ended = run("train", planted, "--output", tmp_path / "out", "--decisions", decisions, *TINY)
    assert ended.exit_code == 2
    assert "`--decisions` must be a decisions file" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["decisions.json"]
