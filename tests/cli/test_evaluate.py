"""Evaluation from the command line: which images, what numbers, and the page about them."""

import functools
import hashlib
import json
import os
import re
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from catdog_keras import ClassNames, evaluate_classifier, load_image_folder, load_manifest
from catdog_keras.evaluation import Evaluation
from tests.cli.image_folders import CLASSES, PER_CLASS


@functools.cache
def expected(model, drawn, part):
    """Evaluates the model on a part of its split by the functions of the library."""
    splits = load_manifest(model.parent / "split.json", drawn, image_size=(32, 32), shuffle=False)
    dataset = getattr(splits, part)
    loaded = keras.saving.load_model(model)
    return evaluate_classifier(
        loaded, dataset, class_names=splits.class_names, files=splits.files[part]
    )


@pytest.mark.parametrize("part", [None, "test", "validation", "train"])
def test_evaluate_split_matches_evaluate_classifier(part, model, drawn, run):
    options = ["--split", part] if part else []
    ended = run("evaluate", model, drawn, "--json", *options)
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    right = expected(model, drawn, part or "test")
    assert told["part"] == (part or "test")
    assert told["images"] == len(right)
    assert told["accuracy"] == right.accuracy
    assert told["accuracy_interval"] == list(right.accuracy_interval)
    assert told["confusion_matrix"] == right.confusion_matrix.tolist()
    assert told["class_names"] == list(CLASSES)
    assert [each["name"] for each in told["classes"]] == list(CLASSES)
    assert told["ignored"] == 0
    assert told["of_the_training"] == {part or "test": len(right)}
    assert told["baseline_p_value"] == right.baseline_comparison.p_value
    for each, scores in zip(told["classes"], right.class_metrics, strict=True):
        for name in ("precision", "recall", "f1"):
            assert each[f"{name}_interval"] == list(getattr(scores, f"{name}_interval"))
    assert [each["name"] for each in told["roc_areas"]] == list(CLASSES)
    for each, curve in zip(told["roc_areas"], right.roc_curves, strict=True):
        assert each["auc"] == curve.auc
        assert each["auc_interval"] == list(curve.auc_interval)


def test_evaluate_uses_all_images_when_split_json_is_missing(model, drawn, tmp_path, run):
    alone = shutil.copy(model, tmp_path / "alone.keras")
    told = json.loads(run("evaluate", alone, drawn, "--json").stdout)
    assert told["part"] == "all"
    assert told["images"] == 3 * PER_CLASS
    ended = run("evaluate", alone, drawn, "--split", "test")
    assert ended.exit_code == 2
    assert ended.stderr == (
        "Error: --split must be all if there is no split.json of the training run next to MODEL; "
        "received --split=test.\n"
    )


def test_folder_that_differs_from_manifest_requires_split_all(model, drawn, tmp_path, run):
    other = tmp_path / "other"
    shutil.copytree(drawn / CLASSES[0], other / CLASSES[0])
    ended = run("evaluate", model, other)
    assert ended.exit_code == 2
    assert "do not match the manifest" in ended.stderr
    assert ended.stderr.endswith("if DATA has other images, use --split all.\n")
    (other / CLASSES[0] / "torn.png").write_bytes(b"no image")
    ended = run("evaluate", model, other, "--split", "all", "--json", "--strict")
    assert ended.exit_code == 1
    ended = run("evaluate", model, other, "--split", "all", "--json")
    assert ended.exit_code == 0
    told = json.loads(ended.stdout)
    assert told["images"] == PER_CLASS
    assert told["ignored"] == 1
    assert told["classes"][1]["recall"] is None
    assert "torn.png: not an image in any known format" in ended.stderr


def test_images_outside_model_classes_are_reported_as_error(model, drawn, tmp_path, run):
    shutil.copytree(drawn / CLASSES[0], tmp_path / "some" / "wolves")
    ended = run("evaluate", model, tmp_path / "some", "--split", "all")
    assert ended.exit_code == 2
    assert f"{PER_CLASS} of {PER_CLASS} images are not in a folder of the classes" in ended.stderr


