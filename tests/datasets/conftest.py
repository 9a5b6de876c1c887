"""Folders of tiny images whose color encodes their identity."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

IMAGE_SIDE = 4


def coded_pixels(label: int, number: int) -> np.ndarray:
    """A flat image that carries its label in red and its number in green and blue."""
    color = (60 * label + 30, number // 256, number % 256)
    return np.full((IMAGE_SIDE, IMAGE_SIDE, 3), color, np.uint8)


@pytest.fixture(scope="session")
def read_code() -> Callable[[np.ndarray], tuple[int, int]]:
    """Reads (label, number) back from an image of a batch."""

    def read(image: np.ndarray) -> tuple[int, int]:
        red, green, blue = np.rint(np.asarray(image)[0, 0]).astype(int).tolist()
        return (red - 30) // 60, green * 256 + blue

    return read


@pytest.fixture(scope="session")
def write_coded() -> Callable[[Path, int, int], None]:
    """Writes one flat image that carries a label and a number."""
    return lambda path, label, number: Image.fromarray(coded_pixels(label, number)).save(path)


@pytest.fixture(scope="session")
def make_folder() -> Callable[..., Path]:
    """Writes `counts` images per class folder, e.g. `{"train/cats": 3}`, as PNG files.

    Classes are labeled by the alphabetic order of their names; numbers run through the folder.
    """

    def make(root: Path, counts: dict[str, int]) -> Path:
        names = sorted({Path(folder).name for folder in counts})
        number = 0
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for _ in range(count):
                pixels = coded_pixels(names.index(Path(folder).name), number)
                Image.fromarray(pixels).save(root / folder / f"image.{number}.png")
                number += 1
        return root

    return make


@pytest.fixture(scope="session")
def cats_dogs_template(tmp_path_factory, make_folder: Callable[..., Path]) -> Path:
    """The folder that `cats_dogs` copies."""
    counts = {"train/cats": 30, "train/dogs": 30, "validation/cats": 20, "validation/dogs": 20}
    return make_folder(tmp_path_factory.mktemp("template") / "images", counts)


@pytest.fixture
def cats_dogs(tmp_path: Path, cats_dogs_template: Path) -> Path:
    """The tutorial's layout in small: 60 training and 40 validation images."""
    return Path(shutil.copytree(cats_dogs_template, tmp_path / "images"))
