"""Output for terminals, spreadsheets and pipes, whatever names and values it contains."""

import copy
import csv
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import warnings

import click
import keras
import pytest
import tensorflow as tf
from click.testing import CliRunner

from catdog_keras import ClassNames, tutorial
from catdog_keras._checks import describe
from catdog_keras._message import Message, argument, setting
from catdog_keras.cli.errors import LONGEST_MESSAGE, InputError, user_errors
from catdog_keras.cli.frameworks import LEVEL
from catdog_keras.cli.load_model import model_errors
from tests.cli.image_folders import CLASSES
from tests.cli.test_train import TINY

# ESC, BEL, C1 controls (CSI), line breaks, bidirectional overrides, and formulas of spreadsheets.
HOSTILE = [
    "a\x1b[31mred",
    "bell\a",
    "\x9b31m",
    "two\nlines",
    "line\u2028separator",
    "\u202egnp.exe",
    "iso\u2066late",
    "back\rreturn",
    "tab\there",
    "\tcell",
    "=cmd|'C calc'!A0",
    "@SUM(1)",
    "+1",
    "-1",
    " =1",
    "\uff1d1",
    "del\x7f",
    "bom\ufeff",
    "semicolon;=1+1",
    'quote;"=1+1',
    '"=1+1"',
    "bar| @SUM(1)",
    "end;",
]


def is_safe(text):
    """Returns whether a text has no control characters but line feeds."""
    return all(line.isprintable() for line in text.removesuffix("\n").split("\n"))


def options_command(raised):
    """Returns a command with an argument and two options that raises an error."""

    @click.command()
    @click.argument("model")
    @click.option("--batch-size", type=int, default=3)
    @click.option("--class-name", "class_names", multiple=True)
    def command(**_):
        with user_errors(directory="DATA"):
            raise raised

    return command


def message_of(error, *arguments):
    """Returns what the command prints for an error."""
    return CliRunner().invoke(options_command(error), ["m", *arguments]).stderr


@pytest.mark.parametrize(
    "path",
    ["runs/seed=1,batch_size=32/m.keras", "model=a/x", "`model`", "it's model=1", 'a "model=1" b'],
)
def test_message_does_not_change_paths(path):
    remedy = "See " + argument("batch_size") + " or " + setting("batch_size", "2") + "."
    message = describe("model", "a file", path, remedy)
    received = f"must be a file; received {{}}={path!r}."
    assert str(message) == (f"`model` {received.format('model')} See `batch_size` or batch_size=2.")
    assert message_of(ValueError(message)) == (
        f"Error: `MODEL` {received.format('MODEL')} See `--batch-size` or --batch-size=2.\n"
    )
    listed = f"Of 2 files:\n  {path}: batch_size=2\nUse another `batch_size`."
    assert message_of(ValueError(listed)) == f"Error: {listed}\n"
    error = FileNotFoundError(2, "No such file or directory", path)
    assert message_of(error).startswith(f"Error: {path!r}: No such file")


