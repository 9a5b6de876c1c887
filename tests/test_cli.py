"""The command: one clear message and exit status 2 for user errors, no traceback."""

import errno
import os
import shutil
import sys
import warnings

import pytest
from PIL import Image

import catdog_keras
from catdog_keras._message import argument
from catdog_keras.cli import tutorial as tutorial_command
from catdog_keras.cli.group import commands
from catdog_keras.cli.option_names import OPTION_NAMES
from catdog_keras.tutorial import _run as tutorial
from tests.invoke_command import invoke_command


def folder(root, *classes):
    """Writes an image of another color to each class."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        Image.new("RGB", (4, 4), (0, 0, number)).save(root / name / "a.png")
    return root


def bad_inputs(tmp_path):
    """Data that cannot be used, by what is wrong with it, and what the message says of it."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "no_images" / "train" / "cats").mkdir(parents=True)
    (tmp_path / "no_images" / "train" / "dogs").mkdir()
    (tmp_path / "no_images" / "validation" / "cats").mkdir(parents=True)
    (tmp_path / "no_images" / "validation" / "dogs").mkdir()
    folder(tmp_path / "other", "red", "green")
    folder(tmp_path / "one", "train/cats", "validation/cats")
    folder(
        tmp_path / "few", *(f"{s}/{c}" for s in ("train", "validation") for c in ("cats", "dogs"))
    )
    shutil.copytree(tmp_path / "few", tmp_path / "some")
    for number in range(16):
        image = Image.new("RGB", (4, 4), (number, 255, 0))
        image.save(tmp_path / "some" / "validation" / "cats" / f"{number}.png")
    wanted = "`--data` must be a folder or zip archive with train and validation, each with cats"
    return {
        "nowhere": "`--data` must be an existing folder or zip archive",
        "empty": f"{wanted} and dogs; received --data='{tmp_path / 'empty'}'.",
        "text.zip": "is not a zip archive",
        "no_images": "contains no image, that is, no file that ends in",
        "other": "It holds the classes green, red in no split folders. `catdog_keras.load_image_folder` supports",
        "one": "At least two classes are required",
        "few": "make 1. Use at least 129 images.",
        "some": "Use a `--batch-size` of at most 4, or at least 129 images",
    }


def test_tutorial_with_bad_data_prints_error_and_creates_no_output(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    for name, words in bad_inputs(tmp_path).items():
        output = tmp_path / "out" / name
        ended = invoke_command("tutorial", "--data", tmp_path / name, "--output", output)
        assert ended.exit_code == 2, (name, ended.output)
        assert "\nError: " in f"\n{ended.output}"  # a warning of duplicates may precede it
        assert words in ended.output
        assert "Traceback" not in ended.output
        assert not output.exists()


def test_tutorial_reports_failed_download_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    ended = invoke_command("tutorial", "--data", "public", "--output", tmp_path / "out")
    assert ended.exit_code == 2
    assert "could not be downloaded" in ended.output
    assert not (tmp_path / "out").exists()
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []


def test_tutorial_reports_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("in the way")
    places = {tmp_path / "file": "File exists", tmp_path / "file" / "below": "Not a directory"}
    if os.geteuid() != 0:  # root may write anywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        places[tmp_path / "locked" / "out"] = "Permission denied"
    if sys.platform == "linux":
        places["/proc/out"] = "No such file or directory"
    for output, reason in places.items():
        ended = invoke_command("tutorial", "--output", output)
        assert ended.exit_code == 2
        assert ended.output == (
            "Error: `--output` must be a writable folder; "
            f"received --output='{output}'. {reason}.\n"
        )
    assert (tmp_path / "file").read_text() == "in the way"


def test_empty_paths_are_rejected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for option in ("--data", "--output"):
        ended = invoke_command("tutorial", option, "")
        assert ended.exit_code == 2
        assert f"received {option}=''." in ended.output
    assert invoke_command("scan", "").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_os_error_is_printed_as_error_message(monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")

    monkeypatch.setattr(tutorial, "load_cats_dogs", full)
    ended = invoke_command("tutorial", "--output", tmp_path / "out")
    assert ended.exit_code == 2
    assert ended.output.startswith("Error: '/somewhere': No space left on device. Check")
    assert not (tmp_path / "out").exists()


def test_warnings_are_printed_on_one_line_without_source(monkeypatch, tmp_path):
    def warn(*_, **__):
        warnings.warn("two files are left out, see " + argument("on_bad"), stacklevel=1)
        raise ValueError("end")

    monkeypatch.setattr(tutorial, "load_cats_dogs", warn)
    ended = invoke_command("tutorial", "--output", tmp_path / "out")
    assert ended.stderr == ("Warning: two files are left out, see `--on-bad`\nError: end\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seed", str(2**32)),
        ("--epochs", "0"),
        ("--epochs", "many"),
        ("--seed", "-1"),
        ("--unknown",),
    ],
)
def test_tutorial_rejects_invalid_options(arguments):
    ended = invoke_command("tutorial", *arguments)
    assert ended.exit_code == 2
    assert arguments[0].split("=")[0] in ended.output


