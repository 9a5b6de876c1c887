"""Backgrounds of the synthetic images: rooms, meadows, carpets, blurred lights."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from catdog_keras.datasets.synthetic._canvas import (
    Canvas,
    Color,
    closed_curve,
    ellipse,
    limb,
    mix,
    open_curve,
)

_Brush = ImageDraw.ImageDraw
_WALLS: tuple[Color, ...] = (
    (206, 196, 178), (178, 190, 196), (196, 178, 166), (150, 164, 158), (216, 206, 190),
    (128, 142, 160), (190, 160, 140), (166, 156, 172),
)  # fmt: skip
_FLOORS: tuple[Color, ...] = (
    (150, 112, 78), (120, 84, 58), (176, 148, 112), (140, 130, 122), (104, 92, 88),
)  # fmt: skip
_FABRICS: tuple[Color, ...] = (
    (138, 74, 66), (74, 96, 122), (108, 120, 86), (150, 130, 104), (96, 84, 110), (176, 140, 90),
)  # fmt: skip


def draw_scene(size: tuple[int, int], horizon: float, rng: np.random.Generator) -> Image.Image:
    """Draws a random background that is out of focus, as in a photograph.

    Args:
        size: (width, height) of the canvas in pixels.
        horizon: Height at which the ground begins, as a fraction of the image height from the top.
        rng: Random generator of the scene.
    """
    kinds: tuple[Callable[[_Brush, int, int, float, np.random.Generator], None], ...]
    kinds = (
        _draw_room,
        _draw_room,
        _draw_meadow,
        _draw_meadow,
        _draw_carpet,
        _draw_lights,
        _draw_backdrop,
    )
    draw_kind = kinds[rng.integers(len(kinds))]
    width, height = max(size[0] // 3, 8), max(size[1] // 3, 8)
    small = Image.new("RGB", (width, height), _pick_color(_WALLS, rng))
    draw_kind(ImageDraw.Draw(small), width, height, horizon, rng)
    small = small.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 2.5)))
    return small.resize(size, Image.Resampling.BILINEAR)


def _pick_color(colors: tuple[Color, ...], rng: np.random.Generator) -> Color:
    """Returns a random color of a scene's palette, mixed with its first color."""
    return mix(colors[rng.integers(len(colors))], colors[0], rng.uniform(0, 0.4))


