"""Checks labels against the outputs and the loss of a model."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._class_names import REMEDY, has_other_order
from catdog_keras._compile import crossentropy_of
from catdog_keras._layer_graph import is_plain_graph, last_activation
from catdog_keras._warnings import warn
from catdog_keras.diagnostics._pipeline_report import PipelineFinding as Finding

Array = npt.NDArray[Any]

_MANY_LABELS = 32  # the size of a batch; fewer labels are often equal by chance


def find_label_mismatches(
    labels: Sequence[Array], model: keras.Model, class_names: Sequence[str] | None
) -> Iterator[Finding]:
    """Yields mismatches between labels and the outputs and loss of a model."""
    kind, from_logits = crossentropy_of(model)
    outputs = _number_of_outputs(model)
    if class_names is not None:
        yield from _check_saved_class_order(model, class_names)
    one_hot = any(array.ndim == 2 and array.shape[1] > 1 for array in labels)
    if outputs is not None:
        yield from _check_label_form(one_hot, kind, outputs)
        if one_hot:
            width = max(array.shape[-1] for array in labels)
            yield from _check_one_hot_width(width, outputs)
        elif labels:
            values = np.unique(np.concatenate([array.reshape(-1) for array in labels]))
            if kind == "binary" and outputs == 1:  # mixed and smoothed labels lie between
                values = values[~((values > 0) & (values < 1))]
            if values.size:
                yield from _check_label_values(values, outputs, class_names)
        yield from _check_number_of_outputs(outputs, kind, class_names)
    yield from _check_distinct(labels)
    yield from _check_ending_and_loss(last_activation(model), kind, from_logits, outputs)


def require_labels(name: str, labels: Array, model: keras.Model) -> None:
    """Raises if the labels do not match the loss of a compiled model, as far as it is known.

    Otherwise TensorFlow raises an error about its graph, and on JAX such an image has a loss of 0.
    """
    if crossentropy_of(model)[0] is None:  # a custom loss is unknown
        return
    for finding in find_label_mismatches([labels], model, None):
        if finding.name not in ("from_logits", "single_class"):
            raise ValueError(
                f"`{name}` must contain labels that the loss of {model.name!r} accepts. "
                f"{finding.problem} {finding.remedy}"
            )


def warn_of_missing_classes(name: str, labels: Array, model: keras.Model) -> None:
    """Warns if all labels of a training are of one class, or may count from 1."""
    outputs = _number_of_outputs(model)
    if crossentropy_of(model)[0] is None or len(labels) < _MANY_LABELS:
        return
    for finding in _check_distinct([labels]):
        warn(f"The model learns a single class from `{name}`. {finding.problem} {finding.remedy}")
        return
    if outputs is not None and outputs > 2 and labels.size == len(labels) and labels.min() > 0:
        warn(
            f"The labels in `{name}` go from {labels.min():g} to {labels.max():g}, and no image is "
            "of class 0. If the labels count from 1, subtract 1."
        )


def warn_of_logits(model: keras.Model) -> None:
    """Warns if labels are compared with a softmax where the loss expects logits, or the reverse."""
    kind, from_logits = crossentropy_of(model)
    activation, outputs = last_activation(model), _number_of_outputs(model)
    for finding in _check_ending_and_loss(activation, kind, from_logits, outputs):
        warn(f"The loss is computed from wrong values. {finding.problem} {finding.remedy}")


def _check_saved_class_order(model: keras.Model, class_names: Sequence[str]) -> Iterator[Finding]:
    """Yields a finding about labels if the model was saved with its classes in another order."""
    stored = has_other_order(model, class_names)
    if stored is not None:
        yield Finding(
            "class_order",
            f"The class names are {list(class_names)}, but {list(stored)} in the model.",
            REMEDY,
        )


def _check_label_form(one_hot: bool, kind: str | None, outputs: int) -> Iterator[Finding]:
    """Yields a finding if labels are one-hot and the loss expects indices, or the reverse."""
    if one_hot and (kind == "sparse" or (kind == "binary" and outputs == 1)):
        yield Finding(
            "one_hot_labels",
            "The labels are one-hot rows, but the loss expects class indices.",
            "Train with keras.losses.CategoricalCrossentropy, or pass the indices: "
            "labels.argmax(axis=-1).",
        )
    if not one_hot and (kind == "categorical" or (kind == "binary" and outputs > 1)):
        yield Finding(
            "integer_labels",
            "The labels are class indices, but the loss expects one-hot rows.",
            "Train with keras.losses.SparseCategoricalCrossentropy, or pass rows: "
            f"keras.ops.one_hot(labels, {outputs}).",
        )


def _check_one_hot_width(width: int, outputs: int) -> Iterator[Finding]:
    """Yields a finding if one-hot labels have more or fewer classes than the model."""
    if width > outputs > 1:
        yield _too_few_outputs(f"The labels are one-hot rows of {width} classes", width, outputs)
    elif 1 < width < outputs:
        yield Finding(
            "labels_outside",
            f"The labels are one-hot rows of {width} classes, and the model has {outputs} outputs.",
            f"Build the model with num_classes={width}, or encode the labels for {outputs}.",
        )


def _check_label_values(
    values: Array, outputs: int, class_names: Sequence[str] | None
) -> Iterator[Finding]:
    """Yields a finding if a class index is out of range or not an integer, from sorted values."""
    classes = max(outputs, 2)
    low, high = values[0].item(), values[-1].item()
    if not np.isfinite(values).all():
        yield Finding(
            "labels_outside",
            "A label is NaN or infinite.",
            f"Labels are whole numbers from 0 to {classes - 1}: check where they come from.",
        )
    elif class_names is not None and high >= len(class_names):
        yield Finding(
            "labels_outside",
            f"A label is {high:g}, and there are {len(class_names)} class names.",
            f"Labels go from 0 to {len(class_names) - 1}: check where they come from.",
        )
    elif low < 0 or (values != np.floor(values)).any():
        wrong = values[(values < 0) | (values != np.floor(values))][0]
        yield Finding(
            "labels_outside",
            f"A label is {wrong:g}, which is not a class index.",
            f"Labels are whole numbers from 0 to {classes - 1}: check where they come from.",
        )
    elif high >= classes and low >= 1 and high == classes:
        yield Finding(
            "labels_outside",
            f"The labels go from {low:g} to {high:g}, and those of {classes} classes go from 0 to "
            f"{classes - 1}.",
            "Subtract 1 from the labels.",
        )
    elif high >= classes and len(values) == high + 1:
        yield _too_few_outputs(f"The labels go up to {high:g}", int(high) + 1, outputs)
    elif high >= classes:
        yield Finding(
            "labels_outside",
            f"A label is {high:g}, and the model's classes go from 0 to {classes - 1}.",
            f"Build the model with num_classes={int(high) + 1}, or check the label.",
        )


def _check_distinct(labels: Sequence[Array]) -> Iterator[Finding]:
    """Yields a problem of many labels that are all of one class, as in a sorted dataset."""
    rows = [array.reshape(len(array), -1) for array in labels if array.ndim]
    count = sum(map(len, rows))
    if count < _MANY_LABELS or len({row.shape[1] for row in rows}) != 1:
        return
    values = np.concatenate(rows)
    if (values == values[0]).all():
        label = values[0].item() if values.shape[1] == 1 else int(values[0].argmax())
        yield Finding(
            "single_class",
            f"All {count} labels are {label:g}.",
            "Shuffle a dataset that is sorted by class before it is batched, and check where the "
            "labels come from.",
        )


def _check_number_of_outputs(
    outputs: int, kind: str | None, class_names: Sequence[str] | None
) -> Iterator[Finding]:
    """Yields a finding if the labels' loss or class names need more outputs than there are."""
    if outputs == 1 and kind in ("sparse", "categorical"):
        yield _too_few_outputs(
            "A categorical loss compares the outputs of at least 2 classes", 2, 1
        )
    elif class_names is not None and len(class_names) > max(outputs, 2):
        yield _too_few_outputs(
            f"There are {len(class_names)} class names", len(class_names), outputs
        )


