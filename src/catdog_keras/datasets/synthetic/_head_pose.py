"""Projection of a head from face coordinates to pixels.

A head is a sphere that is rotated before it is projected. Face coordinates: x to the right, y
down, depth towards the viewer; the radius of the skull is 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from catdog_keras.datasets.synthetic._canvas import Points


@dataclass(frozen=True)
class HeadPose:
    """Position and rotation of a head.

    Attributes:
        center: Center of the skull, in pixels.
        radius: Radius of the skull, in pixels.
        yaw: Rotation to the right of the image, in radians.
        pitch: Rotation down, in radians.
        roll: Rotation in the image plane, clockwise, in radians.
    """

    center: tuple[float, float]
    radius: float
    yaw: float
    pitch: float
    roll: float

    def flat(self, points: ArrayLike) -> Points:
        """Projects face points without yaw and pitch, for outlines."""
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turned = np.asarray(points, dtype=np.float64) @ np.array([[cos, sin], [-sin, cos]])
        placed: Points = turned * self.radius + np.asarray(self.center)
        return placed

    def solid(self, points: ArrayLike, depth: float | None = None) -> Points:
        """Projects face points with rotation; without `depth` they are on the sphere's surface."""
        x, y = np.asarray(points, dtype=np.float64).T
        z = np.sqrt(np.maximum(0.05, 1 - 0.8 * (x**2 + y**2))) if depth is None else depth
        along = x * np.cos(self.yaw) + z * np.sin(self.yaw)
        z = z * np.cos(self.yaw) - x * np.sin(self.yaw)
        down = y * np.cos(self.pitch) + z * np.sin(self.pitch)
        return self.flat(np.stack([along, down], axis=1))

    def far(self, side: int) -> bool:
        """Returns whether `side` (-1 left, 1 right) is turned away from the viewer."""
        return self.yaw * side > 0.3
