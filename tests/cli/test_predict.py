"""Predictions from the command line: each with its own image, in a machine-readable form."""

import csv
import io
import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from catdog_keras import ClassNames, Preprocessing, load_images
from catdog_keras.cli.sort_images import sort_images
from catdog_keras.datasets._inspect_files import inspect_file
from tests.cli.image_folders import CLASSES


@pytest.fixture(scope="module")
def expected(model, drawn):
    """What the model itself says of every image."""
    images = load_images(drawn, image_size=(32, 32))
    loaded = keras.saving.load_model(model)
    rows = keras.ops.softmax(loaded.predict(images.dataset, verbose=0).astype("float64"))
    return dict(zip(images.files, np.asarray(rows), strict=True))


def test_json_lists_file_class_and_probabilities_of_every_image(model, drawn, expected, run):
    ended = run("predict", model, drawn, "--format", "json")
    assert ended.exit_code == 0, ended.output
    rows = json.loads(ended.stdout)
    assert [row["file"] for row in rows] == list(expected)
    for row in rows:
        assert list(row) == ["file", "class", "probability", "probabilities"]
        assert list(row["probabilities"]) == list(CLASSES)
        assert list(row["probabilities"].values()) == pytest.approx(expected[row["file"]], abs=1e-6)
        assert row["probability"] == max(row["probabilities"].values())
        assert row["probabilities"][row["class"]] == row["probability"]


def test_csv_round_trips_file_and_class_names_with_special_characters(model, drawn, expected, run):
    ended = run("predict", model, drawn, "--format", "csv")
    rows = list(csv.reader(io.StringIO(ended.stdout)))
    assert rows[0] == ["file", "class", "probability", *(f"probability of {n}" for n in CLASSES)]
    assert [row[0] for row in rows[1:]] == list(expected)
    for row in rows[1:]:
        assert [float(value) for value in row[3:]] == pytest.approx(expected[row[0]], abs=1e-6)
        assert row[1] == CLASSES[int(np.argmax(expected[row[0]]))]
        assert float(row[2]) == max(float(value) for value in row[3:])


def test_table_keeps_requested_file_order(model, expected, run):
    files = list(expected)[::-7]
    ended = run("predict", model, *files)
    header, *lines = ended.stdout.splitlines()
    assert header.split() == ["class", "probability", "file"]
    assert [line[header.index("file") :] for line in lines] == files
    for line, file in zip(lines, files, strict=True):
        assert line.startswith(CLASSES[int(np.argmax(expected[file]))])
        assert f" {expected[file].max():.3f} " in line


def test_table_escapes_control_characters_in_file_names(model, drawn, tmp_path, run):
    nonstandard = tmp_path / "red \x1b[31m\n image.png"
    nonstandard.write_bytes(next(drawn.rglob("*.png")).read_bytes())
    ended = run("predict", model, nonstandard)
    assert ended.stdout.splitlines()[1].endswith("red \\x1b[31m\\n image.png")
    assert len(ended.stdout.splitlines()) == 2


def test_bad_and_missing_images_are_reported_and_others_are_predicted(
    model, expected, tmp_path, run
):
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"no image")
    good = next(iter(expected))
    ended = run("predict", model, torn, good, tmp_path / "missing.png", "--format", "json")
    assert ended.exit_code == 0
    assert [row["file"] for row in json.loads(ended.stdout)] == [good]
    assert ended.stderr == (
        "Warning: 2 of 3 files could not be read as images and are skipped:\n"
        f"  {torn}: not an image in any known format\n"
        f"  {tmp_path}/missing.png: cannot be read: No such file or directory\n"
    )
    assert run("predict", model, torn, good, "--strict").exit_code == 1
    assert run("predict", model, good, "--strict").exit_code == 0
    ended = run("predict", model, torn)
    assert ended.exit_code == 2
    assert ended.stdout == ""