@pytest.mark.parametrize("alone", [False, True], ids=["with split", "without split"])
def test_images_next_to_class_folders_are_ignored_as_in_train(alone, model, drawn, tmp_path, run):
    chosen = shutil.copy(model, tmp_path / "alone.keras") if alone else model
    words = ["evaluate", chosen, data := shutil.copytree(drawn, tmp_path / "data"), "--json"]
    words += [] if alone else ["--split", "all"]
    before = run(*words)
    assert (before.exit_code, before.stderr) == (0, "")
    Image.new("RGB", (32, 32), "red").save(data / "stray.png")
    with pytest.warns(UserWarning, match="stray") as warned:
        load_image_folder(data, image_size=(32, 32), batch_size=4)
    ended = run(*words, "--strict")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout == before.stdout
    note = "Ignored 1 image that is not in a class folder:\n  stray.png"
    assert ended.stderr == f"Warning: {note}\n"
    assert note in [str(each.message) for each in warned]
    (data / "a torn one.png").write_bytes(b"no image")  # as elsewhere, a file that is skipped
    ended = run(*words, "--strict")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["ignored"] == 1
    assert json.loads(ended.stdout)["images"] == 3 * PER_CLASS


def test_images_without_any_class_folder_or_in_another_are_reported_as_error(
    model, drawn, tmp_path, run
):
    images = shutil.copytree(drawn / CLASSES[0], tmp_path / "images")
    words = ["evaluate", model, images, "--split", "all"]
    ended = run(*words)
    assert ended.exit_code == 2
    assert f"{PER_CLASS} of {PER_CLASS} images are not in a folder of the classes" in ended.stderr
    shutil.copytree(drawn / CLASSES[0], images / CLASSES[0])
    shutil.copytree(drawn / CLASSES[0], images / "wolves")
    ended = run(*words)
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"Error: {PER_CLASS} of {2 * PER_CLASS} images are not in a")
    assert f"{images}/wolves/image" in ended.stderr
    assert f"{images}/image" not in ended.stderr


