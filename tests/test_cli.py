"""The command: one clear message and exit status 2 for what a user can mend, no traceback."""

import os

import pytest
from click.testing import CliRunner
from PIL import Image

from catdog_keras import cli


def run(*arguments):
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def folder(root, *classes):
    for name in classes:
        (root / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(root / name / "a.png")
    return root


def bad_inputs(tmp_path):
    """Data that cannot be used, by what is wrong with it, and what the message says of it."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "no_pictures" / "train" / "cats").mkdir(parents=True)
    (tmp_path / "no_pictures" / "train" / "dogs").mkdir()
    (tmp_path / "no_pictures" / "validation" / "cats").mkdir(parents=True)
    (tmp_path / "no_pictures" / "validation" / "dogs").mkdir()
    folder(tmp_path / "other", "red", "green")
    folder(tmp_path / "one", "train/cats", "validation/cats")
    folder(
        tmp_path / "few", *(f"{s}/{c}" for s in ("train", "validation") for c in ("cats", "dogs"))
    )
    return {
        "nowhere": "`source` must be an existing folder or zip archive",
        "empty": "must hold at least two class folders",
        "text.zip": "is no whole zip archive",
        "no_pictures": "Each class folder must hold pictures",
        "other": "For other layouts and classes use load_image_folder",
        "one": "must hold at least two class folders",
        "few": 'split="take_skip" puts a fifth of the validation batches into the test',
    }


def test_bad_data_ends_with_one_message_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    for name, words in bad_inputs(tmp_path).items():
        output = tmp_path / "out" / name
        ended = run("tutorial", "--data", tmp_path / name, "--output", output)
        assert ended.exit_code == 2, (name, ended.output)
        assert ended.output.startswith("Error: ")
        assert words in ended.output
        assert "Traceback" not in ended.output
        assert not output.exists()


def test_no_network_for_the_public_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    ended = run("tutorial", "--data", "public", "--output", tmp_path / "out")
    assert ended.exit_code == 2
    assert "could not be downloaded" in ended.output
    assert not (tmp_path / "out").exists()
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []


def test_output_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        ended = run("tutorial", "--output", output)
        assert ended.exit_code == 2
        assert f"`output` must be a folder; received output='{output}'." in ended.output
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_without_the_right_to_write(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    ended = run("tutorial", "--output", tmp_path / "locked" / "out")
    assert ended.exit_code == 2
    assert "There is no right to write in" in ended.output


@pytest.mark.parametrize(
    "arguments", [("--epochs", "0"), ("--epochs", "many"), ("--seed", "-1"), ("--unknown",)]
)
def test_wrong_options(arguments):
    ended = run("tutorial", *arguments)
    assert ended.exit_code == 2
    assert arguments[0].split("=")[0] in ended.output


def test_scan_prints_the_report_and_its_status_tells(tmp_path):
    folder(tmp_path, "cats")
    assert run("scan", tmp_path).exit_code == 0
    (tmp_path / "cats" / "broken.jpg").write_bytes(b"no picture")
    ended = run("scan", tmp_path)
    assert ended.exit_code == 1
    assert "1 good, 0 odd, 1 bad" in ended.output
    assert "broken.jpg: not a picture in any known format" in ended.output
    assert run("scan", tmp_path / "nowhere").exit_code == 2


def test_help_names_every_command():
    ended = run("--help")
    assert ended.exit_code == 0
    for command in ("tutorial", "scan"):
        assert command in ended.output
    assert (
        run("--version").output.startswith("main, version ") or "version" in run("--version").output
    )
