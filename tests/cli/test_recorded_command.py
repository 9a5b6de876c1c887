"""The command in a report means the same run as the one that was given."""

import html
import re
import shlex
import shutil

import click
import pytest

from catdog_keras.cli.group import commands
from catdog_keras.cli.recorded_command import PATHS, recorded_command

RECORDED = ("train", "evaluate")
ARGUMENTS = {"train": ["images"], "evaluate": ["trained/model.keras", "images"]}
OTHERS = {"weights": "own.weights.h5", "backbone": "xception", "class_names": "a dog's"}


def parsed(words):
    """The values of all parameters of a command line, and the command that is recorded for it."""
    command = commands.commands[words[0]]
    with command.make_context(words[0], list(words[1:])) as context:
        return context.params, recorded_command()


def options():
    """Each option of each recorded command, with another value than its default."""
    for command in RECORDED:
        for option in commands.commands[command].params:
            if not isinstance(option, click.Option):
                continue
            if option.is_flag:
                for name in (*option.opts, *option.secondary_opts):
                    yield pytest.param(command, [name], id=f"{command} {name}")
            else:
                yield pytest.param(command, [option.opts[0], value(option)], id=option.opts[0])


def value(option):
    """Returns a value of an option that is not its default."""
    kind = option.type
    if isinstance(kind, click.Choice):
        return next(each for each in reversed(kind.choices) if each != option.default)
    if isinstance(kind, click.IntRange):
        return "77"
    if isinstance(kind, click.types.FloatParamType):
        return "0.125"
    return OTHERS.get(option.name, "some name")


@pytest.mark.parametrize(("command", "given"), list(options()))
def test_recorded_command_has_every_option_that_was_given(command, given):
    words = [command, *ARGUMENTS[command], *given]
    values, recorded = parsed(words)
    assert values != parsed([command, *ARGUMENTS[command]])[0] or given == [
        "--report"
    ]  # the default
    name, *again = shlex.split(recorded)
    assert name == "catdog-keras"
    assert parsed(again) == (values, recorded)
    assert again[: len(words)] == words


def test_recorded_command_combines_repeated_options_and_resolved_ones():
    words = ["evaluate", "x/m.keras", "images", "--class-name", "a b", "--class-name", "-c"]
    command = commands.commands["evaluate"]
    with command.make_context("evaluate", words[1:]):
        recorded = recorded_command(part="validation")
    assert recorded == (
        "catdog-keras evaluate x/m.keras images --split validation --class-name 'a b' "
        "--class-name -c"
    )
    assert parsed(shlex.split(recorded)[1:])[0]["class_names"] == ("a b", "-c")


def test_recorded_command_keeps_folders_private(tmp_path):
    paths = {name: str(tmp_path / f"-{name}") for name in PATHS}
    given = [f"--{name}={paths[name]}" for name in ("decisions", "labels", "output", "weights")]
    recorded = parsed(["train", paths["data"], *given])[1]
    assert str(tmp_path.parent) not in recorded
    again = parsed(shlex.split(recorded)[1:])[0]
    assert again["data"] == "./-data"
    assert again["labels"] == "./-labels"
    model = tmp_path / "run 3" / "model.keras"
    recorded = parsed(["evaluate", str(model), ".", "--report", paths["report"]])[1]
    assert recorded.startswith("catdog-keras evaluate 'run 3/model.keras' ")
    assert recorded.endswith(" --report ./-report")
    assert str(tmp_path) not in recorded


def test_recorded_command_repeats_the_evaluation(model, drawn, run, tmp_path, monkeypatch):
    shutil.copytree(model.parent, tmp_path / "trained")
    shutil.copytree(drawn, tmp_path / "images of mine")
    monkeypatch.chdir(tmp_path)
    words = ["trained/model.keras", "images of mine", "--report", "out", "--split", "all"]
    ended = run("evaluate", *words, "--batch-size", "5", "--from-logits", "--strict")
    assert ended.exit_code == 0, ended.output
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    recorded = html.unescape(re.search(r"<td>(catdog-keras evaluate .*?)</td>", page)[1])
    shutil.rmtree("out")
    again = run(*shlex.split(recorded)[1:])
    assert (again.exit_code, again.stdout) == (0, ended.stdout)
    assert (tmp_path / "out" / "report.html").read_text("utf-8") == page


def test_random_initialization_is_recorded():
    values, recorded = parsed(["train", "images", "--weights", "None"])
    assert values["weights"] is None
    assert recorded == "catdog-keras train images --weights None"
    assert parsed(shlex.split(recorded)[1:])[0] == values


def test_every_option_of_the_tutorial_is_in_its_results():
    """They are shown by the report; test_tutorial.py has their values."""
    options = {each.name for each in commands.commands["tutorial"].params}
    shown = {"source", "seed", "weights", "epochs", "image_size", "batch_size", "on_bad"}
    assert options == shown | {"dtype_policy", "output"}  # the place of the results
