"""Infinite datasets are rejected instead of being read without end."""

import itertools

import numpy as np
import pytest

from catdog_keras import evaluate_classifier, fit_head
from catdog_keras._batches import count_batches

IMAGES, LABELS = np.zeros((4, 2), "float32"), np.array([0, 1, 1, 0])


def dataset(count=None):
    """Returns a `tf.data` dataset that repeats one batch, forever by default."""
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensors((IMAGES, LABELS)).repeat(count)


def single(images, labels):
    """Returns a `tf.data` dataset of one batch."""
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensors((images, labels))


def all_of(images, labels):
    """A check of batches that accepts all."""
    del images, labels
    return True


@pytest.mark.parametrize(
    "make",
    [
        dataset,
        lambda: dataset().filter(all_of),
        lambda: dataset().flat_map(single).prefetch(2),
        lambda: dataset().interleave(single).unbatch().batch(2),
        lambda: itertools.cycle([(IMAGES, LABELS)]),
    ],
)
def test_infinite_dataset_is_found_and_rejected(make):
    assert count_batches(make()) == -1
    for call in (
        lambda data: evaluate_classifier(model(), data, class_names=["a", "b"]),
        lambda data: fit_head(frozen(), data, epochs=1),
    ):
        with pytest.raises(ValueError, match=r"must be finite.* Remove `repeat\(\)`"):
            call(make())


def model():
    """Returns a model of one layer, all of whose weights are trained."""
    import keras

    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])


def frozen():
    """Returns a model whose first layer is not trained."""
    import keras

    front = keras.layers.Dense(2, trainable=False)
    return keras.Sequential([keras.Input((2,)), front, keras.layers.Dense(2)])


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: dataset(3), 3),
        (lambda: dataset(3).filter(all_of), None),
        (lambda: dataset().filter(all_of).take(2), None),
        (lambda: dataset().take_while(all_of), None),
        (lambda: type(dataset()).zip(dataset(), dataset(2).filter(all_of)), None),
        (lambda: (each for each in [(IMAGES, LABELS)]), None),
        (lambda: [(IMAGES, LABELS)], 1),
    ],
)
def test_dataset_that_can_end_is_not_infinite(make, count):
    assert count_batches(make()) == count


def test_data_loader_without_a_length_is_read():
    data = pytest.importorskip("torch.utils.data")

    class Stream(data.IterableDataset):
        def __iter__(self):
            yield from zip(IMAGES, LABELS, strict=True)

    loader = data.DataLoader(Stream(), batch_size=2)
    assert count_batches(loader) is None
    assert len(evaluate_classifier(model(), loader, class_names=["a", "b"])) == 4
