"""Evaluations written down: every bit comes back, and nothing else passes for one."""

import json
import os
import pathlib

import numpy as np
import pytest
from hypothesis import given

from catdog_keras.evaluation import Evaluation
from tests.evaluation.strategies import evaluations

NAMES = ["cat", "dog"]
GOOD = {
    "version": 1,
    "class_names": NAMES,
    "labels": [0, 1],
    "probabilities": [[0.75, 0.25], [0.5, 0.5]],
    "files": ["a.jpg", "b.jpg"],
}


def assert_same(again, result):
    assert again.class_names == result.class_names
    assert again.files == result.files
    for name in ("labels", "probabilities"):
        found, expected = getattr(again, name), getattr(result, name)
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()


@given(evaluations())
def test_save_and_load_preserve_every_bit(tmp_path_factory, result):
    path = tmp_path_factory.mktemp("saved") / "evaluation.json"
    result.save(path)
    assert_same(Evaluation.load(path), result)


def test_save_and_load_preserve_unicode_names_and_extreme_values(tmp_path):
    rows = np.array([[1 / 3, 2 / 3], [5e-324, 1.0], [np.nextafter(0.5, 1), 0.5]])
    result = Evaluation(['Käse "1"', "犬"], [0, 1, 1], rows, ["ä/1.jpg", "b\n.jpg", "\\c"])
    result.save(str(tmp_path / "evaluation.json"))
    assert_same(Evaluation.load(str(tmp_path / "evaluation.json")), result)


def test_saved_file_is_plain_json_with_default_permissions(tmp_path):
    Evaluation(NAMES, GOOD["labels"], GOOD["probabilities"], GOOD["files"]).save(
        tmp_path / "e.json"
    )
    assert json.loads((tmp_path / "e.json").read_text("utf-8")) == GOOD
    (tmp_path / "other").touch()
    assert (tmp_path / "e.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_failed_save_raises_and_keeps_existing_file(tmp_path, monkeypatch):
    path = tmp_path / "evaluation.json"
    path.write_text("old")

    def raise_no_space_left(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_text", raise_no_space_left)
    with pytest.raises(OSError, match="No space") as caught:
        Evaluation(NAMES, [0], [[1.0, 0.0]]).save(path)
    assert str(caught.value) == (
        f"`path` must be a writable file; received path={str(path)!r}. No space left on device."
    )
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["evaluation.json"]


def test_save_and_load_raise_for_pipe_and_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        path = str(tmp_path / name)
        with pytest.raises(OSError, match="regular file") as caught:
            Evaluation(NAMES, [0], [[1.0, 0.0]]).save(path)
        assert str(caught.value) == (
            f"`path` must be a writable file; received path={path!r}. It is not a regular file."
        )
        with pytest.raises(ValueError, match="regular file") as caught:
            Evaluation.load(path)
        assert str(caught.value) == (
            f"`path` must be a file that `Evaluation.save` wrote; received path={path!r}. "
            "It is not a regular file."
        )


def test_load_raises_for_missing_file_and_non_path(tmp_path):
    with pytest.raises(FileNotFoundError):
        Evaluation.load(tmp_path / "missing.json")
    with pytest.raises(TypeError) as caught:
        Evaluation.load(7)
    assert str(caught.value) == "`path` must be a path; received path=7."


def with_changes(**changes):
    return json.dumps({**GOOD, **changes})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ("\udcff", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        ("[" * 200_000, "RecursionError"),
        ("[1]", "ValueError: it is not a record with a version."),
        ("{}", "ValueError: it is not a record with a version."),
        (with_changes(version=2), "ValueError: its version is 2, supported is 1."),
        (with_changes(version=True), "ValueError: its version is True, supported is 1."),
        (with_changes(accuracy=1.0), "ValueError: it holds ['accuracy', 'class_names', 'files', 'labels', 'probabilities', 'version'], not ['class_names', 'files', 'labels', 'probabilities', 'version']."),
        ('{"version": 1}', "ValueError: it holds ['version'], not ['class_names', 'files', 'labels', 'probabilities', 'version']."),
        (with_changes(labels=3), "TypeError: labels is not a list."),
        (with_changes(labels=[0, True]), "TypeError: labels[1] is True, not of type int."),
        (with_changes(labels=[0, 1.0]), "TypeError: labels[1] is 1.0, not of type int."),
        (with_changes(labels=[[1, 0], [0, 1]]), "TypeError: labels[0] is [1, 0], not of type int."),
        (with_changes(labels=[0, 2]), "ValueError: `labels` must be class indices from 0 to 1, one for each class name; received labels=2."),
        (with_changes(labels=[0]), "ValueError: `probabilities` must be of shape (images, classes), here (1, 2); received shape (2, 2)."),
        (with_changes(probabilities=[0.5, 0.5]), "TypeError: probabilities[0] is 0.5, not of type list."),
        (with_changes(probabilities=[[0.5, "0.5"], [1, 0]]), "TypeError: probabilities[0][1] is '0.5', not of type int or float."),
        (with_changes(probabilities=[[0.5, 0.5], [0.5, 0.25, 0.25]]), "ValueError: probabilities[1] has another length than the first row."),
        (with_changes(probabilities=[[0.5, 0.5], [1]]), "ValueError: probabilities[1] has another length than the first row."),
        (with_changes(probabilities=[[0.5, 0.4], [1, 0]]), "ValueError: `probabilities` must be rows from 0 to 1 that sum to 1; received values from 0 to 1, sums from 0.9 to 1."),
        (with_changes(probabilities=[[float("nan"), 1], [1, 0]]), "ValueError: it holds NaN, which is not a JSON number."),
        (with_changes(class_names="ab"), "TypeError: `class_names` must be a list of distinct class names; received class_names='ab'."),
        (with_changes(files=["a.jpg", 2]), "TypeError: files[1] is 2, not of type str."),
        (with_changes(files=["a.jpg"]), "ValueError: `files` must hold one file per image, here 2; received 1. Pass the files of the split that is evaluated."),
    ],
)  # fmt: skip
def test_load_raises_with_reason_for_invalid_file(text, reason, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match="wrote") as caught:
        Evaluation.load(path)
    message = (
        f"`path` must be a file that `Evaluation.save` wrote; received path={str(path)!r}. {reason}"
    )
    assert (
        str(caught.value).startswith(message)
        if reason == "RecursionError"
        else str(caught.value) == message
    )
