"""Poses of the synthetic animals: portrait, sitting, lying and walking.

Poses have their own units, in which the radius of the skull is about 1: x points in the direction
in which the animal faces, y points down, and the ground is at y = 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from catdog_keras.datasets.synthetic._canvas import (
    Canvas,
    Points,
    closed_curve,
    ellipse,
    limb,
    mix,
    open_curve,
    symmetric,
)
from catdog_keras.datasets.synthetic._coats import Coat
from catdog_keras.datasets.synthetic._head_pose import HeadPose
from catdog_keras.datasets.synthetic._heads import draw_cat_head, draw_dog_head


@dataclass(frozen=True)
class Build:
    """Body proportions of a species, in skull radii.

    Attributes:
        draw_head: Function that draws the head.
        leg: Width of a leg.
        paw: Half length of a paw.
        chest: Half width of the chest.
        lift: Additional height of the head.
        tail_length: Length of the tail relative to a cat's.
        tail_widths: Widths of the tail from root to tip.
    """

    draw_head: Callable[[Canvas, HeadPose, Coat], None]
    leg: float
    paw: float
    chest: float
    lift: float
    tail_length: float
    tail_widths: tuple[float, ...]


BUILDS = {
    "cat": Build(draw_cat_head, 0.62, 0.4, 0.95, 0.0, 1.0, (0.42, 0.4, 0.38, 0.3)),
    "dog": Build(draw_dog_head, 0.8, 0.5, 1.2, 0.3, 0.62, (0.5, 0.42, 0.3, 0.14)),
}


@dataclass(frozen=True)
class Stage:
    """Position, scale and direction of a body's pose in the image.

    Attributes:
        origin: Position of the pose's origin, in pixels.
        unit: Length of one unit, in pixels.
        facing: 1 if the animal faces right, -1 if it faces left.
    """

    origin: tuple[float, float]
    unit: float
    facing: int

    def place(self, points: ArrayLike) -> Points:
        """Converts points of the pose to pixels."""
        scale = (self.facing * self.unit, self.unit)
        placed: Points = np.asarray(points, dtype=np.float64) * scale + np.asarray(self.origin)
        return placed


@dataclass(frozen=True)
class Animal:
    """The body of an animal, with the canvas, position, proportions and coat to draw it with."""

    canvas: Canvas
    stage: Stage
    build: Build
    coat: Coat

    def trunk(self, knots: ArrayLike, *, closed: bool = True) -> None:
        """Draws a part of the trunk with the pattern of the coat."""
        outline = self.stage.place(closed_curve(knots))
        marks = self.coat.body_marks(outline, self.canvas.rng)
        self.canvas.fur(outline, self.coat.base, marks=marks, hair=0.12 * self.stage.unit)

    def leg(self, knots: ArrayLike, *, far: bool = False) -> None:
        """Draws a leg from root to paw; a far leg is darker."""
        coat, unit = self.coat, self.stage.unit
        line = self.stage.place(open_curve(knots))
        color = mix(coat.base, (30, 24, 28), 0.35) if far else coat.base
        width = self.build.leg
        marks = [] if far else coat.limb_marks(line, width * unit, self.canvas.rng)
        widths = [1.25 * width * unit, 0.9 * width * unit, 0.8 * width * unit]
        self.canvas.fur(limb(line, widths), color, marks=marks, hair=0.04 * unit)
        foot = np.asarray(knots, dtype=np.float64)[-1]
        self.paw(foot[0] + 0.12, foot[1], far=far)

    def paw(self, x: float, y: float, *, far: bool = False) -> None:
        """Draws a paw with its toes."""
        coat, unit, length = self.coat, self.stage.unit, self.build.paw
        color = mix(coat.paws, (30, 24, 28), 0.35) if far else coat.paws
        outline = self.stage.place(ellipse((x, y - 0.2), (length, 0.6 * length)))
        self.canvas.fur(outline, color, hair=0.03 * unit)
        if not far:
            for toe in (-0.3, 0.25):
                ends = [(x + toe * length, y - 0.3), (x + toe * length, y - 0.02)]
                self.canvas.line(self.stage.place(ends), mix(color, (30, 20, 20), 0.6), 0.06 * unit)

    def tail(self, knots: ArrayLike) -> None:
        """Draws the tail from root to tip, scaled to the tail length of the species."""
        points = np.asarray(knots, dtype=np.float64)
        points = points[0] + (points - points[0]) * self.build.tail_length
        line = self.stage.place(open_curve(points))
        unit, coat = self.stage.unit, self.coat
        widths = [width * unit for width in self.build.tail_widths]
        marks = coat.limb_marks(line, widths[0], self.canvas.rng)
        color = coat.marking if coat.pattern == "masked" else coat.base
        self.canvas.fur(limb(line, widths), color, marks=marks, hair=0.09 * unit)

    def chest(self, knots: ArrayLike) -> None:
        """Draws the light fur of the chest."""
        coat = self.coat
        light = coat.light if coat.pattern == "bibbed" else mix(coat.base, coat.light, 0.5)
        outline = self.stage.place(closed_curve(knots))
        self.canvas.fur(outline, light, hair=0.14 * self.stage.unit, edge=0.0)

    def head(self, center: tuple[float, float], size: float, yaw: float) -> None:
        """Draws the head with a random pitch and roll."""
        rng = self.canvas.rng
        pose = HeadPose(
            center=tuple(self.stage.place([center])[0]),
            radius=size * self.stage.unit,
            yaw=yaw * self.stage.facing,
            pitch=rng.normal(0.02, 0.1),
            roll=float(np.clip(rng.normal(0, 0.14), -0.35, 0.35)),
        )
        self.build.draw_head(self.canvas, pose, self.coat)


def portrait(sitter: Animal) -> None:
    """Draws only head and shoulders of the body, in frontal view or turned."""
    rng = sitter.canvas.rng
    wide = 0.5 + 0.5 * sitter.build.chest + rng.normal(0, 0.12)
    half = [(0, -2.6), (0.6 * wide, -2.4), (1.05 * wide, -1.6), (1.35 * wide, -0.6),
            (1.5 * wide, 1.5), (0, 1.6)]  # fmt: skip
    sitter.trunk(symmetric(half))
    sitter.chest(symmetric([(0, -2.2), (0.5, -2.0), (0.55 * wide, -1.0), (0, 0.6)]))
    turned = rng.random() < 0.5
    yaw = rng.uniform(0.35, 0.8) if turned else rng.normal(0, 0.12)
    sitter.head((0.1 * yaw, -3.1 + rng.normal(0, 0.15)), rng.uniform(1.05, 1.25), yaw)


def sitting(sitter: Animal) -> None:
    """Draws the body of a sitting animal in frontal view."""
    build, rng = sitter.build, sitter.canvas.rng
    wide, lean = build.chest, rng.normal(0, 0.15)
    sitter.tail([(1.1, -0.4), (2.2, -0.25), (2.75, -0.8), (2.5, -1.7)])
    half = [(0, -3.4), (0.55 * wide, -3.1), (0.95 * wide, -2.3), (1.05 * wide, -1.4),
            (1.5 * wide, -0.7), (1.4 * wide, -0.12), (0, -0.05)]  # fmt: skip
    sitter.trunk(symmetric(half))
    sitter.chest(symmetric([(0, -3.0), (0.6 * wide, -2.7), (0.5 * wide, -1.7), (0, -1.2)]))
    for side in (-1, 1):
        sitter.paw(1.05 * wide * side, 0.02)
    for side in (-1, 1):
        root, foot = 0.55 * wide * side, 0.42 * wide * side
        sitter.leg([(root, -2.2), (foot, -1.2), (foot, -0.15)])
    sitter.head((lean, -3.75 - build.lift), rng.uniform(1.15, 1.45), rng.normal(0.1, 0.3))


def lying(sitter: Animal) -> None:
    """Draws the body of an animal that lies on its belly with its front paws forward."""
    build, rng = sitter.build, sitter.canvas.rng
    deep = 0.75 + 0.25 * build.chest
    sitter.tail([(-2.5, -0.35), (-3.5, -0.25), (-4.1, -0.7), (-3.9, -1.4)])
    sitter.leg([(0.9, -0.6), (1.7, -0.45), (2.5, -0.3)], far=True)
    sitter.trunk([(-2.9, -0.4), (-2.6, -1.5 * deep), (-1.4, -1.95 * deep), (0.0, -1.8 * deep),
                  (1.0, -2.2), (1.6, -1.4), (1.5, -0.2), (0, 0.0), (-2.3, 0.02)])  # fmt: skip
    sitter.trunk(ellipse((-1.85, -0.75), (1.0, 0.78 * deep))[::3])
    sitter.paw(-1.0, 0.05)
    sitter.chest([(0.7, -2.0), (1.5, -1.9), (1.6, -1.0), (1.1, -0.5), (0.7, -1.0)])
    sitter.leg([(0.7, -0.5), (1.3, -0.2), (2.1, -0.08)])
    sitter.head((1.2, -2.55 - build.lift), rng.uniform(1.15, 1.45), rng.uniform(-0.1, 0.6))


def walking(sitter: Animal) -> None:
    """Draws the body of a walking animal in side view."""
    build, rng = sitter.build, sitter.canvas.rng
    stride, deep = rng.uniform(-0.5, 0.5), build.chest
    sitter.leg([(1.4, -2.0), (1.5 + stride, -1.1), (1.3 + stride, -0.12)], far=True)
    sitter.leg([(-1.8, -2.0), (-1.6 - stride, -1.1), (-1.9 - stride, -0.12)], far=True)
    swing = rng.uniform(-0.3, 0.3)
    sitter.tail([(-2.1, -2.8), (-3.2, -3.0), (-3.7 + swing, -3.9), (-3.3 + 2 * swing, -4.8)])
    sitter.trunk([(-2.5, -2.3), (-2.1, -3.0), (-0.8, -3.1), (0.6, -3.0), (1.7, -3.5 - build.lift),
                  (2.4, -3.2), (2.3, -2.1), (1.5, -1.5 - 0.1 * deep), (0.0, -1.55),
                  (-1.3, -1.75), (-2.2, -1.5)])  # fmt: skip
    sitter.chest([(1.8, -3.0), (2.4, -2.9), (2.3, -2.1), (1.8, -1.8)])
    sitter.leg([(1.5, -2.0), (1.4 - stride, -1.1), (1.6 - stride, -0.05)])
    sitter.leg([(-1.9, -2.1), (-1.5 + stride, -1.2), (-1.9 + stride, -0.05)])
    sitter.head((2.35, -3.85 - build.lift), rng.uniform(1.15, 1.45), rng.uniform(0.1, 0.8))


@dataclass(frozen=True)
class Pose:
    """A pose of the body and its bounding box, in units of the pose.

    Attributes:
        draw: Function that draws the animal.
        half_width: Extent to each side of the origin.
        height: Extent above the ground.
        share: Fraction of the images with this pose.
        shadow: Half width of the shadow on the ground; 0 for no shadow.
    """

    draw: Callable[[Animal], None]
    half_width: float
    height: float
    share: float
    shadow: float

    @property
    def name(self) -> str:
        """Name of the pose: "portrait", "sitting", "lying" or "walking"."""
        return self.draw.__name__


POSES = (
    Pose(portrait, 1.9, 4.9, 0.46, 0.0),
    Pose(sitting, 2.6, 5.9, 0.2, 2.1),
    Pose(lying, 3.5, 5.1, 0.14, 3.0),
    Pose(walking, 3.6, 6.1, 0.2, 2.8),
)
