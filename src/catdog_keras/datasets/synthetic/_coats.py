"""Coats of the synthetic animals: one palette for both classes, different patterns for each.

Each pattern of the cats has a counterpart for dogs with the same colors in similar amounts (stripes
and spots, points and mask), so that color does not reveal the class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catdog_keras.datasets.synthetic._canvas import (
    Color,
    Mark,
    Points,
    bands,
    closed_curve,
    mix,
)

_WHITE: Color = (238, 232, 222)
_PALETTE: tuple[tuple[Color, Color], ...] = (  # (coat, darker markings)
    ((70, 66, 70), (32, 28, 34)),
    ((124, 126, 138), (62, 62, 74)),
    ((180, 180, 186), (98, 98, 108)),
    ((242, 236, 224), (166, 128, 92)),
    ((240, 214, 168), (160, 108, 62)),
    ((232, 148, 66), (172, 84, 26)),
    ((222, 176, 102), (150, 98, 44)),
    ((168, 112, 66), (94, 58, 36)),
    ((116, 76, 52), (60, 38, 30)),
    ((184, 154, 124), (98, 76, 62)),
)
_PATCH_COLORS: tuple[Color, ...] = ((206, 128, 58), (62, 54, 54), (128, 88, 60), (122, 120, 126))
_PATTERN_SHARES = {"solid": 0.24, "lined": 0.28, "patched": 0.18, "masked": 0.15, "bibbed": 0.15}


@dataclass(frozen=True)
class Coat:
    """Colors and pattern of an animal.

    Attributes:
        striped: Whether "lined" means stripes (cats) or spots (dogs).
        pattern: "solid", "lined", "patched", "masked" or "bibbed".
        base: Main color of the coat.
        marking: Color of stripes, spots and masks.
        light: Color of muzzle, chest and paws.
        patches: Colors of the patches of a patched coat.
    """

    striped: bool
    pattern: str
    base: Color
    marking: Color
    light: Color
    patches: tuple[Color, Color]

    @property
    def ears(self) -> Color:
        """Color of the backs of the ears."""
        if self.pattern == "patched":
            return self.patches[0]
        return self.marking if self.pattern == "masked" else mix(self.base, self.marking, 0.35)

    @property
    def paws(self) -> Color:
        """Color of the paws."""
        if self.pattern == "masked":
            return self.marking
        return self.light if self.pattern == "bibbed" else self.base

    @property
    def muzzle(self) -> Color:
        """Color of the fur around the mouth."""
        return mix(self.base, self.marking, 0.9) if self.pattern == "masked" else self.light

    def head_marks(self, rng: np.random.Generator) -> list[Mark]:
        """Returns the markings of a face with a half width and half height of about 1."""
        if self.pattern == "lined":
            return _face_stripes(self.marking) if self.striped else self._face_spots(rng)
        if self.pattern == "masked":
            mask = closed_curve([(0, -0.5), (0.6, -0.25), (0.55, 0.5), (0, 0.8), (-0.55, 0.5),
                                 (-0.6, -0.25)])  # fmt: skip
            inner = mask * 0.75 + (0, 0.05)
            return [(mask, mix(self.base, self.marking, 0.45)), (inner, self.marking)]
        if self.pattern == "patched":
            side = rng.choice([-1.0, 1.0])
            eye_patch = _coat_patch((0.55 * side, -0.3), (0.5, 0.62), rng)
            cheek = _coat_patch((-0.85 * side, -0.75), (0.45, 0.5), rng)
            return [(eye_patch, self.patches[0]), (cheek, self.patches[1])]
        if self.pattern == "bibbed":
            blaze = closed_curve([(0, -0.85), (0.1, -0.3), (0.35, 0.3), (0.5, 0.9), (-0.5, 0.9),
                                  (-0.35, 0.3), (-0.1, -0.3)])  # fmt: skip
            return [(blaze, self.light)]
        return []

    def body_marks(self, outline: Points, rng: np.random.Generator) -> list[Mark]:
        """Returns the markings of the trunk, in the coordinates of its outline."""
        corner = outline.min(axis=0)
        extent = np.ptp(outline, axis=0)
        marks: list[Mark] = []
        if self.pattern == "lined":
            shapes = _body_stripes(extent, rng) if self.striped else _coat_spots(rng)
            marks = [(shape, self.marking) for shape in shapes]
        elif self.pattern == "patched":
            for index in range(4):
                place = (0.1 + 0.27 * index + rng.normal(0, 0.05), rng.uniform(0.05, 0.6))
                patch = _coat_patch(place, (rng.uniform(0.1, 0.2), rng.uniform(0.15, 0.35)), rng)
                marks.append((patch, self.patches[index % 2]))
        elif self.pattern == "masked" and not self.striped:
            saddle = _coat_patch((0.45, 0.08), (0.42, 0.36), rng)
            marks = [(saddle, mix(self.base, self.marking, 0.8))]
        return [(shape * extent + corner, color) for shape, color in marks]

    def limb_marks(self, line: Points, width: float, rng: np.random.Generator) -> list[Mark]:
        """Returns the markings of a leg or tail along its center line: rings or spots."""
        if self.pattern == "lined" and self.striped:
            return [(band, self.marking) for band in bands(line, width, len(line) // 5)]
        if self.pattern == "lined":
            picks = line[rng.integers(0, len(line), 4)] + rng.normal(0, width / 4, size=(4, 2))
            radii = (width / 7, width / 6)
            return [(_coat_patch(tuple(pick), radii, rng), self.marking) for pick in picks]
        return []

    def _face_spots(self, rng: np.random.Generator) -> list[Mark]:
        places = [(-0.5, -0.6), (0.1, -0.75), (0.55, -0.45), (-0.75, -0.1), (0.75, 0.2)]
        return [
            (
                _coat_patch(place + rng.normal(0, 0.06, 2), rng.uniform(0.06, 0.14, 2), rng),
                self.marking,
            )
            for place in np.array(places)
        ]


def choose_coat(class_name: str, rng: np.random.Generator) -> Coat:
    """Samples a coat; the classes differ only in the shapes of the pattern."""
    pattern = str(rng.choice(list(_PATTERN_SHARES), p=list(_PATTERN_SHARES.values())))
    base, marking = _PALETTE[rng.integers(len(_PALETTE))]
    if pattern == "patched":
        base = _WHITE
    if pattern == "masked":  # a mask is visible only on light fur
        base, marking = _PALETTE[rng.integers(3, 5)][0], (78, 58, 50)
    tint = rng.normal(0, 6, size=3)
    base = _shifted_color(base, tint)
    first, second = rng.permutation(len(_PATCH_COLORS))[:2]
    return Coat(
        striped=class_name == "cat",
        pattern=pattern,
        base=base,
        marking=_shifted_color(marking, tint),
        light=mix(base, _WHITE, 0.92 if pattern == "bibbed" else rng.uniform(0.15, 0.75)),
        patches=(_PATCH_COLORS[first], _PATCH_COLORS[second]),
    )


def _shifted_color(color: Color, tint: NDArray[np.float64]) -> Color:
    """Returns a fur color with `tint` added to red, green and blue, so that coats differ."""
    red, green, blue = np.clip(np.asarray(color) + tint, 0, 255).astype(int).tolist()
    return red, green, blue


def _coat_patch(
    center: tuple[float, ...] | NDArray[np.float64],
    radii: tuple[float, float] | NDArray[np.float64],
    rng: np.random.Generator,
) -> Points:
    """Returns the outline of an irregular round patch of a coat."""
    turn = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    reach = rng.uniform(0.7, 1.2, size=9)
    ring = np.stack([np.cos(turn) * reach, np.sin(turn) * reach], axis=1)
    return closed_curve(ring * np.asarray(radii) + np.asarray(center), steps=4)


def _coat_stripe(start: tuple[float, float], end: tuple[float, float], width: float) -> Points:
    """Returns a stripe of a coat that is thick in the middle and pointed at both ends."""
    first, last = np.asarray(start), np.asarray(end)
    across = np.array([last[1] - first[1], first[0] - last[0]])
    across *= width / max(float(np.hypot(*across)), 1e-9)
    middle = (first + last) / 2
    return np.array([first, middle + across / 2, last, middle - across / 2])


def _face_stripes(color: Color) -> list[Mark]:
    """Returns the stripes of a tabby's coat on the forehead and cheeks."""
    stripes = [_coat_stripe((0.14 * k, -0.36), (0.22 * k, -0.98), 0.13) for k in (-2, -1, 0, 1, 2)]
    for side in (-1, 1):
        for drop in (0.02, 0.24, 0.46):
            ends = (0.62 * side, drop), (1.02 * side, drop - 0.1)
            stripes.append(_coat_stripe(*ends, 0.11))
    return [(stripe, color) for stripe in stripes]


