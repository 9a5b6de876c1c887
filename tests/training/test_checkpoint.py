"""Checkpoint files: what is damaged is recovered from the generation before, or refused by name."""

import errno
import hashlib
import io
import json
import os

import keras
import numpy as np
import pytest

from catdog_keras.training import _checkpoint
from catdog_keras.training._checkpoint import MAGIC, Checkpoint
from catdog_keras.training._training_state import StageProgress, TrainingState, read_values

CALL = {"epochs": 9}


@pytest.fixture(scope="module")
def model():
    """A model of two layers, one of which has a seed as its state."""
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dropout(0.1)])


@pytest.fixture
def state_of(model):
    """Returns a state after a number of epochs; each has other weights."""

    def make(epochs):
        variables = read_values(model.variables)
        variables[0] = np.full_like(variables[0], epochs)
        seeds = [variable for variable in variables if variable.dtype.kind != "f"]
        return TrainingState(StageProgress(7, [epochs]), variables, seeds, random=random_of())

    return make


def random_of():
    from catdog_keras._backend import random_state

    return random_state()


def epochs_of(file, model):
    return Checkpoint(file, CALL).read(model, []).progress.epochs[0]


def half(content):
    return content[: len(content) // 2]


def flipped(content):
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "half": half,
    "flipped": flipped,
    "flipped at the start": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "flipped checksum": lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:],
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": lambda content: half(content).ljust(len(content), b"\0"),
    "truncated by a byte": lambda content: content[:-1],
    "appended": lambda content: content + b"garbage",
    "prepended": lambda content: b"garbage" + content,
    "other file": lambda content: b"\x89PNG\r\n",
    "header alone": lambda content: MAGIC,
    "removed": None,
}


def damage(file, kind):
    if DAMAGES[kind] is None:
        file.unlink()
    else:
        file.write_bytes(DAMAGES[kind](file.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_checkpoint_is_replaced_by_the_one_before(kind, model, state_of, tmp_path):
    file = tmp_path / "state"
    written = Checkpoint(file, CALL)
    for epochs in (1, 2, 3):
        written.write(state_of(epochs))
    damage(file, kind)
    resumed = Checkpoint(file, CALL)
    with pytest.warns(UserWarning, match=f"{file.name}.* cannot be used.*, after epoch 2") as seen:
        found = resumed.read(model, [])
    assert seen[0].filename == __file__
    assert found.progress.epochs == [2]
    assert (found.variables[0] == 2).all()
    # The damaged file does not replace the intact one.
    resumed.write(state_of(3))
    assert epochs_of(file, model) == 3
    file.write_bytes(b"damaged again")
    with pytest.warns(UserWarning, match="after epoch 2"):
        assert epochs_of(file, model) == 2


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind != "removed"])
def test_damaged_single_checkpoint_is_refused_by_name_and_kept(kind, model, state_of, tmp_path):
    file = tmp_path / "state"
    Checkpoint(file, CALL).write(state_of(1))
    damage(file, kind)
    content = file.read_bytes()
    with pytest.raises(ValueError, match=f"`backup` must be an intact .*{file.name}'") as caught:
        Checkpoint(file, CALL).read(model, [])
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == content


def forge(file, change):
    """Changes the arrays of a file, and gives it a valid checksum."""
    with np.load(io.BytesIO(file.read_bytes()[len(MAGIC) + 32 :])) as stored:
        arrays = dict(stored)
    metadata = json.loads(str(arrays.pop("metadata")))
    metadata = change(metadata, arrays) or metadata
    payload = io.BytesIO()
    np.savez(payload, metadata=np.array(json.dumps(metadata)), **arrays)
    content = payload.getvalue()
    file.write_bytes(MAGIC + hashlib.sha256(content).digest() + content)


def set_progress(name, value):
    return lambda metadata, _: metadata["progress"].update({name: value})


FORGERIES = {
    "list": lambda *_: [1],
    "text": lambda *_: "text",
    "number": lambda *_: 3,
    "call list": lambda metadata, _: metadata.update(call=[1]),
    "call null": lambda metadata, _: metadata.update(call=None),
    "no call": lambda metadata, _: metadata.pop("call") and None,
    "no progress": lambda metadata, _: metadata.pop("progress") and None,
    "no version": lambda metadata, _: metadata["call"].pop("version") and None,
    "other version": lambda metadata, _: metadata["call"].update(version=99),
    "progress list": lambda metadata, _: metadata.update(progress=[]),
    "missing key": lambda metadata, _: metadata["progress"].pop("seed") and None,
    "another key": set_progress("more", 1),
    "seed text": set_progress("seed", "7"),
    "seed null": set_progress("seed", None),
    "seed true": set_progress("seed", True),
    "negative": set_progress("epochs", [-1]),
    "fraction": set_progress("epochs", [1.5]),
    "epochs null": set_progress("epochs", None),
    "no stage": set_progress("epochs", []),
    "done number": set_progress("done", 1),
    "best number": set_progress("best", 1.0),
    "best of texts": set_progress("best", ["a", "b"]),
    "history list": set_progress("history", []),
    "history of texts": set_progress("history", {"loss": ["a"]}),
    "history number": set_progress("history", {"loss": 1.0}),
    "callbacks null": set_progress("callbacks", None),
    "another callback": set_progress("callbacks", [{"wait": 1}]),
    "missing variable": lambda _, arrays: arrays.pop("variables1") is None,
    "missing last variable": lambda _, arrays: arrays.pop(last_variable(arrays)) is None,
    "no seeds": lambda _, arrays: arrays.pop("seeds0") is None,
    "other shape": lambda _, arrays: arrays.update(variables0=np.zeros((9, 9), "float32")),
    "other type": lambda _, arrays: arrays.update(variables0=np.zeros((2, 3), "int32")),
    "text weights": lambda _, arrays: arrays.update(variables0=np.full((2, 3), "a")),
    "not a number": lambda _, arrays: arrays.update(variables0=np.full((2, 3), np.nan, "f")),
    "infinite": lambda _, arrays: arrays.update(best0=np.full((2, 3), np.inf, "f")),
    "best of others": lambda _, arrays: arrays.update(best0=np.zeros((2, 3), "f")),
    "random": lambda _, arrays: arrays.update(random0=np.zeros(3), random1=np.zeros(3)),
    "callback weights": lambda _, arrays: arrays.update(callback_weights0=np.zeros(3)),
}


