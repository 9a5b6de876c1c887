"""Two commands with one output folder: the second one is rejected before it works."""

import pytest

from catdog_keras._scratch import lock_folder
from catdog_keras._write_files import output_folder
from catdog_keras.cli import evaluate as evaluate_module


@pytest.mark.parametrize("command", ["doctor", "train", "evaluate", "tutorial"])
def test_second_run_is_rejected(command, run, tmp_path, drawn, model):
    option, *arguments = {
        "doctor": ["--output", "doctor", drawn, "--weights", "None"],
        "train": ["--output", "train", drawn, "--weights", "None"],
        "evaluate": ["--report", "evaluate", model, drawn],
        "tutorial": ["--output", "tutorial"],
    }[command]
    with output_folder(tmp_path / "out", []):
        ended = run(*arguments, option, tmp_path / "out")
    assert ended.exit_code == 2
    assert ended.stderr == (
        f"Error: `{option}` must be a folder to which no other run is writing; received "
        f"{option}='{tmp_path}/out'. Wait until that run has ended, or use another folder.\n"
    )


def test_folder_of_the_report_is_reserved_before_the_evaluation(
    run, tmp_path, drawn, model, monkeypatch
):
    choose = evaluate_module.choose_evaluation_images

    def choose_and_check(*arguments):
        with pytest.raises(BlockingIOError):
            lock_folder(tmp_path / "out")
        return choose(*arguments)

    monkeypatch.setattr(evaluate_module, "choose_evaluation_images", choose_and_check)
    ended = run("evaluate", model, drawn, "--report", tmp_path / "out")
    assert ended.exit_code == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "report.html",
        "evaluation.json",
    }
