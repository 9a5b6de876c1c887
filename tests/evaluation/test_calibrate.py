"""Temperature scaling: the best temperature, the same decisions, a copy that saves and loads."""

import functools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.optimize import minimize_scalar

from catdog_keras import build_model2, transfer_model
from catdog_keras.evaluation import calibrate, evaluate_classifier

NAMES = ["cat", "dog", "fox"]


def reader(classes=3, scale=1.0):
    """A model whose outputs are its inputs, times `scale`."""
    return keras.Sequential([keras.Input((classes,)), keras.layers.Rescaling(scale)])


@functools.cache
def compiled_reader(classes):
    """The same reader each time, so that TensorFlow traces its `predict` once."""
    return reader(classes)


def drawn(temperature, count=400, classes=3, seed=0):
    """Logits of which `temperature` makes the probabilities right, and labels drawn from those."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, classes)) * 2
    powers = np.exp(logits)
    cumulated = (powers / powers.sum(axis=1, keepdims=True)).cumsum(axis=1)
    labels = (random.random((count, 1)) > cumulated).sum(axis=1).clip(max=classes - 1)
    return (logits * temperature).astype("float32"), labels


def labels_with_one_mistake(model, inputs):
    """Labels of which the model gets all but one right, whatever its weights are."""
    outputs = model.predict(inputs, verbose=0)
    labels = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(int)
    margins = np.ptp(outputs, axis=1) if outputs.shape[1] > 1 else np.abs(outputs[:, 0])
    middle = margins.argsort()[len(margins) // 2]
    labels[middle] = (labels[middle] + 1) % max(outputs.shape[1], 2)
    return labels


def log_loss(logits, labels, temperature):
    scaled = np.asarray(logits, "float64") / temperature
    peaks = scaled.max(axis=1, keepdims=True)
    sums = np.log(np.exp(scaled - peaks).sum(axis=1)) + peaks[:, 0]
    return (sums - scaled[np.arange(len(labels)), labels]).mean()


@given(st.floats(0.1, 50), st.integers(2, 5), st.integers(0, 100))
def test_temperature_minimizes_log_loss(temperature, classes, seed):
    logits, labels = drawn(temperature, 60, classes, seed)
    _, found = calibrate(compiled_reader(classes), [(logits, labels)])
    best = minimize_scalar(
        lambda power: log_loss(logits, labels, np.exp(power)),
        bounds=(np.log(found) - 3, np.log(found) + 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert found == pytest.approx(np.exp(best.x), rel=1e-3)


def test_calibrate_takes_images_and_labels_as_two_arguments():
    logits, labels = drawn(2.0, 100)
    _, expected = calibrate(reader(), [(logits, labels)])
    for size in (None, 7):
        _, found = calibrate(reader(), logits, labels, batch_size=size)
        assert found == pytest.approx(expected, rel=1e-6)
    with pytest.raises(TypeError, match="`y` must be given if `validation` is an array of images"):
        calibrate(reader(), logits)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
def test_calibrate_recovers_temperature_and_keeps_predictions(temperature):
    logits, labels = drawn(temperature, 20_000)
    calibrated, found = calibrate(reader(), [(logits[:10_000], labels[:10_000])])
    assert found == pytest.approx(temperature, rel=0.05)
    unseen = [(logits[10_000:], labels[10_000:])]
    before = evaluate_classifier(reader(), unseen, class_names=NAMES)
    after = evaluate_classifier(calibrated, unseen, class_names=NAMES)
    assert after.predictions.tolist() == before.predictions.tolist()
    assert after.calibration_error < 0.02
    assert after.log_loss <= before.log_loss + 1e-3


def test_calibrated_copy_divides_logits_and_shares_no_weights():
    images = np.random.default_rng(0).random((12, 12, 12, 3)).astype("float32") * 255
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("sgd", "mse")
    before = model.predict(images, verbose=0)
    labels = labels_with_one_mistake(model, images)
    calibrated, temperature = calibrate(model, [(images, labels)])
    after = calibrated.predict(images, verbose=0)
    assert after == pytest.approx(before / temperature, rel=1e-5, abs=1e-6)
    assert not calibrated.compiled
    calibrated.set_weights([weight * 0 for weight in calibrated.get_weights()])
    assert model.predict(images, verbose=0) == pytest.approx(before)


@pytest.mark.parametrize(
    "build",
    [
        lambda: build_model2((48, 48, 3)),
        lambda: transfer_model("synthetic_small", (32, 32, 3), weights=None),
        lambda: keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]),
    ],
)  # fmt: skip
def test_calibrated_copy_loads_without_custom_objects(build, tmp_path):
    model = build()
    images = np.random.default_rng(0).random((6, *model.input_shape[1:])).astype("float32") * 255
    calibrated, _ = calibrate(model, [(images, labels_with_one_mistake(model, images))])
    calibrated.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = calibrated.predict(images, verbose=0)
    assert loaded.predict(images, verbose=0) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_calibrated_copy_loads_in_new_process_after_package_import(tmp_path):
    model = build_model2((48, 48, 3))
    images = np.random.default_rng(0).random((6, 48, 48, 3)).astype("float32") * 255
    calibrated, _ = calibrate(model, [(images, labels_with_one_mistake(model, images))])
    calibrated.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    program = (
        "import json, sys, catdog_keras, keras, numpy as np\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "print(json.dumps(model.predict(np.load(sys.argv[2]), verbose=0).tolist()))"
    )
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy")]
    printed = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True
    ).stdout
    expected = calibrated.predict(images, verbose=0)
    found = np.array(json.loads(printed.splitlines()[-1]))
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_single_output_temperature_matches_two_output_model():
    logits, labels = drawn(3.0, 200, classes=2)
    _, both = calibrate(reader(2), [(logits, labels)])
    calibrated, single = calibrate(reader(1), [(logits[:, 1:] - logits[:, :1], labels)])
    assert single == pytest.approx(both, rel=1e-5)
    assert calibrated.output_shape == (None, 1)


@pytest.mark.parametrize("size", [1e-30, 1e-4, 1e4, 1e30])
def test_temperature_scales_with_logit_size(size):
    logits, labels = drawn(1.0)
    _, reference = calibrate(reader(), [(logits, labels)])
    _, temperature = calibrate(reader(scale=size), [(logits, labels)])
    assert temperature == pytest.approx(size * reference, rel=1e-5)


def test_second_calibration_returns_temperature_of_1():
    logits, labels = drawn(3.0)
    once, first = calibrate(reader(), [(logits, labels)])
    twice, second = calibrate(once, [(logits, labels)])
    assert second == pytest.approx(1, abs=1e-4)
    assert [layer.name for layer in twice.layers[-2:]] == ["temperature", "temperature_2"]
    assert twice.predict(logits, verbose=0) == pytest.approx(logits / first, rel=1e-3)


def test_mixed_precision_model_keeps_float32_logits():
    policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, dtype=policy), keras.layers.Activation("linear", dtype="float32")]
    )  # fmt: skip
    logits, _ = drawn(3.0, 50)
    calibrated, temperature = calibrate(model, [(logits, labels_with_one_mistake(model, logits))])
    assert temperature != 1
    assert calibrated.outputs[0].dtype == "float32"
    expected = model.predict(logits, verbose=0) / temperature
    assert calibrated.predict(logits, verbose=0) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("logits", "reason"),
    [
        (np.eye(3) * 4, "no image has a higher logit for a wrong class than for the true one"),
        (
            [[4, 4, 0], [0, 4, 0], [0, 0, 4]],
            "no image has a higher logit for a wrong class than for the true one",
        ),
        (-np.eye(3), "the model is not better than guessing"),
        (np.zeros((3, 3)), "the model is not better than guessing"),
    ],
)
def test_temperature_is_1_and_warns_when_log_loss_has_no_minimum(logits, reason):
    logits = np.array(logits, "float32")
    with pytest.warns(UserWarning, match="No temperature") as caught:
        calibrated, temperature = calibrate(reader(), [(logits, [0, 1, 2])])
    assert temperature == 1
    assert calibrated.predict(logits, verbose=0) == pytest.approx(logits)
    (warning,) = [each for each in caught if each.category is UserWarning]
    assert str(warning.message) == (
        f"No temperature minimizes the log loss on `validation`, because {reason}; the temperature stays 1."
    )
    assert warning.filename == __file__


def test_temperature_is_between_0_1_and_10_for_single_mistake():
    logits = np.array([[5.0, 0, 0], [0, 5, 0], [0, 0, 5], [1, 0, 0.0]])
    _, temperature = calibrate(reader(), [(logits, [0, 1, 2, 1])])
    assert 0.1 < temperature < 10


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


def two_outputs():
    inputs = keras.Input((3,))
    return keras.Model(inputs, [inputs, keras.layers.Dense(2)(inputs)])


SUBCLASSED = Subclassed()
LOGITS, LABELS = drawn(1.0, 8)
GOOD = [(LOGITS, LABELS)]


@pytest.mark.parametrize(
    ("model", "validation", "error", "message"),
    [
        (lambda: "model.keras", GOOD, TypeError, "`model` must be a keras.Model; received model='model.keras'. Load it: `keras.models.load_model('model.keras')`."),
        (lambda: SUBCLASSED, GOOD, ValueError, f"`model` must be a built Functional or Sequential model; received model={SUBCLASSED!r}."),
        (two_outputs, GOOD, ValueError, "`model` must have one output of shape (batch, classes); received outputs of (None, 3), (None, 2)."),
        (lambda: keras.Sequential([keras.Input((4, 3)), keras.layers.Dense(2)]), GOOD, ValueError, "`model` must have one output of shape (batch, classes); received outputs of (None, 4, 2)."),
        (lambda: keras.Sequential([reader(), keras.layers.Softmax()]), GOOD, ValueError, "`model` must end in logits; received a model whose outputs are probabilities. Remove its softmax or sigmoid."),
        (lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation='sigmoid')]), [(LOGITS, LABELS // 2)], ValueError, "`model` must end in logits; received a model whose outputs are probabilities. Remove its softmax or sigmoid."),
        (reader, [], ValueError, "`validation` must hold at least one image; received an empty dataset."),
        (reader, [LOGITS], ValueError, "`validation` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received a batch that is of type ndarray."),
        (reader, [(LOGITS, LABELS[:3])], ValueError, "`validation` must hold one label per image; received a batch of 8 images and 3 labels."),
        (reader, [(LOGITS, [1] * 8)], ValueError, "`validation` must hold images of at least two classes; received only images of class 1."),
        (reader, [(LOGITS, [3] * 8)], ValueError, "`validation` must hold labels that are class indices from 0 to 2, one for each class name; received the label 3."),
        (reader, 5, TypeError, "`validation` must be an iterable of batches (images, labels), or a pair of arrays (images, labels); received validation=5."),
    ],
)  # fmt: skip
def test_calibrate_raises_for_invalid_arguments(model, validation, error, message):
    with pytest.raises(error) as caught:
        calibrate(model(), validation)
    assert str(caught.value) == message


def test_temperature_of_nearly_uninformative_model_exceeds_largest_margin():
    """Of 1,000 images 550 are correct, all with the margin 2: the probability has to be 0.55."""
    logits = np.tile(np.float32([1, -1]), (1000, 1))
    labels = (np.arange(1000) >= 550).astype(int)
    _, temperature = calibrate(compiled_reader(2), [(logits, labels)])
    assert temperature == pytest.approx(2 / np.log(0.55 / 0.45), rel=1e-4)


def test_calibrated_copy_keeps_adapted_normalization():
    norm = keras.layers.Normalization()
    norm.adapt(np.array([[3.0, -60.0], [9.0, 20.0]]))
    model = keras.Sequential([keras.Input((2,)), norm])
    logits, labels = drawn(2.0, classes=2)
    calibrated, temperature = calibrate(model, [(logits, labels)])
    expected = keras.ops.convert_to_numpy(model(logits)) / temperature
    np.testing.assert_allclose(keras.ops.convert_to_numpy(calibrated(logits)), expected, rtol=1e-5)
