"""Decisions on images: read strictly, and obeyed only for the files that they were made on."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_image_folder, load_image_table, load_manifest
from catdog_keras.datasets._decisions import apply_decisions, read_decisions
from catdog_keras.datasets._image_index import index_image_folder

DIGEST = "0" * 64
ENTRY = {"decision": "fine", "sha256": DIGEST}


def write(path, images, version=1):
    path.write_text(json.dumps({"version": version, "images": images}), "utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes of three images each."""
    for label, name in enumerate(("cats", "dogs")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(3):
            image = Image.new("RGB", (4, 4), (label * 90, number * 50, 0))
            image.save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


def entry(folder, file, decision, **label):
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return {file: {"decision": decision, "sha256": digest, **label}}


def decided(folder, images, place=None):
    """Files and labels of the index of a folder after decisions."""
    decisions = read_decisions(write(folder.parent / "decisions.json", images))
    (listing,) = apply_decisions(
        index_image_folder(folder), decisions, place or folder
    ).parts.values()
    return dict(zip(listing.files, listing.labels.tolist(), strict=True))


def test_excluded_images_are_left_out_and_relabeled_ones_have_the_new_label(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*.png")}
    images = {
        **entry(folder, "cats/0.png", "exclude"),
        **entry(folder, "cats/1.png", "relabel", label="dogs"),
        **entry(folder, "dogs/2.png", "fine"),
    }
    assert decided(folder, images) == {
        "cats/1.png": 1,
        "cats/2.png": 0,
        "dogs/0.png": 1,
        "dogs/1.png": 1,
        "dogs/2.png": 1,
    }
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == before


def test_paths_are_relative_to_folder_that_was_passed_or_to_that_of_the_classes(folder):
    """The loaders descend into a folder that contains only one folder."""
    outer = folder.parent / "outer"
    outer.mkdir()
    folder.rename(outer / "images")
    inner = outer / "images"
    (outer / "decisions.json").unlink(missing_ok=True)
    found = {}
    for place, prefix in ((outer, "images/"), (inner, "")):
        one = entry(place, f"{prefix}cats/0.png", "exclude")
        decisions = read_decisions(write(folder.parent / "decisions.json", one))
        (listing,) = apply_decisions(index_image_folder(outer), decisions, outer).parts.values()
        found[prefix] = listing.files
    assert found["images/"] == found[""]
    assert "cats/0.png" not in found[""]
    assert len(found[""]) == 5


def test_example_of_the_format_in_the_documentation_is_read(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "how-to" / "is-your-accuracy-real.md"
    _, _, rest = page.read_text("utf-8").partition("```json\n")
    (tmp_path / "decisions.json").write_text(rest.partition("```")[0], "utf-8")
    found = read_decisions(tmp_path / "decisions.json")
    assert found.counts == {"exclude": 1, "relabel": 1, "fine": 0}


def test_files_of_another_folder_are_one_error_that_lists_them(folder):
    images = {**entry(folder, "cats/0.png", "fine"), "cats/7.png": ENTRY, "birds/1.png": ENTRY}
    with pytest.raises(
        ValueError, match=r"(?s)`decisions` must be .*2 of its 3 files do not exist"
    ):
        decided(folder, images)


def test_changed_file_is_an_error(folder):
    images = entry(folder, "cats/0.png", "exclude")
    Image.new("RGB", (5, 5)).save(folder / "cats" / "0.png")
    with pytest.raises(ValueError, match=r"1 of its 1 files have changed in .*\n  cats/0\.png"):
        decided(folder, images)


def test_class_that_does_not_exist_is_an_error(folder):
    images = entry(folder, "cats/0.png", "relabel", label="wolves")
    with pytest.raises(ValueError, match=r"'cats/0.png' as 'wolves'; the classes are \['cats', "):
        decided(folder, images)


def test_class_without_remaining_images_is_an_error(folder):
    images = {}
    for number in range(3):
        images |= entry(folder, f"cats/{number}.png", "exclude")
    with pytest.raises(
        ValueError, match="exclude or relabel all images of the class 'ca"
    ) as raised:
        decided(folder, images)
    assert "must be a decisions file" not in str(raised.value)
    assert "Keep or add images of this class, or leave it out with `class_names`." in str(
        raised.value
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[1", "Expecting"),
        ("[]", "not an object with version and images"),
        ('{"version": 1}', "not an object with version and images"),
        ('{"version": 2, "images": {}}', "Its version is 2, supported is 1"),
        ('{"version": true, "images": {}}', "Its version is True, supported is 1"),
        ('{"version": 1, "images": []}', "Its images are not an object"),
        ('{"version": 1, "images": {"a/b.png": 3}}', "'a/b.png' is not an object with decision"),
        ("[" * 100_000, "nested too deeply"),
        ('{"version": 1, "version": 1, "images": {}}', "It contains 'version' twice"),
    ],
)
def test_file_that_is_not_a_decisions_file_is_an_error(tmp_path, content, reason):
    (tmp_path / "decisions.json").write_text(content, "utf-8")
    with pytest.raises(ValueError, match="must be a decisions file that the page of") as caught:
        read_decisions(tmp_path / "decisions.json")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"decision": "delete"}, "is 'delete', not exclude, relabel, fine"),
        ({"decision": ["fine"]}, "is ['fine'], not"),
        ({"sha256": "0"}, "The checksum of 'a/b.png' is not a SHA-256"),
        ({"sha256": None}, "is not a SHA-256"),
        ({"label": "dogs"}, "has a label, but its decision is fine"),
        ({"decision": "relabel"}, "is relabeled without a label"),
        ({"decision": "relabel", "label": 1}, "is relabeled without a label"),
        ({"comment": "x"}, "is not an object with decision, sha256 and label"),
    ],
)
def test_entry_with_wrong_values_is_an_error(tmp_path, change, reason):
    with pytest.raises(ValueError, match="must be") as caught:
        read_decisions(write(tmp_path / "decisions.json", {"a/b.png": ENTRY | change}))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a.png", "a/../../b.png", "a//b.png", "./a.png", ".", "a\0b", "\ud800"],
)
def test_hostile_path_is_an_error(tmp_path, path):
    with pytest.raises(
        ValueError, match=r"is not a file name|outside of the folder|not a normalized"
    ):
        read_decisions(write(tmp_path / "decisions.json", {path: ENTRY}))


