"""Class probabilities, from arrays, tensors and datasets, in logits or not."""

import functools
import re
import warnings

import keras
import numpy as np
import pytest

import catdog_keras
from catdog_keras import evaluate_classifier, predict_probabilities
from tests.arrays import softmax

LOGITS = np.array([[0.0, 2.0, -1.0], [700.0, -700.0, 0.0], [1.0, 1.0, 1.0], [3.0, 2.0, 2.5]])


def passthrough_model(*last, classes=3):
    """A model that returns the first `classes` values of its input."""
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Lambda(lambda x: x[:, :classes]), *last]
    )


def inputs(rows=LOGITS):
    return np.hstack([rows, np.zeros((len(rows), 4 - rows.shape[1]))]).astype("float32")


def test_predict_probabilities_applies_softmax_to_logits():
    np.testing.assert_allclose(
        predict_probabilities(passthrough_model(), inputs()), softmax(LOGITS), rtol=1e-6
    )


def test_predict_probabilities_returns_outputs_when_not_from_logits():
    model = passthrough_model(keras.layers.Softmax())
    found = predict_probabilities(model, inputs(), from_logits=False)
    np.testing.assert_allclose(found, softmax(LOGITS), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("from_logits", [True, False])
def test_predict_probabilities_returns_two_columns_for_single_output(from_logits):
    last = [] if from_logits else [keras.layers.Activation("sigmoid")]
    found = predict_probabilities(
        passthrough_model(*last, classes=1), inputs(), from_logits=from_logits
    )
    second = 1 / (1 + np.exp(-LOGITS[:, 0]))
    np.testing.assert_allclose(found, np.stack([1 - second, second], axis=1), atol=1e-6)


@pytest.mark.parametrize(
    "form",
    {
        "array": lambda x: x,
        "tensor": keras.ops.convert_to_tensor,
        "list of two batches": lambda x: [x[:3], x[3:]],
        "arrays with labels": lambda x: (x, np.arange(len(x))),
        "arrays with labels in a list": lambda x: (x, list(range(len(x)))),
        "batches with labels": lambda x: [(x[:3], [0, 1, 2]), (x[3:], [0])],
        "generator": lambda x: (x[n : n + 1] for n in range(len(x))),
    }.items(),
    ids=lambda item: item[0],
)
def test_predict_probabilities_accepts_arrays_and_datasets(form):
    found = predict_probabilities(passthrough_model(), form[1](inputs()), batch_size=3)
    np.testing.assert_allclose(found, softmax(LOGITS), rtol=1e-6)


def test_predict_probabilities_matches_evaluate_classifier_and_tta():
    model = passthrough_model()
    expected = catdog_keras.evaluate_classifier(
        model, [(inputs(), [0, 1, 2, 0])], class_names=["a", "b", "c"]
    ).probabilities
    np.testing.assert_array_equal(predict_probabilities(model, inputs()), expected)
    np.testing.assert_array_equal(catdog_keras.predict_tta(model, inputs(), views=[]), expected)


class Endless(keras.utils.PyDataset):
    def __getitem__(self, index):
        return inputs()

    @property
    def num_batches(self):
        return None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": "model.keras"}, TypeError, "`model` must be a keras.Model"),
        ({"images": "cats"}, TypeError, "`images` must be an array of images"),
        ({"images": "cats/1.jpg"}, TypeError, "Read image files by `load_images`"),
        ({"images": ["cats/1.jpg"]}, TypeError, "strings such as 'cats/1.jpg'. Read image files by `load_images`"),
        ({"images": inputs()[0]}, ValueError, r"received shape \(4,\)\. Make a batch of a single image: images\[None\]\."),
        ({"images": []}, ValueError, "at least one image"),
        ({"images": inputs()[:0]}, ValueError, "at least one image"),
        ({"images": np.zeros((0, 5))}, ValueError, r"\(0, 5\)"),
        ({"images": Endless()}, ValueError, "`images` must be finite"),
        ({"batch_size": 0}, ValueError, "`batch_size` .*received batch_size=0"),
        ({"from_logits": 1}, TypeError, "`from_logits`"),
        ({"from_logits": False}, ValueError, "pass from_logits=True"),
        ({"model": passthrough_model(keras.layers.Softmax()), "from_logits": True}, ValueError, "pass from_logits=False"),
        ({"model": passthrough_model(keras.layers.Reshape((3, 1)))}, ValueError, r"shape \(4, 3, 1\)"),
        ({"images": inputs(np.full((2, 3), np.nan))}, ValueError, "finite.*at index 0"),
    ],
)  # fmt: skip
def test_predict_probabilities_rejects_invalid_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        predict_probabilities(**{"model": passthrough_model(), "images": inputs(), **arguments})