@pytest.mark.parametrize(
    "copy", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copied_message_keeps_the_names_of_arguments(copy):
    message = copy(describe("paths[3]", "a path", 1))
    assert message.with_names({"paths": "IMAGE"}) == (
        "`IMAGE[3]` must be a path; received IMAGE[3]=1."
    )


def test_option_that_was_not_given_is_not_named_for_a_value_of_something_else():
    error = ValueError(describe("class_names", "distinct", [1, 2]))
    assert message_of(error) == f"Error: {error}\n"
    assert "received --class-name=" in message_of(error, "--class-name", "a")


def raising(module, error):
    """Returns the error, raised by a function of a module of this name."""
    scope = {"__name__": module, "error": error}
    try:
        exec("def fail(): raise error\nfail()", scope)
    except Exception as raised:
        return raised


def outcome(error):
    """Returns the exception if the command shows its traceback, otherwise what it prints."""
    ended = CliRunner().invoke(options_command(error), ["m"])
    return ended.exception if ended.exit_code == 1 else ended.stderr


@pytest.mark.parametrize("module", ["keras.src.layers", "catdog_keras.layers"])
@pytest.mark.parametrize("kind", [AttributeError, KeyError, IndexError, TypeError, AssertionError])
def test_fault_of_a_program_keeps_its_traceback(kind, module):
    error = raising(module, kind("a fault"))
    assert outcome(error) is error


def test_failure_that_a_framework_reports_is_one_sentence():
    full = tf.errors.ResourceExhaustedError(None, None, "no memory")
    assert outcome(full) == "Error: ResourceExhaustedError: no memory\n"
    for kind in (RuntimeError, Exception):
        error = raising("torch.nn.functional", kind("no memory"))
        assert outcome(error) == f"Error: {kind.__name__}: no memory\n"
        error = raising("catdog_keras.training", kind("a fault"))
        assert outcome(error) is error
    assert outcome(MemoryError("8 GB")) == "Error: MemoryError: 8 GB\n"


def test_fault_in_a_function_that_tensorflow_calls_keeps_its_traceback():
    dataset = tf.data.Dataset.range(1).map(
        lambda _: tf.py_function(lambda: None.shape, [], tf.int64)
    )
    with pytest.raises(tf.errors.UnknownError) as caught:
        list(dataset)
    assert outcome(caught.value) is caught.value


@pytest.mark.parametrize(("module", "own"), [("catdog_keras.models", True), ("of_the_user", False)])
def test_fault_of_the_package_is_not_one_of_the_model(module, own):
    error = raising(module, AttributeError("a fault"))
    expected = AttributeError if own else InputError
    with pytest.raises(expected, match="a fault"), model_errors("model.keras"):
        raise error


def test_type_error_about_an_argument_is_one_of_the_user():
    error = TypeError(describe("batch_size", "an integer", "a"))
    assert outcome(error).startswith("Error: `--batch-size` must be an integer; ")


def test_message_has_limited_length():
    assert len(message_of(ValueError("x" * 5_000_000))) < LONGEST_MESSAGE + 100


def test_check_shortens_received_value():
    with pytest.raises(ValueError, match=r"5,000,00\d characters") as caught:
        ClassNames(["a" * 4_999_994, "a" * 0, ""])
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", HOSTILE)
def test_errors_and_warnings_contain_no_control_characters(name):
    assert is_safe(message_of(ValueError(name)))

    @click.command()
    def warn():
        with user_errors():
            warnings.warn(name, stacklevel=1)

    assert is_safe(CliRunner().invoke(warn, []).stderr)


@pytest.fixture(scope="module")
def hostile(model, drawn, tmp_path_factory):
    """A model with hostile class names, and images with hostile names in its class folders."""
    root = tmp_path_factory.mktemp("hostile")
    names = sorted(HOSTILE)
    image = next((drawn / CLASSES[0]).iterdir())
    for name in names:
        (root / "data" / name).mkdir(parents=True)
        shutil.copy(image, root / "data" / name / f"{name}.png")
    layers = [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(len(names))]
    keras.Sequential([*layers, ClassNames(names)]).save(root / "model.keras")
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "{root}/data"],
        ["doctor", "{root}/data", "--output", "{root}/out\x1b", "--weights", "None"],
        ["predict", "{root}/model.keras", "{root}/data"],
        ["predict", "{root}/model.keras", "{root}/data", "--format", "json"],
        ["predict", "{root}/model.keras", "{root}/data", "--format", "csv"],
        ["evaluate", "{root}/model.keras", "{root}/data"],
        ["evaluate", "{root}/model.keras", "{root}/data", "--json"],
        ["evaluate", "{model}", "{root}/data", "--split", "all"],
        ["train", "{root}/data", "--output", "{root}/out\x1b", *TINY],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_output_contains_no_control_characters(arguments, hostile, model, run):
    ended = run(*(word.format(root=hostile, model=model) for word in arguments))
    assert is_safe(ended.stdout)
    assert is_safe(ended.stderr)
    assert ended.stdout or "\nError: " in f"\n{ended.stderr}"  # warnings may precede it


