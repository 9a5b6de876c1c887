"""Fine-tuning: the last layers of a pretrained backbone go on learning, slowly."""

import itertools
import numbers
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import (
    check_integer,
    check_number,
    check_path,
    describe,
)
from catdog_keras.models.checkpoint import State, read_checkpoint, write_checkpoint
from catdog_keras.models.fine_tuning_run import Run, Stage
from catdog_keras.models.labelled_batches import check_labelled
from catdog_keras.models.unfreezing import find_backbone, first_unfrozen

Unfreeze = str | float | Sequence[str | float]


@dataclass(frozen=True)
class FineTuning:
    """How `fine_tune` trains: rates, their course, and what is computed once.

    Attributes:
        learning_rate: Highest rate of Adam, for what stands outside of the backbone.
        lowest_factor: What the first trained layer of the backbone learns at, as a factor of
            `learning_rate`, above 0 up to 1. In between the rate rises evenly, in proportion.
        warmup: Share of a stage's steps in which the rate rises from 0, from 0 to 0.9; in the rest
            it falls to 0 along a cosine.
        patience: Epochs without better weights on the validation data after which a stage ends;
            None for all epochs. The best weights are restored in any case.
        views: How often each picture goes through the frozen layers, whose outputs are kept: once
            as it is, and `views - 1` times as the model's augmentation makes it. Each epoch shows
            one of its views. None keeps nothing: every step runs the whole model, with its
            augmentation.
        dtype: Dtype or policy in which the frozen layers are computed where their outputs are kept,
            such as `"bfloat16"`; None for their own.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.FineTuning(learning_rate=3e-5, patience=None).lowest_factor
        0.1
    """

    learning_rate: float = 1e-4
    lowest_factor: float = 0.1
    warmup: float = 0.1
    patience: int | None = 5
    views: int | None = 1
    dtype: str | None = None

    def __post_init__(self) -> None:
        """Checks what was passed."""
        smallest = 1e-12
        check_number("learning_rate", self.learning_rate, minimum=smallest, maximum=10)
        check_number("lowest_factor", self.lowest_factor, minimum=smallest, maximum=1)
        check_number("warmup", self.warmup, minimum=0, maximum=0.9)
        if self.patience is not None:
            check_integer("patience", self.patience, minimum=1)
        if self.views is not None:
            check_integer("views", self.views, minimum=1, maximum=255)


def fine_tune(
    model: keras.Model,
    train: Any,
    *,
    validation_data: Any = None,
    epochs: int,
    unfreeze: Unfreeze = 0.3,
    options: FineTuning | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> keras.callbacks.History:
    """Trains the last layers of a backbone and all that stands after it.

    Train the head first, by `fit_head`: a head that knows nothing yet spoils the backbone. What
    stays frozen is computed once per picture, where one tensor leads on from it, so that an epoch
    costs the trained layers alone. Batch normalisation of the backbone stays frozen, its averages
    and weights untouched, and works in inference mode.

    With validation data the model ends with the weights of its best epoch, or with those it began
    with if no epoch was better: the highest accuracy, among equals the lowest loss. It is left
    compiled with the loss and the metrics that it had and a new Adam at `options.learning_rate`, so
    that `fit` may go on.

    Args:
        model: A model with a backbone, a model itself, inside; as `transfer_model` builds. If it is
            not compiled it is compiled here, with the cross-entropy from logits and the accuracy.
        train: A dataset of batches `(pictures, labels)`, as for `fit_head`.
        validation_data: The same; None judges nothing and keeps the last weights.
        epochs: Passes over the training pictures, of all stages together.
        unfreeze: The layer of the backbone from which on it is trained: its name, or the fraction
            of the layers, counted from the end, above 0 up to 1. A sequence of them trains in as
            many stages, each with its part of the epochs and with the course of rates from its
            begin, for example `(0.1, 0.3)`.
        options: Rates and the like; None for `FineTuning()`.
        checkpoint: A file that keeps where the training stands after each epoch. Where it exists,
            the same call on the same model and data goes on from there and ends with the same
            bits as one that was never stopped; a dataset must order each pass by its number alone,
            as those of `load_image_folder` do. None for no file.

    Returns:
        The `keras.callbacks.History` of all epochs, those before a restart among them.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is wrong, the model has no backbone, or the file is a checkpoint of
            another call.
        OSError: If the checkpoint cannot be written.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.transfer_model(input_shape=(32, 32, 3), weights=None)
        >>> data = np.zeros((4, 32, 32, 3)), np.array([0, 1, 1, 1])
        >>> history = catdog_keras.fine_tune(model, data, epochs=2, unfreeze="block_16_expand")
        >>> sorted(history.history)
        ['accuracy', 'loss']
    """
    backbone = find_backbone(model)
    _backend.check_strategy(model)
    check_labelled("train", train)
    if validation_data is not None:
        check_labelled("validation_data", validation_data)
    epochs = check_integer("epochs", epochs, minimum=1)
    wanted = _check_unfreeze(unfreeze, epochs)
    firsts = [first_unfrozen(backbone, each) for each in wanted]
    if options is None:
        options = FineTuning()
    elif not isinstance(options, FineTuning):
        raise TypeError(describe("options", "a FineTuning or None", options))
    file = None if checkpoint is None else check_path("checkpoint", checkpoint)
    call = {
        "model": model.name,
        "weights": [list(weight.shape) for weight in model.weights],
        "backend": keras.backend.backend(),
        "epochs": epochs,
        "unfreeze": firsts,
        "options": asdict(options),
    }
    state = None if file is None else read_checkpoint(file, call)

    def save(now: State) -> None:
        if file is not None and _backend.is_first_process():
            write_checkpoint(file, call, now)

    shares = _shares(epochs, len(firsts))
    stages = [Stage(first, share) for first, share in zip(firsts, shares, strict=True)]
    with _backend.strategy_scope(model):
        return Run(model, backbone, train, validation_data, options, save).through(stages, state)


def _check_unfreeze(value: Any, epochs: int) -> Sequence[str | float]:
    requirement = (
        "the name of a layer, a fraction above 0 up to 1, or a sequence of at most as many of them "
        "as epochs"
    )
    stages = value if isinstance(value, list | tuple) else (value,)
    for stage in stages:
        if isinstance(stage, bool) or not isinstance(stage, str | numbers.Real):
            raise TypeError(describe("unfreeze", requirement, value))
    fractions = [stage for stage in stages if not isinstance(stage, str)]
    if not 1 <= len(stages) <= epochs or not all(0 < each <= 1 for each in fractions):
        raise ValueError(describe("unfreeze", requirement, value))
    return stages


def _shares(epochs: int, stages: int) -> list[int]:
    """Epochs of each stage: as even as can be, the later ones not shorter."""
    ends = [epochs * number // stages for number in range(stages + 1)]
    return [end - begin for begin, end in itertools.pairwise(ends)]
