"""Exports a model to all formats on the backend of this process, and checks a refusal."""

import sys
from pathlib import Path

import keras

import catdog_keras
from catdog_keras.conversion import export_model, read_metadata


class Unknown(keras.layers.Layer):
    """A layer that the other process cannot load."""

    def call(self, inputs):
        return inputs


folder = Path(sys.argv[1])
names = catdog_keras.ClassNames(["cat", "dog"])
model = keras.Sequential([catdog_keras.build_model3((46, 46, 3)), names])
for name in ("model", "model.onnx", "model.tflite"):
    report = export_model(model, folder / name)
    assert report.same_top_class == 16, report
    assert read_metadata(folder / name).class_names == ("cat", "dog")
refusal = "none"
try:
    export_model(keras.Sequential([model, Unknown()]), folder / "other")
except ValueError as error:
    refusal = str(error)
assert "must consist of layers that Keras loads on the TensorFlow backend" in refusal, refusal
