"""One pass of a model: labels stay with their images, and each misfit has its message."""

import pathlib
import warnings

import keras
import numpy as np
import pytest

from catdog_keras import ClassNames
from catdog_keras.evaluation import count_labels, evaluate_classifier
from tests.arrays import softmax

NAMES = ["cat", "dog", "fox"]
# Kept far from 0 and 1, so that no row looks like probabilities.
LOGITS = np.random.default_rng(0).normal(size=(23, 3)).astype("float32") * 3


def make_images(logits=LOGITS):
    """Images of one row of pixels that contain the logits that `reader` returns."""
    return np.asarray(logits, "float32")[:, np.newaxis, :, np.newaxis]


def reader(*layers, classes=3):
    """A model whose outputs are the pixels of the image."""
    return keras.Sequential([keras.Input((1, classes, 1)), keras.layers.Flatten(), *layers])


def batches(images, labels, size=5):
    starts = range(0, len(labels), size)
    return [(images[n : n + size], labels[n : n + size]) for n in starts]


LABELS = np.random.default_rng(1).integers(0, 3, len(LOGITS))


def test_probabilities_labels_and_files_follow_dataset_order():
    files = [pathlib.Path(f"{n}.jpg") for n in range(len(LOGITS))]
    result = evaluate_classifier(
        reader(), batches(make_images(), LABELS), class_names=NAMES, files=files
    )
    assert result.probabilities == pytest.approx(softmax(LOGITS), abs=1e-6)
    assert result.labels.tolist() == LABELS.tolist()
    assert result.accuracy == np.mean(LOGITS.argmax(axis=1) == LABELS)
    assert result.files == tuple(f"{n}.jpg" for n in range(len(LOGITS)))
    assert result.class_names == tuple(NAMES)


def test_class_names_in_another_order_than_in_the_model_are_rejected():
    data = batches(make_images(), LABELS)
    named = reader(ClassNames(NAMES))
    nested = keras.Sequential([keras.Input((1, 3, 1)), named])
    for model in (named, nested):
        assert evaluate_classifier(model, data, class_names=NAMES).class_names == tuple(NAMES)
        translated = ["Katze", "Hund", "Fuchs"]
        assert evaluate_classifier(model, data, class_names=translated).class_names == tuple(
            translated
        )
        with pytest.raises(ValueError, match=r"saved in .* are \['cat', 'dog', 'fox'\]"):
            evaluate_classifier(model, data, class_names=NAMES[::-1])


def test_labels_match_images_when_dataset_reshuffles_each_iteration():
    import tensorflow as tf

    right = LOGITS.argmax(axis=1)
    dataset = tf.data.Dataset.from_tensor_slices((make_images(), right))
    dataset = dataset.shuffle(len(right), reshuffle_each_iteration=True).batch(4)
    for _ in range(2):
        assert evaluate_classifier(reader(), dataset, class_names=NAMES).accuracy == 1.0


def test_dataset_is_iterated_once():
    taken = []

    class Counted:
        def __iter__(self):
            for number, batch in enumerate(batches(make_images(), LABELS)):
                taken.append(number)
                yield batch

    evaluate_classifier(reader(), Counted(), class_names=NAMES)
    assert taken == [0, 1, 2, 3, 4]


def test_probabilities_match_softmax_of_model_predict():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(3),
        ]
    )
    images = np.random.default_rng(2).normal(size=(20, 8, 8, 3)).astype("float32")
    result = evaluate_classifier(model, batches(images, np.zeros(20, int), 8), class_names=NAMES)
    expected = softmax(model.predict(images, verbose=0))
    assert result.probabilities == pytest.approx(expected, abs=1e-5)


class Subclassed(keras.Model):
    """A model that is not built before it sees its first batch."""

    def __init__(self, seed=0):
        super().__init__()
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(3, kernel_initializer="identity")

    def call(self, inputs):
        return self.dense(self.flatten(inputs))


@pytest.mark.parametrize("size", [1, 3, 23, 40])
def test_unbuilt_model_evaluates_every_batch(size):
    """JAX's own `predict` builds such a model on batches that it then forgets."""
    result = evaluate_classifier(
        Subclassed(), batches(make_images(), LABELS, size), class_names=NAMES
    )
    assert result.probabilities == pytest.approx(softmax(LOGITS), abs=1e-6)
    assert result.labels.tolist() == LABELS.tolist()


