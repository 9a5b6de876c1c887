"""A model is evaluated with the split of its own training run, or with a remark."""

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from catdog_keras.cli.run_files import one_training_run, sha256_of_run_files
from catdog_keras.cli.run_record import RECORD_FILE, read_training_record


@pytest.fixture
def trained(model, tmp_path):
    """A copy of a training run whose record lists the checksums of its files."""
    copied = shutil.copytree(model.parent, tmp_path / "trained") / model.name
    record = dataclasses.replace(
        read_training_record(copied), sha256=sha256_of_run_files(copied.parent)
    )
    record.write(copied.parent)
    return copied


def test_evaluate_reports_that_no_split_is_known(trained, drawn, tmp_path, run):
    (trained.parent / "split.json").unlink()
    ended = run("evaluate", trained, drawn, "--report", tmp_path / "report")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines()[1].startswith("No split is known, because no split.json")
    assert "No split is known" in (tmp_path / "report" / "report.html").read_text("utf-8")
    told = json.loads(run("evaluate", trained, drawn, "--json").stdout)
    assert told["of_the_training"] is None


@pytest.mark.parametrize("name", ["model.keras", "split.json"])
def test_evaluate_rejects_files_of_different_training_runs(name, trained, drawn, run):
    assert run("evaluate", trained, drawn).exit_code == 0
    with (trained.parent / name).open("ab") as file:
        file.write(b" ")
    ended = run("evaluate", trained, drawn)
    assert ended.exit_code == 2
    assert f"'{trained.parent / name}' differs from the file that training.json" in ended.stderr
    (trained.parent / RECORD_FILE).unlink()
    if name == "split.json":
        assert run("evaluate", trained, drawn).exit_code == 0


def test_predict_rejects_the_record_of_another_training_run(trained, drawn, tmp_path, run):
    image = next(drawn.rglob("*.png"))
    assert run("predict", trained, image).exit_code == 0
    with trained.open("ab") as file:
        file.write(b" ")
    ended = run("predict", trained, image, "--output", tmp_path / "classes.csv")
    assert ended.exit_code == 2
    assert f"'{trained}' differs from the file that training.json describes" in ended.stderr
    assert not (tmp_path / "classes.csv").exists()


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(
    ("name", "limit"), [("training.json", "67,108,864"), ("split.json", "536,870,912")]
)
def test_file_that_is_too_large_is_not_read(
    name, limit, command, trained, drawn, tmp_path, run, monkeypatch
):
    file = trained.parent / name
    os.truncate(file, 2**40)  # sparse
    read, hashed = Path.read_text, hashlib.file_digest

    def read_other(path, *args, **kwargs):
        assert path != file
        return read(path, *args, **kwargs)

    def hash_other(stream, *args):
        assert stream.name != str(file)
        return hashed(stream, *args)

    monkeypatch.setattr(Path, "read_text", read_other)
    monkeypatch.setattr(hashlib, "file_digest", hash_other)
    options = ["--report", tmp_path / "report"] if command == "evaluate" else []
    ended = run(command, trained, drawn, *options)
    assert ended.exit_code == 2, ended.output
    assert ended.stderr == (
        f"Error: '{file}' has 1,099,511,627,776 bytes, but a {name} of a training run has at most "
        f"{limit}: remove it, or move the model.\n"
    )


@pytest.mark.parametrize("name", ["model.keras", "split.json", "training.json"])
def test_file_replaced_while_it_is_used_is_an_error(name, trained):
    def replace_during_use():
        with one_training_run(trained):
            (trained.parent / name).unlink()

    with pytest.raises(OSError, match="replaced while it was used"):
        replace_during_use()