def test_csv_cells_are_no_formulas(hostile, run):
    ended = run("predict", hostile / "model.keras", hostile / "data", "--format", "csv")
    assert len(list(csv.reader(io.StringIO(ended.stdout)))) == 1 + len(HOSTILE)
    for delimiter in ",;|\t":  # that of a spreadsheet depends on the locale
        rows = csv.reader(io.StringIO(ended.stdout), delimiter=delimiter)
        for cell in (cell for row in rows for cell in row):
            assert not cell.lstrip(" \"'").startswith(("=", "+", "-", "@", "\uff1d")) or (
                cell.startswith("'")
            )
            assert not cell.startswith("\t")
    told = json.loads(
        run("predict", hostile / "model.keras", hostile / "data", "--format", "json").stdout
    )
    assert {name for row in told for name in row["probabilities"]} == set(HOSTILE)


@pytest.mark.parametrize("form", ["csv", "json", "table"])
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8"])
@pytest.mark.slow
def test_names_are_printed_whatever_the_encoding(encoding, form, model, drawn, forked):
    program = "import catdog_keras.cli, sys; sys.stdout.reconfigure(encoding=sys.argv.pop(1)); "
    arguments = ["predict", model, drawn / CLASSES[2], "--format", form]
    ended = forked.run("-c", f"{program}catdog_keras.cli.main()", encoding, *arguments)
    assert ended.returncode == 0, ended.stderr
    printed = ended.stdout.decode("utf-8" if form == "csv" else encoding)
    plain = form == "csv" or (form == "table" and encoding == "utf-8")
    assert ("猫" if plain else "\\u732b") in printed


@pytest.mark.slow
@pytest.mark.parametrize("command", [["--help"], ["predict"], ["scan"]])
def test_closed_pipe_ends_quietly(command, model, drawn):
    words = {"predict": [str(model), str(drawn)], "scan": [str(drawn)]}.get(command[0], [])
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [sys.executable, "-m", "catdog_keras", *command, *words]
    # TensorFlow's messages are removed only if its level is not set.
    variables = {name: value for name, value in os.environ.items() if name != LEVEL}
    ended = subprocess.run(
        arguments, stdout=writer, stderr=subprocess.PIPE, text=True, env=variables
    )
    os.close(writer)
    assert ended.stderr == ""
    assert ended.returncode == 141


@pytest.mark.parametrize("place", ["{data}/trained", "{data}/a/b", "trained", ".", "../link/a"])
def test_output_inside_the_images_is_rejected(place, drawn, tmp_path, run, monkeypatch, model):
    data = shutil.copytree(drawn, tmp_path / "data")
    (tmp_path / "link").symlink_to(data)
    monkeypatch.chdir(data)
    before = sorted(data.rglob("*"))
    output = place.format(data=data)
    for command in (["train", ".", "--output"], ["evaluate", model, data, "--report"]):
        ended = run(*command, output, *(TINY if command[0] == "train" else []))
        assert ended.exit_code == 2
        assert f"`{command[-1]}` must be a folder outside of the images" in ended.stderr
    assert sorted(data.rglob("*")) == before


def test_output_inside_a_linked_class_is_rejected(drawn, tmp_path, run, model):
    elsewhere = shutil.copytree(drawn, tmp_path / "elsewhere")
    (tmp_path / "data").mkdir()
    for name in CLASSES:
        (tmp_path / "data" / name).symlink_to(elsewhere / name)
    output = elsewhere / CLASSES[0] / "report"
    ended = run("evaluate", model, tmp_path / "data", "--report", output)
    assert ended.exit_code == 2
    assert "`--report` must be a folder outside of the images" in ended.stderr
    assert not output.exists()


def test_tutorial_output_inside_the_images_is_rejected(drawn, run):
    ended = run("tutorial", "--data", drawn, "--output", drawn / "out")
    assert ended.exit_code == 2
    assert "`--output` must be a folder outside of the images" in ended.stderr


def test_tutorial_output_in_a_folder_named_like_its_data_is_accepted(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tutorial, "run_tutorial", lambda *_, **__: 1 / 0)
    ended = run("tutorial", "--output", "synthetic/out")
    assert isinstance(ended.exception, ZeroDivisionError)


