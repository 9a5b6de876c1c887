"""Predictions from the command line: each with its own image, in a machine-readable form."""

import csv
import io
import json

import keras
import numpy as np
import pytest

from catdog_keras import ClassNames, Preprocessing, load_images
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
    assert ended.exit_code == 1
    assert [row["file"] for row in json.loads(ended.stdout)] == [good]
    assert ended.stderr == (
        "Warning: 2 of 3 files could not be read as images and are skipped:\n"
        f"  {torn}: not an image in any known format\n"
        f"  {tmp_path}/missing.png: cannot be read: No such file or directory\n"
    )
    ended = run("predict", model, torn)
    assert ended.exit_code == 2
    assert ended.stdout == ""


def test_model_without_class_names_requires_class_name_option(drawn, expected, tmp_path, run):
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    )
    model.save(tmp_path / "plain.keras")
    file = next(iter(expected))
    ended = run("predict", tmp_path / "plain.keras", file)
    assert ended.exit_code == 2
    assert ended.stderr == (
        "Error: `MODEL` contains no class names. Pass them in the order of its outputs, "
        "each with --class-name NAME.\n"
    )
    names = ["--class-name", "a, b", "--class-name", "c"]
    ended = run("predict", tmp_path / "plain.keras", file, *names, "--format", "json")
    assert list(json.loads(ended.stdout)[0]["probabilities"]) == ["a, b", "c"]
    ended = run("predict", tmp_path / "plain.keras", file, *names, "--class-name", "d")
    assert ended.exit_code == 2
    assert "Do `--class-name` belong to this model?" in ended.stderr


def test_model_with_softmax_output_requires_from_logits_false(expected, tmp_path, run):
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
    ended = run(*arguments, *names)
    assert ended.exit_code == 2
    assert "are probabilities: pass --from-logits=False." in ended.stderr
    ended = run(*arguments, *names, "--from-logits=False")
    assert ended.exit_code == 0
    assert sum(json.loads(ended.stdout)[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


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


@pytest.fixture(scope="module")
def signed_model(tmp_path_factory):
    """A network that Keras trained on [-1, 1], without a layer that scales images to this range."""
    base = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), include_top=False, weights=None, alpha=0.35
    )
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
    images = next(iter(load_images([file], image_size=(32, 32)).dataset))
    if scheme != "none":
        images = Preprocessing(scheme)(images)
    logits = keras.saving.load_model(signed_model).predict_on_batch(images)
    (row,) = json.loads(ended.stdout)
    wanted = np.asarray(keras.ops.softmax(logits))[0]
    assert list(row["probabilities"].values()) == pytest.approx(wanted, abs=1e-5)


def test_model_whose_layers_do_not_fit_into_memory_is_refused(expected, tmp_path, run):
    large = keras.layers.UpSampling2D(2000)
    model = saved(tmp_path / "model.keras", large, keras.layers.AveragePooling2D(2000))
    ended = run("predict", model, next(iter(expected)))
    assert ended.exit_code == 2
    assert "returns 24,576,000,000 values for a batch of 32 images" in ended.stderr


def test_model_that_fails_while_it_runs_ends_in_one_sentence(expected, tmp_path, run, monkeypatch):
    model = saved(tmp_path / "model.keras")

    def fail(*_, **__):
        raise RuntimeError("out of memory\nat a node of the graph")

    monkeypatch.setattr(keras.Model, "predict_on_batch", fail)
    ended = run("predict", model, next(iter(expected)))
    assert ended.exit_code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "It cannot be run: out of memory at a node of the graph." in ended.stderr
