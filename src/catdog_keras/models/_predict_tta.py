"""Test-time augmentation."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import Array, to_numbers
from catdog_keras._backend import resolve_data_format
from catdog_keras._checks import DataFormat, check_integer, check_model, describe
from catdog_keras._from_logits import (
    add_first_class,
    check_ending,
    check_from_logits,
    check_rows,
    returns_logits,
)
from catdog_keras._layer_graph import is_graph, last_activation
from catdog_keras._prediction import (
    check_inputs,
    check_outputs,
    predict_batch,
)
from catdog_keras._probabilities import FloatArray, normalize_rows, softmax
from catdog_keras._range_check import RangeCheck
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.layers import RandomAffine, augmentation_preset
from catdog_keras.layers._base_augmentation import LARGEST_SEED
from catdog_keras.layers._wrapper_layer import STRENGTHS, Strength
from catdog_keras.models._argument_names import PREDICTION_NAMES
from catdog_keras.models._predict_probabilities import iterate_checked_images

View: TypeAlias = Callable[[Any], Any]


@suggests_arguments(PREDICTION_NAMES)
def predict_tta(
    model: keras.Model,
    images: Any,
    views: int | Sequence[View | Strength] | Strength | Literal["mirror"] | None = "mirror",
    *,
    from_logits: bool | None = None,
    batch_size: int = 32,
    seed: int = 0,
) -> npt.NDArray[np.float64]:
    """Predicts with test-time augmentation: averages the probabilities of several views per image.

    The unchanged image is always one of the views and has the same weight as the others. The
    function averages probabilities, not logits, so that a single very confident view does not
    dominate. Run time is proportional to the number of views. The function warns if the images are
    not in the range that `infer_input_range` returns.

    Source: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks"
    (NeurIPS 2012), section 4.1, where ten crops are averaged.

    Args:
        model: A Keras model with one output of shape `(batch, classes)`, or `(batch, 1)` for the
            second of two classes. It does not have to be compiled, and runs with `training=False`.
        images: An array or tensor of images in the range that the model expects, or a dataset of
            batches `images` or `(images, labels)` that keeps its order, or arrays
            `(images, labels)`.
        views: `"mirror"` for the horizontal mirror image. An integer for a number of random views,
            from a `RandomAffine` that flips horizontally, rotates by up to 10 degrees, and zooms
            and shifts by up to 5%. Or a list of layers and functions that map a batch of images to
            one of the same length; layers are called with `training=True`. `"light"`, `"medium"` or
            `"strong"`, alone or in a list, is one view of the `augmentation_preset` of this name,
            drawn from `seed`. None, 0 or an empty list predicts the image without augmentation.
        from_logits: True if the model returns logits, False if it returns probabilities. None
            detects it: a softmax or sigmoid at the end shows probabilities; if the end is unknown,
            as in a subclassed model, the outputs and the loss decide.
        batch_size: Images per step if `images` is an array, at least 1; ignored for a dataset.
        seed: Seed of random views; the same seed gives the same views. Layers in a list have their
            own seeds.

    Returns:
        The mean probabilities, of shape `(images, classes)`; a model with a single output gives two
        columns.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there are no images, a view changes their number, the inputs have no axis to
            mirror, the outputs do not have two axes, or the outputs contradict `from_logits`.

    See Also:
        `predict_probabilities`: one prediction per image.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.build_model1((46, 46, 3))
        >>> images = np.random.uniform(0, 255, (3, 46, 46, 3))
        >>> catdog_keras.predict_tta(model, images).shape
        (3, 2)
    """
    check_model(model)
    check_from_logits(from_logits)
    check_integer("batch_size", batch_size, minimum=1)
    _check_model_ending(model, from_logits)
    further = _views_as_functions(
        views, check_integer("seed", seed, minimum=0), _data_format_of_model(model)
    )
    rows, check = [], RangeCheck(model)
    for batch in iterate_checked_images(model, images, batch_size):
        array = to_numbers("images", "images", batch)
        check.see("images", array)
        check.warn()
        outputs = _predict_checked("images", model, array)
        if from_logits is None:  # by the first batch, so that all are treated the same
            from_logits = returns_logits(model, outputs)
        rows.append(_mean_over_views(model, array, outputs, further, from_logits))
    if not rows:
        raise ValueError("`images` must hold at least one image; received none.")
    check.warn(is_complete=True)
    return np.concatenate(rows)


def _check_model_ending(model: keras.Model, from_logits: bool | None) -> None:
    """Raises an error for `predict_tta` if the model's last layer contradicts `from_logits`."""
    shape = getattr(model, "output_shape", None)
    num_outputs = shape[-1] if isinstance(shape, tuple) else None
    check_ending(model, num_outputs, from_logits)
    if from_logits is False and last_activation(model) == "linear":
        requirement = "True for a model that ends in logits"
        raise ValueError(describe("from_logits", requirement, from_logits))


