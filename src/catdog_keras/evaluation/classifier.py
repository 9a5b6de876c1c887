"""One pass of a model over labelled pictures."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from catdog_keras._checks import check_boolean, describe
from catdog_keras.evaluation.evaluation import Evaluation, FloatArray, look_like_probabilities
from catdog_keras.evaluation.labels import check_class_names, read_batches, read_labels

Tensors: TypeAlias = Any  # a tensor of any framework, or a nest of them


def evaluate_classifier(
    model: keras.Model,
    dataset: Iterable[Any],
    class_names: Sequence[str],
    files: Sequence[str] | None = None,
    *,
    from_logits: bool = True,
) -> Evaluation:
    """Predicts every picture of a dataset once and returns what follows from it.

    Labels are collected in the pass that predicts: they belong to their pictures even where the
    dataset shuffles anew in each pass. `files`, in contrast, only fit a dataset that keeps its
    order. The model need not be compiled; it runs with `training=False`.

    Args:
        model: a Keras model with one output of shape `(batch, classes)`.
        dataset: batches `(images, labels)`; labels are class indices of shape `(batch,)` or
            `(batch, 1)`, or one-hot rows of shape `(batch, classes)`.
        class_names: the names of the classes, in the order of the model's outputs.
        files: the file of each picture, in the order in which the dataset yields, or None.
        from_logits: True where the model ends in logits, as the models of this package do; False
            where it ends in a softmax.

    Returns:
        The evaluation: labels, probabilities and all numbers from them.

    Raises:
        TypeError: if an argument is of another type.
        ValueError: if the dataset is empty or has no labels, a label names no class, the model's
            outputs are not one number per class, not finite, or not what `from_logits` says, or
            there is another number of files than of pictures.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> batches = [(np.zeros((4, 8, 8, 3)), np.array([0, 1, 1, 0]))]
        >>> catdog_keras.evaluation.evaluate_classifier(model, batches, ["cat", "dog"])
        Evaluation(4 pictures, 2 classes, accuracy=0.500)
    """
    if not isinstance(model, keras.Model):
        raise TypeError(describe("model", "a keras.Model", model))
    names = check_class_names(class_names)
    check_boolean("from_logits", from_logits)
    labels, outputs, seen = [], [], 0
    for images, batch_labels in read_batches(dataset):
        labels.append(read_labels(batch_labels, len(names)))
        predicted = model.predict_on_batch(_readable(images))
        outputs.append(_check_outputs(predicted, (len(labels[-1]), len(names)), seen))
        seen += len(labels[-1])
    if seen == 0:
        raise ValueError("`dataset` must hold at least one picture; received an empty dataset.")
    probabilities = _to_probabilities(np.concatenate(outputs), from_logits)
    return Evaluation(names, np.concatenate(labels), probabilities, files)


def _readable(images: Tensors) -> Tensors:
    """Returns tensors of another framework as NumPy arrays, those of the backend as they are."""
    return keras.tree.map_structure(
        lambda leaf: leaf if keras.ops.is_tensor(leaf) else np.asarray(leaf), images
    )


def _check_outputs(outputs: Tensors, shape: tuple[int, int], seen: int) -> FloatArray:
    """Returns a batch of outputs in float64, or raises if it is not one number per class."""
    structure = keras.tree.flatten(outputs)
    if structure[0] is not outputs:
        raise ValueError(
            "`model` must have one output of shape (batch, classes); "
            f"received a model with {len(structure)} outputs."
        )
    array = np.asarray(outputs).astype(np.float64)
    if array.ndim != 2 or array.shape[1] != shape[1]:
        raise ValueError(
            f"`model` must have one output per class, here {shape[1]}; "
            f"received outputs of shape {('batch', *array.shape[1:])}. "
            "Do `class_names` belong to this model?"
        )
    if array.shape[0] != shape[0]:
        raise ValueError(
            f"`model` must return one row per picture, here {shape[0]}; "
            f"received {array.shape[0]} rows."
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        index = int(np.argmin(finite))
        raise ValueError(
            "`model` must return finite numbers; "
            f"received {array[index].tolist()} for the picture at index {seen + index}. "
            "Its weights or this picture hold NaN or infinity."
        )
    return array


def _to_probabilities(outputs: FloatArray, from_logits: bool) -> FloatArray:
    """Returns probabilities from outputs that are what `from_logits` says, or raises."""
    are_probabilities = look_like_probabilities(outputs)
    if from_logits and are_probabilities and outputs.shape[1] > 1:
        raise ValueError(
            describe(
                "from_logits",
                "False for a model whose outputs are probabilities",
                from_logits,
                "Every row lies in [0, 1] and sums to 1: pass from_logits=False.",
            )
        )
    if from_logits:
        exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)
    if not are_probabilities:
        raise ValueError(
            describe(
                "from_logits",
                "True for a model whose outputs are no probabilities",
                from_logits,
                f"Outputs go from {outputs.min():g} to {outputs.max():g}: pass from_logits=True.",
            )
        )
    return outputs