def test_images_of_a_folder_that_is_named_after_a_class_are_of_the_class(model, drawn, run):
    ended = run("evaluate", model, drawn / CLASSES[0], "--split", "all", "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert [sum(row) for row in told["confusion_matrix"]] == [PER_CLASS, 0, 0]


def test_text_output_shows_split_note_and_class_metrics(model, drawn, run):
    ended = run("evaluate", model, drawn, "--split", "validation")
    right = expected(model, drawn, "validation")
    lines = ended.stdout.splitlines()
    assert lines[0] == f"images             validation, {len(right)}"
    assert lines[1] == (
        f"Of these {len(right)} images {len(right)} selected the epoch: the metrics are optimistic. Use --split test for an unbiased estimate."
    )
    assert "\n".join(lines[2:7]) == str(right)
    assert lines[8].split() == ["class", "images", "precision", "recall", "F1"]
    for line, name, scores in zip(lines[9:-1], CLASSES, right.class_metrics, strict=True):
        assert line.startswith(name)
        shown = []
        for score in ("precision", "recall", "f1"):
            share, (low, high) = getattr(scores, score), getattr(scores, f"{score}_interval")
            shown += ["-"] if np.isnan(share) else f"{share:.3f} [{low:.3f}, {high:.3f}]".split()
        assert line.removeprefix(name).split() == [str(scores.num_images), *shown]
    assert lines[-1] == "In brackets: 95% confidence intervals."


def test_training_images_are_recognized_after_copying_and_renaming(model, drawn, tmp_path, run):
    splits = load_manifest(model.parent / "split.json", drawn)
    sizes = {split: len(files) for split, files in splits.files.items()}
    elsewhere = shutil.copytree(drawn, tmp_path / "elsewhere")
    shutil.copy(splits.files["train"][0], elsewhere / CLASSES[0] / "again.png")
    first = next((elsewhere / CLASSES[1]).iterdir())
    Image.new("RGB", (32, 32), "red").save(elsewhere / CLASSES[1] / "new.png")
    first.rename(first.with_name("renamed.png"))
    ended = run("evaluate", model, elsewhere, "--split", "all", "--report", tmp_path / "report")
    assert ended.exit_code == 0, ended.output
    remark = (
        f"Of these {3 * PER_CLASS + 2} images {sizes['train'] + 1} were used for training and "
        f"{sizes['validation']} selected the epoch: the metrics are optimistic."
    )
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert remark in ended.stdout
    assert remark in page
    assert '<th scope="col" class="number">not part of the training run</th>' in page
    told = json.loads(run("evaluate", model, elsewhere, "--split", "all", "--json").stdout)
    assert told["of_the_training"] == {**sizes, "train": sizes["train"] + 1}


def test_report_is_reproducible_and_contains_no_absolute_paths(model, drawn, tmp_path, run):
    shutil.copytree(drawn, data := tmp_path / "data of mine")
    (data / CLASSES[0] / "torn.png").write_bytes(b"no image")
    options = ["--split", "all", "--batch-size", "8"]
    reports = []

    def write_report(place):
        folder = tmp_path / str(len(reports)) / "report"
        ended = run("evaluate", model, place, "--report", folder, *options)
        assert ended.exit_code == 0, ended.output  # skips torn.png
        names = "report.html", "evaluation.json"
        reports.append([(folder / name).read_text("utf-8") for name in names])
        return reports[-1]

    pages = write_report(data)
    assert write_report(os.path.relpath(data)) == pages
    for text in pages:
        assert str(tmp_path) not in text
        assert str(model.parent) not in text
    command = (
        f"catdog-keras evaluate {model.parent.name}/model.keras &#39;data of mine&#39; --split all"
    )
    assert command in pages[0]
    assert "Files skipped: 1" in pages[0]
    assert "all images of the data" in pages[0]
    for file in (model, model.parent / "split.json"):
        assert hashlib.sha256(file.read_bytes()).hexdigest() in pages[0]
    assert "torn.png</th><td>not an image in any known format" in pages[0]
    before = re.search(r"their checksums and names</th><td>(\w+)", pages[0])[1]
    first = next(data.glob("*/*5*.png"))
    first.rename(first.with_name("renamed.png"))
    page, _ = write_report(data)
    assert re.search(r"their checksums and names</th><td>(\w+)", page)[1] != before


def test_report_contains_evaluation_and_training_record(model, drawn, tmp_path, run):
    (tmp_path / "mine.txt").write_text("the user's own")
    ended = run("evaluate", model, drawn, "--report", tmp_path)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.endswith(f"The report is {tmp_path}/report.html.\n")
    assert {f.name for f in tmp_path.iterdir()} == {"report.html", "evaluation.json", "mine.txt"}
    saved = Evaluation.load(tmp_path / "evaluation.json")
    right = expected(model, drawn, "test")
    assert np.array_equal(saved.probabilities, right.probabilities)
    assert saved.files == tuple(os.path.relpath(file, drawn) for file in right.files)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert page.count("data:image/jpeg") == 1  # the worst images with their heat maps
    for told in (
        "of my own",
        "Training",
        "Environment of the training run",
        "stripes 猫",
    ):
        assert told in page


def test_report_of_a_split_lists_the_files_that_the_training_skipped(model, drawn, tmp_path, run):
    folder = shutil.copytree(model.parent, tmp_path / "trained")
    record = json.loads((folder / "training.json").read_text("utf-8"))
    record["ignored"] = {"cats/torn.jpg": "not an image in any known format"}
    (folder / "training.json").write_text(json.dumps(record))
    ended = run("evaluate", folder / "model.keras", drawn, "--report", tmp_path / "report")
    assert ended.exit_code == 0, ended.output
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "Files skipped in the training: 1" in page
    assert "cats/torn.jpg</th><td>not an image in any known format" in page
    assert "the test images of the training" in page
    assert "catdog-keras evaluate trained/model.keras" in page


def test_failed_evaluate_keeps_earlier_report(model, drawn, tmp_path, run):
    (tmp_path / "report.html").write_text("of an earlier run")
    shutil.copytree(model.parent, tmp_path / "trained")
    (tmp_path / "trained" / "training.json").write_text('{"data": "of something else"}')
    ended = run("evaluate", tmp_path / "trained" / "model.keras", drawn, "--report", tmp_path)
    assert ended.exit_code == 2
    assert ended.stderr == (
        f"Error: '{tmp_path}/trained/training.json' is not the record of a training run. Remove it, or move the model.\n"
    )
    assert (tmp_path / "report.html").read_text() == "of an earlier run"
    (tmp_path / "file").write_text("in the way")
    ended = run("evaluate", model, drawn, "--report", tmp_path / "file")
    assert ended.exit_code == 2
    assert "`--report` must be a writable folder" in ended.stderr


def test_report_shows_images_when_model_has_no_feature_map(drawn, tmp_path, run):
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential([*layers, ClassNames(CLASSES)]).save(tmp_path / "flat.keras")
    ended = run("evaluate", tmp_path / "flat.keras", drawn, "--report", tmp_path / "report")
    assert ended.exit_code == 0, ended.output
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert page.count("data:image/jpeg") == 1
    assert "highest losses" in page


def test_output_folder_of_train_as_model_is_its_model_file(
    model, drawn, tmp_path, run, monkeypatch
):
    shutil.copytree(model.parent, tmp_path / "trained")
    monkeypatch.chdir(tmp_path)
    of_file = run("evaluate", "trained/model.keras", drawn, "--report", "of_file/report")
    assert of_file.exit_code == 0, of_file.output
    expected_files = {
        name: (tmp_path / "of_file/report" / name).read_bytes()
        for name in ("report.html", "evaluation.json")
    }
    assert b"catdog-keras evaluate trained/model.keras " in expected_files["report.html"]
    ended = run("evaluate", "./trained/", drawn, "--report", "of_folder/report")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == of_file.stdout.replace("of_file", "of_folder")
    for name, content in expected_files.items():
        assert (tmp_path / "of_folder/report" / name).read_bytes() == content, name
    monkeypatch.chdir(tmp_path / "trained")
    assert run("evaluate", ".", drawn).stdout.startswith("images             test, ")
    (tmp_path / "trained" / "model.keras").write_bytes(b"no model")
    (tmp_path / "trained" / "training.json").unlink()
    ended = run("evaluate", tmp_path / "trained", drawn)
    assert ended.exit_code == 2
    assert f"received MODEL='{tmp_path}/trained/model.keras'." in ended.stderr


@pytest.mark.parametrize("command", ["evaluate", "predict", "export"])
def test_folder_without_model_file_is_reported(command, drawn, tmp_path, run):
    (tmp_path / "folder" / "model.keras").mkdir(parents=True)
    for folder in (drawn, tmp_path / "folder"):
        ended = run(command, folder, tmp_path / "other")
        assert ended.exit_code == 2
        assert ended.stderr == (
            f"Error: `MODEL` must be a file that holds a Keras model; received MODEL={str(folder)!r}. "
            "It is a folder that does not contain model.keras.\n"
        )


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("given", ["model.keras", "old.H5", "folder"])
def test_model_after_images_is_reported_as_the_first_argument(
    given, command, model, drawn, tmp_path, run
):
    given = model.parent if given == "folder" else tmp_path / given
    ended = run(command, drawn, given)
    assert ended.exit_code == 2
    assert ended.stderr == (
        f"Error: `MODEL` must be a file that holds a Keras model; received MODEL={str(drawn)!r}. "
        "It is a folder that does not contain model.keras. The model is the first argument: pass "
        f"{str(given)!r} before {str(drawn)!r}.\n"
    )


def test_evaluate_reads_only_the_requested_split(model, drawn, tmp_path, run):
    """A changed training image does not concern the test; a changed test image does."""
    copied = shutil.copytree(drawn, tmp_path / "images")
    manifest = json.loads((model.parent / "split.json").read_text("utf-8"))
    by_split = {each["split"]: copied / each["path"] for each in manifest["files"]}
    by_split["train"].write_bytes(b"changed")
    by_split["validation"].unlink()
    ended = run("evaluate", model, copied, "--split", "test")
    assert ended.exit_code == 0, ended.output
    ended = run("evaluate", model, copied, "--split", "train")
    assert ended.exit_code == 2
    assert f"{by_split['train'].name}: has changed" in ended.stderr
    assert "--split all" in ended.stderr
    by_split["test"].unlink()
    ended = run("evaluate", model, copied)
    assert ended.exit_code == 2
    assert by_split["test"].name in ended.stderr


def test_report_of_a_model_with_stated_preprocessing_repeats_the_option(
    model, drawn, tmp_path, run
):
    folder = shutil.copytree(model.parent, tmp_path / "of unit range")
    rescaling, *layers = keras.saving.load_model(model).layers
    assert isinstance(rescaling, keras.layers.Rescaling)
    keras.Sequential([keras.Input((32, 32, 3)), *layers]).save(folder / "model.keras")
    words = ["evaluate", folder / "model.keras", drawn, "--split", "test", "--preprocessing"]
    ended = run(*words, "unit", "--report", tmp_path / "out")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "--report out --preprocessing unit<" in (tmp_path / "out" / "report.html").read_text()
    assert ended.stdout != run(*words, "none", "--report", tmp_path / "other").stdout
