"""Data that cannot be trained on is refused by name, before the training."""

import keras
import numpy as np
import pytest

from catdog_keras import FineTuneConfig, find_learning_rate, fine_tune, fit_head
from catdog_keras.training._labeled_batches import read_labeled
from tests.training.fine_tuning_cases import SHAPE, model

IMAGES = np.zeros((4, *SHAPE), "float32")
LABELS = np.array([0, 1, 1, 0])


def dense():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


# Few random images: the sweep of learning rates may find no suggestion.
pytestmark = pytest.mark.filterwarnings("ignore:There is no suggested learning rate")


def rows(count=4):
    return np.zeros((count, 4), "float32"), np.arange(count) % 2


def generator(count=3):
    return ((IMAGES, LABELS) for _ in range(count))


class UsedUp:
    """Looks like a dataset, but yields the batches of one generator."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def __iter__(self):
        return iter(list(self.batches))


def empty_tf_data():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(rows()).batch(2).take(0)


@pytest.mark.parametrize(
    "data",
    [
        list,
        lambda: iter([]),
        lambda: UsedUp([]),
        lambda: rows(0),
        lambda: [rows(0), rows(0)],
        empty_tf_data,
    ],
)
def test_find_learning_rate_rejects_empty_data(data):
    with pytest.raises(ValueError, match="`train` must hold at least one image; received an empty"):
        find_learning_rate(dense(), data(), steps=10)


@pytest.mark.parametrize(
    "data", [lambda: iter([rows()] * 3), lambda: UsedUp([rows()] * 9), lambda: map(tuple, [rows()])]
)
def test_find_learning_rate_rejects_iterator_that_ends_before_the_sweep(data):
    with pytest.raises(ValueError, match="`train` must be iterable more than once"):
        find_learning_rate(dense(), data(), steps=10)


@pytest.mark.filterwarnings("ignore:There is no suggested learning rate")
def test_find_learning_rate_reads_iterator_with_enough_batches():
    data = iter([rows()] * 10)
    assert len(find_learning_rate(dense(), data, max_lr=1e-5, steps=10).losses) == 10


@pytest.mark.parametrize(
    "arguments",
    [
        {"options": FineTuneConfig(num_views=None)},
        {"unfreeze": (0.3, 0.6)},
        {"unfreeze": 1.0},  # without frozen layers nothing is cached
    ],
)
@pytest.mark.parametrize("name", ["train", "validation_data"])
def test_fine_tune_rejects_iterator_if_it_reads_more_than_one_epoch(arguments, name):
    data = {"train": (IMAGES, LABELS), name: generator()}
    tuned = model()
    before = tuned.get_weights()
    with pytest.raises(ValueError, match=f"`{name}` must be iterable more than once"):
        fine_tune(tuned, epochs=2, verbose=0, **data, **arguments)
    assert all(map(np.array_equal, tuned.get_weights(), before))


@pytest.mark.parametrize("function", [fit_head, fine_tune])
def test_iterator_is_trained_on_if_it_is_read_once(function):
    history = function(model(), generator(), epochs=2, verbose=0)
    assert len(history.epoch) == 2


def two_arrays(*_):
    return [((IMAGES, np.zeros((4, 2))), LABELS)]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ([({"image": IMAGES}, LABELS)], "`train` must hold batches with one array of images; received a dict with the keys 'image'"),
        (two_arrays(), "`train` must hold batches with one array of images; received a tuple of 2 arrays"),
        ([([IMAGES, IMAGES], LABELS)], "`train` must hold batches with one array of images; received a list of 2 arrays"),
        ([(IMAGES, {"a": LABELS})], "`train` must hold batches with one array of labels; received a dict with the keys 'a'"),
        ([(IMAGES, np.array(["cat", "dog"] * 2))], "`train` must hold labels as numbers; received strings such as 'cat'. Encode class names"),
        ([(IMAGES, np.array([b"cat", b"dog"] * 2, object))], "`train` must hold labels as numbers; received strings such as b'cat'."),
        ([(IMAGES, ["cat", "dog"] * 2)], "`train` must hold labels as numbers; received strings such as 'cat'."),
        ([(IMAGES, [[0], [1, 2], [0], [1]])], "`train` must hold labels as an array of numbers; received a list that cannot be converted"),
        ([(IMAGES, [None] * 4)], "`train` must hold labels as numbers; received an array of dtype object."),
        ([(IMAGES, np.ma.masked_equal(LABELS, 1))], "`train` must hold labels as an array of numbers; received a MaskedArray that cannot be converted: it has 2 masked values. Fill them"),
        ([(np.ma.masked_equal(IMAGES, 0), LABELS)], "`train` must hold images as an array of numbers; received a MaskedArray that cannot be converted: it has 768 masked values."),
        ([(["a.png"] * 4, LABELS)], "`train` must hold images as numbers; received strings such as 'a.png'. Read image files by `load_images`"),
        ([(IMAGES, LABELS, ["1"] * 4)], "`train` must hold sample weights as numbers; received strings such as '1'."),
        ([(IMAGES, LABELS, np.ones(3))], "`train` must have a sample weight for each image; received 4 images and sample weights of shape (3,)."),
        ([(IMAGES, LABELS, np.ones((4, 2)))], "`train` must have a sample weight for each image; received 4 images and sample weights of shape (4, 2)."),
        ([(np.float32(3), LABELS)], "`train` must hold images of shape (batch, 8, 8, 3), the input shape of the model; received shape ()."),
    ],
)  # fmt: skip
def test_batches_that_are_not_numbers_are_named(data, found):
    with pytest.raises((TypeError, ValueError)) as caught:
        list(read_labeled("train", data, SHAPE))
    assert str(caught.value).startswith(found)
    with pytest.raises((TypeError, ValueError)):
        fit_head(model(), data, epochs=1, verbose=0)


@pytest.mark.parametrize("labels", [range(4), (0, 1, 2, 3), np.ma.masked_equal([0, 1, 2, 3], 4)])
def test_labels_can_be_any_sequence_without_masked_values(labels):
    (batch,) = read_labeled("train", (IMAGES, labels), SHAPE)
    assert batch[1].tolist() == [0, 1, 2, 3]
    history = fit_head(model(), IMAGES[:2], labels[:2], epochs=1, verbose=0)
    assert len(history.epoch) == 1


@pytest.mark.parametrize("function", [fit_head, fine_tune])
def test_sample_weights_in_some_batches_are_refused(function):
    data = [(IMAGES, LABELS), (IMAGES, LABELS, np.ones(4))]
    with pytest.raises(ValueError, match="in every batch, or in none; received 1 of 2 batches"):
        function(model(), data, epochs=1, verbose=0)


def test_lists_of_images_and_bfloat16_arrays_are_read():
    import ml_dtypes

    data = [(list(IMAGES), LABELS.tolist()), (IMAGES.astype(ml_dtypes.bfloat16), LABELS)]
    assert [images.shape for images, _, _ in read_labeled("train", data, SHAPE)] == [
        (4, *SHAPE)
    ] * 2


def test_find_learning_rate_rejects_model_with_two_inputs():
    inputs = [keras.Input((4,)), keras.Input((2,))]
    two = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()(inputs)))
    with pytest.raises(ValueError, match=r"one input and one output.* It has 2 inputs, 1 outputs"):
        find_learning_rate(two, [((np.zeros((4, 4)), np.zeros((4, 2))), LABELS)], steps=10)


def test_fit_head_warns_of_labels_that_are_all_equal():
    images = np.random.default_rng(0).uniform(0, 255, (32, *SHAPE))
    with pytest.warns(UserWarning, match="single class from `train`. All 32 labels are 1"):
        fit_head(model(), (images, np.ones(32)), epochs=1, verbose=0)


def test_fit_head_warns_of_labels_that_may_count_from_1():
    images = np.random.default_rng(0).uniform(0, 255, (32, *SHAPE))
    with pytest.warns(UserWarning, match="go from 1 to 2, and no image is of class 0"):
        fit_head(model(num_classes=3), (images, np.arange(32) % 2 + 1), epochs=1, verbose=0)


def test_training_warns_of_a_loss_for_probabilities_of_a_model_that_returns_logits():
    images = np.random.default_rng(0).uniform(0, 255, (4, *SHAPE))
    for call in (
        lambda built: fit_head(built, (images, LABELS), epochs=1, verbose=0),
        lambda built: fine_tune(built, (images, LABELS), epochs=1, verbose=0),
        lambda built: find_learning_rate(built, (images, LABELS), steps=10),
    ):
        built = model()
        built.compile("sgd", "sparse_categorical_crossentropy")
        with pytest.warns(UserWarning, match="returns logits.* Pass from_logits=True to the loss"):
            call(built)


def trained(function, *data, **arguments):
    """Losses and final weights of a training or sweep from the same start."""
    keras.utils.set_random_seed(0)
    tested = model(augmentation=None)
    if function is find_learning_rate:
        return function(tested, *data, steps=10, **arguments).losses, []
    history = function(tested, *data, epochs=2, verbose=0, **arguments).history
    return history, tested.get_weights()


@pytest.mark.parametrize("function", [fit_head, fine_tune, find_learning_rate])
def test_images_and_labels_are_given_as_one_argument_or_as_two(function):
    generator = np.random.default_rng(0)
    x, y = generator.uniform(0, 255, (10, *SHAPE)).astype("float32"), np.arange(10) % 2
    found, weights = trained(function, x, y, batch_size=4)
    batches = [(x[start : start + 4], y[start : start + 4]) for start in (0, 4, 8)]
    expected, expected_weights = trained(function, batches)
    assert found == expected
    for one, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert trained(function, (x, y), batch_size=4)[0] == expected
    assert trained(function, x, y)[0] == trained(function, (x, y))[0] != expected


@pytest.mark.parametrize("function", [fit_head, fine_tune, find_learning_rate])
@pytest.mark.parametrize(
    ("data", "arguments", "error", "message"),
    [
        ((IMAGES,), {}, TypeError, r"`y` must be given if `train` is an array of images; received y=None\. Pass the labels"),
        (([(IMAGES, LABELS)], LABELS), {}, TypeError, r"`train` must be an array of images if `y` is given; received a list\. Stack a list of images by `np\.stack`\."),
        ((IMAGES, LABELS[:3]), {}, ValueError, r"`train` must hold one label per image; received 4 images and 3 labels\."),
        (([(IMAGES, LABELS)],), {"batch_size": 2}, ValueError, r"`batch_size` must be None for a dataset; received batch_size=2\. Set it where the dataset is made\."),
        ((IMAGES, LABELS), {"batch_size": 0}, ValueError, r"`batch_size` must be an integer of at least 1; received batch_size=0\."),
    ],
)  # fmt: skip
def test_labels_and_batch_size_that_do_not_fit_the_images_are_refused(
    function, data, arguments, error, message
):
    with pytest.raises(error, match=f"^{message}"):
        function(model(), *data, **arguments)


@pytest.mark.parametrize("function", [fit_head, fine_tune])
def test_ten_epochs_are_trained_by_default(function):
    history = function(model(), IMAGES, LABELS, verbose=0)
    assert len(history.history["loss"]) == 10


def test_checkpoint_of_another_batch_size_is_refused(tmp_path):
    tested, file = model(), tmp_path / "state"
    fit_head(tested, IMAGES, LABELS, epochs=1, backup=file, verbose=0)
    with pytest.raises(ValueError, match="batch_size"):
        fit_head(tested, IMAGES, LABELS, batch_size=2, epochs=1, backup=file, verbose=0)
