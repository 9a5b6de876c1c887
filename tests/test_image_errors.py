"""Functions that read a dataset name an image that changed, without the words of TensorFlow."""

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest

import catdog_keras as ck
from catdog_keras._image_errors import image_errors
from catdog_keras.datasets import _pipeline
from tests.cli.image_folders import draw

SIZE = (8, 8)


@pytest.fixture
def folder(tmp_path):
    """A folder of two classes of nine images each."""
    generator = np.random.default_rng(0)
    for index, name in enumerate(("cats", "dogs")):
        (tmp_path / name).mkdir()
        for number in range(9):
            draw(index, generator).save(tmp_path / name / f"{number}.png")
    return tmp_path


@pytest.fixture(scope="module")
def model():
    """A compiled transfer model for the smallest images."""
    backbone = keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalMaxPooling2D()]
    )
    model = ck.transfer_model(backbone, (*SIZE, 3), 2)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


READERS = {
    "count_labels": lambda _, data: ck.evaluation.count_labels(data, class_names=["cats", "dogs"]),
    "evaluate_classifier": lambda model, data: ck.evaluate_classifier(
        model, data, class_names=["cats", "dogs"]
    ),
    "predict_probabilities": lambda model, data: ck.predict_probabilities(
        model, data.map(lambda images, _: images)
    ),
    "fit_head": lambda model, data: ck.fit_head(model, data, epochs=1, verbose=0),
    "fine_tune": lambda model, data: ck.fine_tune(model, data, epochs=1, unfreeze=1.0, verbose=0),
    "find_learning_rate": lambda model, data: ck.find_learning_rate(model, data, steps=10),
    "check_pipeline": lambda model, data: ck.check_pipeline(data, model),
    "plot_images": lambda _, data: ck.plot_images(data, class_names=["cats", "dogs"]),
}


@pytest.mark.parametrize("reader", READERS)
def test_function_that_reads_changed_image_raises_with_its_name(folder, model, reader):
    data = ck.load_image_folder(folder, image_size=SIZE, batch_size=4, shuffle=False)
    changed = Path(data.files["train"][5])  # in the second batch
    changed.write_bytes(b"changed")
    with pytest.raises(ValueError, match="has changed since it was checked") as caught:
        READERS[reader](model, data.train)
    message = f"{str(changed)!r} has changed since it was checked: 7 bytes, not "
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("Restore the file, or load the dataset again.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cached", [True, "folder"])
def test_image_that_changes_before_it_is_cached_is_named(folder, tmp_path, monkeypatch, cached):
    cache = cached if cached is True else tmp_path / ".cache"
    read, changed, number = _pipeline.read_unchanged, [], itertools.count(1)

    def change_and_read(image):
        if next(number) == 3:
            changed.append(image.path)
            Path(image.path).unlink()
        return read(image)

    monkeypatch.setattr(_pipeline, "read_unchanged", change_and_read)
    with pytest.raises(ValueError, match="has changed since it was checked: No such") as caught:
        ck.load_image_folder(folder, image_size=SIZE, batch_size=4, cache=cache)
    assert str(caught.value).startswith(repr(changed[0]))


def test_other_errors_are_not_changed():
    for error in (ValueError("shape"), RuntimeError("ValueError: 'a.png' is missing")):
        with pytest.raises(type(error)) as caught, image_errors():
            raise error
        assert caught.value is error
