"""The names of the classes, kept inside a model."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras._checks import check_class_names, describe


@keras.saving.register_keras_serializable(package="catdog_keras")
class ClassNames(keras.layers.Layer):
    """Passes a model's outputs on as they are, and carries the name of each one.

    It stands last in a model, after the logits or the probabilities; where these are float32 under
    a 16-bit policy, give it `dtype="float32"` as well, for it has the dtype of its policy like any
    layer. The names are part of its config: they are in the saved file and in every copy of the
    model, and `catdog_keras.model_classes` reads them. `training` changes nothing.

    Source: none; a layer's config is the one place of a Keras model that a saved file, a clone and
    a part of the model all keep.

    Args:
        class_names: Distinct names, in the order of the outputs.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`.

    Input shape:
        `(batch, ..., classes)`, with as many classes as names.

    Output shape:
        That of the input, with the same values, in the compute dtype.

    Raises:
        TypeError: If `class_names` is no list of strings.
        ValueError: If a name occurs twice, or the input has another number of classes.

    Example:
        >>> import catdog_keras, numpy as np
        >>> layer = catdog_keras.layers.ClassNames(["cat", "dog"])
        >>> layer.class_names, np.asarray(layer(np.array([[0.5, 2.0]]))).tolist()
        (('cat', 'dog'), [[0.5, 2.0]])
    """

    def __init__(self, class_names: Sequence[str], **kwargs: Any) -> None:
        """Checks and keeps the arguments; the class tells what they mean."""
        super().__init__(**kwargs)
        self.class_names = check_class_names(class_names)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Checks `input_shape`; the layer has no weights."""
        self.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If its last axis is not as long as the list of names.
        """
        shape = tuple(input_shape)
        if shape[-1] not in (len(self.class_names), None):
            requirement = f"of {len(self.class_names)} classes, one for each name"
            raise ValueError(describe("input_shape", requirement, shape))
        return shape

    def call(self, inputs: Any) -> Any:
        """Returns `inputs`."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this layer again."""
        return {**super().get_config(), "class_names": list(self.class_names)}
