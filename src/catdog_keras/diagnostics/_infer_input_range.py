"""Infers a model's expected input range from its preprocessing layers."""

import keras

from catdog_keras._checks import check_model
from catdog_keras._input_range import Range, find_input_range
from catdog_keras._suggestions import suggests_arguments


@suggests_arguments()
def infer_input_range(model: keras.Model) -> Range | None:
    """Infers the range of pixel values that a model expects.

    Images of each common range are passed through the layers in front of the first weights. The
    result is the range that these layers map to a scale that networks are trained on.
    `Rescaling`, `Normalization`, `Preprocessing`, `keras.ops` operations and nested models are
    supported; networks of `keras.applications` are recognized by name.

    Args:
        model: A built Functional or Sequential model with one input.

    Returns:
        The minimum and maximum value, such as (0, 255), (0, 1) or (-1, 1); for a bare network of
        `keras.applications`, the range of preprocessed images. None if the range cannot be
        inferred: a network without a scaling layer can be trained on any range if it normalizes
        early, like `build_model1`, and otherwise on a small range.

    Raises:
        TypeError: If `model` is not a Keras model.

    See Also:
        `check_pipeline`: compares the range with a dataset.
        `Preprocessing`: maps [0, 255] to another range.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.infer_input_range(catdog_keras.build_model3((46, 46, 3)))
        (0.0, 255.0)
    """
    check_model(model)
    return find_input_range(model)
