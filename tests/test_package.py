"""The package as a whole: its names, what importing it costs, and that its examples run."""

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import catdog_keras

ROOT = Path(__file__).parents[1]
PUBLIC = [
    "AverageScores",
    "BACKBONES",
    "BatchNormalization",
    "ClassNames",
    "ClassScores",
    "Comparison",
    "ConvBlock",
    "Evaluation",
    "FineTuning",
    "ImageSplits",
    "LearningRateSweep",
    "PictureLoss",
    "Pictures",
    "PipelineFinding",
    "PipelineReport",
    "Preprocessing",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomSequence",
    "ReliabilityBin",
    "RocCurve",
    "ScanReport",
    "WeightsNotFoundError",
    "accelerate",
    "augmentation",
    "baseline_accuracy",
    "build_model1",
    "build_model2",
    "build_model3",
    "calibrate",
    "check_pipeline",
    "class_activation",
    "compare",
    "evaluate_classifier",
    "find_learning_rate",
    "fine_tune",
    "fit_head",
    "fold_batch_norm",
    "input_range",
    "label_counts",
    "load_cats_dogs",
    "load_image_folder",
    "load_manifest",
    "load_pictures",
    "model_classes",
    "plot_augmentation",
    "plot_class_activation",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_history",
    "plot_images",
    "plot_label_counts",
    "plot_learning_rate",
    "plot_reliability",
    "plot_roc",
    "plot_top_losses",
    "predict_with_augmentation",
    "scan_images",
    "strip_augmentation",
    "transfer_model",
    "wilson_interval",
    "write_report",
]
SUBPACKAGES = ("datasets", "evaluation", "layers", "models", "plotting", "report")


def in_new_process(program, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout


def test_the_public_names_are_exactly_these():
    assert sorted(catdog_keras.__all__) == PUBLIC
    assert all(hasattr(catdog_keras, name) for name in PUBLIC)


def test_every_name_of_a_subpackage_is_reachable_at_the_top():
    for subpackage in SUBPACKAGES:
        module = importlib.import_module(f"catdog_keras.{subpackage}")
        for name in module.__all__:
            assert getattr(catdog_keras, name) is getattr(module, name)


def test_importing_brings_in_nothing_that_keras_does_not():
    program = (
        "import sys, keras; before = set(sys.modules); import catdog_keras;"
        "print(' '.join({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    brought = set(in_new_process(program).split()) - {"catdog_keras"}
    assert brought <= sys.stdlib_module_names, brought - sys.stdlib_module_names


def test_the_test_of_imports_can_fail():
    program = "import sys; import rich.progress; print('rich' in sys.modules)"
    assert in_new_process(program).strip() == "True"


@pytest.mark.parametrize("order", ["keras, catdog_keras", "catdog_keras, keras"])
def test_a_saved_model_loads_after_a_bare_import(order, tmp_path):
    catdog_keras.build_model3((46, 46, 3)).save(tmp_path / "model.keras")
    program = (
        f"import {order}, sys; model = keras.saving.load_model(sys.argv[1]);"
        "print(type(model.layers[-6]).__name__)"
    )
    assert in_new_process(program, str(tmp_path / "model.keras")).split()[-1] == "ConvBlock"


@pytest.mark.parametrize("name", sorted(set(PUBLIC)))
def test_every_public_name_is_documented_and_its_example_runs(name, drawn_synthetic):
    public = getattr(catdog_keras, name)
    if name == "BACKBONES":
        return
    text = inspect.getdoc(public)
    assert text
    assert text.splitlines()[0].endswith((".", "?"))
    examples = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert 0 < len(examples.examples) < 6
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said = []
    runner.run(examples, out=said.append)
    assert runner.failures == 0, "".join(said)
    if inspect.isfunction(public):
        for parameter in inspect.signature(public).parameters:
            assert re.search(rf"^\s+(\*\*)?{parameter}: ", text, re.MULTILINE), parameter


def test_the_version_stands_in_one_place_and_in_the_metadata():
    installed = importlib.metadata.version("catdog-keras")
    assert installed == catdog_keras.__version__


def test_every_layer_is_registered_under_the_package():
    for name in catdog_keras.layers.__all__:
        if not inspect.isclass(getattr(catdog_keras, name)):
            continue  # `augmentation` returns one of them
        registered = keras.saving.get_registered_name(getattr(catdog_keras, name))
        assert registered == f"catdog_keras>{name}"


def test_no_private_part_of_keras_is_used():
    for path in (ROOT / "src").rglob("*.py"):
        assert "keras.src" not in path.read_text("utf-8"), path
