"""Changed copies of images, with known originals, for the benchmarks of the checks of data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

Change = Callable[[Image.Image, np.random.Generator], tuple[Image.Image, int]]

QUALITY = 90  # of copies whose change is another one


@dataclass(frozen=True)
class Copy:
    """A copy of an image: its file, the position of its original, and how it was changed."""

    path: str
    original: int
    change: str


def recompress(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
    """Saves the image with a JPEG quality of 60 to 95."""
    return image, int(random.integers(60, 96))


def resize(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
    """Resizes the image to 0.5 to 2 times its size."""
    scale = 2 ** random.uniform(-1, 1)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BILINEAR), QUALITY


def brighten(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
    """Multiplies the levels by 1.1."""
    del random
    return image.point(lambda level: min(255, round(level * 1.1))), QUALITY


def crop(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
    """Crops the image to 80% of its sides, at a random place."""
    width, height = round(image.width * 0.8), round(image.height * 0.8)
    left = int(random.integers(image.width - width + 1))
    top = int(random.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height)), QUALITY


def mirror(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
    """Exchanges left and right."""
    del random
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), QUALITY


def rotate(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
    """Rotates the image by 5 degrees to one of both sides; the corners become black."""
    degrees = 5 if random.random() < 0.5 else -5
    return image.rotate(degrees, Image.Resampling.BILINEAR), QUALITY


def in_sequence(*changes: Change) -> Change:
    """Returns a change that applies all of the changes; the lowest quality is used."""

    def apply(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, int]:
        qualities = []
        for change in changes:
            image, quality = change(image, random)
            qualities.append(quality)
        return image, min(qualities)

    return apply


SAVED: dict[str, Change] = {"recompressed": recompress, "resized": resize, "brightened": brighten}
MOVED: dict[str, Change] = {"cropped": crop, "mirrored": mirror, "rotated": rotate}


def plant(
    files: Sequence[str], changes: dict[str, Change], folder: Path, count: int, seed: int
) -> list[Copy]:
    """Writes changed copies of randomly drawn images; the changes take turns."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    copies = []
    for place, original in enumerate(random.choice(len(files), count, replace=False).tolist()):
        name = list(changes)[place % len(changes)]
        with Image.open(files[original]) as image:
            changed, quality = changes[name](image.convert("RGB"), random)
        path = folder / f"{place}.jpg"
        changed.save(path, quality=quality)
        copies.append(Copy(str(path), original, name))
    return copies
