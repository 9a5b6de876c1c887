"""Standard output that cannot be written: the work is done, and the status reports the loss."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catdog_keras import tutorial
from catdog_keras._signals import ENDING
from catdog_keras.cli import main
from catdog_keras.cli.streams import NO_READER, OUTPUT_LOST
from tests.cli.test_train import TINY

FULL = (
    "Error: standard output: No space left on device. What the command prints is lost or "
    "incomplete; the files that it writes are complete.\n"
)
needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


@pytest.fixture
def run_main(monkeypatch, capsys):
    """Runs the command in this process, with a file as its standard output."""
    handlers = {number: signal.getsignal(number) for number in {*ENDING, signal.SIGINT}}

    def run_main(stdout, *arguments):
        with Path(stdout).open("w", encoding="utf-8") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            patch.setattr(sys, "unraisablehook", sys.unraisablehook)  # `main` replaces it
            patch.setattr(sys, "argv", ["catdog-keras", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        return ended.value.code or 0, capsys.readouterr().err

    yield run_main
    for number, handler in handlers.items():
        signal.signal(number, handler)


@needs_full_device
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["scan", "{data}"],
        ["doctor", "{data}", "--output", "{data}-checked", "--weights", "None"],
        ["predict", "{model}", "{data}"],
        ["predict", "{model}", "{data}", "--format", "json"],
        ["predict", "{model}", "{data}", "--format", "csv"],
        ["evaluate", "{model}", "{data}"],
        ["evaluate", "{model}", "{data}", "--json"],
    ],
    ids=" ".join,
)
def test_full_standard_output_is_named_and_has_its_own_status(arguments, run_main, drawn, model):
    words = [word.format(data=drawn, model=model) for word in arguments]
    assert run_main("/dev/full", *words) == (OUTPUT_LOST, FULL)


@needs_full_device
@pytest.mark.parametrize("command", ["evaluate", pytest.param("train", marks=pytest.mark.slow)])
def test_results_are_written_although_standard_output_is_full(
    command, run_main, drawn, model, tmp_path
):
    words = {"evaluate": [model, drawn, "--report"], "train": [drawn, *TINY, "--output"]}[command]
    assert run_main("/dev/full", command, *words, tmp_path / "out") == (OUTPUT_LOST, FULL)
    last = {"evaluate": "report.html", "train": "model.keras"}[command]
    assert (tmp_path / "out" / last).is_file()


@needs_full_device
def test_full_standard_output_does_not_end_the_tutorial(run_main, tmp_path, monkeypatch):
    def run_tutorial(*_, tell, output, **__):
        tell("first line")
        (tmp_path / output).mkdir()
        return tutorial.TutorialResult("synthetic", 0, {}, {}, {}, 0.5, 0.5, [], {}, [], [])

    monkeypatch.setattr(tutorial, "run_tutorial", run_tutorial)
    output = tmp_path / "out"
    assert run_main("/dev/full", "tutorial", "--output", output) == (OUTPUT_LOST, FULL)
    assert output.is_dir()


@needs_full_device
def test_error_of_the_command_has_priority_over_lost_output(run_main, tmp_path):
    status, message = run_main("/dev/full", "scan", tmp_path / "nowhere")
    assert status == 2
    assert message.startswith("Error: `DIRECTORY` must be a folder")


def test_output_that_can_be_written_is_complete(run_main, drawn, tmp_path):
    assert run_main(tmp_path / "printed", "scan", drawn) == (0, "")
    assert "36 good" in (tmp_path / "printed").read_text("utf-8")


def run_in_shell(redirection, *arguments):
    """Runs the command in bash with a redirection of its streams."""
    words = [sys.executable, "-m", "catdog_keras", *map(str, arguments)]
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", *words], capture_output=True, text=True
    )


def test_closed_standard_output_is_an_error():
    ended = run_in_shell(">&-", "--version")
    assert ended.returncode == OUTPUT_LOST
    assert ended.stderr.startswith("Error: standard output: Bad file descriptor. ")


def test_reader_that_ends_is_not_an_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "catdog_keras", "--version"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (NO_READER, "")


@pytest.mark.parametrize("redirection", ["2>&-", "<&- 2>&-", "2>/dev/full"])
def test_standard_error_that_cannot_be_written_does_not_change_the_status(redirection, tmp_path):
    assert run_in_shell(redirection, "--version").returncode == 0
    ended = run_in_shell(redirection, "scan", tmp_path / "nowhere")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "<&-"])
def test_results_contain_nothing_that_was_printed_to_closed_streams(closed, drawn, model, tmp_path):
    run_in_shell(closed, "evaluate", model, drawn, "--report", tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert (tmp_path / "out" / "evaluation.json").read_text("utf-8").startswith("{")
