"""Class probabilities of images."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from catdog_keras._batches import (
    BATCH_SIZE,
    batches_of_images,
    check_dataset,
    is_arrays,
    iterate,
)
from catdog_keras._checks import check_integer, check_model
from catdog_keras._from_logits import check_from_logits, to_probabilities
from catdog_keras._input_shape import check_batch_shape, fits_shape
from catdog_keras._layer_graph import is_graph
from catdog_keras._prediction import Tensors, check_inputs, check_outputs, predict_batches
from catdog_keras._probabilities import FloatArray
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.models._argument_names import PREDICTION_NAMES

_REQUIREMENT = "an array of images, or a finite dataset of batches of images"


@suggests_arguments(PREDICTION_NAMES)
def predict_probabilities(
    model: keras.Model,
    images: Any,
    *,
    from_logits: bool | None = None,
    batch_size: int = BATCH_SIZE,
) -> FloatArray:
    """Predicts the class probabilities of images.

    The model does not have to be compiled; it runs with `training=False`. For labeled images,
    `evaluate_classifier` also computes metrics; `predict_tta` averages over augmented images. The
    function warns if the images are not in the range that `infer_input_range` returns.

    Args:
        model: A Keras model with one output of shape `(batch, classes)`, or `(batch, 1)` for the
            second of two classes.
        images: An array or tensor of images `(images, height, width, channels)` in the range that
            the model expects, or a dataset of batches `images` or `(images, labels)` that keeps its
            order, or arrays `(images, labels)`; labels are ignored.
        from_logits: True if the model returns logits, False if it returns probabilities. None
            detects it: a softmax or sigmoid at the end shows probabilities; if the end is unknown,
            as in a subclassed model, the outputs and the loss decide.
        batch_size: Images per step if `images` is an array, at least 1; ignored for a dataset.

    Returns:
        A float64 array of shape `(images, classes)`, in the order of the images; each row sums
        to 1. A model with a single output gives two columns.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `images` is empty, the images do not have the input shape of the model, the
            dataset is infinite, or the outputs do not have the shape `(batch, classes)`, are not
            finite, or contradict `from_logits`.

    See Also:
        `predict_tta`: averages the predictions of several views.
        `evaluate_classifier`: predictions and their metrics.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.build_model1((46, 46, 3))
        >>> images = np.random.uniform(0, 255, (3, 46, 46, 3))
        >>> catdog_keras.predict_probabilities(model, images).shape
        (3, 2)
    """
    check_model(model)
    check_from_logits(from_logits)
    check_integer("batch_size", batch_size, minimum=1)
    outputs = [
        check_outputs(predicted, None, before)
        for predicted, before in predict_batches(
            model, iterate_checked_images(model, images, batch_size), "images"
        )
    ]
    if not outputs:
        raise ValueError("`images` must hold at least one image; received none.")
    return to_probabilities(model, np.concatenate(outputs), None, from_logits)


def iterate_checked_images(model: keras.Model, images: Any, batch_size: int) -> Iterator[Tensors]:
    """Yields nonempty batches of images whose probabilities are predicted, without labels.

    Raises an error if they do not fit the inputs of the model.
    """
    shape = tuple(getattr(images, "shape", ()))
    if is_graph(model) and len(model.inputs) == 1 and shape:
        expected = tuple(model.inputs[0].shape)
        if fits_shape(shape, expected[1:]):  # one image, whose rows would be taken for images
            check_batch_shape("images", shape, (None, *expected[1:]))
    for batch in iterate_images(images, batch_size):
        inputs = check_inputs("images", model, batch)
        if len(keras.tree.flatten(inputs)[0]):
            yield inputs


def _have_labels(images: Any) -> bool:
    """Returns whether images to predict are arrays `(images, labels)`, and not two batches."""
    if not is_arrays(images):
        return False
    try:
        labels = np.shape(images[1])
    except ValueError:  # of lists of different lengths
        return False
    shape = tuple(images[0].shape)
    return 0 < len(labels) < min(len(shape), 3) and labels[0] == shape[0]


def iterate_images(images: Any, batch_size: int) -> Iterator[Any]:
    """Yields the images to predict of each batch, without labels and sample weights."""
    if _have_labels(images):
        images = images[0]
    if getattr(images, "shape", ()) and not isinstance(images, keras.KerasTensor):
        # Of an empty array, the shape is checked.
        yield from batches_of_images(images, batch_size) if len(images) else [images]
        return
    # A list of batches of images is not a pair of arrays, as `iterate` would read it.
    if isinstance(images, (list, tuple)):
        images = iter(images)
    check_dataset("images", images, _REQUIREMENT)
    for batch in iterate(images):
        pair = isinstance(batch, (tuple, list)) and len(batch) > 0
        yield batch[0] if pair else batch
