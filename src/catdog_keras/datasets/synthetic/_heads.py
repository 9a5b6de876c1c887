"""Heads of the synthetic cats and dogs.

The same points describe the front view and the turned head, in which a dog's muzzle protrudes
sideways. Coordinates are those of `head_pose`.
"""

from collections.abc import Callable

import numpy as np

from catdog_keras.datasets.synthetic._canvas import (
    Canvas,
    Color,
    Points,
    closed_curve,
    ellipse,
    hull_of_circles,
    mix,
    open_curve,
    symmetric,
)
from catdog_keras.datasets.synthetic._coats import Coat
from catdog_keras.datasets.synthetic._head_pose import HeadPose

_INK: Color = (38, 28, 30)
_PINK: Color = (222, 150, 148)
_EYE_COLORS: tuple[Color, ...] = (
    (150, 176, 84), (206, 160, 62), (124, 166, 196), (176, 116, 50), (120, 82, 48),
)  # fmt: skip
_NOSES: tuple[Color, ...] = ((46, 38, 40), (46, 38, 40), (96, 62, 56), (196, 122, 118))


def draw_cat_head(canvas: Canvas, pose: HeadPose, coat: Coat) -> None:
    """Draws a cat's head: pointed ears, a round face with whiskers, slit pupils, a small nose."""
    rng = canvas.rng
    spread, height = rng.uniform(0.92, 1.1), rng.uniform(0.9, 1.15)
    for side in (-1, 1):
        _draw_cat_ear(canvas, pose, coat, side, (spread, height))
    half = [(0, -0.78), (0.52, -0.74), (0.9, -0.28), (1.0, 0.2), (0.74, 0.62), (0.3, 0.86),
            (0, 0.9)]  # fmt: skip
    outline = closed_curve(symmetric(half) * rng.uniform((0.95, 0.94), (1.06, 1.02)))
    marks = [(pose.solid(shape), tint) for shape, tint in coat.head_marks(rng)]
    canvas.fur(pose.flat(outline), coat.base, marks=marks, hair=0.09 * pose.radius)
    iris = mix(_EYE_COLORS[rng.integers(len(_EYE_COLORS))], (70, 44, 30), rng.uniform(0, 0.4))
    slit = rng.uniform(0.16, 0.4)
    for side in (-1, 1):
        _draw_cat_eye(canvas, pose, side, iris, slit)
    for side in (-1, 1):
        lobe = ellipse((0.17 * side, 0.42), (0.25, 0.21))
        canvas.fur(pose.solid(lobe, 0.98), coat.muzzle, hair=0.02 * pose.radius, edge=0.25)
    nose = closed_curve([(-0.13, 0.2), (0, 0.17), (0.13, 0.2), (0.05, 0.32), (0, 0.35),
                         (-0.05, 0.32)], 4)  # fmt: skip
    canvas.flat(pose.solid(nose, 1.12), _NOSES[rng.integers(1, len(_NOSES))])
    _draw_cat_mouth(canvas, pose)
    _draw_whiskers(canvas, pose)


def _draw_cat_ear(
    canvas: Canvas, pose: HeadPose, coat: Coat, side: int, scale: tuple[float, float]
) -> None:
    """Draws the pointed ear of a cat on one side; `scale` is its spread and height."""
    spread, height = scale
    tip = (0.86 * spread, -0.72 - 0.72 * height)
    outer = np.array([(0.16, -0.6), (0.5, -1.12), tip, (0.98, -0.85), (0.96, -0.2)])
    ear = closed_curve(outer * (side, 1), steps=5)
    ear[10] = np.array(tip) * (side, 1.03)  # sharpens the tip, the third knot of the spline
    canvas.fur(pose.solid(ear, -0.05), coat.ears, hair=0.03 * pose.radius)
    inner = np.array([(0.36, -0.7), (0.62, -1.08), (0.83 * spread, -0.66 - 0.58 * height),
                      (0.87, -0.8), (0.84, -0.4)])  # fmt: skip
    lining = closed_curve(inner * (side, 1), steps=5)
    canvas.fur(pose.solid(lining, 0.0), mix(_PINK, coat.ears, 0.2), edge=0.2)


def _draw_cat_eye(canvas: Canvas, pose: HeadPose, side: int, iris: Color, slit: float) -> None:
    """Draws the eye of a cat on one side, with a slit pupil of width `slit`."""
    almond = np.array([(-0.27, 0.06), (-0.1, -0.2), (0.14, -0.2), (0.29, -0.08), (0.15, 0.17),
                       (-0.1, 0.19)])  # fmt: skip
    center = np.array([0.44 * side, -0.06])
    lids = closed_curve(almond * (side, 1), steps=5)
    canvas.flat(pose.solid(lids * 1.18 + center), _INK)
    canvas.flat(pose.solid(lids + center), mix(iris, _INK, 0.3))
    canvas.flat(pose.solid(lids * 0.82 + center + (0, 0.02)), iris)
    pupil = ellipse(center, (0.2 * slit, 0.19))
    canvas.flat(pose.solid(pupil), (14, 10, 14))
    _draw_eye_glint(canvas, pose, center, 0.055)


