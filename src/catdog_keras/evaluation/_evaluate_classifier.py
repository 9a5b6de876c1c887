"""Evaluation of a model on a labeled dataset."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._batches import read_batches, with_labels
from catdog_keras._checks import check_class_names, check_model, describe
from catdog_keras._class_names import (
    check_class_order,
    check_names_of_dataset,
    check_not_names,
    check_order_of_dataset,
    index_names,
    known_class_names,
)
from catdog_keras._from_logits import check_from_logits, to_probabilities
from catdog_keras._message import argument
from catdog_keras._prediction import (
    check_inputs,
    check_outputs,
    predict_batches,
)
from catdog_keras._probabilities import FloatArray
from catdog_keras._read_labels import IntegerArray, read_labels
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation._argument_names import EVALUATE_NAMES
from catdog_keras.evaluation._evaluation import Evaluation, with_files

Tensors: TypeAlias = Any  # a tensor of any framework, or a nested structure of them


@suggests_arguments(EVALUATE_NAMES)
def evaluate_classifier(
    model: keras.Model,
    dataset: Iterable[Any],
    y: npt.ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    files: Sequence[str] | None = None,
    batch_size: int | None = None,
    from_logits: bool | None = None,
) -> Evaluation:
    """Evaluates a classifier: predicts every image of a dataset once and computes all metrics.

    Labels are collected in the same epoch as the predictions, so they match even if the dataset is
    reshuffled in each epoch. The model does not have to be compiled; it runs with `training=False`.
    The function warns if the images are not in the range that `infer_input_range` returns.

    Args:
        model: Keras model with one output of shape `(batch, classes)`; for two classes also
            `(batch, 1)`, the logit or probability of the second class.
        dataset: Batches `(images, labels)`, with or without sample weights, which are ignored;
            labels are class indices of shape `(batch,)` or `(batch, 1)`, or one-hot rows of shape
            `(batch, classes)`. Or an array of images.
        y: The labels if `dataset` is an array of images, as in `keras.Model.evaluate`.
        class_names: Class names, in the order of the model's outputs and of the labels. None takes
            those that are saved in the model (see `ClassNames`), otherwise those of the dataset, if
            it has `class_names` as that of `keras.utils.image_dataset_from_directory`, otherwise
            the class indices.
        files: File of each image, in the order in which the dataset yields them; files in the
            folder of another class than their label are an error. None for those of the datasets
            `validation` and `test` of `ImageSplits`, and of `LabeledImages`, which keep their
            order; other datasets have none.
        batch_size: Images in each batch of an array, at least 1; None for 32. A dataset has its own
            batches.
        from_logits: True if the model returns logits, False if it returns probabilities. None
            detects it: a softmax or sigmoid at the end shows probabilities; if the end is unknown,
            as in a subclassed model, the outputs and the loss decide.

    Returns:
        An `Evaluation` with labels, probabilities and all metrics computed from them.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `class_names` is None and the number of classes is unknown, as for a
            subclassed model, the dataset is empty or has no labels, a label is not a valid class
            index, the model's outputs are not one number per class, not finite, or contradict
            `from_logits`, the number of files differs from the number of images, a file is in the
            folder of another class than its label, or the class names saved in the model have
            another order than `class_names`, or than those of a dataset that has class names, such
            as that of `keras.utils.image_dataset_from_directory`.

    See Also:
        `Evaluation`: what is returned: metrics with intervals, curves, losses.
        `predict_probabilities`: the predictions alone.
        `write_report`: an HTML page of the result.
        `plot_confusion_matrix`: plots the confusion matrix.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> batches = [(np.zeros((4, 8, 8, 3)), np.array([0, 1, 1, 0]))]
        >>> names = ["cat", "dog"]
        >>> evaluation = catdog_keras.evaluate_classifier(model, batches, class_names=names)
        >>> evaluation
        Evaluation(4 images, 2 classes, accuracy=0.500)

        Metrics of each class, and the confusion matrix with true classes as rows:

        >>> [(scores.class_name, scores.recall) for scores in evaluation.class_metrics]
        [('cat', 1.0), ('dog', 0.0)]
        >>> evaluation.confusion_matrix.tolist()
        [[2, 0], [2, 0]]

        A model that ends in a softmax is recognized:

        >>> softmax = keras.Sequential([model, keras.layers.Softmax()])
        >>> catdog_keras.evaluate_classifier(softmax, batches, class_names=names)
        Evaluation(4 images, 2 classes, accuracy=0.500)

        Of arrays:

        >>> catdog_keras.evaluate_classifier(softmax, *batches[0], class_names=names)
        Evaluation(4 images, 2 classes, accuracy=0.500)
    """
    check_model(model)
    check_not_names(y)
    dataset = with_labels("dataset", dataset, y, batch_size)
    if class_names is None:
        class_names = known_class_names(model, dataset) or index_names(model)
        if class_names is None:
            requirement = "given if the number of outputs of the model is not known"
            raise ValueError(describe("class_names", requirement, class_names))
    names = check_class_names(class_names)
    check_from_logits(from_logits)
    check_class_order(model, names)
    check_names_of_dataset("dataset", dataset, names)
    outputs, labels = predict_labeled(model, dataset, len(names))
    probabilities = to_probabilities(model, outputs, len(names), from_logits)
    evaluation = Evaluation(names, labels, probabilities, files)
    known = getattr(dataset, "files_in_order", None)
    if files is None and known is not None and len(known) == len(evaluation):
        return with_files(evaluation, known)
    return evaluation


def predict_labeled(
    model: keras.Model, dataset: Iterable[Any], num_classes: int, name: str = "dataset"
) -> tuple[FloatArray, IntegerArray]:
    """Returns outputs and labels of one epoch to evaluate; raises an error if they do not match.

    Args:
        model: Model to run; each image is predicted once.
        dataset: Batches `(images, labels)`.
        num_classes: Number of classes.
        name: Argument name of the dataset, for error messages.
    """
    check_order_of_dataset(name, dataset, model)
    labels: list[IntegerArray] = []
    outputs = [
        check_outputs(predicted, num_classes, before)
        for predicted, before in predict_batches(
            model, _record_labels(model, dataset, num_classes, labels, name), name
        )
    ]
    if not sum(map(len, labels)):
        raise ValueError(f"`{name}` must hold at least one image; received an empty dataset.")
    rows, truth = np.concatenate(outputs), np.concatenate(labels)
    if len(rows) != len(truth):
        raise ValueError(
            argument("model")
            + f" must return one row per image, here {len(truth)}; received {len(rows)} rows."
        )
    return rows, truth


def _record_labels(
    model: keras.Model,
    dataset: Iterable[Any],
    num_classes: int,
    labels: list[IntegerArray],
    name: str,
) -> Iterator[Tensors]:
    """Yields images of nonempty batches to evaluate, and appends their labels to the list."""
    for images, batch_labels in read_batches(dataset, name):
        readable = check_inputs(name, model, images)
        labels.append(read_labels(batch_labels, num_classes, name))
        num_images = len(keras.tree.flatten(readable)[0])
        if num_images != len(labels[-1]):
            raise ValueError(
                f"`{name}` must hold one label per image; "
                f"received a batch of {num_images} images and {len(labels[-1])} labels."
            )
        if num_images:
            yield readable