def test_top_lists_classes_by_probability_in_every_format(model, expected, run):
    file = next(iter(expected))
    arguments = ["predict", model, file, "--top", "2"]
    (row,) = json.loads(run(*arguments, "--format", "json").stdout)
    ranked = sorted(row["probabilities"].items(), key=lambda item: -item[1])[:2]
    assert row["top"] == [{"class": name, "probability": p} for name, p in ranked]
    table = run(*arguments).stdout.splitlines()
    assert table[1].endswith(file)
    assert [line.split("  ")[0].strip() for line in table[1:]] == [name for name, _ in ranked]
    (row,) = csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout))
    assert (row["class 2"], float(row["probability 2"])) == ranked[1]
    assert "class 3" not in row


def test_top_above_number_of_classes_lists_all(model, expected, run):
    ended = run("predict", model, next(iter(expected)), "--top", "99", "--format", "json")
    assert len(json.loads(ended.stdout)[0]["top"]) == len(CLASSES)


def test_images_below_threshold_have_no_class(model, drawn, run):
    rows = json.loads(run("predict", model, drawn, "--format", "json").stdout)
    threshold = sorted(row["probability"] for row in rows)[len(rows) // 2]
    arguments = ["predict", model, drawn, "--threshold", str(threshold)]
    filtered = json.loads(run(*arguments, "--format", "json").stdout)
    assert [row["class"] for row in filtered] == [
        row["class"] if row["probability"] >= threshold else None for row in rows
    ]
    assert {row["class"] for row in filtered} > {None}
    table = run(*arguments).stdout.splitlines()[1:]
    assert sum(line.startswith("uncertain ") for line in table) == len(rows) // 2
    cells = csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout))
    assert sum(cell["class"] == "" for cell in cells) == len(rows) // 2


def test_threshold_that_is_not_a_number_is_reported(model, drawn, run):
    ended = run("predict", model, drawn, "--threshold", "nan")
    assert ended.exit_code == 2
    assert ended.stderr == (
        "Error: `--threshold` must be a number from 0 to 1; received --threshold=nan.\n"
    )


@pytest.mark.parametrize("name", ["new folder/classes.csv", "classes.JSON", "classes"])
def test_output_file_has_the_format_of_its_extension(name, model, expected, tmp_path, run):
    file = next(iter(expected))
    form = {"csv": "csv", "json": "json"}.get(name.lower().rpartition(".")[2], "table")
    printed = run("predict", model, file, "--format", form).stdout
    ended = run("predict", model, file, "--output", tmp_path / name)
    assert (tmp_path / name).read_text("utf-8") == printed
    assert ended.stdout == f"The predictions are in {tmp_path / name}.\n"


def test_unusable_output_is_reported_before_model_is_loaded(expected, tmp_path, run):
    (tmp_path / "model.keras").write_bytes(b"no model")
    file = next(iter(expected))
    for output in (tmp_path, tmp_path / "model.keras" / "x.csv"):
        ended = run("predict", tmp_path / "model.keras", file, "--output", output)
        assert (ended.exit_code, "--output" in ended.stderr) == (2, True), ended.output


@pytest.mark.parametrize("given", ["image", "folder", "model"])
@pytest.mark.parametrize("spelling", ["same", "dots", "link", "hard link"])
def test_output_that_is_an_input_is_refused(given, spelling, model, drawn, tmp_path, run):
    (tmp_path / "images").mkdir()
    image = Path(shutil.copy(next(drawn.rglob("*.png")), tmp_path / "images" / "x.png"))
    copied = Path(shutil.copy(model, tmp_path / "model.keras"))
    target = copied if given == "model" else image
    before = target.read_bytes()
    output = target
    if spelling == "dots":
        output = f"{target.parent}/../{target.parent.name}/{target.name}"
    elif spelling == "link":
        output = tmp_path / "link"
        output.symlink_to(target)
    elif spelling == "hard link":
        output = tmp_path / "link"
        output.hardlink_to(target)
    ended = run("predict", copied, image.parent if given == "folder" else image, "--output", output)
    assert ended.exit_code == 2, ended.output
    assert "`--output` must be another file than the inputs; received --output=" in ended.stderr
    assert str(target) in ended.stderr
    assert target.read_bytes() == before


