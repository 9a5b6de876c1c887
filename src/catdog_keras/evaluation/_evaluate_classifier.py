"""Evaluation of a model on a labeled dataset."""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from catdog_keras._backend import predicts_single_batches_well
from catdog_keras._checks import check_boolean, check_class_names, describe
from catdog_keras._layer_graph import last_activation
from catdog_keras.evaluation._evaluation import Evaluation
from catdog_keras.evaluation._labels import IntegerArray, read_batches, read_labels
from catdog_keras.evaluation._probabilities import (
    FloatArray,
    look_like_probabilities,
    look_like_shares,
    softmax,
)

Tensors: TypeAlias = Any  # a tensor of any framework, or a nested structure of them


def evaluate_classifier(
    model: keras.Model,
    dataset: Iterable[Any],
    class_names: Sequence[str],
    files: Sequence[str] | None = None,
    *,
    from_logits: bool = True,
) -> Evaluation:
    """Evaluates a classifier: predicts every image of a dataset once and computes all metrics.

    Labels are collected in the same epoch as the predictions, so they match even if the dataset is
    reshuffled in each epoch. `files`, however, only match a dataset that keeps its order. The model
    does not have to be compiled; it runs with `training=False`.

    Args:
        model: Keras model with one output of shape `(batch, classes)`; for two classes also
            `(batch, 1)`, the logit or probability of the second class.
        dataset: Batches `(images, labels)`, with or without sample weights, which are ignored;
            labels are class indices of shape `(batch,)` or `(batch, 1)`, or one-hot rows of shape
            `(batch, classes)`.
        class_names: Class names, in the order of the model's outputs.
        files: File of each image, in the order in which the dataset yields them, or None.
        from_logits: True if the model ends in logits, like the models of this package; False if it
            ends in a softmax or sigmoid.

    Returns:
        An `Evaluation` with labels, probabilities and all metrics computed from them.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the dataset is empty or has no labels, a label is not a valid class index,
            the model's outputs are not one number per class, not finite, or contradict
            `from_logits`, or the number of files differs from the number of images.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> batches = [(np.zeros((4, 8, 8, 3)), np.array([0, 1, 1, 0]))]
        >>> catdog_keras.evaluation.evaluate_classifier(model, batches, ["cat", "dog"])
        Evaluation(4 images, 2 classes, accuracy=0.500)
    """
    if not isinstance(model, keras.Model):
        raise TypeError(describe("model", "a keras.Model", model))
    names = check_class_names(class_names)
    check_boolean("from_logits", from_logits)
    outputs, labels = predict_labeled(model, dataset, len(names))
    if from_logits:
        _check_ends_in_logits(model, outputs)
    return Evaluation(names, labels, _to_probabilities(outputs, len(names), from_logits), files)


def predict_labeled(
    model: keras.Model, dataset: Iterable[Any], num_classes: int, name: str = "dataset"
) -> tuple[FloatArray, IntegerArray]:
    """Returns the outputs and labels of one epoch; raises an error if they do not match.

    Args:
        model: Model to run; each image is predicted once.
        dataset: Batches `(images, labels)`.
        num_classes: Number of classes.
        name: Argument name of the dataset, for error messages.
    """
    labels: list[IntegerArray] = []
    outputs = [
        _check_outputs(predicted, num_classes, before)
        for predicted, before in _predict(model, _recorded(dataset, num_classes, labels, name))
    ]
    if not sum(map(len, labels)):
        raise ValueError(f"`{name}` must hold at least one image; received an empty dataset.")
    rows, truth = np.concatenate(outputs), np.concatenate(labels)
    if len(rows) != len(truth):
        raise ValueError(
            f"`model` must return one row per image, here {len(truth)}; received {len(rows)} rows."
        )
    return rows, truth


def _recorded(
    dataset: Iterable[Any], num_classes: int, labels: list[IntegerArray], name: str
) -> Iterator[Tensors]:
    """Yields the images of each batch and appends its labels to the list."""
    for images, batch_labels in read_batches(dataset, name):
        readable = keras.tree.map_structure(_readable, images)
        labels.append(read_labels(batch_labels, num_classes))
        num_images = len(keras.tree.flatten(readable)[0])
        if num_images != len(labels[-1]):
            raise ValueError(
                f"`{name}` must hold one label per image; "
                f"received a batch of {num_images} images and {len(labels[-1])} labels."
            )
        yield readable


