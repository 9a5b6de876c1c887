"""Writing and loading of SavedModels, on the TensorFlow backend or, to load, on any."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

NAMED = "with_class_names"


def write_saved_model(
    model: keras.Model, path: str, images: str, probabilities: str, class_names: Sequence[str]
) -> None:
    """Writes a serving model with two signatures and the endpoint `serve`.

    The endpoint and the signature `serving_default` return the probabilities alone, the signature
    `with_class_names` also the class names.

    Args:
        model: Model of images, which returns a dict.
        path: New folder.
        images: Name of the input.
        probabilities: Name of the output of the model.
        class_names: Names for the output `class_names`, of the same shape as the probabilities:
            TensorFlow Serving requires the batch axis in every output.
    """
    import tensorflow as tf

    names = tf.constant(list(class_names))

    @tf.autograph.experimental.do_not_convert
    def predict(batch: Any) -> Any:
        return model(batch, training=False)[probabilities]

    def predict_and_name(batch: Any) -> dict[str, Any]:
        rows = predict(batch)
        return {probabilities: rows, "class_names": tf.broadcast_to(names, tf.shape(rows))}

    spec = [tf.TensorSpec(model.input_shape, model.inputs[0].dtype, name=images)]
    module = tf.Module()  # Keras's ExportArchive stores the weights twice
    module.weights = [each.value for each in model.variables]
    # The endpoint that Keras's own export writes, and that `keras.layers.TFSMLayer` calls.
    module.serve = tf.function(predict, input_signature=spec)
    signatures = {
        "serving_default": tf.function(
            lambda batch: {probabilities: predict(batch)}, input_signature=spec
        ),
        NAMED: tf.function(predict_and_name, input_signature=spec),
    }
    tf.saved_model.save(module, path, signatures=signatures)


def load_signature(path: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Returns a function that runs the signature `serving_default` of a SavedModel."""
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]

    def run(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        _ = loaded  # owns the weights
        outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run