def test_output_inside_the_folder_of_the_images_is_replaced(model, drawn, tmp_path, run):
    shutil.copy(next(drawn.rglob("*.png")), tmp_path / "x.png")
    (tmp_path / "classes.csv").write_text("old")
    ended = run("predict", model, tmp_path, "--output", tmp_path / "classes.csv")
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "classes.csv").read_text().startswith("file,class,probability")


def test_sorted_images_are_copied_to_folders_of_their_classes(model, drawn, tmp_path, run):
    before = {file: file.read_bytes() for file in drawn.rglob("*.png")}
    rows = json.loads(run("predict", model, drawn, "--format", "json").stdout)
    threshold = sorted(row["probability"] for row in rows)[1]
    options = ["--sort-into", tmp_path / "sorted", "--threshold", str(threshold)]
    ended = run("predict", model, drawn, *options, "--format", "json")
    assert ended.exit_code == 0, ended.output
    counts = Counter(row["class"] or "uncertain" for row in json.loads(ended.stdout))
    copies = [file for file in (tmp_path / "sorted").rglob("*") if file.is_file()]
    assert Counter(file.parent.name for file in copies) == counts
    assert sorted(file.read_bytes() for file in copies) == sorted(before.values())
    assert {file: file.read_bytes() for file in drawn.rglob("*.png")} == before


def test_sorting_numbers_images_with_equal_names(model, expected, tmp_path, run):
    file = Path(next(iter(expected)))
    for folder in "ab":
        (tmp_path / folder).mkdir()
        shutil.copy(file, tmp_path / folder / "x.png")
    ended = run("predict", model, tmp_path / "a", tmp_path / "b", "--sort-into", tmp_path / "c")
    assert ended.exit_code == 0, ended.output
    assert sorted(copy.name for copy in (tmp_path / "c").rglob("*.png")) == ["x-2.png", "x.png"]


def test_sorting_shortens_equal_names_that_are_as_long_as_possible(tmp_path):
    name = "\u00e9" * 125 + "x.png"  # 255 bytes
    Image.new("RGB", (2, 2)).save(tmp_path / name)
    file = inspect_file(str(tmp_path / name))
    sort_images([(file, "a")] * 3, str(tmp_path / "sorted"))
    copies = {file.name for file in (tmp_path / "sorted" / "a").iterdir()}
    start = "\u00e9" * 124
    assert copies == {name, f"{start}-2.png", f"{start}-3.png"}


def test_sorting_images_with_equal_names_takes_linear_time(tmp_path, monkeypatch):
    files = {}
    for name in ("x.png", "x-3.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
        files[name] = inspect_file(str(tmp_path / name))
    checked, exists = [], Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: checked.append(path) or exists(path))
    images = [(files[name], "a") for name in ["x.png", "x-3.png", *["x.png"] * 50]]
    sort_images(images, str(tmp_path / "sorted"))
    copies = {file.name for file in (tmp_path / "sorted" / "a").iterdir()}
    assert copies == {"x.png", *(f"x-{number}.png" for number in range(2, 53))}
    assert len(checked) < 3 * len(images)


