"""Power laws of the error by the number of training images."""

from dataclasses import dataclass

import numpy as np

from catdog_keras._probabilities import FloatArray

_EXPONENTS = np.linspace(0.05, 2.0, 40)  # published ones are from 0.07 to 1


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """`error = floor + scale * (size / unit) ** -exponent`, one law for each row of errors.

    Source: Cortes, C. et al. (1993), Learning curves: asymptotic values and rate of convergence,
    Advances in Neural Information Processing Systems 6.

    Attributes:
        unit: Number of images at which the error is `floor + scale`.
        floor: Error with infinitely many images, at least 0, of shape (laws,).
        scale: At least 0, so that the error never increases, of shape (laws,).
        exponent: From 0.05 to 2, of shape (laws,).
    """

    unit: float
    floor: FloatArray
    scale: FloatArray
    exponent: FloatArray

    @classmethod
    def fit(cls, sizes: FloatArray, errors: FloatArray, weights: FloatArray) -> "PowerLaw":
        """Fits by weighted least squares, exactly for each of 40 exponents.

        Args:
            sizes: Numbers of training images, of shape (sizes,).
            errors: Errors of shape (laws, sizes).
            weights: Weights of the squared deviations, of shape (sizes,).
        """
        unit = float(sizes.max())
        weights = weights / weights.sum()
        mean = errors @ weights
        best = np.full(len(errors), np.inf)
        floor, scale, exponent = np.zeros((3, len(errors)))
        for candidate in _EXPONENTS:
            term = (sizes / unit) ** -candidate
            center = float(weights @ term)
            spread = float(weights @ np.square(term - center))
            slope = np.maximum(errors @ (weights * (term - center)) / spread, 0.0)
            start = mean - slope * center
            below = start < 0  # an error cannot be negative: fit without a floor
            through_zero = errors @ (weights * term) / float(weights @ np.square(term))
            slope, start = np.where(below, through_zero, slope), np.where(below, 0.0, start)
            deviation = np.square(errors - start[:, None] - slope[:, None] * term) @ weights
            better = deviation < best
            best[better] = deviation[better]
            floor[better], scale[better], exponent[better] = start[better], slope[better], candidate
        return cls(unit, floor, scale, exponent)

    def error(self, size: float) -> FloatArray:
        """Returns the errors with `size` training images, from 0 to 1, of shape (laws,)."""
        errors = self.floor + self.scale * (size / self.unit) ** -self.exponent
        return np.asarray(np.minimum(errors, 1.0), np.float64)