def _draw_cat_mouth(canvas: Canvas, pose: HeadPose) -> None:
    """Draws the mouth of a cat below its nose."""
    width = 0.045 * pose.radius
    canvas.line(pose.solid([(0, 0.34), (0, 0.45)], 1.12), _INK, width)
    for side in (-1, 1):
        smile = open_curve([(0, 0.45), (0.1 * side, 0.53), (0.24 * side, 0.5)], steps=5)
        canvas.line(pose.solid(smile, 1.1), _INK, width)


def _draw_whiskers(canvas: Canvas, pose: HeadPose) -> None:
    """Draws three whiskers on each side of a cat's head, light or dark."""
    tone = (246, 244, 240) if canvas.rng.random() < 0.7 else (60, 52, 52)
    for side in (-1, 1):
        for slope in (-0.16, 0.02, 0.2):
            reach = canvas.rng.uniform(1.2, 1.5) * side
            bend = [(0.26 * side, 0.42 + 0.3 * slope), (0.75 * side, 0.36 + slope),
                    (reach, 0.46 + 1.6 * slope)]  # fmt: skip
            canvas.line(pose.solid(open_curve(bend, 4), 0.85), tone, 0.028 * pose.radius)


def draw_dog_head(canvas: Canvas, pose: HeadPose, coat: Coat) -> None:
    """Draws a dog's head: hanging, folded or erect ears, a long muzzle, a big nose, round eyes."""
    rng = canvas.rng
    kinds: tuple[Callable[[Canvas, HeadPose, Coat, int], None], ...]
    kinds = (
        _draw_hanging_ear,
        _draw_hanging_ear,
        _draw_hanging_ear,
        _draw_folded_ear,
        _draw_folded_ear,
        _draw_erect_ear,
    )
    ear = kinds[rng.integers(len(kinds))]
    behind = ear is _draw_erect_ear
    for side in (-1, 1):
        if behind or pose.far(side):
            ear(canvas, pose, coat, side)
    half = [(0, -0.9), (0.46, -0.84), (0.8, -0.4), (0.84, 0.1), (0.7, 0.55), (0.4, 0.86),
            (0, 0.94)]  # fmt: skip
    outline = closed_curve(symmetric(half) * rng.uniform((0.95, 0.95), (1.08, 1.03)))
    marks = [(pose.solid(shape), tint) for shape, tint in coat.head_marks(rng)]
    canvas.fur(pose.flat(outline), coat.base, marks=marks, hair=0.06 * pose.radius)
    iris = mix(_EYE_COLORS[rng.integers(len(_EYE_COLORS))], (70, 44, 30), rng.uniform(0.35, 0.7))
    for side in (-1, 1):
        _draw_dog_eye(canvas, pose, side, iris)
    for side in (-1, 1):
        if not behind and not pose.far(side):
            ear(canvas, pose, coat, side)
    _draw_dog_muzzle(canvas, pose, coat)


def _draw_hanging_ear(canvas: Canvas, pose: HeadPose, coat: Coat, side: int) -> None:
    """Draws the ear of a dog, on one side, that hangs down at its head."""
    length, flare = canvas.rng.uniform(0.75, 1.25), canvas.rng.uniform(0.95, 1.25)
    flap = np.array([(0.42, -0.86), (0.72, -0.86), (0.98 * flare, -0.4), (1.1 * flare, 0.1),
                     (1.0 * flare, 0.62 * length), (0.8, 0.6 * length), (0.7, 0.0),
                     (0.58, -0.45)])  # fmt: skip
    outline = pose.solid(closed_curve(flap * (side, 1)), 0.12)
    canvas.fur(outline, coat.ears, hair=0.07 * pose.radius, edge=0.6)


def _draw_folded_ear(canvas: Canvas, pose: HeadPose, coat: Coat, side: int) -> None:
    """Draws the ear of a dog, on one side, that stands up and whose tip falls forward."""
    rise = canvas.rng.uniform(0.9, 1.15)
    back = np.array([(0.3, -0.75), (0.52, -1.16 * rise), (0.86, -1.12 * rise), (0.86, -0.45)])
    canvas.fur(pose.solid(closed_curve(back * (side, 1)), 0.0), coat.ears, edge=0.5)
    drop = canvas.rng.uniform(-0.32, -0.1)
    flap = np.array([(0.46, -1.12 * rise), (0.72, -1.2 * rise), (1.0, -1.0), (1.1, -0.6),
                     (1.04, drop), (0.82, -0.5), (0.6, -0.8)])  # fmt: skip
    outline = pose.solid(closed_curve(flap * (side, 1)), 0.15)
    canvas.fur(outline, mix(coat.ears, _INK, 0.15), hair=0.04 * pose.radius, edge=0.6)


