"""Exports a model on the backend of this process, and checks a refusal.

Run as a program: `export_elsewhere.py FOLDER NAME ...`; a name that ends in "?" is refused.
"""

import sys
from pathlib import Path

import keras

import catdog_keras
from catdog_keras.conversion import export_model, read_metadata


class Unknown(keras.layers.Layer):
    """A layer that the other process cannot load."""

    def call(self, inputs):
        return inputs


folder, *files = sys.argv[1:]
names = catdog_keras.ClassNames(["cat", "dog"])
model = keras.Sequential([catdog_keras.build_model3((46, 46, 3)), names])
for name in files:
    path = Path(folder, name.removesuffix("?"))
    if name == path.name:
        report = export_model(model, path)
        assert report.same_top_class == 16, report
        assert read_metadata(path).class_names == ("cat", "dog")
        continue
    refusal = "none"
    try:
        export_model(keras.Sequential([model, Unknown()]), path)
    except ValueError as error:
        refusal = str(error)
    assert "must consist of layers that Keras loads on the TensorFlow backend" in refusal, refusal