def _predict(model: keras.Model, batches: Iterator[Tensors]) -> Iterator[tuple[Tensors, int]]:
    """Yields outputs and the number of images before them, for one batch or several at a time.

    The first batch is always predicted alone, so that an incompatible model fails at once, and
    because `predict` on JAX loses batches while it builds a new model.
    """
    seen = 0
    for images in batches:
        outputs = model.predict_on_batch(images)
        yield outputs, seen
        seen += len(outputs)
        if not predicts_single_batches_well():
            break
    second = next(batches, None)
    if second is not None:
        yield _predict_generator(model, itertools.chain([second], batches)), seen


def _predict_generator(model: keras.Model, batches: Iterator[Tensors]) -> Tensors:
    """Returns the outputs of all batches; hides the warning that Keras raises when they end."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        return model.predict(((images,) for images in batches), verbose=0)


def _readable(tensor: Tensors) -> Tensors:
    """Converts tensors of other frameworks to NumPy; returns those of the backend unchanged."""
    return tensor if keras.ops.is_tensor(tensor) else np.asarray(tensor)


def _check_outputs(outputs: Tensors, num_classes: int, seen: int) -> FloatArray:
    """Returns outputs in float64; raises an error if they are not finite, or not one per class.

    For two classes a single output, that of the second class, is accepted.
    """
    structure = keras.tree.flatten(outputs)
    if structure[0] is not outputs:
        raise ValueError(
            "`model` must have one output of shape (batch, classes); "
            f"received a model with {len(structure)} outputs."
        )
    array = np.asarray(outputs).astype(np.float64)
    single = num_classes == 2 and array.ndim == 2 and array.shape[1] == 1
    if not single and (array.ndim != 2 or array.shape[1] != num_classes):
        shape = ", ".join(["batch", *map(str, array.shape[1:])])
        raise ValueError(
            f"`model` must have one output per class, here {num_classes}; "
            f"received outputs of shape ({shape}). Do `class_names` belong to this model?"
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        index = int(np.argmin(finite))
        raise ValueError(
            "`model` must return finite numbers; "
            f"received {array[index].tolist()} for the image at index {seen + index}. "
            "Its weights or this image hold NaN or infinity."
        )
    return array


def _check_ends_in_logits(model: keras.Model, outputs: FloatArray) -> None:
    """Raises an error if the model ends in a softmax or sigmoid, and so not in logits.

    The values of a single output cannot decide this: a logit can be between 0 and 1.
    """
    activation = last_activation(model)
    if activation in ("softmax", "sigmoid"):
        remedy = "Its outputs are probabilities: pass from_logits=False."
        requirement = f"False for a model that ends in a {activation}"
        raise ValueError(describe("from_logits", requirement, True, remedy))
    if activation is None and outputs.shape[1] == 1 and look_like_shares(outputs):
        warnings.warn(
            f"All outputs lie between 0 and 1 ({outputs.min():.3g} to {outputs.max():.3g}) and are "
            "taken for logits. If they are probabilities, pass from_logits=False.",
            stacklevel=3,
        )


def _to_probabilities(outputs: FloatArray, num_classes: int, from_logits: bool) -> FloatArray:
    """Converts outputs to probabilities; raises an error if they contradict `from_logits`."""
    single = outputs.shape[1] < num_classes
    if single:  # sigmoid(x) is the softmax of (0, x)
        outputs = np.hstack([np.zeros_like(outputs) if from_logits else 1 - outputs, outputs])
    are_probabilities = look_like_probabilities(outputs)
    if from_logits and are_probabilities and not single and num_classes > 1:
        raise ValueError(
            describe(
                "from_logits",
                "False for a model whose outputs are probabilities",
                from_logits,
                "Every row is in [0, 1] and sums to 1: pass from_logits=False.",
            )
        )
    if from_logits:
        return softmax(outputs)
    if not are_probabilities:
        raise ValueError(
            describe(
                "from_logits",
                "True for a model whose outputs are not probabilities",
                from_logits,
                f"Outputs go from {outputs.min():g} to {outputs.max():g}: pass from_logits=True.",
            )
        )
    return outputs