@pytest.mark.parametrize("kind", ["other image", "link to text", "pipe", "removed"])
def test_image_that_changed_since_its_classification_is_not_sorted(kind, tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGB", (2, 2)).save(path)
    file = inspect_file(str(path))
    path.unlink()
    if kind == "other image":
        Image.new("RGB", (2, 2), "red").save(path)
    elif kind == "link to text":
        (tmp_path / "secret").write_text("abc")
        path.symlink_to(tmp_path / "secret")
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(ValueError, match=r"x\.png' has changed since it was checked"):
        sort_images([(file, "a")], str(tmp_path / "sorted"))
    assert not (tmp_path / "sorted").exists()


def test_sorted_copy_has_the_content_and_time_of_the_image(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGB", (2, 2)).save(path)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    sort_images([(inspect_file(str(path)), None)], str(tmp_path / "sorted"))
    copy = tmp_path / "sorted" / "uncertain" / "x.png"
    assert copy.read_bytes() == path.read_bytes()
    assert copy.stat().st_mtime == 1_000_000_000


def test_folder_with_files_or_inside_images_is_refused_for_sorting(model, drawn, tmp_path, run):
    (tmp_path / "mine.txt").write_text("keep")
    for folder, reason in ((tmp_path, "contains files"), (drawn / "sorted", "outside of")):
        ended = run("predict", model, drawn, "--sort-into", folder)
        assert ended.exit_code == 2
        assert "--sort-into" in ended.stderr
        assert reason in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
    assert not (drawn / "sorted").exists()


@pytest.mark.parametrize(
    "name", ["../outside", "..", "a\0b", "uncertain", " ", "n" * 256, "ä" * 128, "half \ud83d"]
)
def test_class_that_is_no_folder_name_is_refused_for_sorting(name, expected, tmp_path, run):
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    network.add(ClassNames(["a", "b", name]))
    network.save(tmp_path / "model.keras")
    options = ["--preprocessing", "none", "--sort-into", tmp_path / "in" / "sorted"]
    ended = run("predict", tmp_path / "model.keras", next(iter(expected)), *options)
    assert ended.exit_code == 2, ended.output
    assert "--class-name" in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_one_path_for_predictions_and_sorted_images_is_refused(model, drawn, tmp_path, run):
    both = ["--sort-into", tmp_path / "out", "--output", f"{tmp_path}/./out"]
    ended = run("predict", model, drawn, *both)
    assert ended.exit_code == 2
    assert "`--sort-into` must be another path than `--output`; received" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_model_without_class_names_requires_class_name_option(drawn, expected, tmp_path, run):
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    )
    model.save(tmp_path / "plain.keras")
    file = next(iter(expected))
    ended = run("predict", tmp_path / "plain.keras", file)
    assert ended.exit_code == 2
    assert ended.stderr == (
        "Error: `MODEL` contains no class names. Pass the names of the 2 outputs of MODEL, in their "
        "order, each with --class-name NAME.\n"
    )
    names = ["--class-name", "a, b", "--class-name", "c"]
    ended = run("predict", tmp_path / "plain.keras", file, *names, "--format", "json")
    assert list(json.loads(ended.stdout)[0]["probabilities"]) == ["a, b", "c"]
    ended = run("predict", tmp_path / "plain.keras", file, *names, "--class-name", "d")
    assert ended.exit_code == 2
    assert ended.stderr == (
        "Error: --class-name must give the names of the 2 outputs of MODEL, in their order; "
        "received 3 names: a, b, c, d.\n"
    )


@pytest.mark.parametrize("stored", [False, True])
def test_model_with_one_output_takes_two_names(stored, drawn, expected, tmp_path, run):
    layers = [
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
    ]
    names = [ClassNames(["dark", "light"])] if stored else []
    keras.Sequential([keras.Input((32, 32, 3)), *layers, *names]).save(tmp_path / "one.keras")
    words = ["predict", tmp_path / "one.keras", next(iter(expected)), "--format", "json"]
    if not stored:
        ended = run(*words)
        assert "Pass the names of the labels 0 and 1, in this order" in ended.stderr
        for given in (["dark"], ["a", "b", "c"]):
            ended = run(*words, *(word for name in given for word in ("--class-name", name)))
            assert ended.exit_code == 2
            assert "must give the names of the labels 0 and 1, in this order" in ended.stderr
            assert ended.stderr.endswith(f": {', '.join(given)}.\n")
        words += ["--class-name", "dark", "--class-name", "light"]
    (found,) = json.loads(run(*words).stdout)
    assert found["class"] == "light"
    assert list(found["probabilities"]) == ["dark", "light"]
    assert sum(found["probabilities"].values()) == pytest.approx(1)


def test_softmax_of_model_is_detected_and_cannot_be_logits(expected, tmp_path, run):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.save(tmp_path / "soft.keras")
    arguments = ["predict", tmp_path / "soft.keras", next(iter(expected))]
    names = ["--class-name", "a", "--class-name", "b", "--format", "json"]
    ended = run(*arguments, *names, "--from-logits")
    assert ended.exit_code == 2
    assert "are probabilities: pass --probabilities." in ended.stderr
    stated, detected = run(*arguments, *names, "--probabilities"), run(*arguments, *names)
    assert (stated.exit_code, detected.exit_code) == (0, 0)
    assert detected.stdout == stated.stdout
    assert max(json.loads(detected.stdout)[0]["probabilities"].values()) > 0.99


def test_output_folder_of_train_as_model_is_its_model_file(model, drawn, tmp_path, run):
    folder = shutil.copytree(model.parent, tmp_path / "trained")
    ended = run("predict", folder, drawn)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout == run("predict", model, drawn).stdout
    ended = run("predict", folder, drawn, "--output", folder / "model.keras")
    assert ended.exit_code == 2
    assert f"It is the input '{folder}/model.keras', which would be replaced." in ended.stderr
    assert (folder / "model.keras").read_bytes() == model.read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_missing_or_invalid_model_file_is_reported(content, expected, tmp_path, run):
    if content is not None:
        (tmp_path / "model.keras").write_bytes(content)
    ended = run("predict", tmp_path / "model.keras", next(iter(expected)))
    assert ended.exit_code == 2
    assert ended.stderr.startswith(
        "Error: `MODEL` must be a file that holds a Keras model; "
        f"received MODEL='{tmp_path}/model.keras'. "
    )


def test_model_with_non_image_input_is_reported(expected, tmp_path, run):
    keras.Sequential([keras.Input((7,)), keras.layers.Dense(2)]).save(tmp_path / "rows.keras")
    ended = run("predict", tmp_path / "rows.keras", next(iter(expected)))
    assert ended.exit_code == 2
    assert ended.stderr == (
        "Error: `MODEL` must be one of (height, width, 3) images; "
        f"received MODEL='{tmp_path}/rows.keras'. Its input has shape (None, 7).\n"
    )


def test_model_fixture_predicts_correct_class_of_every_image(expected):
    named = {file: CLASSES[int(np.argmax(row))] for file, row in expected.items()}
    assert all(name in file for file, name in named.items())


def saved(path, *layers, shape=(8, 8, 3)):
    """Saves a model of two classes that begins with these layers."""
    last = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2), ClassNames(["a", "b"])]
    keras.Sequential([keras.Input(shape), *layers, *last]).save(path)
    return path


