"""What Keras exports runs in the other runtime, in batches of any size, and agrees with Keras."""

import keras
import numpy as np
import pytest

from catdog_keras import (
    RandomAffine,
    build_model1,
    build_model2,
    build_model3,
    strip_augmentation,
    transfer_model,
)

# What Keras 3.15 exports; docs/how-to/export.md explains how the other formats are exported through TensorFlow.
FORMATS = {
    "tensorflow": ["onnx", "litert", "tf_saved_model"],
    "jax": ["tf_saved_model"],
    "torch": ["onnx"],
}[keras.backend.backend()]
SHAPE = (46, 46, 3)
SMALL = (32, 32, 3)


def small_mobilenet():
    """Returns a backbone with the kinds of layers in MobileNetV2, in a fifth of its time."""
    layers = keras.layers
    parts = [layers.ZeroPadding2D(), layers.DepthwiseConv2D(3, 2), layers.BatchNormalization()]
    return keras.Sequential([keras.Input(SMALL), *parts, layers.ReLU(6.0), layers.Conv2D(8, 1)])


def full_mobilenet():
    return keras.applications.MobileNetV2(SMALL, alpha=0.35, include_top=False, weights=None)


def transfer(backbone):
    augmentation = keras.Sequential([RandomAffine("horizontal"), keras.layers.RandomContrast(0.2)])
    return transfer_model(backbone, SMALL, 3, preprocessing="signed", augmentation=augmentation)


MODELS = {
    "model1": lambda: build_model1(SHAPE, 3),
    "model2": lambda: build_model2(SHAPE, 3),
    "model3": lambda: build_model3(SHAPE, 3),
    "transfer": lambda: transfer(small_mobilenet()),
}
FULL = {"mobilenet": lambda: transfer(full_mobilenet())}  # in the format of the fastest exporter
CASES = [
    *((format_, name) for format_ in FORMATS for name in MODELS),
    *(pytest.param(FORMATS[0], name, marks=pytest.mark.slow) for name in FULL),
]


def run_saved_model(path, images):
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return loaded.serve(images).numpy()


def run_onnx(path, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    (tensor,) = session.get_inputs()
    (logits,) = session.run(None, {tensor.name: images})
    return logits


def run_litert(path, images):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    (tensor,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(tensor["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(tensor["index"], images)
    interpreter.invoke()
    return interpreter.get_tensor(logits["index"])


RUN = {
    "tf_saved_model": ("model", run_saved_model),
    "onnx": ("model.onnx", run_onnx),
    "litert": ("model.tflite", run_litert),
}
PACKAGES = {"tf_saved_model": [], "onnx": ["onnx", "onnxruntime"], "litert": ["ai_edge_litert"]}


@pytest.mark.parametrize(("format_", "name"), CASES)
# The exporters warn about their own code, and about each shape that a layer reads while it is traced.
@pytest.mark.filterwarnings("ignore")
def test_exported_stripped_model_matches_keras_in_each_runtime(name, format_, disturb, tmp_path):
    for package in PACKAGES[format_]:
        pytest.importorskip(package, reason="needs the `export` extra")
    model = disturb({**MODELS, **FULL}[name]())
    shape = model.input_shape[1:]
    images = np.random.default_rng(0).uniform(0, 255, (3, *shape)).astype("float32")
    expected = keras.ops.convert_to_numpy(model(images, training=False))
    file, run = RUN[format_]
    path = str(tmp_path / file)
    strip_augmentation(model).export(path, format=format_, verbose=False)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(
        run(path, images), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )
