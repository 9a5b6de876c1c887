"""Counts of labels, read from every kind of dataset that one would bring."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.evaluation import baseline_accuracy, count_labels

NAMES = ["cat", "dog", "fox"]
PIXELS = np.zeros((2, 4, 4, 3), "float32")


class Numbered(keras.utils.PyDataset):
    """Three batches; it never raises IndexError, which would end a plain iteration."""

    def __init__(self, batches=3):
        super().__init__()
        self.batches = batches

    def __getitem__(self, index):
        return PIXELS, np.array([0, index % 3])

    def __len__(self):
        return self.batches


class Endless(Numbered):
    @property
    def num_batches(self):
        return None


def tensorflow_dataset(labels):
    import tensorflow as tf

    images = np.zeros((len(labels), 4, 4, 3), "float32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(2)


@given(st.lists(st.lists(st.integers(0, 4), max_size=7), max_size=5))
def test_count_labels_returns_count_per_class(batches):
    counts = count_labels([("images", labels) for labels in batches], class_names=list("abcde"))
    flat = list(itertools.chain.from_iterable(batches))
    assert list(counts.items()) == [(name, flat.count(n)) for n, name in enumerate("abcde")]
    assert all(type(count) is int for count in counts.values())


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 1],
        np.array([0, 1, 1], "uint8"),
        np.array([0.0, 1.0, 1.0], "float32"),
        np.array([[0], [1], [1]], "float32"),
        np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], "float32"),
        np.array([False, True, True]),
    ],
    ids=["list", "bytes", "floats", "column", "one-hot", "booleans"],
)
def test_count_labels_accepts_every_keras_label_format(labels):
    assert count_labels([(PIXELS, labels)], class_names=NAMES) == {"cat": 1, "dog": 2, "fox": 0}


def test_single_class_column_is_read_as_indices_not_one_hot():
    assert count_labels([(PIXELS, np.zeros((2, 1)))], class_names=["cat"]) == {"cat": 2}


def test_count_labels_reads_tf_and_keras_datasets_and_iterates_once():
    assert count_labels(tensorflow_dataset([0, 1, 1, 2, 1]), class_names=NAMES) == {
        "cat": 1,
        "dog": 3,
        "fox": 1,
    }
    assert count_labels(Numbered(), class_names=NAMES) == {"cat": 4, "dog": 1, "fox": 1}
    passes = []

    class Once:
        def __iter__(self):
            passes.append(1)
            return iter([(PIXELS, [0, 1])])

    count_labels(Once(), class_names=NAMES)
    assert len(passes) == 1


def test_count_labels_accepts_backend_tensors():
    labels = keras.ops.convert_to_tensor(np.array([2, 2]))
    assert count_labels([[PIXELS, labels]], class_names=NAMES)["fox"] == 2


@pytest.mark.parametrize(
    ("dataset", "names", "error", "message"),
    [
        (5, NAMES, TypeError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received dataset=5."),
        ("cats", NAMES, TypeError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received dataset='cats'. Read image files by `load_images` or `load_image_folder`."),
        ([PIXELS], NAMES, ValueError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received a batch that is of type ndarray."),
        ([(PIXELS,)], NAMES, ValueError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received a batch that is a tuple of 1."),
        ([(PIXELS, [0, 0], [1, 1], 0)], NAMES, ValueError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received a batch that is a tuple of 4."),
        ([(PIXELS, ["cat", "dog"])], NAMES, TypeError, "`dataset` must hold labels as numbers; received strings such as 'cat'. Encode class names as indices, such as names.index(name)."),
        ([(PIXELS, 1)], NAMES, ValueError, "`dataset` must hold labels that are class indices of shape (batch,) or (batch, 1), or one-hot rows (batch, classes); received shape () for 3 classes. Batch the dataset."),
        ([(PIXELS, np.zeros((2, 5)))], NAMES, ValueError, "`dataset` must hold labels that are class indices of shape (batch,) or (batch, 1), or one-hot rows (batch, classes); received shape (2, 5) for 3 classes."),
        ([(PIXELS, [0, 3])], NAMES, ValueError, "`dataset` must hold labels that are class indices from 0 to 2, one for each class name; received the label 3."),
        ([(PIXELS, [0, -1])], NAMES, ValueError, "`dataset` must hold labels that are class indices from 0 to 2, one for each class name; received the label -1."),
        ([(PIXELS, [0, 0.5])], NAMES, ValueError, "`dataset` must hold labels that are class indices from 0 to 2, one for each class name; received the label 0.5."),
        ([(PIXELS, [0, np.nan])], NAMES, ValueError, "`dataset` must hold labels that are class indices from 0 to 2, one for each class name; received the label nan."),
        ([(PIXELS, [[0.9, 0.1, 0.0]])], NAMES, ValueError, "`dataset` must hold labels that are class indices, or one-hot rows with a single 1 each; received the label [0.9, 0.1, 0.0]. Probabilities, smoothed and multiple labels have no single true class."),
        ([(PIXELS, [[1, 1, 0]])], NAMES, ValueError, "`dataset` must hold labels that are class indices, or one-hot rows with a single 1 each; received the label [1, 1, 0]. Probabilities, smoothed and multiple labels have no single true class."),
        ([], "cat", TypeError, "`class_names` must be a list of distinct class names; received class_names='cat'."),
        ([], ["cat", 1], TypeError, "`class_names` must be a list of distinct class names; received class_names=['cat', 1]."),
        ([], ["cat", "cat"], ValueError, "`class_names` must be a list of distinct class names; received class_names=['cat', 'cat']."),
        ([], [], ValueError, "`class_names` must be a list of distinct class names; received class_names=[]."),
    ],
)  # fmt: skip
def test_count_labels_raises_for_invalid_arguments(dataset, names, error, message):
    with pytest.raises(error) as caught:
        count_labels(dataset, class_names=names)
    assert str(caught.value) == message


def test_count_labels_takes_arrays_and_the_names_of_the_dataset():
    images, labels = np.zeros((5, 4, 4, 3)), np.array([0, 1, 1, 2, 1])
    assert count_labels(images, labels, class_names=NAMES) == {"cat": 1, "dog": 3, "fox": 1}
    dataset = tensorflow_dataset(labels)
    dataset.class_names = NAMES
    assert count_labels(dataset) == {"cat": 1, "dog": 3, "fox": 1}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([(PIXELS, [0, 1])],), ValueError, "`class_names` must be given if the dataset does not have class names; received class_names=None."),
        (([(PIXELS, [0, 1])], NAMES), TypeError, "`y` must be labels as numbers, or None for a dataset; received y=['cat', 'dog', 'fox']. Class names are passed by their name: `class_names=...`."),
        ((np.zeros((2, 4)),), TypeError, "`y` must be given if `dataset` is an array of images; received y=None. Pass the labels: dataset, y."),
    ],
)  # fmt: skip
def test_count_labels_says_how_to_pass_labels_and_names(arguments, error, message):
    with pytest.raises(error) as caught:
        count_labels(*arguments)
    assert str(caught.value) == message


def test_count_labels_raises_for_infinite_dataset():
    remedy = "Remove `repeat()`, or limit the dataset with `take`."
    for dataset in (tensorflow_dataset([0, 1]).repeat(), Endless()):
        with pytest.raises(ValueError, match="finite") as caught:
            count_labels(dataset, class_names=NAMES)
        assert (
            str(caught.value) == f"`dataset` must be finite; received dataset={dataset!r}. {remedy}"
        )


def test_baseline_accuracy_is_share_of_largest_class():
    assert baseline_accuracy({"cat": 1, "dog": 3}) == 0.75
    assert baseline_accuracy({"cat": 2}) == 1.0
    assert baseline_accuracy({"cat": np.int64(1), "dog": 0, "fox": 1}) == 0.5


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any))
def test_baseline_accuracy_is_at_least_chance(numbers):
    share = baseline_accuracy({f"class {n}": number for n, number in enumerate(numbers)})
    assert 1 / len(numbers) <= share <= 1


@pytest.mark.parametrize(
    ("counts", "error", "message"),
    [
        ([1, 2], TypeError, "`counts` must be the count of each class by name, as from `count_labels`; received counts=[1, 2]."),
        ({}, ValueError, "`counts` must be the count of each class by name, as from `count_labels`, with at least one image; received counts={}."),
        ({"cat": 0}, ValueError, "`counts` must be the count of each class by name, as from `count_labels`, with at least one image; received counts={'cat': 0}."),
        ({"cat": -1, "dog": 2}, ValueError, "`counts['cat']` must be an integer of at least 0; received counts['cat']=-1."),
        ({"cat": 0.5}, TypeError, "`counts['cat']` must be an integer of at least 0; received counts['cat']=0.5."),
    ],
)  # fmt: skip
def test_baseline_accuracy_raises_for_invalid_counts(counts, error, message):
    with pytest.raises(error) as caught:
        baseline_accuracy(counts)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "labels",
    [
        [0, 2, 2],
        (0, 2, 2),
        np.array([0, 2, 2], "uint8"),
        np.array([0, 2, 2]),
        keras.ops.convert_to_tensor(np.array([0, 2, 2], "int32")),
    ],
    ids=["list", "tuple", "bytes", "array", "tensor"],
)
def test_count_labels_counts_labels_alone(labels):
    assert count_labels(labels, class_names=NAMES) == {"cat": 1, "dog": 0, "fox": 2}
    assert count_labels(labels) == {"0": 1, "1": 0, "2": 2}


def test_count_labels_of_one_class_names_two_indices():
    assert count_labels([0, 0]) == {"0": 2, "1": 0}


@pytest.mark.parametrize(
    ("labels", "names", "error", "message"),
    [
        ([0, 3], NAMES, ValueError, "hold labels that are class indices from 0 to 2"),
        ([0, -1], None, ValueError, "hold labels that are class indices from 0 to 1"),
        ([0, 10**9], None, ValueError, "`class_names` must be given for labels of 100000 and above; .* The largest label is 1000000000."),
        (np.array([0.0, 1.0]), None, TypeError, "`y` must be given if `dataset` is an array"),
    ],
)  # fmt: skip
def test_count_labels_rejects_labels_alone_that_are_no_class_indices(labels, names, error, message):
    with pytest.raises(error, match=message):
        count_labels(labels, class_names=names)
