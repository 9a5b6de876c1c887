"""`train --resume` continues after a kill, with the same bits."""

import json
import signal

import keras
import numpy as np
import pytest

import catdog_keras
from catdog_keras import _scratch
from catdog_keras.cli.resume import open_checkpoints
from catdog_keras.training import _checkpoint
from tests.interruption import InterruptionError, interrupt

OPTIONS = [
    *["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "8"],
    *["--epochs", "3", "--fine-tune-epochs", "2"],
    "--no-report",
]
# Ends itself when the checkpoint of an epoch is written, counted over head and fine-tuning.
PROGRAM = """
import os, signal, sys
from catdog_keras.cli import main
from catdog_keras.cli.resume import open_checkpoints
from catdog_keras.training import _checkpoint
from tests.training.fine_tuning_cases import interrupted_replace
epoch, moment, *arguments = sys.argv[1:]
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)

class Files(type(_checkpoint.Path())):  # not the files of other modules
    replace = interrupted_replace(int(epoch), moment, kill)

original, publish = _checkpoint.Checkpoint.__init__, _checkpoint.Checkpoint._publish
def use(self, file, call):
    original(self, Files(file), call)
_checkpoint.Checkpoint.__init__ = use
_checkpoint.Checkpoint._publish = lambda self, complete: publish(self, Files(complete))
if moment == "publishing":
    from catdog_keras import _write_files
    _write_files.publish_files = lambda *_: kill()
sys.argv[1:] = arguments
main()
"""


def contents(output):
    """Weights and curves of a training."""
    model = keras.saving.load_model(output / "model.keras", compile=False)
    record = json.loads((output / "training.json").read_text("utf-8"))
    return [np.array(value) for value in model.get_weights()], record["history"]


@pytest.fixture(scope="module")
def expected(drawn, tmp_path_factory, run):
    """Weights and curves of a training that was not interrupted."""
    output = tmp_path_factory.mktemp("uninterrupted")
    ended = run("train", drawn, "--output", output, *OPTIONS)
    assert ended.exit_code == 0, ended.output
    return contents(output)


def assert_same(output, expected):
    """Asserts that a folder has the weights, curves and files of the uninterrupted training."""
    weights, history = contents(output)
    assert history == expected[1]
    assert all(np.array_equal(*pair) for pair in zip(weights, expected[0], strict=True))
    names = {"model.keras", "training.json", "split.json"}
    assert {path.name for path in output.iterdir() if not path.name.startswith(".")} == names


@pytest.fixture
def interrupted(drawn, tmp_path, run, monkeypatch):
    """Interrupts a training after the given number of checkpoints; returns its output folder."""

    def make(epoch, *options):
        with monkeypatch.context() as patched:
            patched.setattr(
                _checkpoint.Checkpoint, "_publish", fail_after(_checkpoint.Checkpoint, epoch)
            )
            ended = run("train", drawn, "--output", tmp_path, *OPTIONS, *options)
        assert isinstance(ended.exception, InterruptionError), ended.output
        return tmp_path

    return make


def fail_after(kind, epoch):
    """Returns a method that interrupts the training after a number of checkpoints."""
    publish, count = kind._publish, [0]

    def failing(self, complete):
        publish(self, complete)
        count[0] += 1
        if count[0] == epoch:
            interrupt()

    return failing


def test_resumed_training_is_bit_identical(drawn, interrupted, expected, run):
    output = interrupted(4)
    assert not (output / "model.keras").exists()
    ended = run("train", drawn, "--output", output, *OPTIONS, "--resume")
    assert ended.exit_code == 0, ended.output
    assert_same(output, expected)


def test_other_options_and_images_are_not_resumed(drawn, interrupted, run, tmp_path):
    output = interrupted(1)
    before = {path: path.read_bytes() for path in (output / "training-checkpoint").iterdir()}
    ended = run("train", drawn, "--output", output, *OPTIONS, "--resume", "--epochs", "9")
    assert ended.exit_code == 2
    assert "epochs was 3, is 9" in ended.stderr
    (output / "training-checkpoint" / "split.json").write_text("{}")
    ended = run("train", drawn, "--output", output, *OPTIONS, "--resume")
    assert ended.exit_code == 2
    assert "was written for other images. " in ended.stderr
    (output / "training-checkpoint" / "run.json").write_text("[[")
    ended = run("train", drawn, "--output", output, *OPTIONS, "--resume")
    assert ended.exit_code == 2
    assert "is damaged. " in ended.stderr
    assert len(before) == len(list((output / "training-checkpoint").iterdir()))


class Images:
    """Stands for images whose split does not change."""

    def save_manifest(self, file):
        file.write_text("unchanged")


@pytest.mark.parametrize("change", ["weights", "floatx"])
def test_replaced_weights_and_other_precision_are_not_resumed(change, tmp_path, monkeypatch):
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"first")
    settings = {"weights": str(weights), "epochs": 1}
    for _ in range(2):
        open_checkpoints(str(tmp_path), settings, Images(), resume=True)
    if change == "weights":
        weights.write_bytes(b"other")
        expected = "SHA-256 of weights was '"
    else:
        monkeypatch.setattr(keras.config, "floatx", lambda: "float16")
        expected = "floatx was 'float32', is 'float16'"
    with pytest.raises(ValueError, match=expected) as raised:
        open_checkpoints(str(tmp_path), settings, Images(), resume=True)
    assert "Restore what the interrupted training used, or run the command without" in str(
        raised.value
    )


