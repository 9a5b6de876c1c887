"""Planted faults in photographs are found by one command, and decided by a file."""

import hashlib
import io
import json
import zipfile

import pytest
from click.testing import CliRunner
from PIL import Image, ImageOps

from catdog_keras.cli.group import commands

TRAIN, TEST = 300, 60  # images per class
FLIPPED = (3, 50, 77, 120, 200)  # of each class
COPIED = (10, 11, 12, 13, 14)
BORDER = 8


@pytest.fixture(scope="module")
def planted(real_images, tmp_path_factory):
    """Photographs with wrong labels, a border around all images in `dogs`, and copies in `test`."""
    root = tmp_path_factory.mktemp("photographs") / "images"
    with zipfile.ZipFile(real_images) as archive:
        for kind in ("cat", "dog"):
            other = "dog" if kind == "cat" else "cat"
            for number in range(TRAIN + TEST):
                name = f"cats_and_dogs_filtered/train/{kind}s/{kind}.{number}.jpg"
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    split = "train" if number < TRAIN else "test"
                    label = other if number in FLIPPED else kind
                    write(root, image, split, label, f"{kind}.{number}.jpg", quality=90)
                    if number in COPIED:
                        small = image.resize((image.width * 3 // 4, image.height * 3 // 4))
                        write(root, small, "test", label, f"copy-{kind}.{number}.jpg", quality=75)
    return root


def write(root, image, split, label, name, quality):
    if label == "dog":
        image = ImageOps.expand(image, BORDER, (0, 0, 0))
    (root / split / f"{label}s").mkdir(parents=True, exist_ok=True)
    image.save(root / split / f"{label}s" / name, quality=quality)


def run(*arguments):
    ended = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_planted_faults_are_found_by_one_command(planted, real_weights, tmp_path):
    printed = run("doctor", planted, "--output", tmp_path / "checked")
    content = json.loads((tmp_path / "checked" / "findings.json").read_text("utf-8"))
    found = {}
    for finding in content["findings"]:
        found.setdefault(finding["kind"], []).append(finding)
    assert content["left_out"] == {}
    across = [set(each["files"]) for each in found["near_duplicate"] if each["score"] >= 2]
    expected = [
        {f"train/{kind}s/{kind}.{number}.jpg", f"test/{kind}s/copy-{kind}.{number}.jpg"}
        for kind in ("cat", "dog")
        for number in COPIED
    ]
    assert sorted(map(sorted, across)) == sorted(map(sorted, expected))
    (leak,) = found["leakage"]
    assert len(leak["files"]) == len(expected)
    assert found["shortcut"][0]["text"].startswith("The border alone predicts the label")
    flipped = {
        f"train/{other}s/{kind}.{number}.jpg"
        for kind, other in (("cat", "dog"), ("dog", "cat"))
        for number in FLIPPED
    }
    first = [each["files"][0] for each in found["label_issue"]][: len(flipped)]
    print(printed, f"{len(flipped & set(first))} of {len(flipped)} wrong labels")
    assert len(flipped & set(first)) >= 0.7 * len(flipped)

    decisions = {}
    for finding in found["label_issue"]:
        (file,) = finding["files"]
        digest = hashlib.sha256((planted / file).read_bytes()).hexdigest()
        label = finding["likely"]
        decisions[file] = {"decision": "relabel", "sha256": digest, "label": label}
    for finding in found["near_duplicate"]:
        file = finding["files"][-1]
        digest = hashlib.sha256((planted / file).read_bytes()).hexdigest()
        decisions[file] = {"decision": "exclude", "sha256": digest}
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps({"version": 1, "images": decisions}), "utf-8")
    run("doctor", planted, "--output", tmp_path / "again", "--decisions", file)
    again = json.loads((tmp_path / "again" / "findings.json").read_text("utf-8"))
    kinds = [finding["kind"] for finding in again["findings"]]
    assert again["images"] == content["images"] - len(expected)
    assert "leakage" not in kinds
    assert "near_duplicate" not in kinds
    assert kinds.count("label_issue") < len(found["label_issue"])
