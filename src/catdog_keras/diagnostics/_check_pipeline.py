"""Checks a dataset against a model before training."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy.typing as npt

from catdog_keras._arrays import to_array, to_numbers
from catdog_keras._batches import batches_of_images, check_iterable, is_array, iterate
from catdog_keras._checks import check_class_names, check_integer, check_model
from catdog_keras._class_names import names_of_dataset
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.diagnostics._argument_names import PIPELINE_NAMES
from catdog_keras.diagnostics._image_checks import find_image_mismatches
from catdog_keras.diagnostics._label_checks import find_label_mismatches
from catdog_keras.diagnostics._pipeline_report import PipelineFinding as Finding, PipelineReport

Array = npt.NDArray[Any]


@suggests_arguments(PIPELINE_NAMES)
def check_pipeline(
    dataset: Iterable[Any],
    model: keras.Model,
    *,
    class_names: Sequence[str] | None = None,
    batches: int = 4,
) -> PipelineReport:
    """Checks a few batches and the model for common mistakes before training.

    The function only inspects: it does not train, print, or raise an error for a problem. The
    report is empty, and therefore false, if no problem was found; call `raise_findings` to raise an
    error. Checks that cannot be decided are skipped.

    Names of the findings: `no_images`, `no_labels`, `not_images` (inputs that are not one array of
    numbers, such as a dict), `labels_not_numbers` (text, or more than one array),
    `unequal_lengths` (a batch without one label for each image), `not_batched`,
    `not_finite` (NaN or infinite pixels), `wrong_shape` (size or channels), `scaled_twice`,
    `never_scaled`, `wrong_range` (scaled to another range than the network expects),
    `augmentation_range` (a layer whose `value_range`
    does not match its inputs), `identical_images` (all images are equal, as from a failed decoder),
    `class_order` (the class names have another order in the model), `labels_outside` (not the index
    of a class), `too_few_outputs`, `single_class` (32 or more labels are all equal, as in a dataset
    that is sorted by class), `one_hot_labels` and `integer_labels` (not the label format of the
    loss), `from_logits` (a softmax before a loss from logits, or logits before a loss from
    probabilities). The last three require a compiled model.

    Args:
        dataset: Batches `(images, labels)`, or a pair of arrays, as for `fit`.
        model: A built Keras model; it must be compiled for the checks of the loss.
        class_names: Names of the classes, in the order of their indices; None for those that the
            dataset carries, if any, as that of `keras.utils.image_dataset_from_directory` does.
        batches: Number of batches to check, at least 1.

    Returns:
        A `PipelineReport`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `batches` is below 1.

    See Also:
        `infer_input_range`: the range of values that a model expects.
        `scan_images`: checks image files.

    Example:
        >>> import catdog_keras, numpy as np
        >>> images = np.random.uniform(0, 1, (4, 46, 46, 3))  # scaled already
        >>> model = catdog_keras.build_model3((46, 46, 3))  # scales its inputs
        >>> catdog_keras.check_pipeline([(images, np.array([0, 1, 1, 0]))], model).names
        ('scaled_twice',)
    """
    check_model(model, "The dataset is the first argument, the model the second.")
    check_iterable("dataset", dataset, "an iterable of batches (images, labels)")
    if class_names is not None:
        class_names = check_class_names(class_names)
    else:
        class_names = names_of_dataset(dataset)
    check_integer("batches", batches, minimum=1)
    findings: list[Finding] = []
    batched = batches_of_images(dataset) if is_array(dataset) else iterate(dataset)
    images, labels = _read_checked_batch(itertools.islice(batched, batches), findings)
    unreadable = {finding.name for finding in findings}
    if "not_images" not in unreadable:
        findings.extend(find_image_mismatches(images, model))
    if any(array.size for array in images) and not labels and not unreadable:
        findings.append(
            Finding(
                "no_labels",
                "The dataset yields images without labels.",
                "Training requires batches (images, labels).",
            )
        )
    elif labels and "labels_not_numbers" not in unreadable:
        findings.extend(find_label_mismatches(labels, model, class_names))
    num_images = sum(len(array) if array.ndim == 4 else 1 for array in images)
    return PipelineReport(tuple(findings), num_images)


def _read_checked_batch(
    batches: Iterable[Any], findings: list[Finding]
) -> tuple[list[Array], list[Array]]:
    """Returns images and labels of a pipeline's batch as arrays; others become a finding."""
    images, labels = [], []
    for batch in batches:
        pair = batch if isinstance(batch, (tuple, list)) and batch else (batch,)
        inputs = _numbers_or_description(pair[0])
        if isinstance(inputs, str):
            findings.append(
                Finding(
                    "not_images",
                    f"The dataset yields {inputs} in place of images.",
                    "Yield batches (images, labels), in which the images are one array of numbers.",
                )
            )
        else:
            images.append(inputs)
        targets = _numbers_or_description(pair[1]) if len(pair) > 1 else None
        if isinstance(targets, str):
            findings.append(
                Finding(
                    "labels_not_numbers",
                    f"The dataset yields {targets} in place of labels.",
                    "Yield class indices, from 0: class_names.index(name) for each name.",
                )
            )
        elif targets is not None:
            labels += [targets] if targets.size else []
            if not isinstance(inputs, str) and _has_other_length(inputs, targets):
                findings.append(_unequal_lengths_finding(inputs, targets))
        if findings:
            break  # further batches are the same
    return images, labels


def _has_other_length(images: Array, labels: Array) -> bool:
    """Whether a nonempty batch of a checked pipeline has more images than labels, or fewer."""
    return images.ndim == 4 and len(images) > 0 and images.shape[:1] != labels.shape[:1]


def _unequal_lengths_finding(images: Array, labels: Array) -> Finding:
    """Returns a pipeline's finding about a batch with more images than labels, or fewer."""
    return Finding(
        "unequal_lengths",
        f"A batch has images of shape {images.shape} and labels of shape {labels.shape}.",
        "Yield one label for each image; the first axis is the batch.",
    )


def _numbers_or_description(value: Any) -> Array | str:
    """Returns a tensor of a checked pipeline as an array of numbers, or its description."""
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(repr, list(value)[:3]))}"
    parts = (
        [part for part in value if hasattr(part, "shape")]
        if isinstance(value, (tuple, list))
        else []
    )
    if any(len(part.shape) for part in parts):
        return f"a {type(value).__name__} of {len(value)} arrays"
    try:
        array = to_numbers("dataset", "values", value)
    except TypeError:
        return "text" if _holds_text(value) else f"values of type {type(value).__name__}"
    return array.astype("float32") if array.dtype.kind == "V" else array  # bfloat16


def _holds_text(value: Any) -> bool:
    """Returns whether a checked pipeline's tensor, array or list begins with text."""
    try:
        first = to_array(value).reshape(-1)[:1].tolist()
    except Exception:  # it cannot be converted to an array
        return False
    return bool(first) and isinstance(first[0], (str, bytes))
