"""The tutorial run on synthetic images: files, numbers, the choice of the backbone, the lesson."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from catdog_keras import Evaluation, load_cats_dogs
from catdog_keras.cli.group import commands
from catdog_keras.datasets.synthetic import write_synthetic
from catdog_keras.tutorial import _run as tutorial
from catdog_keras.tutorial._lesson import compare_steps, describe_lesson
from catdog_keras.tutorial._settings import choose_backbone, make_settings
from catdog_keras.tutorial._training import BestEpoch

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


pytestmark = pytest.mark.eager


@pytest.fixture(scope="module")
def synthetic_folder(tmp_path_factory):
    """Small, yet enough validation images for the five batches that a test set needs."""
    folder = tmp_path_factory.mktemp("synthetic_folder")
    write_synthetic(folder, train_per_class=16, validation_per_class=66)
    return folder


@pytest.fixture(
    scope="module", params=["first and last", pytest.param("all steps", marks=pytest.mark.slow)]
)
def tutorial_run(request, synthetic_folder, tmp_path_factory):
    """One run; two of the four steps suffice for the fast tests."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "all steps":
            patch.delitem(tutorial.STEPS, "model2")
            patch.delitem(tutorial.STEPS, "model3")
        # Also in the slow tests: .ci/run runs the tutorial in graph mode, with more epochs.
        before = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        try:
            return run_in_new_folder(synthetic_folder, tmp_path_factory)
        finally:
            tf.config.run_functions_eagerly(before)


def run_in_new_folder(synthetic_folder, tmp_path_factory):
    """Runs a small tutorial in a folder with other files; returns its result and lines."""
    output = tmp_path_factory.mktemp("output")
    (output / "results.json").write_text("of an earlier run")
    (output / "mine.txt").write_text("the user's own")
    lines = []
    result = run_small(synthetic_folder, output=output, weights="synthetic", tell=lines.append)
    return result, output, lines


def run_small(source, **options):
    """A run that takes seconds."""
    small = {"epochs": 1, "image_size": (48, 48), "batch_size": 32, "tell": str}
    return tutorial.run_tutorial(source, **{**small, **options})


def test_results_json_contains_expected_fields_and_values(tutorial_run, synthetic_folder):
    result, output, _ = tutorial_run
    written = json.loads((output / "results.json").read_text())
    assert written["data"] == str(synthetic_folder)
    assert written["baseline_accuracy"] == result.baseline_accuracy == 0.5
    test_counts = result.counts["test"].values()
    assert result.test_baseline_accuracy == max(test_counts) / sum(test_counts)
    assert written["not_run"] == {}
    assert [model["name"] for model in written["models"]] == [m.name for m in result.models]
    for model in written["models"]:
        assert set(model) == FIELDS
        low, high = model["test_interval"]
        assert 0 <= low <= model["test_accuracy"] <= high <= 1
        assert model["seconds"] > 0
        assert model["epochs"] == model["best_epoch"] == 1
    classifier = 32 * 128 + 128 + 33_024 + 65_792 + 32_896 + 258  # one place is left of 48 pixels
    assert written["models"][0]["parameters"] == 39_392 + classifier
    assert written["settings"]["image_size"] == [48, 48]
    assert written["settings"]["dtype_policy"] in ("float32", "mixed_bfloat16")
    assert written["backbone"]["name"] == "synthetic_small"
    assert written["backbone"]["weights"] == "synthetic"
    assert written["lesson"] == result.lesson
    accuracies = [model["validation_accuracy"] for model in written["models"]]
    for number, step in enumerate(written["comparisons"]):
        assert step["model"] == written["models"][number + 1]["name"]
        difference = accuracies[number + 1] - accuracies[number]
        assert step["difference"] == pytest.approx(difference)
        assert step["interval"][0] <= difference <= step["interval"][1]
        assert 0 <= step["p_value"] <= 1
    assert len(written["comparisons"]) == len(written["models"]) - 1


def test_output_contains_expected_files_and_keeps_user_files(tutorial_run):
    result, output, _ = tutorial_run
    expected = {"mine.txt", "images.png", "label_counts.png", "comparison.png"}
    expected |= {"report.html", "results.json"}
    for model in result.models:
        figures = (f"history_{model.name}.png", f"confusion_{model.name}.png")
        expected |= {f"{model.name}.keras", *figures}
    assert {path.name for path in output.iterdir()} == expected
    assert (output / "mine.txt").read_text() == "the user's own"
    for path in output.glob("*.png"):
        with Image.open(path) as figure:
            assert figure.width > 400


def test_html_report_compares_models_and_shows_their_heat_maps(tutorial_run, synthetic_folder):
    result, output, _ = tutorial_run
    page = (output / "report.html").read_text("utf-8")
    assert page.count("data:image/jpeg") == len(result.models) in (2, 4)
    assert "Models side by side" in page
    assert f"Tutorial on {synthetic_folder}: {len(result.models)} models on the test" in page
    for model in result.models:
        assert f"Training of {model.name}" in page
        assert f"{100 * model.test_accuracy:.1f}%" in page