def test_model_in_another_format_is_refused_unless_it_is_trusted(expected, tmp_path, run):
    model = saved(tmp_path / "model.h5")
    file = next(iter(expected))
    ended = run("predict", model, file)
    assert ended.exit_code == 2
    assert ended.stderr.startswith("Error: `MODEL` must be a .keras file;")
    assert "--trust-model" in ended.stderr
    assert run("predict", model, file, "--trust-model").exit_code == 0


def test_model_with_a_lambda_is_refused_even_if_keras_would_load_it(expected, tmp_path, run):
    model = saved(tmp_path / "model.keras", keras.layers.Lambda(keras.ops.relu))
    ended = run("predict", model, next(iter(expected)))
    assert ended.exit_code == 2
    assert "It contains a layer of class Lambda, which runs other code." in ended.stderr


def test_model_with_a_python_function_is_loaded_if_it_is_trusted(expected, tmp_path, run):
    model = saved(tmp_path / "model.keras", keras.layers.Lambda(lambda x: x))
    assert run("predict", model, next(iter(expected))).exit_code == 2
    assert run("predict", model, next(iter(expected)), "--trust-model").exit_code == 0


def test_registered_layer_of_another_package_requires_trust(expected, tmp_path, run):
    @keras.saving.register_keras_serializable("other")
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    model = saved(tmp_path / "model.keras", Twice())
    file = next(iter(expected))
    ended = run("predict", model, file)
    assert ended.exit_code == 2
    assert "'Twice' of 'other>Twice'" in ended.stderr
    assert run("predict", model, file, "--trust-model").exit_code == 0


