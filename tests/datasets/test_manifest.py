"""Manifests: the same split again, elsewhere too, and never with other images."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from PIL import Image

from catdog_keras import load_cats_dogs, load_image_folder, load_manifest
from catdog_keras.datasets._manifest import read_manifest, write_manifest
from catdog_keras.datasets._options import BatchOptions

TINY = {"image_size": (4, 4), "batch_size": 4}


@pytest.fixture
def saved_manifest(cats_dogs, tmp_path):
    """Splits, the folder of their images, and the file of their manifest."""
    splits = load_cats_dogs(cats_dogs, **TINY, seed=3)
    splits.save_manifest(tmp_path / "split.json")
    return splits, cats_dogs, tmp_path / "split.json"


def test_load_manifest_restores_split_after_folder_is_moved_and_extended(saved_manifest, tmp_path):
    splits, folder, manifest = saved_manifest
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    Image.new("RGB", (4, 4)).save(moved / "train" / "cats" / "new.png")
    again = load_manifest(manifest, moved, **TINY, seed=3)
    for split, files in splits.files.items():
        assert [file.replace(str(moved), str(folder)) for file in again.files[split]] == [*files]
        np.testing.assert_array_equal(again.labels[split], splits.labels[split])
        np.testing.assert_array_equal(again.components[split], splits.components[split])
    assert again.class_names == splits.class_names
    assert again.counts == splits.counts


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
SPLITS = ("train", "validation", "test")


@st.composite
def manifests(draw):
    """Class names, and for each path a split, a label, a size and a hash."""
    class_names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    paths = draw(st.lists(PATHS, min_size=3, max_size=12, unique=True))
    names = {part for path in paths for part in path.split("/")}
    assume(names.isdisjoint(class_names))  # which would contradict random labels
    rows = {}
    for number, path in enumerate(paths):
        split = SPLITS[number] if number < 3 else draw(st.sampled_from(SPLITS))
        label = draw(st.integers(0, len(class_names) - 1))
        size = draw(st.integers(0, 2**40))
        # Files of one split may be copies of each other, those of two splits may not.
        content = f"{split}{draw(st.integers(0, 3))}".encode()
        component = 3 * draw(st.integers(0, 2**40)) + SPLITS.index(split)
        rows[path] = (split, label, size, hashlib.sha256(content).hexdigest(), component)
    return tuple(class_names), rows


@given(manifests())
def test_read_manifest_returns_written_content(manifest):
    class_names, rows = manifest
    with tempfile.TemporaryDirectory() as folder:
        file, root = Path(folder, "split.json"), Path(folder, "images")
        write_manifest(
            file,
            root,
            class_names,
            (
                (split, os.path.join(root, path), *rest)  # noqa: PTH118 - as paths are passed
                for path, (split, *rest) in rows.items()
            ),
            BatchOptions.in_order(8, 1).preparation,
            "folders",
        )
        found = read_manifest(file)
    assert found.class_names == class_names
    assert found.contents == {path: row[2:4] for path, row in rows.items()}
    assert found.components == {path: row[4] for path, row in rows.items()}
    assert list(found.splits) == list(SPLITS)
    for split, listing in found.splits.items():
        members = {path: label for path, (place, label, *_) in rows.items() if place == split}
        assert dict(zip(listing.files, listing.labels.tolist(), strict=True)) == members
        assert list(listing.files) == list(members)


def test_manifest_contains_class_names_and_every_file_entry(saved_manifest):
    splits, folder, manifest = saved_manifest
    content = json.loads(manifest.read_text())
    assert content["class_names"] == ["cats", "dogs"]
    ordered = sorted(splits.files["train"])
    ordered += sorted(splits.files["validation"] + splits.files["test"])
    expected = [
        {
            "path": Path(file).relative_to(folder).as_posix(),
            "label": ["cats", "dogs"].index(Path(file).parent.name),
            "split": split,
            "size": len(Path(file).read_bytes()),
            "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest(),
            "component": ordered.index(file),  # all are distinct
        }
        for split, files in splits.files.items()
        for file in files
    ]
    assert len(expected) == 100
    assert content["files"] == expected


def test_manifest_has_default_permissions_and_leaves_no_temporary_file(saved_manifest, tmp_path):
    (tmp_path / "other").touch()
    assert saved_manifest[2].stat().st_mode == (tmp_path / "other").stat().st_mode
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_manifest_of_archive_loads_from_archive_and_folder(cats_dogs, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    archive = shutil.make_archive(str(tmp_path / "images"), "zip", cats_dogs.parent, "images")
    load_image_folder(archive, **TINY).save_manifest(tmp_path / "split.json")
    for place in (archive, cats_dogs):
        assert load_manifest(tmp_path / "split.json", place, **TINY).counts["train"]["cats"] == 30


def test_changed_missing_and_empty_files_raise_with_paths(saved_manifest):
    _, folder, manifest = saved_manifest
    Image.new("RGB", (4, 4)).save(folder / "train" / "cats" / "image.0.png")
    (folder / "train" / "dogs" / "image.30.png").unlink()
    (folder / "train" / "dogs" / "image.31.png").write_bytes(b"")
    with pytest.raises(ValueError, match="3 of 100 files in") as caught:
        load_manifest(manifest, folder, **TINY)
    assert str(caught.value).splitlines() == [
        f"3 of 100 files in {str(folder)!r} do not match the manifest:",
        "  train/cats/image.0.png: has changed",
        "  train/dogs/image.30.png: cannot be read: No such file or directory",
        "  train/dogs/image.31.png: empty file",
        "Restore the files, or create a new split.",
    ]


def _invalid_manifests(content):
    """Manifests that are none, by what is wrong with them."""
    row, *others = content["files"]
    return {
        "no JSON": "not JSON",
        "a list": "[]",
        "version 9": json.dumps({**content, "version": 9}),
        "no files": json.dumps({**content, "files": []}),
        "outside": json.dumps({**content, "files": [{**row, "path": "../a.png"}, *others]}),
        "absolute": json.dumps({**content, "files": [{**row, "path": "/a.png"}, *others]}),
        "other label": json.dumps({**content, "files": [{**row, "label": 2}, *others]}),
        "other split": json.dumps({**content, "files": [{**row, "split": "dev"}, *others]}),
        "twice": json.dumps({**content, "files": [row, row, *others]}),
        "no name": json.dumps({**content, "files": [{**row, "path": ""}, *others]}),
        "NUL": json.dumps({**content, "files": [{**row, "path": "a\0b"}, *others]}),
        "a number": json.dumps({**content, "files": [{**row, "path": 5}, *others]}),
        "true": json.dumps({**content, "files": [{**row, "label": True}, *others]}),
        "1.0": json.dumps({**content, "files": [{**row, "label": 1.0}, *others]}),
        "size": json.dumps({**content, "files": [{**row, "size": "1"}, *others]}),
        "component": json.dumps({**content, "files": [{**row, "component": "a"}, *others]}),
        "hash": json.dumps({**content, "files": [{**row, "sha256": None}, *others]}),
        "deep": "[" * 100_000,
        "no label": json.dumps(
            {**content, "files": [{"path": "a.png", "split": "train"}, *others]}
        ),
    }


def test_invalid_manifest_raises(saved_manifest):
    _, folder, manifest = saved_manifest
    for name, text in _invalid_manifests(json.loads(manifest.read_text())).items():
        manifest.write_text(text)
        with pytest.raises(ValueError, match=r"a file that `ImageSplits\.save_manifest` wrote;"):
            pytest.fail(f"{name}: {load_manifest(manifest, folder, **TINY)}")
    with pytest.raises(FileNotFoundError):
        load_manifest(folder / "none.json", folder)
    with pytest.raises(TypeError, match="`path` must be a path; received path=3"):
        load_manifest(3, folder)


def test_failed_save_keeps_earlier_manifest_and_leaves_no_temporary_file(
    saved_manifest, tmp_path, monkeypatch
):
    splits, _, manifest = saved_manifest
    before = manifest.read_text()

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        splits.save_manifest(manifest)
    assert manifest.read_text() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_identical_images_in_two_splits_raise_with_paths(saved_manifest):
    _, folder, manifest = saved_manifest
    content = json.loads(manifest.read_text())
    train, *_, test = content["files"]
    shutil.copy(folder / train["path"], folder / test["path"])
    test.update(size=train["size"], sha256=train["sha256"])
    manifest.write_text(json.dumps(content))
    named = f"The same bytes are '{train['path']}' in train and '{test['path']}' in test"
    with pytest.raises(ValueError, match=re.escape(named)):
        load_manifest(manifest, folder, **TINY)


def test_load_and_save_reject_pipes_and_devices(saved_manifest, tmp_path):
    splits, folder, _ = saved_manifest
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("pipe", "null"):
        with pytest.raises(ValueError, match="It is not a regular file"):
            load_manifest(tmp_path / name, folder)
        with pytest.raises(OSError, match="`path` must be a writable file; received"):
            splits.save_manifest(tmp_path / name)
        assert not (tmp_path / name).is_file()


def test_save_manifest_error_shows_received_path(saved_manifest, tmp_path):
    with pytest.raises(OSError, match=r"received path='.*/nowhere/m.json'\. No such file or"):
        saved_manifest[0].save_manifest(tmp_path / "nowhere" / "m.json")
    with pytest.raises(TypeError, match="`path` must be a path; received path=None"):
        saved_manifest[0].save_manifest(None)


def test_component_in_two_splits_raises_with_paths(saved_manifest):
    _, folder, manifest = saved_manifest
    content = json.loads(manifest.read_text())
    train, *_, test = content["files"]
    test.update(component=train["component"])
    manifest.write_text(json.dumps(content))
    named = f"The same component is '{train['path']}' in train and '{test['path']}' in test"
    with pytest.raises(ValueError, match=re.escape(named)):
        load_manifest(manifest, folder, **TINY)


def test_manifest_without_components_raises_with_its_version(saved_manifest):
    _, folder, manifest = saved_manifest
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 1}))
    with pytest.raises(
        ValueError, match=r"Its version is 1, supported is 2\. Load the folder again"
    ):
        load_manifest(manifest, folder, **TINY)


WRONG = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()), st.integers(10**20, 10**21),
)  # fmt: skip


def _valid_content():
    """A manifest of three images."""
    files = [
        {
            "path": f"{split}/cats/{split}.png",
            "label": 0,
            "split": split,
            "size": 1,
            "sha256": hashlib.sha256(split.encode()).hexdigest(),
            "component": SPLITS.index(split),
        }
        for split in SPLITS
    ]
    return {"version": 2, "class_names": ["cats", "dogs"], "files": files}


def _read_content(content):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "split.json")
        file.write_text(json.dumps(content))
        try:
            return read_manifest(file)
        except ValueError as error:
            message = str(error)
            assert repr(str(file)) in message
            assert "`ImageSplits.save_manifest` wrote" in message
            assert "\n" not in message
            assert len(message) < 1000
            return None


@given(st.data())
def test_forged_content_raises_one_sentence_or_keeps_its_types(data):
    content = _valid_content()
    target = data.draw(st.sampled_from([content, content["files"][0]]))
    key = data.draw(st.sampled_from(sorted(target)))
    if data.draw(st.booleans()):
        del target[key]
        assert _read_content(content) is None
        return
    target[key] = data.draw(WRONG)
    manifest = _read_content(content)
    if manifest is not None:
        row = content["files"][0]
        assert type(content["version"]) is type(row["size"]) is type(row["label"]) is int
        assert row["size"] >= 0
        assert row["label"] == 0
        assert manifest.class_names == ("cats", "dogs")
        assert isinstance(row["path"], str)


@pytest.mark.parametrize(
    "forge",
    [
        lambda content: content.update(class_names=["cats", "cats"]),
        lambda content: content.update(class_names=["cats", 1]),
        lambda content: content.update(class_names="ab"),
        lambda content: content.update(class_names={"cats": 0, "dogs": 1}),
        lambda content: content.update(class_names=[]),
        lambda content: content.update(class_names=["cats", ""]),
        lambda content: content.update(class_names=["cats", *map(str, range(10**6))]),
        lambda content: content.update(class_names=["dogs", "cats"]),
        lambda content: content.update(version=True),
        lambda content: content.update(version=2.0),
        lambda content: content.update(files={}),
        lambda content: content["files"][0].update(label=1),
        lambda content: content["files"][0].update(path=content["files"][1]["path"]),
        lambda content: content["files"][0].update(sha256=content["files"][1]["sha256"]),
        lambda content: content["files"][0].update(sha256="A" * 64),
        lambda content: content["files"][0].update(path="train/./cats/a.png"),
        lambda content: content["files"][0].update(path="train//cats/a.png"),
        lambda content: content["files"][0].update(path="\ud800.png"),
        lambda content: content["files"][0].update(path="x" * 10**5 + "/../a.png"),
        lambda content: content["files"][0].update(size=-1),
        lambda content: content["files"][0].update(component=-1),
        lambda content: content["files"][0].update(component=True),
        lambda content: content["files"][0].update(component=2**53 + 1),
        lambda content: content["files"][0].update(component=1),
    ],
)
def test_forged_manifest_raises_one_sentence_with_file(forge):
    content = _valid_content()
    assert _read_content(content) is not None
    forge(content)
    assert _read_content(content) is None