def test_saved_models_reproduce_reported_test_accuracy(tutorial_run, synthetic_folder):
    result, output, _ = tutorial_run
    splits = load_cats_dogs(synthetic_folder, image_size=(48, 48))
    for model in result.models:
        loaded = keras.saving.load_model(output / f"{model.name}.keras")
        named = np.argmax(loaded.predict(splits.test, verbose=0), axis=1)
        assert np.mean(named == splits.labels["test"]) == model.test_accuracy


def test_printed_lines_report_counts_baseline_and_models(tutorial_run):
    result, _, lines = tutorial_run
    assert lines[0] == "train         32 images: 16 cats, 16 dogs"
    assert (
        lines[3] == "baseline   50.0%: always predicting the majority class of the training images"
    )
    assert lines[4].startswith("training   48 x 48 pixels, batches of 32, 1 epoch, ")
    assert lines[5].startswith("backbone   synthetic_small for model4. ")
    assert [line.split()[0] for line in lines[6:]] == [model.name for model in result.models]


def test_missing_weights_skip_model4_and_complete_others(synthetic_folder, tmp_path, monkeypatch):
    # Nothing listens there: a machine without a network. The folder of Keras has no weights.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    for name in ("model2", "model3"):
        monkeypatch.delitem(tutorial.STEPS, name)
    output = tmp_path / "out"
    small = ["--epochs", "1", "--image-size", "48", "--output", str(output)]
    ended = CliRunner().invoke(commands, ["tutorial", "--data", str(synthetic_folder), *small])
    assert ended.exit_code == 0, ended.output
    written = json.loads((output / "results.json").read_text())
    assert [model["name"] for model in written["models"]] == ["model1"]
    assert "no_top.h5" in written["not_run"]["model4"]
    assert "model4 is not run. The ImageNet weights of 'mobilenet_v2' are not" in ended.stdout
    assert "not run" in ended.stdout.split("Accuracy in %")[1]
    assert "no_top.h5" in (output / "report.html").read_text("utf-8").split("Not run")[-1]
    assert not (output / "model4.keras").exists()