def _too_few_outputs(seen: str, classes: int, outputs: int) -> Finding:
    """Returns the finding about labels of more classes than the model has outputs."""
    return Finding(
        "too_few_outputs",
        f"{seen}, and the model has {outputs} output{'' if outputs == 1 else 's'}.",
        f"Build the model with num_classes={classes}.",
    )


def _check_ending_and_loss(
    activation: str | None, kind: str | None, from_logits: bool | None, outputs: int | None
) -> Iterator[Finding]:
    """Yields a label check's finding if the output activation contradicts `from_logits`."""
    if kind is None or activation is None:
        return
    if activation == "sigmoid" and kind != "binary" and outputs != 1:
        yield Finding(
            "from_logits",
            "The model ends in a sigmoid for each class, whose outputs do not sum to 1, but the "
            "loss compares one distribution over the classes.",
            "Replace the activation of the last layer by a softmax, and pass from_logits=False to "
            "the loss.",
        )
    elif from_logits and activation in ("softmax", "sigmoid"):
        yield Finding(
            "from_logits",
            f"The model ends in a {activation}, and the loss has from_logits=True: it would apply "
            "a second one.",
            "Remove the activation of the last layer, or pass from_logits=False to the loss.",
        )
    if not from_logits and activation == "linear":
        yield Finding(
            "from_logits",
            "The model returns logits, but the loss expects probabilities.",
            "Pass from_logits=True to the loss.",
        )


def _number_of_outputs(model: keras.Model) -> int | None:
    """Returns the outputs per image to check labels against; None without a single output row."""
    if not is_plain_graph(model) or len(model.outputs) != 1:
        return None
    shape = model.outputs[0].shape
    return shape[-1] if len(shape) == 2 else None
