"""Draws one synthetic image, or writes a whole set of them as JPEG files."""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from catdog_keras._checks import check_choice, check_integer, describe
from catdog_keras.datasets.synthetic._bodies import BUILDS, POSES, Animal, Pose, Stage
from catdog_keras.datasets.synthetic._canvas import Canvas
from catdog_keras.datasets.synthetic._coats import choose_coat
from catdog_keras.datasets.synthetic._scenes import draw_foreground, draw_scene

VERSION = 6  # increases when the images or their numbers change: a cached set is drawn again
CLASS_NAMES = ("cat", "dog")
MAX_NUMBER = 2**20 - 1
_TRAIN_PER_CLASS = 150  # few, so that augmentation helps as it does on photographs
_VALIDATION_PER_CLASS = 200
COUNT = len(CLASS_NAMES) * (_TRAIN_PER_CLASS + _VALIDATION_PER_CLASS)  # images by default
_FIRST_VALIDATION_NUMBER = 2000  # as in the public archive
_JPEG_QUALITY = 90
_SUPERSAMPLING = 2
_SHADOW_SCALE = 8  # a soft shadow is drawn this much smaller


@dataclass(frozen=True)
class ImageAttributes:
    """What a synthetic image shows: labels for training a network on it.

    Attributes:
        class_name: "cat" or "dog".
        pose: "portrait", "sitting", "lying" or "walking".
        pattern: Pattern of the coat: "solid", "lined", "patched", "masked" or "bibbed".
        coat_color: Red, green and blue of most of the coat, from 0 to 255, before lighting.
        facing: 1 when the animal faces right, -1 when it faces left.
    """

    class_name: str
    pose: str
    pattern: str
    coat_color: tuple[int, int, int]
    facing: int


@dataclass(frozen=True)
class _ImageToWrite:
    """An image of the synthetic data set that is to be drawn and written to `path`."""

    path: Path
    class_name: str
    number: int