def test_predict_probabilities_accepts_one_row_of_ambiguous_logits():
    row = inputs(np.array([[0.4, 0.6]]))
    found = predict_probabilities(passthrough_model(classes=2), row, from_logits=True)
    np.testing.assert_allclose(found, softmax(np.array([[0.4, 0.6]])), rtol=1e-6)


class OwnSoftmax(keras.layers.Layer):
    """A layer whose attribute `activation` is not its last step."""

    activation = staticmethod(keras.activations.linear)

    def call(self, inputs):
        return keras.ops.softmax(self.activation(inputs))


def functional(*layers):
    """A Functional model, as with a last activation in float32 after mixed precision."""
    tensor = images = keras.Input((4,))
    for layer in (keras.layers.Lambda(lambda x: x[:, :3]), *layers):
        tensor = layer(tensor)
    return keras.Model(images, tensor)


class Subclassed(keras.Model):
    """A model whose end is unknown: it returns `function` of the first values of its input."""

    def __init__(self, function, classes=3):
        super().__init__()
        self.function, self.classes = function, classes

    def call(self, x):
        return self.function(x[:, : self.classes])


def probabilities_of(model, rows=LOGITS, **arguments):
    """The probabilities of a model, with warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return predict_probabilities(model, inputs(rows), **arguments)


@pytest.mark.parametrize(
    "model",
    [
        lambda: passthrough_model(),
        lambda: passthrough_model(keras.layers.Softmax()),
        lambda: passthrough_model(keras.layers.Activation("softmax"), keras.layers.Dropout(0.5)),
        lambda: keras.Sequential([passthrough_model(), keras.layers.Activation("softmax")]),
        lambda: passthrough_model(keras.layers.Lambda(keras.ops.softmax)),
        lambda: passthrough_model(keras.layers.Softmax(), keras.layers.Activation("linear")),
        lambda: functional(keras.layers.Softmax(), keras.layers.Activation("linear")),
        lambda: passthrough_model(OwnSoftmax()),
        lambda: Subclassed(keras.ops.softmax),
        lambda: Subclassed(keras.ops.log_softmax),
        lambda: Subclassed(lambda x: x),
    ],
)
def test_logits_and_probabilities_are_told_apart(model):
    expected = softmax(LOGITS)
    np.testing.assert_allclose(probabilities_of(model()), expected, rtol=1e-5, atol=1e-7)
    found = catdog_keras.predict_tta(model(), inputs(), views=[], batch_size=3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    evaluation = evaluate_classifier(
        model(), [(inputs(), [0, 1, 2, 0])], class_names=["a", "b", "c"]
    )
    np.testing.assert_allclose(evaluation.probabilities, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_single_probability_is_detected_by_the_activation(activation):
    layer = keras.layers.Activation(activation)
    second = np.asarray(layer(LOGITS[:, 0]))
    found = probabilities_of(passthrough_model(layer, classes=1))
    in_float32 = keras.layers.Activation("linear", dtype="float32")
    np.testing.assert_array_equal(
        probabilities_of(passthrough_model(layer, in_float32, classes=1)), found
    )
    np.testing.assert_allclose(found, np.stack([1 - second, second], axis=1), atol=1e-6)


BINARY, CATEGORICAL = keras.losses.BinaryCrossentropy, keras.losses.CategoricalCrossentropy


@pytest.mark.parametrize(
    ("columns", "loss", "is_logits"),
    [
        (1, BINARY(from_logits=True), True),
        (1, BINARY(from_logits=False), False),
        (1, "binary_crossentropy", False),
        (2, CATEGORICAL(from_logits=True), True),
        (2, CATEGORICAL(from_logits=False), False),
        (2, None, False),  # a single image whose logits sum to 1 is less likely
    ],
)
def test_loss_decides_where_logits_and_probabilities_have_such_values(columns, loss, is_logits):
    model = Subclassed(lambda x: x, classes=columns)
    if loss is not None:
        model.compile("sgd", loss)
    row = np.array([[0.4, 0.6]])
    if columns == 1:
        expected = 1 / (1 + np.exp(-0.4)) if is_logits else 0.4
        expected = np.array([[1 - expected, expected]])
    else:
        expected = softmax(row) if is_logits else row
    np.testing.assert_allclose(probabilities_of(model, row), expected, rtol=1e-6)


def test_single_output_that_could_be_both_is_a_probability_with_a_warning():
    model = Subclassed(keras.ops.sigmoid, classes=1)
    message = r"between 0 and 1 .* treated as probabilities.*from_logits=True"
    with pytest.warns(UserWarning, match=message):
        found = predict_probabilities(model, inputs())
    np.testing.assert_array_equal(found, probabilities_of(model, from_logits=False))


def test_independent_outputs_of_unknown_activation_must_be_stated():
    model = Subclassed(keras.ops.sigmoid)
    with pytest.raises(ValueError, match=r"independent probabilities or logits.*from_logits=True"):
        predict_probabilities(model, inputs())
    model.compile("sgd", CATEGORICAL(from_logits=True))
    found = probabilities_of(model)
    np.testing.assert_array_equal(found, probabilities_of(model, from_logits=True))


def test_batches_of_test_time_augmentation_are_all_treated_as_the_first():
    rows = np.array([[2.0, 3.0], [0.5, 0.5]])  # the second batch alone looks like probabilities
    model = Subclassed(lambda x: x, classes=2)
    found = catdog_keras.predict_tta(model, inputs(rows), views=[], batch_size=1)
    np.testing.assert_allclose(found, softmax(rows), rtol=1e-6)


def scaled_model(name="scaled", scale=1 / 127.5, offset=-1.0):
    layers = [keras.layers.Rescaling(scale, offset), keras.layers.Conv2D(2, 3)]
    last = keras.layers.GlobalAveragePooling2D()
    return keras.Sequential([keras.Input((8, 8, 3)), *layers, last], name=name)


def images_in(low, high):
    return np.random.default_rng(0).uniform(low, high, (4, 8, 8, 3)).astype("float32")


@pytest.mark.parametrize(
    ("model", "low", "high", "expected"),
    [
        (scaled_model, 0, 1, "[0, 255]"),
        (scaled_model, -1, 1, "[0, 255]"),
        (lambda: scaled_model("xception", 1.0, 0.0), 0, 255, "[-1, 1]"),
        (lambda: scaled_model("net", 2.0, -1.0), 0, 255, "[0, 1]"),
    ],
)
def test_images_in_another_range_than_the_model_expects_are_warned_of(model, low, high, expected):
    with pytest.warns(UserWarning, match=rf"expects pixel values in {re.escape(expected)}"):
        predict_probabilities(model(), images_in(low, high))
    with pytest.warns(UserWarning, match="images in `dataset` are in"):
        evaluate_classifier(model(), [(images_in(low, high), [0, 1, 1, 0])], class_names=["a", "b"])


@pytest.mark.parametrize("images", [images_in(0, 255), images_in(0, 5), np.zeros((2, 8, 8, 3))])
def test_images_that_may_be_in_the_expected_range_are_predicted_without_a_warning(images):
    predict_probabilities(scaled_model(), images)  # warnings are errors


@pytest.mark.parametrize(
    ("images", "policy"),
    [("float16", "float16"), ("bfloat16", "mixed_bfloat16"), ("float16", "float32")],
)
@pytest.mark.parametrize("ending", ["softmax", "sigmoid", "logits"])
def test_probabilities_of_16_bit_models_and_images_sum_to_1(images, policy, ending):
    dense = keras.layers.Dense(
        1 if ending == "sigmoid" else 7,
        activation=None if ending == "logits" else ending,
        dtype=policy,
    )
    model = keras.Sequential([keras.Input((4,)), dense])
    batch = keras.ops.cast(np.random.default_rng(0).integers(0, 4, (50, 4)), images)
    calls = (predict_probabilities, functools.partial(catdog_keras.predict_tta, views=0))
    for rows in (call(model, batch, from_logits=ending == "logits") for call in calls):
        assert rows.dtype == np.float64
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-12)
        assert rows.min() >= 0
        assert rows.max() <= 1


def model_of_two_inputs(structure):
    """Concatenates inputs of 2 and 3 numbers, whose names are not in their order."""
    first, second = keras.Input((2,), name="b"), keras.Input((3,), name="a")
    outputs = keras.layers.Concatenate()([first, second])
    return keras.Model(structure(first, second), outputs)


@pytest.mark.parametrize(
    ("structure", "batch"),
    [
        (lambda b, a: [b, a], lambda b, a: {"a": a, "b": b, "ids": ["x"] * len(a)}),
        (lambda b, a: {"b": b, "a": a}, lambda b, a: {"a": a, "b": b}),
        (lambda b, a: {"b": b, "a": a}, lambda b, a: {"a": a.tolist(), "b": b}),
    ],
)
def test_dicts_are_predicted_by_the_names_of_the_inputs(structure, batch):
    b, a = np.random.default_rng(0).random((4, 2)), np.random.default_rng(1).random((4, 3))
    found = predict_probabilities(model_of_two_inputs(structure), [batch(b, a)], from_logits=True)
    np.testing.assert_allclose(found, softmax(np.hstack([b, a])), rtol=1e-5)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"a": np.ones((4, 3))}, "`images` must hold 2 arrays for the inputs .*; received 1"),
        ({"a": np.ones((4, 3)), "b": np.ones((4, 3))}, r"\(batch, 2\).* received shape \(4, 3\)"),
        ({"a": np.ones((4, 3)), "c": np.ones((4, 2))}, "`images` must hold .* received"),
    ],
)
def test_dicts_that_do_not_fit_the_inputs_are_rejected(batch, message):
    with pytest.raises(ValueError, match=message):
        predict_probabilities(model_of_two_inputs(lambda b, a: {"b": b, "a": a}), [batch])


def of_user(values):
    return values * 1.0


of_user.__name__ = "softmax"  # which it is not


@pytest.mark.parametrize("from_logits", [None, True])
def test_activation_of_a_user_is_not_taken_for_that_of_its_name(from_logits):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Activation(of_user)])
    rows = [[5.0, 1.0, -2.0], [0.0, 3.0, 1.0]]
    found = predict_probabilities(model, np.array(rows, "float32"), from_logits=from_logits)
    exponentials = np.exp(rows)
    np.testing.assert_allclose(found, exponentials / exponentials.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("from_logits", [None, True, False])
def test_independent_logits_are_refused_by_their_loss(from_logits):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    images = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    with pytest.raises(
        ValueError, match="received 3 independent probabilities, as from a sigmoid in the loss"
    ):
        predict_probabilities(model, images, from_logits=from_logits)
