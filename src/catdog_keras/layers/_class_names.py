"""A layer that stores the class names in a model."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras._checks import check_class_names, describe
from catdog_keras._printable import counted
from catdog_keras.layers._argument_names import CLASS_NAMES, suggests_layer_arguments


@keras.saving.register_keras_serializable(package="catdog_keras")
class ClassNames(keras.layers.Layer):
    """Stores the class names in a model and returns its inputs unchanged.

    Use it as the last layer of a model, after the logits or probabilities. If these are float32
    under a 16-bit policy, pass `dtype="float32"` here as well: like any layer, it casts to the
    dtype of its policy. The names are part of the layer's config, so they are in the saved file and
    in every copy of the model; `catdog_keras.get_class_names` reads them. `training` has no effect.

    Source: none. A layer's config is the only part of a Keras model that is kept by saved files,
    clones and submodels.

    Args:
        class_names: Distinct names, in the order of the outputs. If there is one output, as from a
            sigmoid, the two names of the labels 0 and 1; the output belongs to the second.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`.

    Input shape:
        `(batch, ..., classes)`, with one class per name; `(batch, ..., 1)` for two names.

    Output shape:
        Same as the input, with the same values, in the compute dtype.

    Raises:
        TypeError: If `class_names` is not a list of strings.
        ValueError: If a name occurs twice, or the number of names does not fit the input.

    Example:
        >>> import catdog_keras, numpy as np
        >>> layer = catdog_keras.layers.ClassNames(["cat", "dog"])
        >>> layer.class_names, np.asarray(layer(np.array([[0.5, 2.0]]))).tolist()
        (('cat', 'dog'), [[0.5, 2.0]])
    """

    @suggests_layer_arguments(CLASS_NAMES, 'Pass a list: `ClassNames(["cats", "dogs"])`.')
    def __init__(self, class_names: Sequence[str], **kwargs: Any) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.class_names = check_class_names(class_names)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Validates `input_shape`; the layer has no weights."""
        self.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If the length of its last axis is not the number of names, or 1 for two
                names.
        """
        shape, names = tuple(input_shape), len(self.class_names)
        if shape[-1] == 1 and names != 2:
            requirement = "two names for a single output: those of the labels 0 and 1"
            raise ValueError(describe("class_names", requirement, list(self.class_names)))
        if shape[-1] not in (names, 1, None):
            listed = ", ".join(map(repr, self.class_names[:20]))
            requirement = f"of {counted(names, 'class', 'classes')}, one for each name"
            remedy = (
                f"The names are {listed}{', ...' if names > 20 else ''}. Apply the layer to the "
                "outputs of the classifier."
            )
            raise ValueError(describe("input_shape", requirement, shape, remedy))
        return shape

    def call(self, inputs: Any) -> Any:
        """Returns `inputs` unchanged."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        return {**super().get_config(), "class_names": list(self.class_names)}
