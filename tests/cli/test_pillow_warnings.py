"""Images about which Pillow warns, in worker threads, in every command: the verdict of the library."""

import json
import warnings

import pytest

import catdog_keras.tutorial
from catdog_keras import load_cats_dogs, scan_images
from catdog_keras._message import argument
from tests.cli.image_folders import CLASSES
from tests.corpora.image_warnings import WARNED

TINY = [
    *["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "4", "--epochs", "1"],
    "--no-report",
]
BAD = [name for name, (_, status) in WARNED.items() if status == "bad"]


def write_to(folder):
    """Writes each file; bytes after its end make it differ from that of other folders."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (content, _) in WARNED.items():
        (folder / name).write_bytes(content + str(folder).encode())
    return folder


@pytest.fixture
def data(tmp_path):
    """Class folders that contain each of the files."""
    for name in CLASSES:
        write_to(tmp_path / "data" / name)
    for name in CLASSES[1:]:
        (tmp_path / "data" / name / "large.jpg").unlink()
    return tmp_path / "data"


def test_scan_prints_report_of_the_library(tmp_path, run):
    folder = write_to(tmp_path / "images")
    ended = run("scan", folder)
    assert ended.stdout == f"{scan_images(folder)}\n"
    assert ended.stderr == ""
    assert ended.exit_code == 1
    assert f"{folder / 'large.jpg'}: more than 50 megapixels" in ended.stdout


def test_train_skips_only_bad_images(data, tmp_path, run):
    ended = run("train", data, "--output", tmp_path / "out", *TINY)
    assert ended.exit_code == 0, ended.output
    record = json.loads((tmp_path / "out" / "training.json").read_text("utf-8"))
    assert record["ignored"] == {f"{CLASSES[0]}/large.jpg": "more than 50 megapixels"}
    assert "EXIF" not in ended.stderr


def test_evaluate_skips_only_bad_images(data, model, run):
    ended = run("evaluate", model, data, "--split", "all", "--json")
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert (told["images"], told["ignored"]) == (len(CLASSES) * (len(WARNED) - len(BAD)), 1)


def test_predict_skips_only_bad_images(tmp_path, model, run):
    folder = write_to(tmp_path / "images")
    ended = run("predict", model, folder, "--format", "json")
    assert ended.exit_code == 0, ended.output
    assert len(json.loads(ended.stdout)) == len(WARNED) - len(BAD)
    (folder / "large.jpg").unlink()
    assert run("predict", model, folder, "--strict").exit_code == 0


def test_tutorial_loads_images_with_the_verdict_of_the_library(tmp_path, run, monkeypatch):
    for split in ("train", "validation"):
        for name in ("cats", "dogs"):
            write_to(tmp_path / "data" / split / name)
    scans = []

    def load_only(source, **_):
        scans.append(load_cats_dogs(source, image_size=(46, 46), batch_size=2).scan)
        raise ValueError("stopped after loading")

    monkeypatch.setattr(catdog_keras.tutorial, "run_tutorial", load_only)
    ended = run("tutorial", "--data", tmp_path / "data", "--output", tmp_path / "out")
    assert "stopped after loading" in ended.stderr
    assert {image.reason for image in scans[0].bad} == {"more than 50 megapixels"}


def test_warning_of_another_thread_is_printed_with_option_name(run, tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    def scan_in_thread(directory, **_):
        with ThreadPoolExecutor() as pool:
            pool.submit(warnings.warn, argument("near_duplicates") + " is slow").result()
        return scan_images(directory)

    monkeypatch.setattr("catdog_keras.datasets.scan_images", scan_in_thread)
    ended = run("scan", write_to(tmp_path))
    assert ended.stderr == "Warning: `--near-duplicates` is slow\n"
