"""Learning-rate range test (LR finder)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._batches import with_labels
from catdog_keras._checks import check_integer, check_number, describe
from catdog_keras._class_names import check_order_of_dataset
from catdog_keras._compile import compile_if_needed, compile_like
from catdog_keras._range_check import RangeCheck
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras.diagnostics._label_checks import warn_of_logits
from catdog_keras.training._argument_names import RATE_NAMES
from catdog_keras.training._feature_extractor import FeatureExtractor
from catdog_keras.training._labeled_batches import (
    Batch,
    check_labeled,
    pixels_not_finite_error,
)
from catdog_keras.training._model_parts import ModelParts, check_trainable_in_parts, split_at_head
from catdog_keras.training._suggest_rate import smooth_losses, suggest_rate
from catdog_keras.training._sweep_batches import SweepBatches
from catdog_keras.training._training_state import assign_values, read_values

SMOOTHING = 0.8  # weight of the previous value in the running mean of the loss
DIVERGED = 4.0  # limit: this times the lowest running mean; for losses near zero, an increase by 1


@dataclass(frozen=True)
class LRFinderResult:
    """Result of `find_learning_rate`.

    `print` shows the suggestion, or why there is none.

    Attributes:
        rates: Learning rate of each step, increasing.
        losses: Training loss of each step's batch, before the update of that step.
        suggestion: A tenth of the rate with the lowest smoothed loss, where the loss still
            decreases; at least the lowest rate of the sweep. None if the smoothed loss does not
            fall by more than its noise.

    Example:
        >>> import catdog_keras
        >>> sweep = catdog_keras.LRFinderResult((1e-4, 1e-3, 1e-2), (0.7, 0.5, 2.0), 1e-4)
        >>> max(sweep.rates), sweep.suggestion
        (0.01, 0.0001)
        >>> print(sweep)
        Suggested learning rate: 0.0001
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float | None

    def __str__(self) -> str:
        """Returns the suggestion, or why there is none."""
        if self.suggestion is not None:
            return f"Suggested learning rate: {self.suggestion:.2g}"
        if not self.rates:
            return "There is no suggested learning rate: the sweep has no steps."
        return (
            "There is no suggested learning rate: the loss does not fall between "
            f"{self.rates[0]:.2g} and {self.rates[-1]:.2g}. The model may already be trained, may "
            "not learn from these images, or needs a lower `min_lr`."
        )

    @property
    def smoothed(self) -> tuple[list[float], list[float]]:
        """Rates and losses after a moving average, which removes the noise of single batches."""
        return smooth_losses(self.rates, self.losses)


@suggests_arguments(RATE_NAMES)
def find_learning_rate(
    model: keras.Model,
    train: Any,
    y: Any = None,
    *,
    batch_size: int | None = None,
    min_lr: float = 1e-6,
    max_lr: float = 1.0,
    steps: int = 100,
) -> LRFinderResult:
    """Runs a learning-rate range test and suggests a learning rate.

    Trains for a few steps with an exponentially increasing learning rate and records the loss of
    each. The model is unchanged afterwards, bit for bit: weights, seeds, optimizer, and whether it
    is compiled. The sweep ends early if the loss diverges. It reads one epoch of `train`, or more
    if that has fewer batches than the sweep has steps.

    If the model is a frozen backbone with a head, the features of each image are computed once, as
    by `fit_head`, and only the head is trained in each step. Then `train` is read once, its batches
    are repeated in the same order, and augmentation is not applied, as by `fit_head` with
    `num_views=1`.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks"
    (https://arxiv.org/abs/1506.01186), section 3.3.

    Args:
        model: A Functional or Sequential model. If it is compiled, the sweep uses its loss and a
            new optimizer of the same class and configuration; if not, Adam and cross-entropy.
        train: A dataset of batches, an array, or a tuple of arrays, as for `fit_head`.
        y: The labels if `train` is an array of images, as in `keras.Model.fit`.
        batch_size: Images in each batch of arrays, at least 1; None for 32. A dataset has its own
            batches.
        min_lr: Learning rate of the first step, above 0.
        max_lr: Learning rate of the last step.
        steps: Number of steps, at least 10.

    Returns:
        A `LRFinderResult` with rates, losses and a suggestion; plot it with
        `plot_learning_rate`. If the loss does not fall, the suggestion is None, and a warning
        is shown.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is out of range, the model has several inputs or its own training
            step, `train` is empty or ends before the sweep and cannot be read again, or the loss is
            not finite from the start.

    See Also:
        `plot_learning_rate`: plots the result.
        `fit_head`: trains the head of a frozen backbone.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.build_model1((46, 46, 3))
        >>> data = np.zeros((4, 46, 46, 3)), np.array([0, 1, 1, 1])
        >>> sweep = catdog_keras.find_learning_rate(model, data, steps=10)
        >>> len(sweep.rates) == len(sweep.losses), model.compiled
        (True, False)
    """
    check_trainable_in_parts(model)
    _backend.check_strategy(model)
    train = with_labels("train", train, y, batch_size)
    check_labeled("train", train)
    check_order_of_dataset("train", train, model)
    min_lr = check_number("min_lr", min_lr, minimum=1e-12, maximum=1e3)
    max_lr = check_number("max_lr", max_lr, minimum=1e-12, maximum=1e3)
    if max_lr <= min_lr:
        raise ValueError(describe("max_lr", f"above `min_lr`, {min_lr:g}", max_lr))
    steps = check_integer("steps", steps, minimum=10)
    rates = [min_lr * (max_lr / min_lr) ** (step / (steps - 1)) for step in range(steps)]
    warn_of_logits(model)
    before = read_values(model.variables)
    try:
        with _backend.strategy_scope(model):
            losses = _run_sweep(model, train, rates)
    finally:
        assign_values(model.variables, before)
    if len(losses) < 2:
        raise ValueError(
            f"`min_lr` must be a rate at which the loss is finite; received min_lr={min_lr!r}, "
            f"after which the losses were {losses}."
        )
    rates = rates[: len(losses)]
    result = LRFinderResult(tuple(rates), tuple(losses), suggest_rate(rates, losses))
    if result.suggestion is None:
        warn(str(result))
    return result