def test_print_results_table_prints_one_row_per_model(capsys):
    widest = tutorial.ModelResult(
        "model4", 22_260_546, 1, 100, 9, 12345.6, 1.0, 1.0, 1.0, (0.9812, 1.0)
    )
    result = tutorial.TutorialResult(
        data="synthetic",
        seed=0,
        settings={},
        backbone={},
        counts={},
        baseline_accuracy=0.5,
        test_baseline_accuracy=0.5,
        models=[widest],
        not_run={"model3": "no weights"},
        comparisons=[],
        lesson=[],
    )
    tutorial_command._print_results_table(result)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if "model" in line]
    assert rows == [
        ["model", "parameters", "epochs", "seconds", "train", "validation", "test"],
        ["model4", "22,260,546", "100", "12346", "100.0", "100.0", "100.0", "[98.1,", "100.0]"],
        ["model3", "not", "run"],
    ]


def test_scan_prints_report_and_exits_nonzero_for_bad_images(tmp_path):
    folder(tmp_path, "cats")
    assert invoke_command("scan", tmp_path).exit_code == 0
    (tmp_path / "cats" / "broken.jpg").write_bytes(b"no image")
    ended = invoke_command("scan", tmp_path)
    assert ended.exit_code == 1
    assert "1 good, 0 nonstandard, 1 bad" in ended.output
    assert "broken.jpg: not an image in any known format" in ended.output
    assert invoke_command("scan", tmp_path / "nowhere").exit_code == 2


def test_help_lists_every_command():
    ended = invoke_command("--help")
    assert ended.exit_code == 0
    for command in ("tutorial", "doctor", "train", "evaluate", "predict", "scan", "backbones"):
        assert command in ended.output
    assert invoke_command("--version").output.endswith(f"version {catdog_keras.__version__}\n")


TOGETHER = " It is for validation and test together."


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (["train", "DATA", "--val-split"], f" Did you mean '--holdout-fraction'?{TOGETHER}"),
        (["doctor", "DATA", "--validation-split"], f" Did you mean '--holdout-fraction'?{TOGETHER}"),
        (["train", "DATA", "--validation-splits"], f" Did you mean '--holdout-fraction'?{TOGETHER}"),
        (["train", "DATA", "--batch"], " Did you mean '--batch-size'?"),
        (["train", "DATA", "--out"], " Did you mean '--output'?"),
        (["train", "DATA", "--epoch"], " Did you mean '--epochs'?"),
        (["train", "DATA", "--image_size"], " Did you mean '--image-size'?"),
        (["train", "DATA", "--fine-tune"], " Did you mean '--fine-tune-epochs'?"),
        (["predict", "MODEL", "IMAGE", "--imgsz"], ""),  # it has no such option
        (["predict", "MODEL", "IMAGE", "--val-split"], ""),
        (["train", "DATA", "--lr"], ""),
        (["train", "DATA", "--noreport"], " Did you mean '--no-report'?"),
    ],
)  # fmt: skip
def test_unknown_option_is_answered_with_the_one_that_was_meant(given, remedy):
    ended = invoke_command(*given)
    assert ended.exit_code == 2
    assert ended.stderr.endswith(f"Error: No such option '{given[-1]}'.{remedy}\n")


def test_synonyms_are_not_options_and_stand_for_options():
    options = {
        name.removeprefix("--")
        for each in commands.commands.values()
        for param in each.params
        for name in param.opts
        if name.startswith("--")
    }
    meant = {name for names, _ in OPTION_NAMES.values() for name in names}
    assert meant <= options
    assert not set(OPTION_NAMES) & options
