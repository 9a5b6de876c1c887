"""Checks of images against the value range and shape that a model expects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._input_range import (
    BYTES,
    SIGNED,
    SLACK,
    UNIT,
    PreprocessingTrace,
    Range,
    find_input_range,
    format_range,
    same_range,
    starts_with_batch_norm,
    walk_to_weights,
)
from catdog_keras._input_shape import fits_shape, how_to_reshape
from catdog_keras._layer_graph import is_plain_graph
from catdog_keras.diagnostics._pipeline_report import PipelineFinding as Finding
from catdog_keras.layers import Preprocessing

Array = npt.NDArray[Any]

TORCH = Preprocessing("imagenet_torch").output_range
CAFFE = Preprocessing("imagenet_caffe").output_range
RANGES = (BYTES, UNIT, SIGNED, TORCH, CAFFE)
# An image that was scaled twice has more distinct values than this within one 8-bit level.
_LEVELS = 4
_MANY_IMAGES = 8  # fewer can be equal by chance, or in an example


@dataclass(frozen=True)
class PixelRange:
    """The value range of the pixels of checked images.

    Attributes:
        low: Minimum.
        high: Maximum.
        kind: The usual range that contains the values, "twice" if they were scaled twice, or
            "beyond" if they are outside of all ranges; None if undecidable, for example for a
            single color.
    """

    low: float
    high: float
    kind: Range | Literal["twice", "beyond"] | None

    @classmethod
    def from_values(cls, values: Array) -> "PixelRange":
        """Determines the range of pixel values."""
        low, high = float(values.min()), float(values.max())
        return cls(low, high, _recognize_range(values, low, high))

    def fills(self, kind: object) -> bool:
        """Returns whether the values reach both ends of a range."""
        return isinstance(kind, tuple) and same_range((self.low, self.high), kind)

    def __str__(self) -> str:
        """Returns the range as text."""
        return format_range((self.low, self.high))


def _recognize_range(values: Array, low: float, high: float) -> Any:
    """Returns the `kind` of the `PixelRange` of checked images, from the values and their ends."""
    if values.dtype.kind in "biu":
        if low < 0 or high > 255:
            return "beyond"
        return BYTES if high > 1 else None
    if low == high or np.isin(values, (0, 1)).all():
        return None
    level = (1 + SLACK) / 255
    if -level <= low and high <= level and _has_many_levels(values):
        return "twice"
    if -1 - 2 * level <= low and high <= -1 + 2 * level and _has_many_levels(values):
        return "twice"
    for known in (UNIT, SIGNED):
        slack = SLACK * (known[1] - known[0])
        if known[0] - slack <= low and high <= known[1] + slack:
            return known
    if low >= -1 or (low >= -SLACK * 255 and high > 5):
        return BYTES if high <= (1 + SLACK) * 255 else "beyond"
    if low >= -5 and high <= 5:
        return TORCH
    return CAFFE if low >= CAFFE[0] - 15 and high <= CAFFE[1] + 15 else "beyond"


def _has_many_levels(values: Array) -> bool:
    """Returns whether pixels have many gray levels, unlike nearly uniform images."""
    return np.unique(values[: 1 << 16]).size > _LEVELS


def find_image_mismatches(images: list[Array], model: keras.Model) -> Iterator[Finding]:
    """Yields problems of images for a model."""
    if not sum(array.size for array in images):
        yield Finding("no_images", "The dataset is empty.", "Check the source of its files.")
        return
    yield from _check_image_shape(images, model)
    yield from _check_image_content(images)
    finite = [array[np.isfinite(array)] for array in images]
    broken = sum(array.size for array in images) - sum(array.size for array in finite)
    if broken:
        yield Finding(
            "not_finite",
            f"{broken} pixels are NaN or infinite.",
            "Check the preprocessing for a division by zero.",
        )
    values = np.concatenate(finite)
    if values.size:
        found = PixelRange.from_values(values)
        yield from _check_pixel_range(found, model)
        yield from _check_augmentations(found, model)


def _check_image_shape(images: list[Array], model: keras.Model) -> Iterator[Finding]:
    """Yields a finding if images have no batch axis, or not the input shape of the model."""
    if not is_plain_graph(model) or len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        return
    wanted = model.inputs[0].shape[1:]
    for array in images:
        given = array.shape[1:]
        if array.ndim == 3:
            yield Finding(
                "not_batched",
                f"The dataset yields single images, of shape {array.shape}.",
                "Batch it: dataset.batch(32).",
            )
            return
        if not fits_shape(given, wanted):
            yield Finding(
                "wrong_shape",
                f"Images have the shape {given}, but the model expects {tuple(wanted)}.",
                how_to_reshape(given, wanted),
            )
            return


def _check_image_content(images: list[Array]) -> Iterator[Finding]:
    """Yields a finding if many images, or all pixels of each, are equal."""
    if any(array.ndim != 4 for array in images) or sum(map(len, images)) < _MANY_IMAGES:
        return
    first = next(array for array in images if array.size)[:1]
    if all(array.shape[1:] == first.shape[1:] and (array == first).all() for array in images):
        found = f"of the single value {first.min():.4g}" if first.min() == first.max() else "equal"
        yield Finding(
            "identical_images",
            f"All {sum(map(len, images))} images are {found}.",
            "Check how the files are read and decoded, and plot some images.",
        )


def _check_pixel_range(found: PixelRange, model: keras.Model) -> Iterator[Finding]:
    """Yields findings if the value range of images is unusual, or not that of the model."""
    if found.kind is None:
        return
    arrival, wanted = walk_to_weights(model, BYTES), find_input_range(model)
    if found.kind == "twice":
        yield Finding(
            "scaled_twice",
            f"Pixels are in {found}, as if they were scaled twice.",
            "Scale once, preferably inside the model: remove the scaling from the dataset.",
        )
    elif found.kind == "beyond":
        yield Finding(
            "wrong_range",
            f"Pixels are in {found}, which is not a common range.",
            "Convert them to [0, 255] first.",
        )
    elif arrival is None or arrival.first is None:
        return
    elif wanted is None:
        yield from _check_scaling_inside(arrival)
        if found.kind == BYTES and not arrival.scalers:
            yield from _check_never_scaled(found, model, arrival.first)
    else:
        yield from _check_known_range(found, wanted, arrival)


def _check_known_range(
    found: PixelRange, wanted: Range, arrival: PreprocessingTrace
) -> Iterator[Finding]:
    """Yields problems of images for a model whose input range is known."""
    slack = SLACK * (wanted[1] - wanted[0])
    within = wanted[0] - slack <= found.low and found.high <= wanted[1] + slack
    kind = next((known for known in RANGES if same_range(wanted, known)), wanted)
    if found.kind == kind:
        return
    if kind == BYTES:
        by = " and ".join(map(repr, arrival.scalers))
        yield Finding(
            "scaled_twice",
            f"Pixels are in {found}, but the model expects [0, 255] and scales them again in {by}.",
            "Remove the scaling from the dataset; the model does it.",
        )
    elif found.kind == BYTES:
        yield Finding(
            "never_scaled",
            f"Pixels are in {found}, but the model expects {format_range(wanted)}.",
            how_to_scale(wanted),
        )
    # Images of low contrast are within a wider range, too.
    elif not within or found.fills(found.kind):
        yield Finding(
            "wrong_range",
            f"Pixels are in {found}, but the model expects {format_range(wanted)}.",
            f"Remove the scaling from the dataset. {how_to_scale(wanted)}",
        )


def _check_never_scaled(
    found: PixelRange, model: keras.Model, first: keras.Layer
) -> Iterator[Finding]:
    """Yields a finding if no layer scales or normalizes images before the first weights."""
    if not starts_with_batch_norm(model, first):
        yield Finding(
            "never_scaled",
            f"Pixels are in {found}, and no layer of the model scales or normalizes them before "
            f"{first.name!r}.",
            how_to_scale(SIGNED),
        )


def _check_scaling_inside(arrival: PreprocessingTrace) -> Iterator[Finding]:
    """Yields problems of a model whose own scaling matches no usual image range."""
    names = " and ".join(map(repr, arrival.scalers))
    if len(arrival.scalers) > 1 and arrival.values[1] - arrival.values[0] < 0.1:
        yield Finding(
            "scaled_twice",
            f"The model scales its input more than once, in {names}: [0, 255] arrives as "
            f"{format_range(arrival.values)} at its first weights.",
            "Remove one of these layers.",
        )
    elif arrival.scalers and arrival.expected is not None:
        yield Finding(
            "wrong_range",
            f"The model scales in {names}, which makes {format_range(arrival.values)} of [0, 255]; "
            f"{arrival.models[-1]!r} was trained on {format_range(arrival.expected)}.",
            f"Remove these layers. {how_to_scale(arrival.expected)}",
        )


def _check_augmentations(found: PixelRange, model: keras.Model) -> Iterator[Finding]:
    """Yields findings on augmentation layers whose `value_range` is not that of their images."""
    given = find_input_range(model) or (found.kind if isinstance(found.kind, tuple) else None)
    arrival = None if given is None else walk_to_weights(model, given)
    for layer, values in () if arrival is None else arrival.augmentations:
        low, high = layer.value_range
        if not same_range(values, (float(low), float(high))):
            yield Finding(
                "augmentation_range",
                f"{layer.name!r} has value_range=({low:g}, {high:g}), but receives images in "
                f"{format_range(values)}.",
                f"Pass value_range=({values[0]:.4g}, {values[1]:.4g}), or move it before the "
                "scaling.",
            )


def how_to_scale(wanted: Range) -> str:
    """Returns how to convert images in [0, 255] to another range."""
    schemes = {UNIT: "unit", SIGNED: "signed", TORCH: "imagenet_torch", CAFFE: "imagenet_caffe"}
    for known, scheme in schemes.items():
        if same_range(known, wanted):
            return f'Put catdog_keras.Preprocessing("{scheme}") in front of the network.'
    return f"Scale the images to {format_range(wanted)}."