def _draw_room(
    d: _Brush, width: int, height: int, horizon: float, rng: np.random.Generator
) -> None:
    """Draws a wall, a floor with boards, and furniture."""
    wall, floor, line = _pick_color(_WALLS, rng), _pick_color(_FLOORS, rng), int(horizon * height)
    d.rectangle((0, 0, width, line), fill=wall)
    if rng.random() < 0.3:  # striped wallpaper
        for x in range(0, width, max(4, width // 12)):
            d.rectangle((x, 0, x + width // 30, line), fill=mix(wall, (255, 255, 255), 0.15))
    d.rectangle((0, line, width, height), fill=floor)
    for step in np.linspace(-1.5, 2.5, 17):
        ends = (width / 2 + (step - 0.5) * width * 0.6, line, step * width, height)
        d.line(ends, fill=mix(floor, (30, 20, 10), 0.25))
    d.rectangle((0, line - height // 30, width, line), fill=mix(wall, (255, 255, 255), 0.45))
    for _ in range(rng.integers(1, 4)):
        furniture = (_draw_window, _draw_painting, _draw_sofa, _draw_plant, _draw_shelf)
        furniture[rng.integers(len(furniture))](d, width, height, line, rng)


def _draw_window(d: _Brush, width: int, height: int, line: int, rng: np.random.Generator) -> None:
    """Draws a window on the wall of a room; `line` is where the floor begins."""
    x, y = rng.uniform(-0.1, 0.8) * width, rng.uniform(0, 0.15) * height
    w, h = 0.3 * width, min(0.45 * height, 0.9 * line)
    d.rectangle((x, y, x + w, y + h), fill=(196, 216, 230), outline=(240, 238, 232), width=4)
    d.line((x + w / 2, y, x + w / 2, y + h), fill=(240, 238, 232), width=3)
    d.line((x, y + h / 2, x + w, y + h / 2), fill=(240, 238, 232), width=3)


def _draw_painting(d: _Brush, width: int, height: int, line: int, rng: np.random.Generator) -> None:
    """Draws a framed painting on the wall of a room."""
    x, y = rng.uniform(0, 0.8) * width, rng.uniform(0.03, 0.25) * height
    w, h = rng.uniform(0.12, 0.25) * width, min(rng.uniform(0.12, 0.25) * height, 0.8 * line)
    d.rectangle(
        (x, y, x + w, y + h), fill=_pick_color(_FABRICS, rng), outline=(70, 52, 40), width=3
    )
    d.ellipse((x + w / 3, y + h / 3, x + 2 * w / 3, y + 2 * h / 3), fill=_pick_color(_WALLS, rng))


def _draw_sofa(d: _Brush, width: int, height: int, line: int, rng: np.random.Generator) -> None:
    """Draws a sofa in a room, at the wall."""
    x, fabric = rng.uniform(-0.3, 0.7) * width, _pick_color(_FABRICS, rng)
    w, h = 0.6 * width, 0.32 * height
    box = (x, line - h, x + w, line + 0.05 * height)
    d.rounded_rectangle(box, radius=8, fill=fabric)
    seat = (x - 0.05 * w, line - 0.4 * h, x + 1.05 * w, line + 0.08 * height)
    d.rounded_rectangle(seat, radius=6, fill=mix(fabric, (255, 240, 220), 0.15))


def _draw_plant(d: _Brush, width: int, height: int, line: int, rng: np.random.Generator) -> None:
    """Draws a plant in a pot, in a room."""
    x, green = rng.uniform(0.05, 0.95) * width, (70, int(rng.integers(96, 130)), 62)
    foot = line + 0.04 * height
    reach = 0.35 * height
    for angle in np.linspace(-1.0, 1.0, 9):
        middle = np.array([x + 0.5 * reach * np.sin(angle), foot - 0.6 * reach * np.cos(angle)])
        leaf = ellipse(middle, (0.05 * width, 0.42 * reach), angle)
        d.polygon(leaf.ravel().tolist(), fill=mix(green, (140, 170, 90), rng.uniform(0, 0.5)))
    pot = (x - 0.07 * width, foot - 0.12 * height, x + 0.07 * width, foot)
    d.rectangle(pot, fill=_pick_color(_FABRICS, rng))


def _draw_shelf(d: _Brush, width: int, height: int, line: int, rng: np.random.Generator) -> None:
    """Draws a shelf with books on the wall of a room."""
    x, y = rng.uniform(-0.1, 0.7) * width, rng.uniform(0.1, 0.4) * height
    for _ in range(rng.integers(4, 9)):
        thick, tall = rng.uniform(0.02, 0.05) * width, rng.uniform(0.1, 0.18) * height
        d.rectangle((x, y - tall, x + thick, y), fill=_pick_color(_FABRICS, rng))
        x += thick + 1
    d.rectangle((x - 0.35 * width, y, x + 0.05 * width, y + 3), fill=(96, 70, 50))


def _draw_meadow(
    d: _Brush, width: int, height: int, horizon: float, rng: np.random.Generator
) -> None:
    """Draws sky, hills, trees and grass."""
    line = int(horizon * height)
    sky = mix((150, 190, 226), (214, 208, 200), rng.uniform(0, 1))
    for y in range(line):
        d.line((0, y, width, y), fill=mix(sky, (238, 236, 228), y / max(line, 1)))
    for _ in range(rng.integers(1, 4)):
        x, rise = rng.uniform(0, 1) * width, rng.uniform(0.05, 0.2) * height
        hill = (x - 0.6 * width, line - rise, x + 0.6 * width, line + rise)
        d.ellipse(hill, fill=mix((92, 130, 92), sky, rng.uniform(0.1, 0.5)))
    for _ in range(rng.integers(0, 5)):
        x, r = rng.uniform(0, 1) * width, rng.uniform(0.06, 0.18) * width
        d.rectangle((x - 2, line - r, x + 2, line + 2), fill=(92, 70, 50))
        crown = mix((62, 100, 58), (120, 140, 70), rng.uniform(0, 1))
        d.ellipse((x - r, line - 2.6 * r, x + r, line - 0.6 * r), fill=crown)
    grass = mix((104, 142, 72), (150, 150, 90), rng.uniform(0, 1))
    d.rectangle((0, line, width, height), fill=grass)
    for x, y in rng.uniform((0, line), (width, height), size=(160, 2)):
        blade = mix(grass, (50, 80, 36) if rng.random() < 0.6 else (200, 206, 120), 0.5)
        d.line((x, y, x + rng.normal(0, 2), y - 0.05 * height), fill=blade)


def _draw_carpet(
    d: _Brush, width: int, height: int, horizon: float, rng: np.random.Generator
) -> None:
    """Draws a patterned rug from above."""
    ground, ink = _pick_color(_FABRICS, rng), _pick_color(_WALLS, rng)
    d.rectangle((0, 0, width, height), fill=mix(ground, ink, 0.25))
    step = int(rng.integers(10, 22))
    style = rng.integers(3)
    for row, y in enumerate(range(0, height + step, step)):
        if style == 0:
            d.line((0, y, width, y), fill=ink, width=2)
            continue
        for x in range((row % 2) * step // 2, width + step, step):
            r = step / 4
            box = (x - r, y - r, x + r, y + r)
            if style == 1:
                d.ellipse(box, fill=ink)
            else:
                d.polygon((x, y - r, x + r, y, x, y + r, x - r, y), fill=ink)


def _draw_lights(
    d: _Brush, width: int, height: int, horizon: float, rng: np.random.Generator
) -> None:
    """Draws round blurred lights, as in photographs with a wide aperture."""
    ground = mix(_pick_color(_FABRICS, rng), (40, 44, 52), 0.35)
    d.rectangle((0, 0, width, height), fill=ground)
    for _ in range(rng.integers(14, 34)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.02, 0.11) * width
        tint = mix(_pick_color(_WALLS, rng), ground, rng.uniform(0.2, 0.8))
        d.ellipse((x - r, y - r, x + r, y + r), fill=tint)


def _draw_backdrop(
    d: _Brush, width: int, height: int, horizon: float, rng: np.random.Generator
) -> None:
    """Draws a studio backdrop, a gradient of two colors."""
    top, bottom = (
        _pick_color(_WALLS, rng),
        mix(_pick_color(_FABRICS, rng), _pick_color(_WALLS, rng), 0.5),
    )
    for y in range(height):
        d.line((0, y, width, y), fill=mix(top, bottom, y / height))


def draw_foreground(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draws grass, a ball or leaves in the scene, in front of the animal, in half of the images."""
    width, height = canvas.image.size
    kind = rng.integers(6)
    side = rng.choice([0.0, 1.0]) * width
    if kind == 0:
        for x in rng.uniform(0, width, size=40):
            tip = (x + rng.normal(0, 12), height * rng.uniform(0.86, 0.94))
            green = mix((70, 104, 50), (150, 160, 90), rng.random())
            line = open_curve([(x, height), ((x + tip[0]) / 2, height * 0.95), tip], steps=4)
            canvas.flat(limb(line, (7, 1)), green)
    elif kind == 1:
        radius = rng.uniform(0.05, 0.1) * width
        center = (abs(side - rng.uniform(0.05, 0.25) * width), height * 0.93 - radius)
        canvas.fur(ellipse(center, (radius, radius)), _pick_color(_FABRICS, rng))
    elif kind == 2:
        for angle in rng.uniform(-0.9, 0.9, size=6):
            middle = (side + 90 * np.sin(angle), height - 70 * np.cos(angle))
            leaf = closed_curve(ellipse(middle, (0.03 * width, 0.14 * height), angle)[::4])
            canvas.fur(leaf, mix((66, 108, 60), (128, 150, 80), rng.random()))
