"""From points of a face to points of the picture.

A head is a ball that is turned before it is projected. Face coordinates: x to the right, y
downwards, depth towards the viewer; the skull's radius is 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from catdog_keras.datasets.synthetic.canvas import Points


@dataclass(frozen=True)
class HeadPose:
    """Where a head is and where it looks.

    Attributes:
        centre: Middle of the skull, in pixels.
        radius: Radius of the skull, in pixels.
        yaw: Turn to the picture's right, in radians.
        pitch: Nod downwards, in radians.
        roll: Tilt, clockwise, in radians.
    """

    centre: tuple[float, float]
    radius: float
    yaw: float
    pitch: float
    roll: float

    def flat(self, points: ArrayLike) -> Points:
        """Places face points in the picture without turning the head: outlines."""
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turned = np.asarray(points, dtype=np.float64) @ np.array([[cos, sin], [-sin, cos]])
        placed: Points = turned * self.radius + np.asarray(self.centre)
        return placed

    def solid(self, points: ArrayLike, depth: float | None = None) -> Points:
        """Turns face points with the head; without `depth` they lie on the ball's surface."""
        x, y = np.asarray(points, dtype=np.float64).T
        z = np.sqrt(np.maximum(0.05, 1 - 0.8 * (x**2 + y**2))) if depth is None else depth
        along = x * np.cos(self.yaw) + z * np.sin(self.yaw)
        z = z * np.cos(self.yaw) - x * np.sin(self.yaw)
        down = y * np.cos(self.pitch) + z * np.sin(self.pitch)
        return self.flat(np.stack([along, down], axis=1))

    def far(self, side: int) -> bool:
        """Whether the head is turned so far that `side` (-1 left, 1 right) is its far one."""
        return self.yaw * side > 0.3
