"""A short sweep over learning rates, on a copy of a model's state."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._checks import check_integer, check_number, describe
from catdog_keras._layer_graph import check_graph
from catdog_keras.models.checkpoint import assign, values
from catdog_keras.models.compiling import compile_if_needed, compile_like
from catdog_keras.models.labelled_batches import check_labelled, read_labelled

SMOOTHING = 0.8  # share of the losses before in the running mean
DIVERGED = 4.0  # times the lowest running mean, or what a loss near zero has to rise by


@dataclass(frozen=True)
class LearningRateSweep:
    """What `find_learning_rate` saw.

    Attributes:
        rates: The learning rate of each step, rising.
        losses: The loss of each step's batch before that step.
        suggestion: A tenth of the rate at which the smoothed loss is lowest: there it still falls.
            Where it is lowest at the begin of the sweep, the lowest rate.

    Example:
        >>> import catdog_keras
        >>> sweep = catdog_keras.LearningRateSweep((1e-4, 1e-3, 1e-2), (0.7, 0.5, 2.0), 1e-4)
        >>> max(sweep.rates), sweep.suggestion
        (0.01, 0.0001)
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float

    @property
    def smoothed(self) -> tuple[list[float], list[float]]:
        """Rates, and the mean of the losses around each, which differ from batch to batch."""
        return _smooth(self.rates, self.losses)


def find_learning_rate(
    model: keras.Model,
    train: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 100,
) -> LearningRateSweep:
    """Trains for a few steps at a rate that rises from one to the next, and takes them back.

    The model ends as it was, bit for bit: its weights, seeds, optimizer and whether it is compiled.
    The sweep ends early where the loss diverges. It reads one pass of `train`, or more where that
    is shorter than the sweep.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks"
    (https://arxiv.org/abs/1506.01186), section 3.3.

    Args:
        model: A Functional or Sequential model. If it is compiled, the sweep is made with its loss
            and a new optimizer of the same kind; if not, with Adam and the cross-entropy from
            logits.
        train: A dataset of batches `(pictures, labels)`, as for `fit_head`.
        lowest: Rate of the first step, above 0.
        highest: Rate of the last step.
        steps: Number of steps, at least 10.

    Returns:
        A `LearningRateSweep` of rates, losses and a suggestion; `plot_learning_rate` draws it.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is out of its range, or the first loss is not finite already.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.build_model1((46, 46, 3))
        >>> data = np.zeros((4, 46, 46, 3)), np.array([0, 1, 1, 1])
        >>> sweep = catdog_keras.find_learning_rate(model, data, steps=10)
        >>> len(sweep.rates) == len(sweep.losses), model.compiled
        (True, False)
    """
    check_graph(model)
    _backend.check_strategy(model)
    check_labelled("train", train)
    lowest = check_number("lowest", lowest, minimum=1e-12, maximum=1e3)
    highest = check_number("highest", highest, minimum=1e-12, maximum=1e3)
    if highest <= lowest:
        raise ValueError(describe("highest", f"above `lowest`, {lowest:g}", highest))
    steps = check_integer("steps", steps, minimum=10)
    rates = [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]
    before = values(model.variables)
    try:
        with _backend.strategy_scope(model):
            losses = _losses(_probe(model, lowest, highest, steps), train, steps)
    finally:
        assign(model.variables, before)
    if len(losses) < 2:
        raise ValueError(
            f"`lowest` must be a rate at which the loss is finite; received lowest={lowest!r}, "
            f"after which the losses were {losses}."
        )
    rates = rates[: len(losses)]
    return LearningRateSweep(tuple(rates), tuple(losses), suggest_rate(rates, losses))


def _probe(model: keras.Model, lowest: float, highest: float, steps: int) -> keras.Model:
    """A model of the same layers, compiled on its own: the first one's optimizer plays no part."""
    probe = _same_layers(model)
    optimizer: keras.Optimizer = keras.optimizers.Adam()
    if model.compiled:
        compile_from = model
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    else:
        compile_from = _same_layers(model)
        compile_if_needed(compile_from)
    course = keras.optimizers.schedules.ExponentialDecay(lowest, steps - 1, highest / lowest)
    config = {**optimizer.get_config(), "learning_rate": course}
    compile_like(probe, compile_from, type(optimizer).from_config(config))
    return probe


def _same_layers(model: keras.Model) -> keras.Model:
    # A list of one would be a structure of its own, which the pictures of a batch do not have.
    inputs, outputs = (
        each[0] if len(each) == 1 else each for each in (model.inputs, model.outputs)
    )
    return keras.Model(inputs, outputs)


def _losses(probe: keras.Model, train: Any, steps: int) -> list[float]:
    """The loss of each step, up to the last one that is finite and has not diverged."""
    shape = tuple(probe.input_shape[1:])
    passes = itertools.chain.from_iterable(
        read_labelled("train", train, shape) for _ in itertools.count()
    )
    losses: list[float] = []
    mean = lowest = math.inf
    for pictures, labels, weights in itertools.islice(passes, steps):
        probe.reset_metrics()  # or it would return the mean of all batches so far
        loss = float(probe.train_on_batch(pictures, labels, weights, return_dict=True)["loss"])
        mean = loss if math.isinf(mean) else SMOOTHING * mean + (1 - SMOOTHING) * loss
        lowest = min(lowest, mean)
        if not math.isfinite(loss) or mean > max(DIVERGED * lowest, lowest + 1.0):
            break
        losses.append(loss)
    return losses


def _smooth(rates: Sequence[float], losses: Sequence[float]) -> tuple[list[float], list[float]]:
    """The mean loss of each run of neighbouring steps, an eighth of them, over its middle rate.

    The loss of one batch is as much a matter of its pictures as of the rate.
    """
    run = min(len(losses), max(3, len(losses) // 8))
    means = np.convolve(losses, np.full(run, 1 / run), "valid")
    middles = [math.sqrt(low * high) for low, high in zip(rates, rates[run - 1 :], strict=False)]
    return middles, means.tolist()


def suggest_rate(rates: list[float], losses: list[float]) -> float:
    """Returns a tenth of the rate of the lowest smoothed loss, at least the lowest rate."""
    middles, means = _smooth(rates, losses)
    return max(middles[int(np.argmin(means))] / 10, rates[0])