MOBILENET = "mobilenetv2_0.35_32"  # its weights and input range are known by this name


@pytest.fixture(scope="module")
def signed_model(tmp_path_factory):
    """A network with the name of one that Keras trained on [-1, 1], without a layer that scales."""
    layers = [keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3), keras.layers.ReLU(6.0)]
    base = keras.Sequential(layers, name=MOBILENET)
    return saved(tmp_path_factory.mktemp("signed") / "model.keras", base, shape=(32, 32, 3))


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_model_for_other_pixel_values_is_refused_with_the_option(command, signed_model, drawn, run):
    ended = run(command, signed_model, drawn)
    assert ended.exit_code == 2
    assert "It expects pixel values in [-1, 1], as its layers show." in ended.stderr
    assert "Use --preprocessing signed, or, if it was trained on images in [0, 255]" in ended.stderr


@pytest.mark.parametrize("scheme", ["none", "signed", "imagenet_caffe"])
def test_stated_preprocessing_is_applied_without_a_warning(scheme, signed_model, expected, run):
    file = next(iter(expected))
    ended = run("predict", signed_model, file, "--format", "json", "--preprocessing", scheme)
    assert (ended.exit_code, ended.stderr) == (0, "")
    images = next(iter(load_images([file], image_size=(32, 32)).dataset)).numpy()
    if scheme != "none":
        images = Preprocessing(scheme)(images)
    logits = keras.saving.load_model(signed_model).predict_on_batch(images)
    (row,) = json.loads(ended.stdout)
    wanted = np.asarray(keras.ops.softmax(logits))[0]
    assert list(row["probabilities"].values()) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("command", ["predict", "evaluate", "export"])
def test_preprocessing_of_a_model_that_scales_its_images_is_refused(
    command, model, drawn, tmp_path, run
):
    place = tmp_path / "exported" if command == "export" else drawn
    ended = run(command, model, place, "--preprocessing", "signed")
    assert ended.exit_code == 2
    assert "`--preprocessing` must be 'none', or omitted, for a model that scales" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_model_whose_layers_do_not_fit_into_memory_is_refused(expected, tmp_path, run):
    large = keras.layers.UpSampling2D(2000)
    model = saved(tmp_path / "model.keras", large, keras.layers.AveragePooling2D(2000))
    ended = run("predict", model, next(iter(expected)))
    assert ended.exit_code == 2
    assert re.search("It needs about [1-9][0-9]*.* GB for a batch of 32 images", ended.stderr)


def test_model_that_fails_while_it_runs_ends_in_one_sentence(expected, tmp_path, run, monkeypatch):
    model = saved(tmp_path / "model.keras")

    def fail(*_, **__):
        raise RuntimeError("out of memory\nat a node of the graph")

    monkeypatch.setattr(keras.Model, "predict_on_batch", fail)
    ended = run("predict", model, next(iter(expected)))
    assert ended.exit_code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "It cannot be run: out of memory at a node of the graph." in ended.stderr


def test_home_folder_in_paths_is_found(model, drawn, tmp_path, run, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(model.parent, tmp_path / "run")
    options = ["--output=~/new/rows.csv", "--sort-into=~/sorted"]
    ended = run("predict", "~/run/model.keras", drawn, *options)
    assert ended.exit_code == 0
    assert ended.stdout == ("The predictions are in ~/new/rows.csv.\nThe images are in ~/sorted.\n")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "new", "sorted"}
    assert (tmp_path / "new" / "rows.csv").is_file()
    ended = run("predict", "~/run/model.keras", drawn, "--sort-into=~/sorted")
    assert "must be a new or an empty folder" in " ".join(ended.stderr.split())
    ended = run("evaluate", "~/run/model.keras", drawn)
    assert ended.stdout.startswith("images             test, ")
