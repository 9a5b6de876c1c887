"""Class names that are saved in a model."""

import keras

from catdog_keras._checks import check_model, describe
from catdog_keras._class_names import find_class_names
from catdog_keras._suggestions import suggests_arguments


@suggests_arguments()
def get_class_names(model: keras.Model) -> tuple[str, ...]:
    """Returns the class names that are saved in a model, in the order of its outputs.

    The names are those of the `ClassNames` layer that `transfer_model(class_names=...)` appends,
    or that you append to your own model. They are saved in the model file, so they are also
    available in another process.

    Args:
        model: A model with a `ClassNames` layer, at its end or in a nested model.

    Returns:
        The class names.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If the model contains no class names, or several lists of them that differ, as
            an ensemble can. A list at the end of the model has precedence over others.

    See Also:
        `ClassNames`: the layer that stores the names.

    Example:
        >>> import catdog_keras, keras
        >>> names = catdog_keras.ClassNames(["cat", "dog"])
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2), names])
        >>> catdog_keras.get_class_names(model)
        ('cat', 'dog')
    """
    check_model(model)
    found = find_class_names(model)
    if found is None:
        requirement = "a model that contains its class names"
        remedy = (
            "Build it with `transfer_model(..., class_names=...)`, or append a `ClassNames` layer."
        )
        raise ValueError(describe("model", requirement, model, remedy))
    return found
