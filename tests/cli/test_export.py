"""`catdog-keras export`: the file, its comparison with the model, and the images for it."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from catdog_keras import load_images, load_manifest
from catdog_keras._checksum import sha256_of
from catdog_keras.cli import export_images
from catdog_keras.conversion import _export_report, read_metadata
from tests.cli.image_folders import CLASSES, PER_CLASS

pytestmark = [pytest.mark.graph] + (
    [] if keras.backend.backend() == "tensorflow" else [pytest.mark.slow]
)


def test_training_images_are_used_if_they_are_known(model, drawn, tmp_path, run):
    path = tmp_path / "exported"
    ended = run("export", model, path)
    assert ended.exit_code == 0, ended.output
    record = json.loads((tmp_path / "exported.json").read_text())
    trained = load_manifest(model.parent / "split.json", drawn).files["train"]
    assert record["images"] == len(trained)
    assert record["image_source"].endswith(f"training images of {drawn}")
    assert record["same_top_class"] == record["images"]
    assert record["accuracy"] == 1
    assert record["trained_on"] == len(trained)
    line = (
        r"^accuracy +1\.000 \[0\.\d+, 1\.000\], optimistic: the model was trained on these images$"
    )
    assert re.search(line, ended.stdout, re.MULTILINE)
    assert ended.stdout.splitlines()[-1] == f"The exported model is {path}."
    metadata = read_metadata(path)
    assert metadata.class_names == CLASSES
    assert metadata.source_sha256 == sha256_of(model)


def test_output_folder_of_train_as_model_is_its_model_file(model, tmp_path, run):
    ended = run("export", model.parent, tmp_path / "exported")
    assert ended.exit_code == 0, ended.output
    assert read_metadata(tmp_path / "exported").source_sha256 == sha256_of(model)
    record = json.loads((tmp_path / "exported.json").read_text())
    assert "training images of" in record["image_source"]


def test_input_dtype_is_that_of_the_file(model, tmp_path, run):
    ended = run("export", model, tmp_path / "exported", "--input-dtype", "float32")
    assert ended.exit_code == 0, ended.output
    assert read_metadata(tmp_path / "exported").input_dtype == "float32"
    signature = tf.saved_model.load(tmp_path / "exported").signatures["serving_default"]
    assert signature.structured_input_signature[1]["images"].dtype == tf.float32


def test_check_compares_images_of_a_folder_by_their_labels(model, drawn, tmp_path, run):
    path = tmp_path / "exported"
    ended = run("export", model, path, "--check", drawn, "--format", "savedmodel")
    assert ended.exit_code == 0, ended.output
    record = json.loads((tmp_path / "exported.json").read_text())
    assert record["images"] == 3 * PER_CLASS
    assert record["accuracy"] == 1
    trained = len(load_manifest(model.parent / "split.json", drawn).files["train"])
    assert record["trained_on"] == trained
    assert f"optimistic: the model was trained on {trained} of these images" in ended.stdout
    signature = tf.saved_model.load(path).signatures["serving_default"]
    images = load_images(drawn, image_size=(32, 32))
    loaded = keras.saving.load_model(model)
    rows = np.asarray(keras.ops.softmax(loaded.predict(images.dataset, verbose=0)))
    image = tf.io.decode_png(tf.io.read_file(images.files[-1]), 3)
    found = signature(images=image[None])["probabilities"].numpy()
    np.testing.assert_allclose(found[0], rows[-1], atol=1e-5)


def test_images_without_labels_and_random_images_are_stated(model, drawn, tmp_path, run):
    alone = tmp_path / "model.keras"
    alone.write_bytes(model.read_bytes())
    for check, words in (((), "16 images, random images"), (("--check", drawn / CLASSES[1]), "")):
        ended = run("export", alone, tmp_path / "exported", *check)
        assert ended.exit_code == 0, ended.output
        record = json.loads((tmp_path / "exported.json").read_text())
        assert words in record["image_source"]
        if not check:
            assert record["accuracy"] is None


def test_difference_ends_with_status_1_and_names_the_images(
    model, drawn, tmp_path, run, monkeypatch
):
    monkeypatch.setitem(_export_report.TOLERANCES, None, -1.0)
    ended = run("export", model, tmp_path / "exported", "--check", drawn)
    assert ended.exit_code == 1
    assert "The exported file predicts differently from the model on 36 images" in ended.stderr
    assert str(drawn / CLASSES[0]) in ended.stderr
    assert {each.name for each in tmp_path.iterdir()} == {
        "exported.rejected",
        "exported.rejected.json",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model.h5",), "OUTPUT must be a path with the extension of a format"),
        (("model.onnx", "--format", "litert"), "OUTPUT must be a path that ends in '.tflite'"),
        (("model", "--quantize", "int8"), "--quantize must be omitted for --format='savedmodel'"),
        (("model.h5",), "Or pass --format."),
        (("-",), "OUTPUT must be a file or folder; received OUTPUT='-'"),
        (("a",), "'a.json' exists and is not from an earlier export"),
        (("model.onnx", "--check", "empty"), "--check must be files, or folders of files"),
        (("model.onnx", "--check", "missing"), "--check must be an existing folder or zip archive"),
        (("model.onnx", "--calibration", "."), "--calibration must be used with --quantize int8"),
    ],
)
def test_wrong_options_are_one_sentence(arguments, words, model, tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    ended = run("export", model, *arguments)
    assert ended.exit_code == 2
    assert words in ended.stderr.replace("`", "")
    assert "Traceback" not in ended.output
    assert {each.name for each in tmp_path.iterdir()} == {"a.png", "a.json", "empty"}


def test_missing_package_is_one_sentence_with_the_pip_command(model, tmp_path, run, monkeypatch):
    from catdog_keras.conversion._formats import _format

    monkeypatch.setattr(_format, "find_spec", lambda name: None)
    ended = run("export", model, tmp_path / "model.onnx")
    assert ended.exit_code == 2
    assert "Install them: `pip install onnx onnxruntime tf2onnx`" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_of_a_class_that_the_model_lacks_is_named(model, drawn, tmp_path, run):
    for name in (CLASSES[0], "horses"):
        shutil.copytree(drawn / CLASSES[0], tmp_path / "images" / name)
    ended = run("export", model, tmp_path / "exported", "--check", tmp_path / "images")
    assert ended.exit_code == 2
    assert (
        f"{PER_CLASS} of {2 * PER_CLASS} images are not in a folder of the classes" in ended.stderr
    )
    assert str(tmp_path / "images" / "horses") in ended.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["images"]


def test_exported_path_is_printed_without_trailing_slash(model, tmp_path, run):
    for _ in range(2):  # the second replaces the first and its report
        ended = run("export", model, f"{tmp_path}/exported/")
        assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines()[-1] == f"The exported model is {tmp_path}/exported."


def test_calibration_takes_a_sample_of_a_large_folder(model, drawn, monkeypatch):
    monkeypatch.setattr(export_images, "MOST_FOR_CALIBRATION", 10)
    whole = load_images(drawn).files
    found = export_images.choose_export_images(str(drawn), model, CLASSES, labeled=False)
    step = -(-len(whole) // 10)
    assert [each.path for each in found.files] == list(whole[::step])
    assert found.source == f"one of {step} in {drawn}"