def test_train_rejects_checkpoint_folder_with_files_of_user(drawn, tmp_path, run):
    (tmp_path / "training-checkpoint").mkdir()
    (tmp_path / "training-checkpoint" / "mine.txt").write_text("the user's own")
    options = [*OPTIONS[:6], "--epochs", "1"]
    ended = run("train", drawn, "--output", tmp_path, *options, "--resume")
    assert ended.exit_code == 2
    assert "training-checkpoint' is used for the checkpoints of a training, but" in ended.stderr
    assert [path.name for path in tmp_path.rglob("*.*")] == ["mine.txt"]


def test_files_of_the_user_keep_the_checkpoint_beside_them(tmp_path):
    folder = open_checkpoints(str(tmp_path), {"weights": None}, Images(), resume=False)
    (folder / "mine.txt").write_text("the user's own")
    with pytest.raises(ValueError, match=r"contains other files: \['mine\.txt'\]\. Move"):
        open_checkpoints(str(tmp_path), {"weights": None}, Images(), resume=False)
    assert {path.name for path in folder.iterdir()} == {"mine.txt", "run.json", "split.json"}


def test_damaged_split_and_other_version_are_named(tmp_path, monkeypatch):
    settings = {"weights": None}
    folder = open_checkpoints(str(tmp_path), settings, Images(), resume=False)
    with monkeypatch.context() as patched:
        patched.setattr(catdog_keras, "__version__", "99.0")
        with pytest.raises(ValueError, match=r"catdog_keras was '.*', is '99\.0'"):
            open_checkpoints(str(tmp_path), settings, Images(), resume=True)
    (folder / "split.json").write_text("")
    with pytest.raises(ValueError, match=r"is damaged: split\.json is missing or empty"):
        open_checkpoints(str(tmp_path), settings, Images(), resume=True)


def test_link_in_place_of_the_checkpoint_folder_is_rejected(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "run.json").write_text("{}")
    (tmp_path / "training-checkpoint").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="training-checkpoint' is a link"):
        open_checkpoints(str(tmp_path), {"weights": None}, Images(), resume=False)
    assert (tmp_path / "elsewhere" / "run.json").exists()


def test_run_killed_while_it_compares_the_split_does_not_block_the_next(tmp_path, monkeypatch):
    class Killed(BaseException):
        """Ends the run as SIGKILL does: nothing is cleaned up."""

    class Killing(Images):
        def save_manifest(self, file):
            raise Killed

    settings = {"weights": None}
    folder = open_checkpoints(str(tmp_path), settings, Images(), resume=False)
    monkeypatch.setattr(_scratch.shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(Killed):
        open_checkpoints(str(tmp_path), settings, Killing(), resume=True)
    monkeypatch.undo()
    assert len(list(folder.iterdir())) == 3
    open_checkpoints(str(tmp_path), settings, Images(), resume=False)
    assert {path.name for path in folder.iterdir()} == {"run.json", "split.json"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("epoch", "moment", "left"),  # and the number of epochs that are left to train
    [
        (1, "after", 4),
        (3, "between", 3),
        (4, "before", 2),
        (5, "between", 1),
        (9, "publishing", 0),
    ],
)
def test_killed_training_resumes_with_bit_identical_result(
    epoch, moment, left, drawn, expected, tmp_path, run, forked, monkeypatch
):
    arguments = ["train", drawn, "--output", tmp_path, *OPTIONS]
    killed = forked.run("-c", PROGRAM, epoch, moment, *arguments)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "model.keras").exists()
    write, written = _checkpoint.Checkpoint.write, []
    monkeypatch.setattr(
        _checkpoint.Checkpoint, "write", lambda *given: written.append(1) or write(*given)
    )
    ended = run(*arguments, "--resume")
    assert ended.exit_code == 0, ended.output
    assert len(written) == left  # beginning again would give the same bits
    assert_same(tmp_path, expected)
