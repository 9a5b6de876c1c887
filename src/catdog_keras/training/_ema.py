"""Moving averages of the weights (EMA): settings of the optimizer, and callbacks for them."""

from collections.abc import Iterable
from typing import Any

import keras

from catdog_keras._checks import describe


def uses_ema(optimizer: Any) -> bool:
    """Returns whether an optimizer keeps moving averages of the weights (`use_ema`)."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    parts = getattr(inner, "optimizers", [inner])  # of a MultiOptimizer
    return any(getattr(each, "use_ema", False) for each in parts)


def ema_settings(optimizer: Any) -> dict[str, Any]:
    """Returns the arguments of an optimizer that control its moving averages."""
    if not uses_ema(optimizer):
        return {}
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    names = ("use_ema", "ema_momentum", "ema_overwrite_frequency")
    return {name: getattr(inner, name) for name in names if hasattr(inner, name)}


def check_ema_callbacks(
    model: keras.Model, callbacks: Iterable[Any], *, has_checkpoint: bool
) -> None:
    """Raises a ValueError for a `SwapEMAWeights` that cannot swap, or that cannot be resumed."""
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.SwapEMAWeights):
            continue
        if not uses_ema(model.optimizer):
            requirement = "callbacks without SwapEMAWeights if the optimizer has no moving averages"
            remedy = "Compile the model with an optimizer with `use_ema=True`."
            raise ValueError(describe("callbacks", requirement, "SwapEMAWeights", remedy))
        if has_checkpoint and callback.swap_on_epoch:
            requirement = "callbacks without SwapEMAWeights(swap_on_epoch=True) if `backup` is "
            requirement += "passed"
            remedy = "A checkpoint would contain the swapped weights. Use `SwapEMAWeights()`."
            raise ValueError(describe("callbacks", requirement, "SwapEMAWeights", remedy))


def with_ema_validation(
    optimizer: Any, callbacks: list[keras.callbacks.Callback]
) -> list[keras.callbacks.Callback]:
    """Adds the callback that validates the moving averages of the weights, if there are any.

    `fit` ends with the averages, so the best epoch is selected by their metrics.
    """
    found = any(isinstance(each, keras.callbacks.SwapEMAWeights) for each in callbacks)
    if found or not uses_ema(optimizer):
        return callbacks
    return [keras.callbacks.SwapEMAWeights(), *callbacks]