def last_variable(arrays):
    return max(name for name in arrays if name.startswith("variables"))


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_checkpoint_is_refused_by_name(kind, model, state_of, tmp_path):
    file = tmp_path / "state"
    Checkpoint(file, CALL).write(state_of(1))
    forge(file, FORGERIES[kind])
    with pytest.raises(ValueError, match=f"`backup` must be an intact .*{file.name}'") as caught:
        Checkpoint(file, CALL).read(model, [])
    assert "\n" not in str(caught.value)


def test_compressed_arrays_are_refused(model, state_of, tmp_path):
    """A few kilobytes could otherwise expand to any size."""
    file = tmp_path / "state"
    Checkpoint(file, CALL).write(state_of(1))
    payload = io.BytesIO()
    np.savez_compressed(payload, metadata=np.array("{}"), variables0=np.zeros(10**6))
    content = payload.getvalue()
    file.write_bytes(MAGIC + hashlib.sha256(content).digest() + content)
    with pytest.raises(ValueError, match="compressed"):
        Checkpoint(file, CALL).read(model, [])


def test_object_arrays_are_not_unpickled(model, state_of, tmp_path):
    file = tmp_path / "state"
    Checkpoint(file, CALL).write(state_of(1))
    forge(file, lambda _, arrays: arrays.update(variables0=np.array([{}], dtype=object)))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Checkpoint(file, CALL).read(model, [])


def test_processes_that_write_at_the_same_time_do_not_collide(
    model, state_of, tmp_path, monkeypatch
):
    file, fsync = tmp_path / "state", os.fsync
    one, other = Checkpoint(file, CALL), Checkpoint(file, CALL)
    one.write(state_of(1))

    def write_meanwhile(number):
        monkeypatch.setattr(_checkpoint.os, "fsync", fsync)
        other.write(state_of(2))
        Checkpoint(file, CALL)  # a third process starts, and does not remove the first one's file
        fsync(number)

    monkeypatch.setattr(_checkpoint.os, "fsync", write_meanwhile)
    one.write(state_of(3))
    assert epochs_of(file, model) == 3
    assert {each.name for each in tmp_path.iterdir()} == {"state", "state.previous"}


def test_full_disk_keeps_checkpoint_and_leaves_no_file(model, state_of, tmp_path, monkeypatch):
    file = tmp_path / "state"
    written = Checkpoint(file, CALL)
    written.write(state_of(1))

    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(_checkpoint.os, "fsync", fail)
        with pytest.raises(OSError, match=r"`backup` must be .*state'\. No space left on dev"):
            written.write(state_of(2))
    assert [each.name for each in tmp_path.iterdir()] == ["state"]
    assert epochs_of(file, model) == 1


def test_checkpoint_that_is_not_a_file_is_rejected(tmp_path):
    with pytest.raises(OSError, match=r"`backup` must be .* It is not a regular file\."):
        Checkpoint(tmp_path, CALL)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match=r"`backup` must be .* It is not a regular file\."):
        Checkpoint(tmp_path / "fifo", CALL)


def test_state_that_is_not_finite_is_not_written(model, state_of, tmp_path):
    file = tmp_path / "state"
    written = Checkpoint(file, CALL)
    written.write(state_of(1))
    diverged = state_of(2)
    diverged.variables[0][0] = np.nan
    with pytest.warns(UserWarning, match="is not updated: after epoch 2 there are weights that"):
        written.write(diverged)
    assert epochs_of(file, model) == 1


def test_checkpoint_of_another_call_is_rejected_even_if_the_newer_is_missing(
    model, state_of, tmp_path
):
    file = tmp_path / "state"
    written = Checkpoint(file, CALL)
    written.write(state_of(1))
    written.write(state_of(2))
    file.unlink()
    with pytest.raises(ValueError, match=r"state.previous'.* epochs was 9, is 8\."):
        Checkpoint(file, {"epochs": 8}).read(model, [])