def test_repeated_file_is_an_error(tmp_path):
    entry = json.dumps(ENTRY)
    text = f'{{"version": 1, "images": {{"a.png": {entry}, "a.png": {entry}}}}}'
    (tmp_path / "decisions.json").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"It contains 'a\.png' twice"):
        read_decisions(tmp_path / "decisions.json")


def test_missing_file_folder_and_other_types_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="Check the path"):
        read_decisions(tmp_path / "none.json")
    with pytest.raises(ValueError, match="It is not a regular file"):
        read_decisions(tmp_path)
    with pytest.raises(TypeError, match="`decisions` must be a path"):
        read_decisions(np.array(["a"]))


TINY = {"image_size": 4, "batch_size": 2, "test_fraction": 0, "near_duplicates": "ignore"}


def labels_of(splits):
    """The class of each file, relative to the root."""
    return {
        Path(file).relative_to(splits.root).as_posix(): splits.class_names[label]
        for split, files in splits.files.items()
        for file, label in zip(files, splits.labels[split].tolist(), strict=True)
    }


@pytest.fixture
def decisions(folder):
    """A decisions file that excludes an image and relabels another."""
    images = {
        **entry(folder, "cats/0.png", "exclude"),
        **entry(folder, "dogs/1.png", "relabel", label="cats"),
    }
    return write(folder.parent / "decisions.json", images)


EXPECTED = {"cats/1.png": "cats", "cats/2.png": "cats", "dogs/0.png": "dogs", "dogs/1.png": "cats"}
EXPECTED |= {"dogs/2.png": "dogs"}


def test_loaded_folder_obeys_decisions_and_its_manifest_restores_the_labels(folder, decisions):
    splits = load_image_folder(folder, decisions=decisions, **TINY)
    assert labels_of(splits) == EXPECTED
    assert splits.label_source == "decisions"
    splits.save_manifest(folder.parent / "split.json")
    again = load_manifest(folder.parent / "split.json", folder)
    assert again.files == splits.files
    assert labels_of(again) == EXPECTED


def test_decisions_that_relabel_nothing_leave_the_folders_as_labels(folder):
    file = write(folder.parent / "decisions.json", entry(folder, "cats/0.png", "exclude"))
    assert load_image_folder(folder, decisions=file, **TINY).label_source == "folders"


def test_table_and_pattern_obey_decisions(folder, decisions):
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    table = {"image": files, "label": [file.split("/")[0] for file in files]}
    splits = load_image_table(table, root=folder, decisions=decisions, **TINY)
    assert labels_of(splits) == EXPECTED
    for path in folder.rglob("*.png"):
        path.rename(path.with_name(f"{path.parent.name}{path.name}"))
    images = {
        **entry(folder, "cats/cats0.png", "exclude"),
        **entry(folder, "dogs/dogs1.png", "relabel", label="cats"),
    }
    file = write(folder.parent / "decisions.json", images)
    splits = load_image_folder(folder, label_pattern=r"^([a-z]+)", decisions=file, **TINY)
    named = {file.replace("/", f"/{file[:4]}"): label for file, label in EXPECTED.items()}
    assert labels_of(splits) == named


def test_decisions_of_another_folder_are_an_error_of_the_loader(folder, decisions, tmp_path):
    (folder / "cats" / "0.png").unlink()
    with pytest.raises(ValueError, match="1 of its 2 files do not exist in"):
        load_image_folder(folder, decisions=decisions, **TINY)
    with pytest.raises(FileNotFoundError, match="`decisions` must be a decisions file"):
        load_image_folder(folder, decisions=tmp_path / "none.json", **TINY)
