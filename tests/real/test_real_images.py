"""The tutorial's own images, and a backbone with its own weights."""

import hashlib
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from catdog_keras import evaluate_classifier, load_cats_dogs
from catdog_keras.tutorial import _run as tutorial
from catdog_keras.tutorial._settings import Settings, choose_backbone


@pytest.fixture(scope="module")
def splits(real_images):
    """The splits of the public photographs."""
    return load_cats_dogs(real_images, cache=True)


def test_split_matches_tutorial_counts_without_duplicate_files(splits):
    counts = {split: len(files) for split, files in splits.files.items()}
    assert counts == {"train": 2000, "validation": 808, "test": 192}
    assert splits.counts["train"] == {"cats": 1000, "dogs": 1000}
    assert splits.scan.bad == []
    assert len({file for files in splits.files.values() for file in files}) == 3000


def test_only_near_duplicates_of_tutorial_are_both_in_training(splits):
    (group,) = splits.scan.near_duplicates
    assert splits.scan.num_near_duplicate_pairs == 1
    assert [Path(file).name for file in group] == ["dog.180.jpg", "dog.74.jpg"]
    assert set(group) <= set(splits.files["train"])


def test_splits_are_disjoint_and_contain_same_images_each_epoch(splits):
    # An image's bytes name it: the cache holds the same uint8 values in every pass.
    def epoch(dataset):
        return [hashlib.sha256(image).digest() for images, _ in dataset for image in images.numpy()]

    first = [epoch(dataset) for dataset in splits]
    assert [len(images) for images in first] == [2000, 808, 192]
    for images, files in zip(first, splits.files.values(), strict=True):
        assert len(set(images)) == len({splits.scan.by_path[file].sha256 for file in files})
    train, validation, test = map(set, first)
    assert not train & validation
    assert not train & test
    assert not validation & test
    second = [epoch(dataset) for dataset in splits]
    assert second[0] != first[0]  # in another order
    assert sorted(second[0]) == sorted(first[0])
    assert second[1:] == first[1:]


def test_one_epoch_with_pretrained_backbone_exceeds_90_percent_accuracy(splits, real_weights):
    keras.utils.set_random_seed(0)
    settings = Settings(
        image_size=(160, 160),
        batch_size=32,
        epochs=1,
        seed=0,
        on_bad="raise",
        dtype_policy="float32",
    )
    backbone = choose_backbone("public", "imagenet", settings.image_size)
    model = tutorial.STEPS["model4"](settings, backbone)
    model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    model.fit(splits.train, epochs=1, verbose=0, shuffle=False)
    evaluation = evaluate_classifier(
        model, splits.validation, class_names=splits.class_names, files=splits.files["validation"]
    )
    # One pass is enough for .90; swapped labels or doubled scaling end near or below .50.
    assert evaluation.accuracy > 0.9
    assert np.array_equal(evaluation.labels, splits.labels["validation"])


def test_quick_start_of_readme_is_right_on_95_percent(
    real_images, real_weights, tmp_path, monkeypatch
):
    readme = Path(__file__).parents[2] / "README.md"
    code = re.search(r"^```python\n(.*?)^```", readme.read_text("utf-8"), re.DOTALL | re.MULTILINE)[
        1
    ]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code.replace('"public"', repr(str(real_images))), str(readme), "exec"), names)
    found = evaluate_classifier(keras.saving.load_model("classifier.keras"), names["splits"].test)
    assert found.accuracy > 0.95
