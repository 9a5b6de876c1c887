"""Images that change while a command or an epoch reads them: one sentence, with the file's name."""

import itertools
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import catdog_keras.datasets
import catdog_keras.tutorial
from catdog_keras import load_image_folder, load_images, scan_images
from catdog_keras.cli import evaluation_report, train
from catdog_keras.datasets import _inspect_files, _pipeline
from catdog_keras.tutorial import _run
from tests.cli.image_folders import draw
from tests.corpora.image_files import encoded, noise

TINY = [
    *["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "4", "--epochs", "1"],
    "--no-report",
]


def _remove(file):
    file.unlink()


def _truncate(file):
    os.truncate(file, file.stat().st_size // 2)


def _grow(file):
    file.write_bytes(file.read_bytes() + b"more")


def _empty(file):
    file.write_bytes(b"")


def _damage(file):
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[: size // 2].ljust(size, b"\xff"))


def _overwrite(file):
    file.write_bytes(os.urandom(file.stat().st_size))


def _other_format(file):
    file.write_bytes(encoded("GIF", noise()))


def _other_image_of_same_size_and_time(file):
    before = file.stat()
    content = bytearray(file.read_bytes())
    file.write_bytes(bytes(content[:-1]) + bytes([content[-1] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _pipe(file):
    file.unlink()
    os.mkfifo(file)


def _folder(file):
    file.unlink()
    file.mkdir()


def _device(file):
    file.unlink()
    file.symlink_to("/dev/zero")


def _broken_link(file):
    file.unlink()
    file.symlink_to("nowhere")


def _link_to_itself(file):
    file.unlink()
    file.symlink_to(file.name)


def _rename(file):
    file.rename(file.with_name("another name.png"))


def _rename_folder(file):
    file.parent.rename(file.parent.with_name("renamed"))


def _remove_folder(file):
    shutil.rmtree(file.parent)


def _folder_as_file(file):
    shutil.rmtree(file.parent)
    file.parent.write_bytes(b"")


CHANGES = [
    _remove,
    _truncate,
    _grow,
    _empty,
    _damage,
    _overwrite,
    _other_format,
    _other_image_of_same_size_and_time,
    _pipe,
    _folder,
    _device,
    _broken_link,
    _link_to_itself,
    _rename,
    _rename_folder,
    _remove_folder,
    _folder_as_file,
]


@pytest.fixture
def data(drawn, tmp_path):
    return Path(shutil.copytree(drawn, tmp_path / "data"))


@pytest.fixture
def change_after_check(monkeypatch):
    """Applies a change to the first image as soon as all images were checked."""

    def arrange(change):
        build, changed = _pipeline.batched_dataset, []

        def build_and_change(listing, *arguments, **options):
            dataset = build(listing, *arguments, **options)
            if not changed:
                changed.append(Path(listing.files[0]))
                change(changed[0])
            return dataset

        for module in ("_load_image_folder", "_load_images", "_image_splits"):
            found = getattr(catdog_keras.datasets, module)
            if hasattr(found, "batched_dataset"):
                monkeypatch.setattr(found, "batched_dataset", build_and_change)
        return changed

    return arrange


def check_sentence(ended, changed):
    assert ended.exit_code == 2, ended.output
    line = ended.stderr.splitlines()[-1]
    folder = repr(f"{changed[0].parent}/")[1:-1]
    assert re.match(rf"Error: ['\"]{re.escape(folder)}.* has changed since it was checked: ", line)
    assert "Traceback" not in ended.output


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_predict_names_image_that_changed(data, model, run, change_after_check, change):
    changed = change_after_check(change)
    check_sentence(run("predict", model, data), changed)


@pytest.mark.parametrize("change", [_damage, _pipe], ids=lambda change: change.__name__)
def test_evaluate_names_image_that_changed(data, model, run, change_after_check, change):
    changed = change_after_check(change)
    check_sentence(run("evaluate", model, data, "--split", "all"), changed)
    assert not changed[0].is_file() or change is _damage


@pytest.mark.parametrize("change", [_damage, _pipe], ids=lambda change: change.__name__)
def test_train_names_image_that_changed(data, run, tmp_path, change_after_check, change):
    changed = change_after_check(change)
    check_sentence(run("train", data, "--output", tmp_path / "out", *TINY), changed)
    assert not (tmp_path / "out" / "model.keras").exists()


def test_train_names_image_that_changed_after_the_training(data, run, tmp_path, monkeypatch):
    fit, changed = train._fit, []

    def fit_and_change(model, splits, *arguments):
        history = fit(model, splits, *arguments)
        changed.append(Path(splits.files["validation"][0]))
        _damage(changed[0])
        return history

    monkeypatch.setattr(train, "_fit", fit_and_change)
    check_sentence(run("train", data, "--output", tmp_path / "out", *TINY), changed)
    assert not (tmp_path / "out" / "model.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_train_names_image_that_changed_during_an_epoch(data, run, tmp_path, monkeypatch, change):
    read, changed, number = _pipeline.read_unchanged, [], itertools.count(1)

    def change_and_read(image):
        if next(number) == 5:
            changed.append(Path(image.path))
            change(changed[0])
        return read(image)

    monkeypatch.setattr(_pipeline, "read_unchanged", change_and_read)
    check_sentence(run("train", data, "--output", tmp_path / "out", *TINY), changed)
    assert not (tmp_path / "out" / "model.keras").exists()


def test_tutorial_names_image_that_changed(data, run, tmp_path, change_after_check, monkeypatch):
    changed = change_after_check(_pipe)

    def read_all(source, **_):
        for dataset in load_image_folder(source, batch_size=4, image_size=(46, 46)):
            list(dataset)

    monkeypatch.setattr(catdog_keras.tutorial, "run_tutorial", read_all)
    check_sentence(run("tutorial", "--data", data, "--output", tmp_path / "out"), changed)


@pytest.fixture
def cats_dogs(tmp_path):
    """A folder for the tutorial."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("validation", 10)):
        for index, name in enumerate(("cats", "dogs")):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                draw(index, generator).save(folder / f"image '{number}'.png")
    return tmp_path / "data"


def _change_in_epoch(monkeypatch, change, changed):
    """Changes the fifth image that an epoch reads."""
    read, number = _pipeline.read_unchanged, itertools.count(1)

    def change_and_read(image):
        if next(number) == 5:
            changed.append(Path(image.path))
            change(changed[0])
        return read(image)

    monkeypatch.setattr(_pipeline, "read_unchanged", change_and_read)


def _change_in_evaluation(monkeypatch, change, changed):
    """Changes a test image before the trained model is evaluated."""
    train = _run.train_to_best

    def train_and_change(name, model, splits, epochs):
        result = train(name, model, splits, epochs)
        changed.append(Path(splits.files["test"][0]))
        change(changed[0])
        return result

    monkeypatch.setattr(_run, "train_to_best", train_and_change)


def _change_before_figure(monkeypatch, change, changed, module=_run):
    """Changes the image with the highest loss before it is drawn."""
    plot = module.plot_highest_losses

    def change_and_plot(model, evaluation, files, image_size, **preparation):
        changed.append(Path(files[evaluation.top_losses(1)[0].index]))
        change(changed[0])
        return plot(model, evaluation, files, image_size, **preparation)

    monkeypatch.setattr(module, "plot_highest_losses", change_and_plot)


TUTORIAL = ["--epochs", "1", "--image-size", "46", "--batch-size", "4"]


# The commands above, which take less time, read the images by the same functions after each change.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "change"),
    [
        (_change_in_epoch, _truncate),
        (_change_in_evaluation, _remove),
        (_change_before_figure, _pipe),
    ],
    ids=lambda function: function.__name__,
)
def test_tutorial_names_image_that_changed_while_it_trains_and_evaluates(
    moment, change, cats_dogs, tmp_path, run, monkeypatch
):
    changed = []
    for name in ("model2", "model3", "model4"):
        monkeypatch.delitem(_run.STEPS, name)
    moment(monkeypatch, change, changed)
    arguments = ["--data", cats_dogs, "--output", tmp_path / "out", "--weights", "None", *TUTORIAL]
    check_sentence(run("tutorial", *arguments), changed)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("change", [_overwrite, _pipe], ids=lambda c: c.__name__)
def test_tutorial_skips_image_that_changes_during_the_scan(
    change, cats_dogs, tmp_path, run, monkeypatch
):
    changed = []
    for name in ("model2", "model3", "model4"):
        monkeypatch.delitem(_run.STEPS, name)
    read = _inspect_files.read_regular_file

    def change_and_read(path):
        if "image '3'" in path and not changed:
            changed.append(Path(path))
            change(changed[0])
        return read(path)

    monkeypatch.setattr(_inspect_files, "read_regular_file", change_and_read)
    arguments = ["--data", cats_dogs, "--output", tmp_path / "out", "--weights", "None", *TUTORIAL]
    ended = run("tutorial", *arguments)
    assert ended.exit_code == 0, ended.output
    assert f"1 of 28 files could not be read as images:\n  {changed[0]}: " in ended.stderr
    assert (tmp_path / "out" / "results.json").is_file()


@pytest.mark.parametrize(
    "change", [_remove, _truncate, _overwrite, _pipe], ids=lambda c: c.__name__
)
def test_report_names_image_that_changed_before_it_was_drawn(
    change, data, model, run, tmp_path, monkeypatch
):
    changed = []
    _change_before_figure(monkeypatch, change, changed, module=evaluation_report)
    arguments = ["--split", "all", "--report", tmp_path / "report"]
    check_sentence(run("evaluate", model, data, *arguments), changed)
    assert not (tmp_path / "report").exists()


def test_library_raises_with_name_of_image_that_changed(data):
    splits = load_image_folder(data, image_size=(32, 32), batch_size=4)
    file = Path(splits.files["train"][0])
    _pipe(file)
    with pytest.raises(tf.errors.InvalidArgumentError, match="has changed since") as caught:
        list(splits.train)
    assert str(file.parent) in str(caught.value)


def test_touched_or_rewritten_image_is_used(data):
    images = load_images(data, image_size=(32, 32))
    for file in map(Path, images.files):
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    assert sum(len(batch) for batch in images.dataset) == len(images)


def test_near_duplicates_names_image_that_changed(data, monkeypatch):
    file = sorted(data.rglob("*.png"))[0]
    with Image.open(file) as image:
        image.resize((image.width * 2, image.height * 2)).save(file.with_name("twice.png"))
    find = catdog_keras.datasets._scan_images.near_duplicate_pairs

    def change_and_find(images, thumbnails):
        """As after a call that found all results in the cache."""
        _pipe(file)
        return find(images, {})

    monkeypatch.setattr(catdog_keras.datasets._scan_images, "near_duplicate_pairs", change_and_find)
    with pytest.raises(ValueError, match="has changed since it was checked: not a regular file"):
        scan_images(data, near_duplicates=True)