def test_backend_and_tensorflow_tensors_are_accepted():
    import tensorflow as tf

    for convert in (keras.ops.convert_to_tensor, tf.convert_to_tensor):
        dataset = [(convert(make_images(LOGITS[:4])), convert(LABELS[:4]))] * 2
        result = evaluate_classifier(reader(), dataset, class_names=NAMES)
        assert result.probabilities[4:] == pytest.approx(softmax(LOGITS[:4]), abs=1e-6)
        assert result.labels[4:].tolist() == LABELS[:4].tolist()


def test_multi_input_model_is_evaluated():
    left, right = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([left, right], keras.layers.Add()([left, right]))
    dataset = [((LOGITS[:4], LOGITS[4:8]), [0, 1, 2, 0])] * 2
    result = evaluate_classifier(model, dataset, class_names=NAMES)
    assert result.probabilities[:4] == pytest.approx(softmax(LOGITS[:4] + LOGITS[4:8]), abs=1e-6)


def test_softmax_models_are_evaluated_with_from_logits_false():
    model = reader(keras.layers.Softmax())
    result = evaluate_classifier(
        model, batches(make_images(), LABELS), class_names=NAMES, from_logits=False
    )
    assert result.probabilities == pytest.approx(softmax(LOGITS), abs=1e-6)


def test_large_logits_do_not_overflow():
    images = make_images([[1e4, -1e4, 0.0], [-1e30, 1e30, 0.0]])
    result = evaluate_classifier(reader(), [(images, [0, 1])], class_names=NAMES)
    assert result.probabilities.tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_float16_outputs_are_normalized_in_float64():
    model = reader(keras.layers.Activation("linear", dtype="float16"))
    result = evaluate_classifier(model, batches(make_images(), LABELS), class_names=NAMES)
    assert result.probabilities.sum(axis=1) == pytest.approx(np.ones(len(LOGITS)), abs=1e-12)
    assert result.probabilities == pytest.approx(softmax(LOGITS), abs=1e-2)


def test_evaluate_classifier_restores_warning_filters():
    import warnings

    before = list(warnings.filters)
    evaluate_classifier(reader(), batches(make_images(), LABELS), class_names=NAMES)
    assert warnings.filters == before


def two_outputs():
    inputs = keras.Input((1, 3, 1))
    flat = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [flat, flat])


class Halving(keras.Model):
    def call(self, inputs):
        return keras.ops.reshape(inputs, (-1, 3))[::2]


IMAGES = make_images()
GOOD = batches(IMAGES, LABELS)
LATE_NAN = make_images(LOGITS.copy())
LATE_NAN[17, 0, 1, 0] = np.nan
NO_MODEL = (
    "`model` must be a keras.Model; received model='model.keras'. Load it: "
    "`keras.models.load_model('model.keras')`."
)