def test_report_in_the_working_directory_is_named_by_its_file(
    drawn, run, monkeypatch, tmp_path, model
):
    monkeypatch.chdir(tmp_path)
    ended = run("evaluate", model, drawn, "--report", ".")
    assert ended.stdout.splitlines()[-1] == "The report is report.html."


def test_hidden_output_inside_the_images_is_accepted(drawn, tmp_path, run, model):
    data = shutil.copytree(drawn, tmp_path / "data")
    ended = run("evaluate", model, data, "--report", data / ".report")
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_full_disk_names_the_option_and_its_value(command, drawn, tmp_path, run, model, full_disk):
    option = {"train": "--output", "evaluate": "--report"}[command]
    words = {"train": [drawn, *TINY], "evaluate": [model, drawn]}[command]
    with full_disk():
        ended = run(command, *words, option, tmp_path / "out")
    assert ended.exit_code == 2
    message = f"`{option}` must be a writable folder; received {option}='{tmp_path / 'out'}'. "
    assert f"Error: {message}File too large." in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_class_without_readable_images_is_reported_with_the_reason(drawn, tmp_path, run):
    data = shutil.copytree(drawn, tmp_path / "data")
    for image in (data / CLASSES[1]).iterdir():
        image.write_bytes(b"no image")
    options = [word for name in CLASSES for word in ("--class-name", name)]
    ended = run("train", data, "--output", tmp_path / "out", *TINY, *options)
    assert ended.exit_code == 2
    error = ended.stderr[ended.stderr.index("Error: ") :]
    assert f"The classes {[CLASSES[1]]} have no usable image:\n  " in error
    assert "not an image in any known format" in error


@pytest.mark.slow  # tests of streams that cannot be written are fast, in test_streams
def test_commands_work_with_closed_standard_error(drawn):
    program = "from catdog_keras.cli import main; main()"
    shell = f'exec "{sys.executable}" -c "{program}" scan "$1" 2>&-'
    ended = subprocess.run(["bash", "-c", shell, "bash", drawn], stdout=subprocess.PIPE, text=True)
    assert ended.returncode == 0
    assert "good" in ended.stdout


def test_texts_are_replaced_in_values_but_not_in_names():
    message = (argument("data") + " is wrong; received " + setting("data", "'/data/x'")).replace(
        "/data", "data"
    )
    assert message == "`data` is wrong; received data='data/x'"
    assert message.with_names({"data": "DATA"}) == "`DATA` is wrong; received DATA='data/x'"


def test_setting_of_a_switch_has_the_name_of_its_option():
    message = Message("pass ", setting("from_logits", "False"), ".")
    assert message.with_names({"from_logits": "--from-logits"}) == "pass --from-logits=False."
    names = {"from_logits": "--from-logits", "from_logits=False": "--probabilities"}
    assert message.with_names(names) == "pass --probabilities."


def test_index_of_a_setting_is_kept_with_another_name():
    assert setting("paths[2]", "'a=b'").with_names({"paths": "IMAGE"}) == "IMAGE[2]='a=b'"


@pytest.mark.parametrize(
    "arguments",
    [["tutorial"], ["train", "IMAGES"], ["train", "IMAGES", "--resume"], ["doctor", "IMAGES"]],
    ids=" ".join,
)
def test_output_whose_name_is_too_long_is_named_as_it_was_typed(arguments, drawn, run):
    given = [drawn if each == "IMAGES" else each for each in arguments]
    ended = run(*given, "--output", "x" * 300)
    assert ended.exit_code == 2
    assert f"--output='{'x' * 300}'. File name too long." in ended.stderr


def test_working_folder_that_was_removed_is_reported(monkeypatch):
    def gone():
        raise FileNotFoundError(2, "No such file or directory")

    error = FileNotFoundError(2, "No such file or directory")
    assert outcome(error) == "Error: [Errno 2] No such file or directory\n"
    monkeypatch.setattr(os, "getcwd", gone)
    expected = "Error: The working folder does not exist any more. Change to another folder.\n"
    assert outcome(error) == expected
