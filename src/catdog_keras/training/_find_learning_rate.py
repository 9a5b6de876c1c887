"""Learning-rate range test (LR finder)."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._checks import check_integer, check_number, describe
from catdog_keras._class_order import check_order_of_dataset
from catdog_keras._compile import compile_if_needed, compile_like
from catdog_keras._range_check import RangeCheck
from catdog_keras.diagnostics._label_checks import require_labels, warn_of_logits
from catdog_keras.training._labeled_batches import (
    Batch,
    check_labeled,
    empty,
    not_finite,
    not_repeatable,
    read_labeled,
)
from catdog_keras.training._split_model import check_trainable_in_parts
from catdog_keras.training._training_state import assign, values

SMOOTHING = 0.8  # weight of the previous value in the running mean of the loss
DIVERGED = 4.0  # limit: this times the lowest running mean; for losses near zero, an increase by 1


@dataclass(frozen=True)
class LRFinderResult:
    """Result of `find_learning_rate`.

    Attributes:
        rates: Learning rate of each step, increasing.
        losses: Training loss of each step's batch, before the update of that step.
        suggestion: A tenth of the rate with the lowest smoothed loss, where the loss still
            decreases; at least the lowest rate of the sweep.

    Example:
        >>> import catdog_keras
        >>> sweep = catdog_keras.LRFinderResult((1e-4, 1e-3, 1e-2), (0.7, 0.5, 2.0), 1e-4)
        >>> max(sweep.rates), sweep.suggestion
        (0.01, 0.0001)
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float

    @property
    def smoothed(self) -> tuple[list[float], list[float]]:
        """Rates and losses after a moving average, which removes the noise of single batches."""
        return _smooth(self.rates, self.losses)


def find_learning_rate(
    model: keras.Model,
    train: Any,
    *,
    min_lr: float = 1e-6,
    max_lr: float = 1.0,
    steps: int = 100,
) -> LRFinderResult:
    """Runs a learning-rate range test and suggests a learning rate.

    Trains for a few steps with an exponentially increasing learning rate and records the loss of
    each. The model is unchanged afterwards, bit for bit: weights, seeds, optimizer, and whether it
    is compiled. The sweep ends early if the loss diverges. It reads one epoch of `train`, or more
    if that has fewer batches than the sweep has steps.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks"
    (https://arxiv.org/abs/1506.01186), section 3.3.

    Args:
        model: A Functional or Sequential model. If it is compiled, the sweep uses its loss and a
            new optimizer of the same class and configuration; if not, Adam and cross-entropy from
            logits.
        train: A dataset of batches `(images, labels)`, as for `fit_head`.
        min_lr: Learning rate of the first step, above 0.
        max_lr: Learning rate of the last step.
        steps: Number of steps, at least 10.

    Returns:
        A `LRFinderResult` with rates, losses and a suggestion; plot it with
        `plot_learning_rate`.

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
    check_labeled("train", train)
    check_order_of_dataset("train", train, model)
    min_lr = check_number("min_lr", min_lr, minimum=1e-12, maximum=1e3)
    max_lr = check_number("max_lr", max_lr, minimum=1e-12, maximum=1e3)
    if max_lr <= min_lr:
        raise ValueError(describe("max_lr", f"above `min_lr`, {min_lr:g}", max_lr))
    steps = check_integer("steps", steps, minimum=10)
    rates = [min_lr * (max_lr / min_lr) ** (step / (steps - 1)) for step in range(steps)]
    warn_of_logits(model)
    before = values(model.variables)
    try:
        with _backend.strategy_scope(model):
            losses = _losses(_probe(model, min_lr, max_lr, steps), train, steps, RangeCheck(model))
    finally:
        assign(model.variables, before)
    if len(losses) < 2:
        raise ValueError(
            f"`min_lr` must be a rate at which the loss is finite; received min_lr={min_lr!r}, "
            f"after which the losses were {losses}."
        )
    rates = rates[: len(losses)]
    return LRFinderResult(tuple(rates), tuple(losses), suggest_rate(rates, losses))


def _probe(model: keras.Model, min_lr: float, max_lr: float, steps: int) -> keras.Model:
    """Returns a separately compiled model of the same layers; `model.optimizer` is not used."""
    probe = _same_layers(model)
    optimizer: keras.Optimizer = keras.optimizers.Adam()
    if model.compiled:
        compile_from = model
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    else:
        compile_from = _same_layers(model)
        compile_if_needed(compile_from)
    course = keras.optimizers.schedules.ExponentialDecay(min_lr, steps - 1, max_lr / min_lr)
    config = {**optimizer.get_config(), "learning_rate": course}
    compile_like(probe, compile_from, type(optimizer).from_config(config))
    return probe


def _same_layers(model: keras.Model) -> keras.Model:
    # A list of one tensor would be a nested structure, which does not match a batch of images.
    return keras.Model(model.inputs[0], model.outputs[0])


def _losses(probe: keras.Model, train: Any, steps: int, ranges: RangeCheck) -> list[float]:
    """Returns the loss of each step, up to the last one that is finite and has not diverged."""
    shape = tuple(probe.input_shape[1:])
    losses: list[float] = []
    mean = lowest = math.inf
    for images, labels, weights in itertools.islice(_repeat(train, shape), steps):
        require_labels("train", labels, probe)
        ranges.see("train", images)
        ranges.warn()
        probe.reset_metrics()  # otherwise the mean over all batches so far is returned
        loss = float(probe.train_on_batch(images, labels, weights, return_dict=True)["loss"])
        mean = loss if math.isinf(mean) else SMOOTHING * mean + (1 - SMOOTHING) * loss
        lowest = min(lowest, mean)
        if not math.isfinite(loss) and not ranges.is_finite:
            raise not_finite("train")
        if not math.isfinite(loss) or mean > max(DIVERGED * lowest, lowest + 1.0):
            break
        losses.append(loss)
    ranges.warn(is_complete=True)
    return losses


def _repeat(train: Any, shape: tuple[int | None, ...]) -> Iterator[Batch]:
    """Yields batches of one epoch after another, without end."""
    for epoch in itertools.count():
        has_images = False
        for batch in read_labeled("train", train, shape):
            has_images = True
            yield batch
        if not has_images:
            raise not_repeatable("train", train) if epoch else empty("train")


def _smooth(rates: Sequence[float], losses: Sequence[float]) -> tuple[list[float], list[float]]:
    """Moving average of the losses over an eighth of the steps, at each window's central rate.

    The loss of a single batch depends on its images as much as on the rate.
    """
    run = min(len(losses), max(3, len(losses) // 8))
    means = np.convolve(losses, np.full(run, 1 / run), "valid")
    middles = [math.sqrt(low * high) for low, high in zip(rates, rates[run - 1 :], strict=False)]
    return middles, means.tolist()


def suggest_rate(rates: list[float], losses: list[float]) -> float:
    """Returns a tenth of the rate of the lowest smoothed loss, at least the lowest rate."""
    middles, means = _smooth(rates, losses)
    return max(middles[int(np.argmin(means))] / 10, rates[0])