def _draw_erect_ear(canvas: Canvas, pose: HeadPose, coat: Coat, side: int) -> None:
    """Draws the ear of a dog, on one side, that stands up and is pointed."""
    rise = canvas.rng.uniform(0.9, 1.1)
    outer = np.array([(0.22, -0.7), (0.34, -1.3 * rise), (0.56, -1.62 * rise),
                      (0.78, -1.3 * rise), (0.86, -0.4)])  # fmt: skip
    canvas.fur(pose.solid(closed_curve(outer * (side, 1)), -0.05), coat.ears,
               hair=0.04 * pose.radius)  # fmt: skip
    lining = closed_curve((outer - (0.56, -0.9)) * 0.6 + (0.56, -0.86)) * (side, 1)
    canvas.fur(pose.solid(lining, 0.0), mix(_PINK, coat.ears, 0.55), edge=0.2)


def _draw_dog_eye(canvas: Canvas, pose: HeadPose, side: int, iris: Color) -> None:
    """Draws the round eye of a dog on one side."""
    center = np.array([0.38 * side, -0.24])
    canvas.flat(pose.solid(ellipse(center, (0.22, 0.21))), _INK)
    canvas.flat(pose.solid(ellipse(center, (0.185, 0.18))), iris)
    canvas.flat(pose.solid(ellipse(center, (0.125, 0.125))), (14, 10, 12))
    _draw_eye_glint(canvas, pose, center, 0.06)


def _draw_dog_muzzle(canvas: Canvas, pose: HeadPose, coat: Coat) -> None:
    """Draws the muzzle of a dog with its nose, sometimes with an open mouth."""
    rng = canvas.rng
    length, breadth = rng.uniform(1.35, 1.95), rng.uniform(0.36, 0.46)
    nose_color = _NOSES[rng.integers(0, 3)]
    panting = rng.random() < 0.45
    root = pose.solid([(0, 0.34)], 0.6)[0]
    tip = pose.solid([(0, 0.32)], length)[0]
    if panting:
        _draw_open_mouth(canvas, pose, coat, length)
    radii = np.array([0.44, breadth]) * pose.radius
    bridge = hull_of_circles([root, tip], radii)
    canvas.fur(bridge, mix(coat.muzzle, coat.base, 0.3), hair=0.03 * pose.radius, edge=0.3)
    for side in (-1, 1):
        jowl = ellipse((0.2 * side, 0.47), (0.27, 0.27))
        canvas.fur(pose.solid(jowl, length), coat.muzzle, hair=0.03 * pose.radius, edge=0.3)
    width = 0.05 * pose.radius
    canvas.line(pose.solid([(0, 0.3), (0, 0.6)], length + 0.1), _INK, width)
    for side in (-1, 1):
        lip = open_curve([(0, 0.6), (0.18 * side, 0.72), (0.42 * side, 0.58)], steps=5)
        canvas.line(pose.solid(lip, length + 0.05), _INK, width)
    nose = closed_curve([(-0.27, 0.1), (0, 0.02), (0.27, 0.1), (0.2, 0.29), (0, 0.38),
                         (-0.2, 0.29)], 5)  # fmt: skip
    canvas.flat(pose.solid(nose, length + 0.12), nose_color)
    shine = ellipse((-0.05, 0.11), (0.11, 0.04))
    canvas.glaze(pose.solid(shine, length + 0.12), (255, 255, 255), 0.4)
    for side in (-1, 1):
        nostril = ellipse((0.12 * side, 0.24), (0.06, 0.04))
        canvas.flat(pose.solid(nostril, length + 0.12), (12, 8, 10))


def _draw_open_mouth(canvas: Canvas, pose: HeadPose, coat: Coat, length: float) -> None:
    """Draws the lower jaw with the tongue hanging out."""
    jaw = ellipse((0, 0.7), (0.32, 0.3))
    canvas.fur(pose.solid(jaw, length - 0.25), coat.muzzle, hair=0.03 * pose.radius)
    canvas.flat(pose.solid(ellipse((0, 0.68), (0.26, 0.2)), length - 0.2), (96, 34, 40))
    reach = canvas.rng.uniform(0.95, 1.3)
    tongue = closed_curve([(-0.15, 0.6), (0.15, 0.6), (0.19, reach - 0.12), (0, reach),
                           (-0.19, reach - 0.12)], 5)  # fmt: skip
    canvas.flat(pose.solid(tongue, length - 0.1), (224, 116, 122))
    canvas.line(pose.solid([(0, 0.66), (0, reach - 0.12)], length - 0.1), (188, 84, 94),
                0.04 * pose.radius)  # fmt: skip


def _draw_eye_glint(canvas: Canvas, pose: HeadPose, center: Points, radius: float) -> None:
    """Draws the reflection of light in an eye, next to its center."""
    spark = ellipse(np.add(center, (0.05, -0.06)), (radius, radius))
    canvas.flat(pose.solid(spark), (250, 250, 248))
