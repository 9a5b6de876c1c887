"""The record of a training run: a file that is damaged is reported with its name."""

import json

import pytest

from catdog_keras.cli.run_record import RECORD_FILE, TrainingRecord, read_training_record

VALID = {
    "data": "images",
    "settings": {"seed": 0},
    "counts": {"train": {"cats": 3}},
    "ignored": {"torn.png": "cut"},
    "history": {"loss": [0.9, 0.5], "accuracy": [0.5, float("nan")]},
    "seconds": 1.5,
    "environment": {"keras": "3"},
}


def write(folder, text):
    """Writes the text of a training record; returns the path of the model next to it."""
    (folder / RECORD_FILE).write_text(text)
    return folder / "model.keras"


def test_training_record_round_trip(tmp_path):
    TrainingRecord(**VALID).write(tmp_path)
    read = read_training_record(tmp_path / "model.keras")
    assert read.counts == VALID["counts"]
    assert read.history["loss"] == VALID["history"]["loss"]


@pytest.mark.parametrize(
    "changed",
    [
        {"data": 1},
        {"data": "a\0b"},
        {"data": "a\ud800"},
        {"history": {"loss": [10**400]}},
        {"settings": []},
        {"settings": {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}},
        {"counts": {"train": 3}},
        {"counts": {"train": {"cats": -1}}},
        {"ignored": {"torn.png": 1}},
        {"history": []},
        {"history": {}},
        {"history": {"loss": []}},
        {"history": {"loss": 1}},
        {"history": {"loss": ["1"]}},
        {"history": {"loss": [1.0], "accuracy": [1.0, 2.0]}},
        {"seconds": "long"},
        {"environment": {"keras": 3}},
        {"unknown": 1},
    ],
)
def test_training_record_with_wrong_types_is_reported(changed, tmp_path):
    model = write(tmp_path, json.dumps({**VALID, **changed}))
    with pytest.raises(ValueError, match=RECORD_FILE):
        read_training_record(model)


@pytest.mark.parametrize("text", ["", "null", "[]", "1", "{", "[" * 100_000, '{"a":' * 100_000])
def test_training_record_that_is_not_a_record_is_reported(text, tmp_path):
    with pytest.raises(ValueError, match="is not the record of a training run"):
        read_training_record(write(tmp_path, text))


def test_training_record_that_is_not_utf8_is_reported(tmp_path):
    (tmp_path / RECORD_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is not the record of a training run"):
        read_training_record(tmp_path / "model.keras")