def _body_stripes(extent: NDArray[np.float64], rng: np.random.Generator) -> list[Points]:
    """Returns stripes of a coat in the unit square: vertical on long bodies, else lateral."""
    stripes = []
    if extent[0] > extent[1]:
        for place in np.linspace(0.06, 0.94, 9):
            top = (place + rng.normal(0, 0.01), -0.05)
            bottom = (place + rng.normal(0.02, 0.03), rng.uniform(0.5, 0.75))
            stripes.append(_coat_stripe(top, bottom, 0.055))
        return stripes
    for place in np.linspace(0.25, 0.9, 6):
        for side in (0.0, 1.0):
            inner = side + (0.36 if side == 0 else -0.36)
            ends = (side, place), (inner, place + rng.normal(0.03, 0.02))
            stripes.append(_coat_stripe(*ends, 0.06))
    return stripes


def _coat_spots(rng: np.random.Generator) -> list[Points]:
    """Returns evenly scattered spots of a coat, in the unit square."""
    spots = []
    for column in range(6):
        for row in range(4):
            place = ((column + rng.uniform(0.1, 0.9)) / 6, (row + rng.uniform(0.1, 0.9)) / 4)
            spots.append(_coat_patch(place, rng.uniform(0.025, 0.06, 2), rng))
    return spots