def _data_format_of_model(model: keras.Model) -> DataFormat:
    """Returns the data format for `predict_tta`: that of the input shape, or Keras's default."""
    shape = tuple(model.inputs[0].shape) if is_graph(model) and len(model.inputs) == 1 else ()
    first, last = (len(shape) == 4 and shape[axis] in (1, 3, 4) for axis in (1, 3))
    if first == last:
        first = resolve_data_format(None) == "channels_first"
    return "channels_first" if first else "channels_last"


def _views_as_functions(views: Any, seed: int, data_format: DataFormat) -> list[View]:
    """Returns `predict_tta(views=)` as functions that each return changed images."""
    names = ", ".join(map(repr, ("mirror", *STRENGTHS)))
    requirement = f"{names}, a number of views, a list of layers or functions, or None for no views"
    if views is None:
        return []
    if isinstance(views, str) and views == "mirror":
        return [partial(_mirror_images, data_format)]
    if isinstance(views, str):
        if views not in STRENGTHS:
            raise ValueError(describe("views", requirement, views))
        views = [views]
    if isinstance(views, (list, tuple)):
        if not all(callable(view) or view in STRENGTHS for view in views):
            raise TypeError(describe("views", requirement, views))
        return [_view_as_function(view, seed + n, data_format) for n, view in enumerate(views)]
    if isinstance(views, bool) or not isinstance(views, int):
        raise TypeError(describe("views", requirement, views))
    number = check_integer("views", views, minimum=0)
    augmentation = RandomAffine(
        "horizontal", 10, zoom=0.05, translation=0.05, seed=seed, data_format=data_format
    )
    return [partial(augmentation, training=True)] * number


def _view_as_function(view: View | Strength, seed: int, data_format: DataFormat) -> View:
    """Returns a preset, a layer in training mode, or a function of `predict_tta` as a function."""
    if isinstance(view, str):
        seed %= LARGEST_SEED + 1  # the seed of this function has no upper limit
        preset = augmentation_preset(view, seed=seed, data_format=data_format)
        return partial(preset, training=True)
    return partial(view, training=True) if isinstance(view, keras.Layer) else view


def _mirror_images(data_format: DataFormat, images: Array) -> Array:
    """Returns images mirrored horizontally, for `predict_tta`; raises if they are not a batch."""
    if images.ndim != 4:
        requirement = "0 or a list of functions for inputs that are not images of four axes"
        found = f"The inputs have the shape {images.shape}."
        raise ValueError(describe("views", requirement, "mirror", found))
    return np.flip(images, axis=-2 if data_format == "channels_last" else -1)


def _mean_over_views(
    model: keras.Model,
    images: Array,
    outputs: FloatArray,
    views: Sequence[View],
    from_logits: bool,
) -> npt.NDArray[np.float64]:
    """Returns the mean of `predict_tta`: probabilities of unchanged images and of their views."""
    total = _outputs_to_probabilities(model, outputs, from_logits)
    for view in views:
        seen = to_numbers("views", "images", view(images))
        if seen.shape[:1] != images.shape[:1]:
            raise ValueError(
                f"`views` must return as many images as they receive, here {len(images)}; "
                f"received shape {seen.shape} from {view!r}."
            )
        total = total + _outputs_to_probabilities(
            model, _predict_checked("views", model, seen), from_logits
        )
    return total / (1 + len(views))


def _predict_checked(name: str, model: keras.Model, images: Array) -> FloatArray:
    """Returns the outputs for unchanged images or a view of them; raises if they do not fit."""
    return check_outputs(predict_batch(name, model, check_inputs(name, model, images)), None, 0)


def _outputs_to_probabilities(
    model: keras.Model, outputs: FloatArray, from_logits: bool
) -> FloatArray:
    """Returns the class probabilities of one view of `predict_tta`, also from logits."""
    # Whether the model ends in logits is checked once. A check of the values would be wrong here: a
    # batch of few logits can look like probabilities by chance. The reverse cannot happen.
    if outputs.shape[1] == 1:
        outputs = add_first_class(outputs, from_logits)
    if from_logits:
        return softmax(outputs)
    check_rows(model, outputs)
    return normalize_rows(outputs)
