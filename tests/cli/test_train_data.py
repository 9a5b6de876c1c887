"""Options of `train` that select, split and prepare images, and their use by later commands."""

import json
import shlex
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_image_folder, load_manifest
from catdog_keras.cli.evaluation_data import LABELS_OF_FOLDERS
from catdog_keras.cli.preparation import find_preparation
from catdog_keras.evaluation import Evaluation
from catdog_keras.evaluation._evaluation import with_files

TINY = ["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "4", "--epochs", "1"]


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Two classes of wide images whose center is dark or bright, so that a crop changes them."""
    root = tmp_path_factory.mktemp("wide")
    noise = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (root / name).mkdir()
        for number in range(8):
            pixels = noise.integers(0, 255, (32, 96, 3), np.uint8)
            pixels[:, 32:64] = 30 + 180 * label + noise.integers(0, 20)
            Image.fromarray(pixels).save(root / name / f"{name}_{number}.png")
    return root


def record(output):
    return json.loads((output / "training.json").read_text("utf-8"))


def test_test_fraction_zero_trains_without_a_test_set(wide, tmp_path, run):
    output = tmp_path / "out"
    ended = run("train", wide, "--output", output, *TINY, "--test-fraction", "0")
    assert ended.exit_code == 0, ended.output
    assert record(output)["counts"]["test"] == {"dark": 0, "light": 0}
    assert "\ntest " not in ended.stdout
    told = "There is no test set: for unbiased metrics, use other labeled images in "
    assert told + "`catdog-keras evaluate`. For metrics of the validation images, run:\n" in (
        ended.stdout
    )
    sentence = "There is no test set: use other images in catdog-keras evaluate."
    assert sentence in (output / "report.html").read_text("utf-8")
    name, *words = shlex.split(ended.stdout.splitlines()[-1])
    assert name == "catdog-keras"
    again = run(*words)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "out-validation" / "report.html").is_file()
    ended = run("evaluate", output / "model.keras", wide, "--json")
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.stdout)
    assert found["part"] == "validation"
    shown = run("evaluate", output / "model.keras", wide).stdout
    assert "6 selected the epoch: the metrics are optimistic. The training run has no test" in shown
    ended = run("evaluate", output / "model.keras", wide, "--split", "test")
    assert ended.exit_code == 2
    assert "lists no test image" in ended.stderr


def test_defaults_of_fractions_are_those_of_python(wide, tmp_path, run):
    ended = run("train", wide, "--output", tmp_path / "out", *TINY, "--no-report")
    assert ended.exit_code == 0, ended.output
    assert record(tmp_path / "out")["counts"] == load_image_folder(wide).counts


@pytest.mark.slow
@pytest.mark.parametrize("option", ["crop", "pad"])
def test_aspect_ratio_of_training_is_used_by_evaluate_and_predict(
    wide, tmp_path, run, monkeypatch, option
):
    from catdog_keras.datasets import _pipeline

    used, batched = [], _pipeline.batched_dataset

    def record_options(listing, images, options, **others):
        used.append((options.crop_to_aspect_ratio, options.pad_to_aspect_ratio))
        return batched(listing, images, options, **others)

    for module in ("_image_splits", "_load_images", "_load_manifest"):
        monkeypatch.setattr(f"catdog_keras.datasets.{module}.batched_dataset", record_options)
    output, model = tmp_path / "out", tmp_path / "out" / "model.keras"
    flag = f"--{option}-to-aspect-ratio"
    wanted = {(option == "crop", option == "pad")}

    def options_of(*words):
        used.clear()
        ended = run(*words)
        assert ended.exit_code == 0, ended.output
        return set(used)

    assert options_of("train", wide, "--output", output, *TINY, "--no-report", flag) == wanted
    preparation = json.loads((output / "split.json").read_text("utf-8"))["preparation"]
    assert preparation[f"{option}_to_aspect_ratio"] is True
    loaded = load_manifest(output / "split.json", wide)
    assert loaded.options.image_size == (32, 32)
    image = next(wide.glob("dark/*"))
    assert options_of("evaluate", model, wide, "--report", tmp_path / "report") == wanted
    assert options_of("evaluate", model, wide, "--split", "all") == wanted
    assert options_of("predict", model, image) == wanted
    (output / "training.json").unlink()
    assert options_of("predict", model, image) == wanted
    shutil.copy(model, tmp_path / "alone.keras")
    assert options_of("predict", tmp_path / "alone.keras", image) == {(False, False)}
    assert options_of("predict", tmp_path / "alone.keras", image, flag) == wanted
    other = "--pad-to-aspect-ratio" if option == "crop" else "--crop-to-aspect-ratio"
    assert options_of("evaluate", model, wide, other) == {(option == "pad", option == "crop")}


def test_stated_aspect_ratio_keeps_the_recorded_interpolation(wide, tmp_path):
    splits = load_image_folder(wide, image_size=8, interpolation="area", pad_to_aspect_ratio=True)
    splits.save_manifest(tmp_path / "split.json")
    stated = {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": False}
    found = find_preparation(tmp_path / "model.keras", stated)
    assert found == {**stated, "interpolation": "area"}


def test_crop_and_pad_together_are_an_error(wide, tmp_path, run):
    both = ["--crop-to-aspect-ratio", "--pad-to-aspect-ratio"]
    ended = run("train", wide, "--output", tmp_path / "out", *TINY, *both)
    assert ended.exit_code == 2
    assert "`--pad-to-aspect-ratio` must be False if `--crop-to-aspect-ratio` is" in ended.stderr
    (tmp_path / "model.keras").touch()
    ended = run("predict", tmp_path / "model.keras", wide, *both)
    assert "`--pad-to-aspect-ratio` must be used without `--crop-to-aspect-ratio`" in ended.stderr


@pytest.mark.parametrize("source", ["table", pytest.param("pattern", marks=pytest.mark.slow)])
def test_labels_from_table_or_file_names_are_used_and_evaluated(wide, tmp_path, run, source):
    images = tmp_path / "images"
    images.mkdir()
    for file in wide.glob("*/*.png"):
        shutil.copy(file, images)
    options = ["--label-pattern", r"^(\w+)_"]
    if source == "table":
        rows = [f"{file.name};{file.name.split('_')[0]}" for file in images.iterdir()]
        (tmp_path / "labels.csv").write_text("\n".join(["file;kind", *rows]))
        options = ["--labels", tmp_path / "labels.csv", "--image-column", "file"]
        options += ["--label-column", "kind"]
    ended = run("train", images, "--output", tmp_path / "out", *TINY, *options)
    assert ended.exit_code == 0, ended.output
    assert record(tmp_path / "out")["counts"] == load_image_folder(wide).counts
    model = keras.saving.load_model(tmp_path / "out" / "model.keras")
    assert model.layers[-1].class_names == ("dark", "light")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert ("labels.csv" in page) == (source == "table")
    assert str(tmp_path) not in page
    ended = run("evaluate", tmp_path / "out" / "model.keras", images, "--split", "train")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("images             train, 10\n")
    ended = run("evaluate", tmp_path / "out" / "model.keras", images, "--split", "all")
    assert ended.exit_code == 2
    assert LABELS_OF_FOLDERS in ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "nowhere.csv"], "`--labels` must be an existing CSV file; received"),
        (["--image-column", "x"], "`--image-column` must be used together with `--labels`"),
        (["--labels", "CSV", "--label-pattern", "(.)"], "`--label-pattern` must be used without"),
        (["--labels", "CSV"], "`--image-column` must be the name of a column of the table"),
        (["--labels", "CSV", "--image-column", "a", "--label-column", "b"], "`--labels`: 1 of 1"),
        (["--group-column", "x"], "`--group-column` must be used together with `--labels`"),
        (["--labels", "CSV", "--groups", "(.)"], "received --groups='(.)'. Use `--group-column`."),
        (["--groups", "a"], "`--groups` must be a regular expression with one group"),
        (["--groups", "dark_(.)"], "`--groups` must give each image a group; 8 of 16 images have"),
        (["--groups", "([.]png)"], "`--groups` must give at least two groups; all 16 images are"),
        (["--groups", "(dark|light)/"], "or change `--holdout-fraction` or `--test-fraction`."),
        (["--near-duplicates", "apart"], "'apart' is not one of 'together', 'ignore'"),
        (["--label-pattern", "a"], "`--label-pattern` must be a regular expression with one group"),
        (["--test-fraction", "1"], "1.0 is not in the range 0<=x<1"),
    ],
)
def test_wrong_data_options_are_reported_by_their_names(wide, tmp_path, run, options, message):
    (tmp_path / "labels.csv").write_text("a,b\nx.png,dark\n")
    options = [str(tmp_path / "labels.csv") if word == "CSV" else word for word in options]
    ended = run("train", wide, "--output", tmp_path / "out", *TINY, *options)
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["pattern", pytest.param("table", marks=pytest.mark.slow)])
def test_groups_are_in_one_split_of_the_manifest(source, wide, tmp_path, run):
    options = ["--groups", r"_(\d)[.]", "--near-duplicates", "ignore"]
    if source == "table":
        rows = [
            f"{file.relative_to(wide)},{file.parent.name},{file.stem[-1]}"
            for file in wide.glob("*/*.png")
        ]
        (tmp_path / "labels.csv").write_text("\n".join(["image,label,animal", *rows]))
        options = ["--labels", tmp_path / "labels.csv", "--group-column", "animal", *options[2:]]
    ended = run("train", wide, "--output", tmp_path / "out", *TINY, "--no-report", *options)
    assert ended.exit_code == 0, ended.output
    rows = json.loads((tmp_path / "out" / "split.json").read_text())["files"]
    splits = {}
    for row in rows:
        splits.setdefault(row["path"][-5], set()).add((row["split"], row["component"]))
    assert len(splits) == 8
    assert all(len(found) == 1 for found in splits.values())
    assert len({row["component"] for row in rows}) == 8


@pytest.fixture
def mislabeled(wide):
    """Rows of a table in which half of the images have the name of the other class folder."""
    classes = ["dark", "light"]
    return {
        f"{name}/{name}_{number}.png": classes[(label + number // 4) % 2]
        for label, name in enumerate(classes)
        for number in range(8)
    }


def test_labels_of_a_table_may_differ_from_the_folders(wide, mislabeled, tmp_path, run):
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["image,label", *map(",".join, mislabeled.items())]))
    model = tmp_path / "out" / "model.keras"
    ended = run("train", wide, "--labels", table, "--output", model.parent, *TINY, "--no-report")
    assert ended.exit_code == 0, ended.output
    ended = run("evaluate", model, wide, "--split", "validation")
    assert ended.exit_code == 0, ended.output
    ended = run("evaluate", model, wide, "--split", "all")
    assert ended.exit_code == 2
    assert "in the folder of another class than in the training" in ended.stderr
    assert "Use --split train, validation or test for its images." in ended.stderr


def test_evaluation_keeps_files_in_folders_of_other_classes(mislabeled, tmp_path):
    labels = [["dark", "light"].index(name) for name in mislabeled.values()]
    evaluation = Evaluation(["dark", "light"], labels, np.full((len(labels), 2), 0.5))
    with pytest.raises(ValueError, match="in the order of the images"):
        Evaluation(["dark", "light"], labels, evaluation.probabilities, list(mislabeled))
    with_files(evaluation, list(mislabeled)).save(tmp_path / "evaluation.json")
    assert Evaluation.load(tmp_path / "evaluation.json").files == tuple(mislabeled)
    assert evaluation.files is None
    with pytest.raises(ValueError, match="one file per image"):
        with_files(evaluation, ["one"])


def test_resume_rejects_other_preparation(wide, tmp_path, run, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("catdog_keras.training.fit_head", interrupt)
    run("train", wide, "--output", tmp_path / "out", *TINY, "--crop-to-aspect-ratio")
    assert (tmp_path / "out" / "training-checkpoint" / "run.json").exists()
    ended = run("train", wide, "--output", tmp_path / "out", *TINY, "--resume")
    assert "crop_to_aspect_ratio was True, is False" in ended.stderr