def _run_sweep(model: keras.Model, train: Any, rates: list[float]) -> list[float]:
    """Trains model or head at increasing learning rates, and returns the loss of each step."""
    ranges, split = RangeCheck(model), _split_at_head_or_none(model)
    part = _model_of_same_layers(model) if split is None else split.head
    probe = _compile_probe(model, part, rates, train)
    batches = SweepBatches(train, tuple(model.input_shape[1:]), probe, ranges, len(rates))
    if split is None:
        return _sweep_losses(probe, batches.images(), ranges)
    return _sweep_losses(probe, batches.features(FeatureExtractor(split, None)), ranges)


def _split_at_head_or_none(model: keras.Model) -> ModelParts | None:
    """Splits a model at its head for a learning-rate sweep; returns None if this is impossible."""
    if _backend.requires_tf_data(model):
        return None
    try:
        return split_at_head(model)
    except ValueError:
        return None


def _compile_probe(
    model: keras.Model, part: keras.Model, rates: list[float], train: Any
) -> keras.Model:
    """Compiles a part of the model with its loss and an optimizer with increasing learning rates.

    The optimizer of the model is not used.
    """
    optimizer: keras.Optimizer = keras.optimizers.Adam()
    if model.compiled:
        compile_from = model
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    else:
        compile_from = _model_of_same_layers(model)
        compile_if_needed(compile_from, train)
    course = keras.optimizers.schedules.ExponentialDecay(
        rates[0], len(rates) - 1, rates[-1] / rates[0]
    )
    config = {**optimizer.get_config(), "learning_rate": course}
    compile_like(part, compile_from, type(optimizer).from_config(config))
    return part


def _model_of_same_layers(model: keras.Model) -> keras.Model:
    """Returns a model that shares its layers, to compile for the learning-rate sweep."""
    # A list of one tensor would be a nested structure, which does not match a batch of images.
    return keras.Model(model.inputs[0], model.outputs[0])


def _sweep_losses(probe: keras.Model, batches: Iterable[Batch], ranges: RangeCheck) -> list[float]:
    """Returns losses of a learning-rate sweep, up to the last finite one before it diverges."""
    losses: list[float] = []
    mean = lowest = math.inf
    for inputs, labels, weights in batches:
        probe.reset_metrics()  # otherwise the mean over all batches so far is returned
        loss = float(probe.train_on_batch(inputs, labels, weights, return_dict=True)["loss"])
        mean = loss if math.isinf(mean) else SMOOTHING * mean + (1 - SMOOTHING) * loss
        lowest = min(lowest, mean)
        if not math.isfinite(loss) and not ranges.is_finite:
            raise pixels_not_finite_error("train")
        if not math.isfinite(loss) or mean > max(DIVERGED * lowest, lowest + 1.0):
            break
        losses.append(loss)
    ranges.warn(is_complete=True)
    return losses
