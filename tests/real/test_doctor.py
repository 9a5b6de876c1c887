"""Planted faults in photographs are found by one command, and decided by a file."""

import hashlib
import io
import json
import zipfile

import pytest
from PIL import Image, ImageOps

from tests.invoke_command import invoke_command

TRAIN, TEST = 300, 60  # images per class
FLIPPED = (3, 50, 77, 120, 200)  # of each class
COPIED = (10, 11, 12, 13, 14)
OTHER = {"cat": "dog", "dog": "cat"}
WRONG = {
    f"train/{other}s/{kind}.{number}.jpg" for kind, other in OTHER.items() for number in FLIPPED
}


def plant(real_images, root, border):
    """Photographs with wrong labels, copies in `test`, and optionally a border around all dogs."""
    with zipfile.ZipFile(real_images) as archive:
        for kind in ("cat", "dog"):
            for number in range(TRAIN + TEST):
                name = f"cats_and_dogs_filtered/train/{kind}s/{kind}.{number}.jpg"
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    split = "train" if number < TRAIN else "test"
                    label = OTHER[kind] if number in FLIPPED else kind
                    width = border if label == "dog" else 0
                    write(root, image, split, label, f"{kind}.{number}.jpg", width, quality=90)
                    if number in COPIED:
                        small = image.resize((image.width * 3 // 4, image.height * 3 // 4))
                        copy = f"copy-{kind}.{number}.jpg"
                        write(root, small, "test", label, copy, width, quality=75)
    return root


def write(root, image, split, label, name, border, quality):
    image = ImageOps.expand(image, border, (0, 0, 0))
    (root / split / f"{label}s").mkdir(parents=True, exist_ok=True)
    image.save(root / split / f"{label}s" / name, quality=quality)


def run(*arguments):
    """Returns the output of the command, which must succeed."""
    ended = invoke_command(*arguments)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def find(planted, output, *options):
    """Returns the findings of the command by kind, and the number of images."""
    run("doctor", planted, "--output", output, *options)
    content = json.loads((output / "findings.json").read_text("utf-8"))
    assert content["left_out"] == {}
    found = {}
    for finding in content["findings"]:
        found.setdefault(finding["kind"], []).append(finding)
    return found, content["images"]


@pytest.mark.usefixtures("real_weights")
def test_planted_faults_are_found_by_one_command_and_decided_by_a_file(real_images, tmp_path):
    planted = plant(real_images, tmp_path / "images", border=8)
    found, count = find(planted, tmp_path / "checked")
    across = [set(each["files"]) for each in found["near_duplicate"] if each["score"] >= 2]
    expected = [
        {f"train/{kind}s/{kind}.{number}.jpg", f"test/{kind}s/copy-{kind}.{number}.jpg"}
        for kind in OTHER
        for number in COPIED
    ]
    assert sorted(map(sorted, across)) == sorted(map(sorted, expected))
    (leak,) = found["leakage"]
    assert len(leak["files"]) == len(expected)
    assert found["shortcut"][0]["text"].startswith("The border alone predicts the label")
    # The head learns the border too, which hides wrong labels.
    issues = {each["files"][0] for each in found["label_issue"]}
    print(f"with a border: {len(issues & WRONG)} of {len(WRONG)} wrong labels, {len(issues)} found")
    assert len(issues & WRONG) >= 4
    assert len(issues & WRONG) >= 0.8 * len(issues)

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
    again, left = find(planted, tmp_path / "again", "--decisions", file)
    assert left == count - len(found["near_duplicate"])
    assert "leakage" not in again
    assert "near_duplicate" not in again


@pytest.mark.usefixtures("real_weights")
def test_wrong_labels_are_found_if_no_border_hides_them(real_images, tmp_path):
    planted = plant(real_images, tmp_path / "images", border=0)
    found, _ = find(planted, tmp_path / "checked")
    assert "shortcut" not in found
    first = [each["files"][0] for each in found["label_issue"]][: len(WRONG)]
    print(f"without a border: {len(WRONG & set(first))} of {len(WRONG)} wrong labels")
    assert len(WRONG & set(first)) >= 0.6 * len(WRONG)
