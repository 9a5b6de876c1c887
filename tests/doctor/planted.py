"""A folder of synthetic cats and dogs with planted faults."""

import itertools
from pathlib import Path

from PIL import Image, ImageOps

from catdog_keras.datasets.synthetic import draw_image

TRAIN, TEST = 36, 14  # images per class
TWIN = ("train/cats/3.jpg", "test/cats/twin.jpg")
SAME_SPLIT = ("train/dogs/2.jpg", "train/dogs/again.png")
FLIPPED = "train/dogs/flipped.jpg"  # shows a cat, without a border
TWO_LABELS = ("train/cats/5.jpg", "train/dogs/five.jpg")
DARK = "test/dogs/dark.png"
BORDER = 12


def plant(root: Path) -> Path:
    """Writes the images: a border around all dogs, copies, a wrong label and a dark image."""
    numbers = itertools.count()
    for split, count in (("train", TRAIN), ("test", TEST)):
        for kind in ("cat", "dog"):
            folder = root / split / f"{kind}s"
            folder.mkdir(parents=True)
            for number in range(count):
                image = draw_image(kind, next(numbers))
                if kind == "dog":
                    image = ImageOps.expand(image, BORDER, (10, 10, 10))
                image.save(folder / f"{number}.jpg", quality=90)
    copy_smaller(root, *TWIN, quality=60)
    copy_smaller(root, *SAME_SPLIT)
    copy_smaller(root, *TWO_LABELS, quality=70)
    draw_image("cat", 900).save(root / FLIPPED, quality=90)
    Image.new("RGB", (90, 90), (4, 4, 4)).save(root / DARK)
    return root


def copy_smaller(root: Path, file: str, to: str, **options: int) -> None:
    """Writes a copy of an image at three quarters of its size, a near-duplicate."""
    with Image.open(root / file) as image:
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(root / to, **options)
