"""The four steps on drawn pictures: every file there, every number in agreement."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_cats_dogs, transfer_model
from catdog_keras.datasets.synthetic import write_synthetic
from catdog_keras.tutorial import run as tutorial

FIELDS = {
    "name",
    "parameters",
    "trainable_parameters",
    "epochs",
    "best_epoch",
    "seconds",
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "test_interval",
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Small, yet enough validation pictures for the five batches that a test set needs."""
    folder = tmp_path_factory.mktemp("drawn")
    write_synthetic(folder, train_per_class=16, validation_per_class=66)
    return folder


@pytest.fixture(scope="module")
def ran(drawn, tmp_path_factory):
    """One run of all four steps, the backbone's weights being random ones."""
    output = tmp_path_factory.mktemp("output")
    (output / "results.json").write_text("of an earlier run")
    (output / "mine.txt").write_text("the user's own")
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            tutorial.STEPS, "model4", lambda _: transfer_model("mobilenet_v3_small", weights=None)
        )
        result = tutorial.run_tutorial(drawn, epochs=1, output=output, tell=lines.append)
    return result, output, lines


def test_results_hold_what_was_promised(ran, drawn):
    result, output, _ = ran
    written = json.loads((output / "results.json").read_text())
    assert written["data"] == str(drawn)
    assert written["baseline_accuracy"] == result.baseline_accuracy == 0.5
    assert written["not_run"] == {}
    assert [model["name"] for model in written["models"]] == list(tutorial.STEPS)
    for model in written["models"]:
        assert set(model) == FIELDS
        low, high = model["test_interval"]
        assert 0 <= low <= model["test_accuracy"] <= high <= 1
        assert model["seconds"] > 0
        assert model["epochs"] == model["best_epoch"] == 1
    assert written["models"][0]["parameters"] == 433_634
    assert [m["trainable_parameters"] for m in written["models"]][:3] == [433_314] * 3


def test_every_file_is_there_and_nothing_else_was_touched(ran):
    _, output, _ = ran
    expected = {*tutorial.file_names(), "mine.txt"}
    assert {path.name for path in output.iterdir()} == expected
    assert (output / "mine.txt").read_text() == "the user's own"
    for path in output.glob("*.png"):
        with Image.open(path) as figure:
            assert figure.width > 400


def test_the_report_shows_the_models_side_by_side_with_heat_maps_of_each(ran, drawn):
    result, output, _ = ran
    page = (output / "report.html").read_text("utf-8")
    assert page.count("data:image/jpeg") == len(result.models) == 4
    assert "Models side by side" in page
    assert f"Tutorial on {drawn}: 4 models on the test pictures" in page
    for model in result.models:
        assert f"Training of {model.name}" in page
        assert f"{100 * model.test_accuracy:.1f} %" in page


def test_the_saved_models_give_the_reported_accuracy(ran, drawn):
    result, output, _ = ran
    splits = load_cats_dogs(drawn)
    for model in result.models:
        loaded = keras.saving.load_model(output / f"{model.name}.keras")
        named = np.argmax(loaded.predict(splits.test, verbose=0), axis=1)
        assert np.mean(named == splits.labels["test"]) == model.test_accuracy


def test_the_report_names_counts_baseline_and_models(ran):
    _, _, lines = ran
    assert lines[0] == "train         32 pictures: 16 cats, 16 dogs"
    assert (
        lines[3] == "baseline   50.0%: always naming the most frequent class of the training labels"
    )
    assert [line.split()[0] for line in lines[4:]] == list(tutorial.STEPS)


def test_without_weights_step_four_is_reported_and_the_rest_completes(drawn, tmp_path):
    closed = "http://127.0.0.1:9"  # nothing listens there: a machine without a network
    environment = {**os.environ, "KERAS_HOME": str(tmp_path / "home"), "https_proxy": closed}
    command = "from catdog_keras.cli import main; main()"
    output = tmp_path / "out"
    arguments = ["tutorial", "--data", str(drawn), "--epochs", "1", "--output", str(output)]
    process = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    written = json.loads((output / "results.json").read_text())
    assert [model["name"] for model in written["models"]] == ["model1", "model2", "model3"]
    assert "1.0_160_no_top.h5" in written["not_run"]["model4"]
    assert "model4 is not run. The ImageNet weights of 'mobilenet_v2' are not" in process.stdout
    assert "not run" in process.stdout.split("Accuracy in %")[1]
    assert "1.0_160_no_top.h5" in (output / "report.html").read_text("utf-8").split("Not run")[-1]
    assert not (output / "model4.keras").exists()


@pytest.mark.parametrize("name", ["none.h5", "", "folder"])
def test_weights_that_were_named_must_be_there_before_anything_is_trained(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="and there is no such file"):
        tutorial.run_tutorial(weights=tmp_path / name, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_did_not_beat_the_baseline_is_said_to(ran):
    result, _, lines = ran
    for model, line in zip(result.models, lines[4:], strict=True):
        told = "not surely above the baseline: give it more than 1 epochs" in line
        assert told == (model.test_interval[0] <= 0.5)


def test_a_run_that_fails_leaves_the_earlier_results_as_they_were(drawn, tmp_path, monkeypatch):
    (tmp_path / "results.json").write_text("of an earlier run")

    def fail(_):
        raise ValueError("no such model")

    for name in ("model1", "model2", "model4"):
        monkeypatch.delitem(tutorial.STEPS, name)
    monkeypatch.setitem(tutorial.STEPS, "model3", fail)
    with pytest.raises(ValueError, match="no such model"):
        tutorial.run_tutorial(drawn, output=tmp_path, tell=str)
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    assert (tmp_path / "results.json").read_text() == "of an earlier run"


def test_the_same_seed_gives_the_same_numbers(drawn, tmp_path, monkeypatch):
    for name in ("model1", "model2", "model4"):
        monkeypatch.delitem(tutorial.STEPS, name)

    def accuracies():
        result = tutorial.run_tutorial(drawn, epochs=1, output=tmp_path, seed=5, tell=str)
        return [(m.train_accuracy, m.validation_accuracy, m.test_accuracy) for m in result.models]

    assert accuracies() == accuracies()