def write_synthetic(
    directory: str | os.PathLike[str],
    *,
    train_per_class: int = _TRAIN_PER_CLASS,
    validation_per_class: int = _VALIDATION_PER_CLASS,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Draws synthetic images of cats and dogs as JPEG files, laid out like the public archive.

    The files are `train/cats/cat.0.jpg`, `train/dogs/dog.0.jpg` and so on, and
    `validation/cats/cat.2000.jpg` onwards: no number is used twice in a class. Threads share the
    work; existing files with the same names are overwritten.

    Args:
        directory: Folder to write into; it is created if it does not exist.
        train_per_class: Training images of each class, at least 0.
        validation_per_class: Validation images of each class, at least 0.
        seed: At least 0; another seed gives other images.
        progress: Called in the calling thread, after each image, with the number of images
            written since its last call: 1.

    Raises:
        TypeError: If a count or `seed` is not an integer.
        ValueError: If a count or `seed` is negative, or so large that numbers run out.

    Example:
        >>> import pathlib, tempfile
        >>> from catdog_keras.datasets.synthetic import write_synthetic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_synthetic(folder, train_per_class=1, validation_per_class=1)
        ...     sorted(path.name for path in pathlib.Path(folder).rglob("*.jpg"))
        ['cat.0.jpg', 'cat.2000.jpg', 'dog.0.jpg', 'dog.2000.jpg']
    """
    train = check_integer("train_per_class", train_per_class, minimum=0)
    validation = check_integer("validation_per_class", validation_per_class, minimum=0)
    seed = check_integer("seed", seed, minimum=0)
    first_validation = max(_FIRST_VALIDATION_NUMBER, train)
    _check_at_most("train_per_class", train, MAX_NUMBER + 1)
    _check_at_most("validation_per_class", validation, MAX_NUMBER + 1 - first_validation)
    numbers = {
        "train": range(train),
        "validation": range(first_validation, first_validation + validation),
    }
    jobs = list(_list_images_to_write(Path(directory), numbers))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            for _ in pool.map(lambda job: _write_jpeg(job, seed), jobs):
                if progress is not None:
                    progress(1)
        except BaseException:  # after Ctrl-C, the images that are not drawn yet are skipped
            pool.shutdown(cancel_futures=True)
            raise


def draw_image(class_name: str, number: int, seed: int = 0) -> Image.Image:
    """Draws one image of the synthetic data set.

    Args:
        class_name: "cat" or "dog".
        number: The image's number in its class, from 0 to 1048575.
        seed: At least 0; another seed gives another image for the same number.

    Returns:
        A `PIL.Image.Image` of mode RGB, 160 to 350 pixels wide and high, portrait or landscape.

    Raises:
        TypeError: If `number` or `seed` is not an integer.
        ValueError: If `class_name` is unknown, or `number` or `seed` is out of its range.

    Example:
        >>> from catdog_keras.datasets.synthetic import draw_image
        >>> draw_image("cat", 0).mode
        'RGB'
    """
    return draw_with_attributes(class_name, number, seed)[0]


def draw_with_attributes(
    class_name: str, number: int, seed: int = 0
) -> tuple[Image.Image, ImageAttributes]:
    """Draws one image like `draw_image` and returns what it shows as well.

    Args:
        class_name: As for `draw_image`, like `number` and `seed`.
        number: The image's number in its class.
        seed: At least 0.

    Returns:
        The `PIL.Image.Image` and its `ImageAttributes`.

    Raises:
        TypeError: As for `draw_image`.
        ValueError: As for `draw_image`.

    Example:
        >>> from catdog_keras.datasets.synthetic import draw_with_attributes
        >>> draw_with_attributes("cat", 0)[1].pose
        'sitting'
    """
    check_choice("class_name", class_name, CLASS_NAMES)
    number = check_integer("number", number, minimum=0)
    _check_at_most("number", number, MAX_NUMBER)
    seed = check_integer("seed", seed, minimum=0)
    rng = np.random.default_rng([seed, CLASS_NAMES.index(class_name), number])
    pose = POSES[rng.choice(len(POSES), p=[pose.share for pose in POSES])]
    size = _choose_size(rng)
    stage = _choose_stage(size, pose, rng)
    horizon = min(0.8, stage.origin[1] / size[1] - rng.uniform(0.05, 0.2))
    lamp = rng.uniform(-np.pi, 0)  # above the animal
    canvas = Canvas(draw_scene(size, horizon, rng), rng, (np.cos(lamp), np.sin(lamp)))
    if pose.shadow > 0:
        _cast_shadow(canvas.image, stage, pose.shadow)
    coat = choose_coat(class_name, rng)
    pose.draw(Animal(canvas, stage, BUILDS[class_name], coat))
    draw_foreground(canvas, rng)
    image = Image.fromarray(_add_camera_effects(canvas.image.reduce(_SUPERSAMPLING), rng))
    return image, ImageAttributes(class_name, pose.name, coat.pattern, coat.base, stage.facing)


def _check_at_most(name: str, value: int, maximum: int) -> None:
    """Raises unless a number of images, or of an image in its class, is at most `maximum`."""
    if value > maximum:
        raise ValueError(describe(name, f"an integer of at most {maximum}", value))


def _list_images_to_write(directory: Path, numbers: dict[str, range]) -> Iterator[_ImageToWrite]:
    """Creates the folders and lists the images to draw."""
    for split, split_numbers in numbers.items():
        for class_name in CLASS_NAMES:
            folder = directory / split / f"{class_name}s"
            folder.mkdir(parents=True, exist_ok=True)
            for number in split_numbers:
                yield _ImageToWrite(folder / f"{class_name}.{number}.jpg", class_name, number)


def _write_jpeg(job: _ImageToWrite, seed: int) -> None:
    """Draws an image of the data set and writes it as a JPEG file."""
    image = io.BytesIO()
    draw_image(job.class_name, job.number, seed).save(image, "JPEG", quality=_JPEG_QUALITY)
    job.path.write_bytes(image.getvalue())  # Pillow itself ignores an incomplete write


def _choose_size(rng: np.random.Generator) -> tuple[int, int]:
    """Draws the size of the canvas: a landscape or portrait image, supersampled."""
    longer = int(rng.integers(230, 351))
    shorter = int(longer * rng.uniform(0.72, 1.0))
    width, height = (longer, shorter) if rng.random() < 0.6 else (shorter, longer)
    return width * _SUPERSAMPLING, height * _SUPERSAMPLING


def _choose_stage(size: tuple[int, int], pose: Pose, rng: np.random.Generator) -> Stage:
    """Draws the size, position and direction that the animal has in a synthetic image."""
    width, height = size
    unit = min(width / (2 * pose.half_width), height / pose.height) * rng.uniform(0.6, 1.0)
    slack = max(width / 2 - pose.half_width * unit, 0.0)
    x = width / 2 + rng.uniform(-1.0, 1.0) * slack
    if pose.shadow > 0:
        lowest = 0.95 * height
        y = rng.uniform(min(pose.height * unit, lowest), lowest)
    else:  # a portrait is cut off by the lower edge
        y = height + rng.uniform(-0.3, 0.2) * unit
    return Stage((x, y), unit, int(rng.choice([-1, 1])))


def _cast_shadow(image: Image.Image, stage: Stage, half_width: float) -> None:
    """Darkens the ground below the animal in a synthetic image."""
    mask = Image.new("L", (image.width // _SHADOW_SCALE, image.height // _SHADOW_SCALE), 0)
    x, y = np.array(stage.origin) / _SHADOW_SCALE
    across, down = np.array([half_width, 0.45]) * stage.unit / _SHADOW_SCALE
    ImageDraw.Draw(mask).ellipse((x - across, y - down, x + across, y + 0.7 * down), fill=150)
    mask = mask.filter(ImageFilter.GaussianBlur(2))
    image.paste((20, 16, 20), (0, 0), mask.resize(image.size, Image.Resampling.BILINEAR))


def _add_camera_effects(image: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Adds camera effects to a synthetic image: blur, exposure, contrast, color cast, grain."""
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.BoxBlur(rng.uniform(0.2, 0.8)))
    gain, gamma = rng.uniform(0.82, 1.12), rng.uniform(0.8, 1.25)
    lift, warmth = rng.normal(3, 9), rng.normal(0, 0.05)
    curve = 255 * gain * (np.arange(256) / 255) ** gamma
    tables = np.concatenate([curve * cast + lift for cast in (1 + warmth, 1, 1 - warmth)])
    image = image.point(np.clip(tables, 0, 255).astype(int).tolist())
    pixels = np.asarray(image).astype(np.int16)
    grain = rng.integers(-256, 256, size=pixels.shape[:2], dtype=np.int16)
    pixels += (grain * rng.integers(2, 14, dtype=np.int16) >> 8)[:, :, None]
    return np.clip(pixels, 0, 255).astype(np.uint8)