@pytest.mark.parametrize("name", ["none.h5", "", "folder"])
def test_missing_weights_file_raises_before_output_is_created(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="and there is no such file"):
        tutorial.run_tutorial(weights=tmp_path / name, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_printed_line_marks_model_not_significantly_above_baseline(tutorial_run):
    result, _, lines = tutorial_run
    for model, line in zip(result.models, lines[6:], strict=True):
        told = "not significantly above the baseline: train for more than 1 epoch" in line
        assert told == (model.test_interval[0] <= result.test_baseline_accuracy)


def test_failed_run_keeps_earlier_results(synthetic_folder, tmp_path, monkeypatch):
    (tmp_path / "results.json").write_text("of an earlier run")

    def fail(*_):
        raise ValueError("no such model")

    for name in ("model1", "model2", "model4"):
        monkeypatch.delitem(tutorial.STEPS, name)
    monkeypatch.setitem(tutorial.STEPS, "model3", fail)
    with pytest.raises(ValueError, match="no such model"):
        run_small(synthetic_folder, output=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    assert (tmp_path / "results.json").read_text() == "of an earlier run"


@pytest.mark.slow
def test_same_seed_gives_same_accuracies(synthetic_folder, tmp_path, monkeypatch):
    for name in ("model1", "model2", "model4"):
        monkeypatch.delitem(tutorial.STEPS, name)
    monkeypatch.setattr(tutorial, "write_tutorial_report", lambda *_: None)  # takes seconds

    def accuracies():
        result = run_small(synthetic_folder, output=tmp_path, seed=5)
        return [(m.train_accuracy, m.validation_accuracy, m.test_accuracy) for m in result.models]

    assert accuracies() == accuracies()


# --- settings and backbone


def settings_of(source, **given):
    """Returns the settings of the tutorial for a source of images."""
    none = dict.fromkeys(("image_size", "batch_size", "epochs"))
    return make_settings(
        source, **{**none, "seed": 0, "on_bad": "skip", "dtype_policy": "auto", **given}
    )


def test_make_settings_defaults_depend_on_data_source():
    settings = settings_of("public")
    assert (settings.image_size, settings.batch_size) == ((160, 160), 32)
    assert settings_of("synthetic").image_size == (96, 96)
    assert settings_of("synthetic", image_size=(64, 50), batch_size=8, epochs=2).epochs == 2


@pytest.mark.parametrize(
    ("features", "expected"),
    [("fpu avx512_bf16 sse", "mixed_bfloat16"), ("amx_bf16", "mixed_bfloat16"), ("fpu", "float32")],
)
def test_mixed_bfloat16_is_chosen_when_cpu_supports_it(features, expected, monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: f"flags : {features}\n")
    assert settings_of("synthetic").dtype_policy == expected
    assert settings_of("synthetic", dtype_policy="float32").dtype_policy == "float32"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image_size": (45, 96)}, "`image_size` .*at least 46 pixels.*received.*45, 96"),
        ({"batch_size": 0}, "`batch_size` .*at least 1.*received batch_size=0"),
        ({"epochs": 0}, "`epochs` .*at least 1.*received epochs=0"),
        ({"seed": -1}, "`seed` .*received seed=-1"),
        ({"dtype_policy": "float8"}, "`dtype_policy` .*received dtype_policy='float8'"),
    ],
)
def test_run_tutorial_rejects_invalid_settings_without_output(given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        tutorial.run_tutorial(output=tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_choose_backbone_prefers_local_imagenet_weights_for_synthetic(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    choice = choose_backbone("synthetic", "auto", (96, 96))
    assert (choice.name, choice.weights) == ("synthetic_small", "synthetic")
    assert "not on this machine" in choice.reason
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5"
    (tmp_path / "models").mkdir()
    for size, expected in ((224, 224), (160, 160), (96, 96)):  # the nearest size of those present
        (tmp_path / "models" / name.format(size)).touch()
        choice = choose_backbone("synthetic", "auto", (96, 96))
        assert choice.name == "mobilenet_v2"
        assert choice.weights == str(tmp_path / "models" / name.format(expected))


def test_choose_backbone_defaults_to_imagenet_for_photographs(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    choice = choose_backbone("public", "auto", (160, 160))
    assert (choice.name, choice.weights) == ("mobilenet_v2", "imagenet")
    choice = choose_backbone("public", "synthetic", (160, 160))
    assert (choice.name, choice.weights) == ("synthetic_small", "synthetic")
    assert choose_backbone("public", None, (160, 160)).weights is None
    assert choose_backbone("synthetic", "w.h5", (96, 96)).weights == "w.h5"


# --- training


def test_best_epoch_has_highest_accuracy_then_lowest_loss():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    best = BestEpoch()
    best.set_model(model)
    epochs = [(0.5, 0.1), (0.9, 0.4), (0.9, 0.2), (0.9, 0.3), (0.8, 0.05)]
    for number, (accuracy, loss) in enumerate(epochs):
        model.set_weights([np.full((1, 1), number), np.zeros(1)])
        best.on_epoch_end(number, {"val_accuracy": accuracy, "val_loss": loss})
    best.on_train_end()
    assert best.epoch == 2
    assert model.get_weights()[0] == 2


# --- the lesson


def evaluation(right, of=100):
    """An evaluation with `right` correct predictions out of `of`."""
    labels = np.arange(of) % 2
    predicted = np.where(np.arange(of) < right, labels, 1 - labels)
    return Evaluation(["cats", "dogs"], labels, np.where(predicted[:, None] == (0, 1), 0.9, 0.1))


def test_lesson_compares_consecutive_models_and_names_best_model():
    validation = {
        "model1": evaluation(70),
        "model2": evaluation(90),
        "model3": evaluation(89),
        "model4": evaluation(89),
    }
    lines = describe_lesson(validation, compare_steps(validation), "synthetic")
    assert lines[:5] == [
        "model2 is 20.0 points above model1 in validation: statistically significant "
        "(exact McNemar test, p = 1.9e-06).",
        "model3 is 1.0 points below model2 in validation: not statistically significant "
        "(exact McNemar test, p = 1).",
        "model4 and model3 have the same validation accuracy.",
        "Best by validation: model2, 90.0%.",
        "Overall: model2 is 20.0 points above model1 in validation: statistically "
        "significant (exact McNemar test, p = 1.9e-06).",
    ]
    assert "synthetic" in lines[5]
    assert "tutorial --data public" in lines[6]
    assert "catdog-keras train" in lines[6]


def test_lesson_reports_significant_total_of_nonsignificant_steps():
    validation = {"model1": evaluation(90), "model2": evaluation(93), "model3": evaluation(97)}
    lines = describe_lesson(validation, compare_steps(validation), "synthetic")
    assert "not statistically significant" in lines[0]
    assert "not statistically significant" in lines[1]
    assert lines[3] == (
        "Overall: model3 is 7.0 points above model1 in validation: statistically "
        "significant (exact McNemar test, p = 0.016)."
    )
    assert lines[4].endswith("not significant on 100 validation images.")


def test_lesson_reports_when_no_model_beats_baseline():
    labels = np.arange(100) % 2
    guess = Evaluation(["cats", "dogs"], labels, np.full((100, 2), (0.6, 0.4)))
    validation = {"model1": guess, "model2": guess}
    lines = describe_lesson(validation, compare_steps(validation), "synthetic")
    assert "No model is significantly above the baseline: train for more epochs." in lines


def test_lesson_for_one_model_has_no_comparison():
    lines = describe_lesson({"model1": evaluation(70)}, [], "cats.zip")
    assert lines[0] == "Best by validation: model1, 70.0%."
    assert len(lines) == 2
    assert "catdog-keras train" in lines[1]