@pytest.mark.parametrize(
    ("model", "dataset", "keywords", "error", "message"),
    [
        (lambda: "model.keras", GOOD, {}, TypeError, NO_MODEL),
        (reader, [], {}, ValueError, "`dataset` must hold at least one image; received an empty dataset."),
        (reader, [IMAGES], {}, ValueError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received a batch that is of type ndarray."),
        (reader, [*GOOD, IMAGES], {}, ValueError, "`dataset` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received a batch that is of type ndarray."),
        (reader, [*GOOD, (IMAGES[:5], LABELS[:4])], {}, ValueError, "`dataset` must hold one label per image; received a batch of 5 images and 4 labels."),
        (reader, [(IMAGES, LABELS[:, None] * [1, 1])], {}, ValueError, "`dataset` must hold labels that are class indices of shape (batch,) or (batch, 1), or one-hot rows (batch, classes); received shape (23, 2) for 3 classes."),
        (reader, [(IMAGES[0], LABELS[0])], {}, ValueError, "`dataset` must hold images of shape (batch, 1, 3, 1), the input shape of the model; received shape (1, 3, 1). Make a batch of a single image: images[None]."),
        (reader, [*GOOD, (IMAGES[:1], [3])], {}, ValueError, "`dataset` must hold labels that are class indices from 0 to 2, one for each class name; received the label 3."),
        (reader, GOOD, {"class_names": NAMES[:2]}, ValueError, "`dataset` must hold labels that are class indices from 0 to 1, one for each class name; received the label 2."),
        (reader, GOOD, {"class_names": [*NAMES, "ox"]}, ValueError, "`model` must have one output per class, here 4; received outputs of shape (batch, 3). Do `class_names` belong to this model?"),
        (lambda: reader(keras.layers.Dense(1)), GOOD, {}, ValueError, "`model` must have one output per class, here 3; received outputs of shape (batch, 1). Do `class_names` belong to this model?"),
        (lambda: reader(keras.layers.Reshape((3, 1))), GOOD, {}, ValueError, "`model` must have one output per class, here 3; received outputs of shape (batch, 3, 1). Do `class_names` belong to this model?"),
        (two_outputs, GOOD, {}, ValueError, "`model` must have one output of shape (batch, classes); received a model with 2 outputs."),
        (Halving, GOOD, {}, ValueError, "`model` must return one row per image, here 23; received 14 rows."),
        (lambda: reader(keras.layers.Softmax()), GOOD, {"from_logits": True}, ValueError, "`from_logits` must be False for a model that ends in a softmax; received from_logits=True. Its outputs are probabilities: pass from_logits=False."),
        (lambda: reader(keras.layers.Lambda(keras.ops.softmax)), GOOD, {"from_logits": True}, ValueError, "`from_logits` must be False for a model whose outputs are probabilities; received from_logits=True. Every row is in [0, 1] and sums to 1: pass from_logits=False."),
        (reader, [(make_images([[-1, 2, 0.5]]), [0])], {"from_logits": False}, ValueError, "`from_logits` must be True for a model whose outputs are not probabilities; received from_logits=False. Outputs go from -1 to 2: pass from_logits=True."),
        (reader, GOOD, {"from_logits": 1}, TypeError, "`from_logits` must be True or False; received from_logits=1."),
        (reader, GOOD, {"files": ["a.jpg"]}, ValueError, "`files` must hold one file per image, here 23; received 1. Pass the files of the split that is evaluated."),
        (reader, GOOD, {"class_names": "cat"}, TypeError, "`class_names` must be a list of distinct class names; received class_names='cat'."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(model, dataset, keywords, error, message):
    with pytest.raises(error) as caught:
        evaluate_classifier(model(), dataset, **{"class_names": NAMES, **keywords})
    assert str(caught.value) == message


def test_non_finite_outputs_raise_with_image_index():
    with pytest.raises(ValueError, match="finite") as caught:
        evaluate_classifier(reader(), batches(LATE_NAN, LABELS), class_names=NAMES)
    row = LATE_NAN[17].reshape(3).astype("float64").tolist()
    assert str(caught.value) == (
        f"`model` must return finite numbers; received {row} for the image at index 17. "
        "Check its weights and this image."
    )


def test_wrong_number_of_outputs_raises_at_first_batch():
    taken = []

    def dataset():
        for batch in GOOD:
            taken.append(1)
            yield batch

    with pytest.raises(ValueError, match="one output per class"):
        evaluate_classifier(reader(keras.layers.Dense(2)), dataset(), class_names=NAMES)
    assert len(taken) == 1


def test_counts_match_count_labels():
    assert evaluate_classifier(reader(), GOOD, class_names=NAMES).counts == count_labels(
        GOOD, class_names=NAMES
    )


@pytest.mark.parametrize("from_logits", [True, False])
def test_single_output_model_returns_two_class_probabilities(from_logits):
    logits = np.linspace(-3, 3, 12)[:, None]
    probability = 1 / (1 + np.exp(-logits))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(1.0)])
    labels = np.arange(12) % 2
    outputs = (logits if from_logits else probability).astype("float32")
    result = evaluate_classifier(
        model, batches(outputs, labels), class_names=["no", "yes"], from_logits=from_logits
    )
    expected = np.hstack([1 - probability, probability])
    assert result.probabilities == pytest.approx(expected, abs=1e-6)


def test_sample_weights_are_ignored():
    generator = np.random.default_rng(4)
    weighted = [(*pair, generator.uniform(0, 9, len(pair[1]))) for pair in GOOD]
    result, expected = (
        evaluate_classifier(reader(), data, class_names=NAMES) for data in (weighted, GOOD)
    )
    assert result.labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(result.probabilities, expected.probabilities)
    assert result.confusion_matrix.tolist() == expected.confusion_matrix.tolist()
    assert (result.accuracy, result.log_loss) == (expected.accuracy, expected.log_loss)


@pytest.mark.parametrize("build", [keras.Sequential, lambda parts: functional_model(parts)])
def test_sigmoid_model_is_detected_and_cannot_be_from_logits(build):
    model = build([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    data = [(np.array([[-5.0], [5], [-5], [5]]), [0, 1, 0, 1])]
    with pytest.raises(ValueError, match="False for a model that ends in a sigmoid"):
        evaluate_classifier(model, data, class_names=["cats", "dogs"], from_logits=True)
    for given in (False, None):
        found = evaluate_classifier(model, data, class_names=["cats", "dogs"], from_logits=given)
        assert found.probabilities[:2, 1] == pytest.approx([0.00669, 0.99331], abs=1e-5)


def functional_model(parts):
    inputs, *others = parts
    x = inputs
    for part in others:
        x = part(x)
    return keras.Model(inputs, x)


class Unseen(keras.Model):
    def call(self, inputs):
        return keras.ops.sigmoid(inputs)


def test_outputs_from_0_to_1_warn_when_final_activation_is_unknown():
    data = [(np.array([[-5.0], [5], [-5], [5]]), [0, 1, 0, 1])]
    with pytest.warns(UserWarning, match=r"between 0 and 1 \(0.00669 to 0.993\) and are treated"):
        evaluate_classifier(Unseen(), data, class_names=["cats", "dogs"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        evaluate_classifier(Unseen(), data, class_names=["cats", "dogs"], from_logits=False)
        logits = functional_model(
            [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")]
        )
        evaluate_classifier(logits, data, class_names=["cats", "dogs"])


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize(
    "last",
    [
        keras.layers.Activation("sigmoid"),
        keras.layers.Activation("hard_sigmoid"),
        keras.layers.Identity(),  # the values show it, too
    ],
)
def test_sigmoid_for_each_class_is_refused_without_circular_advice(last, from_logits):
    layers = [keras.layers.Activation("sigmoid"), last, keras.layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    with pytest.raises(ValueError, match=r"received 3 independent probabilities") as caught:
        evaluate_classifier(
            model, [(np.eye(3), [0, 1, 2])], class_names=NAMES, from_logits=from_logits
        )
    assert "pass from_logits" not in str(caught.value)


def test_independent_outputs_of_unknown_activation_are_recognized_by_their_values():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Rescaling(1.0)])
    data = [(np.full((2, 3), 0.9), [0, 1])]
    with pytest.raises(ValueError, match=r"independent probabilities or logits.*from_logits=True"):
        evaluate_classifier(model, data, class_names=NAMES, from_logits=False)
    # The values do not show which of the two they are, and this advice works.
    assert evaluate_classifier(model, data, class_names=NAMES, from_logits=True).accuracy == 0.5


def test_one_output_in_a_dict_is_evaluated_like_the_output():
    images = keras.Input((3,))
    model = keras.Model(images, {"logits": keras.layers.Identity()(images)})
    found = evaluate_classifier(model, [(5 * np.eye(3), [0, 1, 2])] * 3, class_names=NAMES)
    assert found.accuracy == 1
    assert len(found) == 9


@pytest.mark.parametrize("weights", [(), (np.ones(3),)])
def test_arrays_are_evaluated_like_batches(weights):
    data = (np.eye(3, dtype="float32") * 5, np.array([0, 1, 2]), *weights)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    assert evaluate_classifier(model, data, class_names=NAMES).accuracy == 1


def test_evaluate_classifier_takes_images_and_labels_as_two_arguments():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    images = np.random.default_rng(0).uniform(0, 1, (7, 8, 8, 3)).astype("float32")
    labels = np.array([0, 1, 1, 0, 1, 0, 1])
    expected = evaluate_classifier(model, [(images, labels)], class_names=["cat", "dog"])
    for size in (None, 1, 3, 100):
        found = evaluate_classifier(
            model, images, labels, class_names=["cat", "dog"], batch_size=size
        )
        assert found.labels.tolist() == labels.tolist()
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((np.zeros((4, 2)),), {}, "`y` must be given if `dataset` is an array of images; received y=None."),
        ((np.zeros((4, 2)), [0, 1]), {}, "`dataset` must hold one label per image; received 4 images and 2 labels."),
        (([(np.zeros((4, 2)), [0, 1, 1, 0])], [0, 1, 1, 0]), {}, "`dataset` must be an array of images if `y` is given; received a list."),
        (([(np.zeros((4, 2)), [0, 1, 1, 0])],), {"batch_size": 2}, "`batch_size` must be None for a dataset; received batch_size=2."),
        ((np.zeros((4, 2)), [0, 1, 1, 0]), {"batch_size": 0}, "`batch_size` must be an integer of at least 1; received batch_size=0."),
        (([(np.zeros((4, 2)), [0, 1, 1, 0])], ["cat", "dog"]), {}, "`y` must be labels as numbers, or None for a dataset; received y=['cat', 'dog']. Class names are passed by their name: `class_names=...`."),
    ],
)  # fmt: skip
def test_evaluate_classifier_says_how_to_pass_labels(arguments, keywords, message):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises((TypeError, ValueError)) as caught:
        evaluate_classifier(model, *arguments, **{"class_names": ["cat", "dog"], **keywords})
    assert str(caught.value).startswith(message)
