"""Validated options of the dataset loaders."""

import numbers
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from catdog_keras._checks import (
    check_boolean,
    check_choice,
    check_image_size,
    check_integer,
    check_number,
    check_path,
    describe,
)
from catdog_keras._image_files.colors import CHANNELS
from catdog_keras._message import argument
from catdog_keras.datasets._skipped_names import is_hidden
from catdog_keras.datasets._split_methods import SPLIT_FUNCTIONS, TEST_FRACTION

ON_BAD = ("skip", "raise")
NEAR_DUPLICATES = ("together", "ignore")
HOLDOUT_FRACTION = 1 / 3  # the tutorial holds out 1,000 of 3,000 images

SplitMethod = Literal["take_skip", "stratified"]
OnBad = Literal["skip", "raise"]
NearDuplicatePolicy = Literal["together", "ignore"]

# What a manifest records, so that images are prepared for evaluation as for training.
PREPARATION = (
    "image_size",
    "color_mode",
    "interpolation",
    "crop_to_aspect_ratio",
    "pad_to_aspect_ratio",
)

ImageSize: TypeAlias = int | tuple[int, int]
LabelMode = Literal["int", "categorical", "binary"]
ColorMode = Literal["rgb", "grayscale", "rgba"]
Interpolation = Literal[
    "bilinear",
    "nearest",
    "bicubic",
    "area",
    "lanczos3",
    "lanczos5",
    "gaussian",
    "mitchellcubic",
]
LABEL_MODES, INTERPOLATIONS = get_args(LabelMode), get_args(Interpolation)

# Values in other functions of Keras, and in scikit-learn.
_LABEL_MODE_HINTS: dict[Any, str] = {
    **dict.fromkeys(("integer", "sparse", "sparse_categorical"), "Did you mean 'int'?"),
    **dict.fromkeys(("one-hot", "one_hot", "onehot"), "Did you mean 'categorical'?"),
    None: "`load_images` without class names loads images without labels.",
}
_COLOR_MODE_HINTS = {
    **dict.fromkeys(("gray", "grey", "greyscale", "l"), "Did you mean 'grayscale'?"),
    **dict.fromkeys(("color", "colour"), "Did you mean 'rgb'?"),
}
_SPLIT_HINTS = {
    "random": "Both draw at random, by `seed`; 'stratified' draws from each class separately.",
}


@dataclass(frozen=True)
class BatchOptions:
    """Options for decoding, resizing, batching and shuffling.

    Those of Keras's `image_dataset_from_directory` have its names and meanings.
    """

    image_size: ImageSize
    batch_size: int
    shuffle: bool
    seed: int
    cache: bool | str | os.PathLike[str]
    label_mode: str = "int"
    color_mode: str = "rgb"
    interpolation: str = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False

    @classmethod
    def in_order(cls, image_size: ImageSize, batch_size: int, **options: Any) -> "BatchOptions":
        """Returns the options for images that are read once and in order."""
        return cls(image_size, batch_size, shuffle=False, seed=0, cache=False, **options)

    def __post_init__(self) -> None:
        """Validates the types and values."""
        object.__setattr__(self, "image_size", check_image_size("image_size", self.image_size))
        check_choice("label_mode", self.label_mode, LABEL_MODES, _LABEL_MODE_HINTS)
        check_choice("color_mode", self.color_mode, CHANNELS, _COLOR_MODE_HINTS)
        check_choice("interpolation", self.interpolation, INTERPOLATIONS)
        check_boolean("crop_to_aspect_ratio", self.crop_to_aspect_ratio)
        check_boolean("pad_to_aspect_ratio", self.pad_to_aspect_ratio)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            must = "False if " + argument("crop_to_aspect_ratio") + " is True"
            raise ValueError(describe("pad_to_aspect_ratio", must, True))
        if self.batch_size is None:
            remedy = "For single images, call `unbatch()` of a dataset."
            raise TypeError(describe("batch_size", "an integer of at least 1", None, remedy))
        check_integer("batch_size", self.batch_size, minimum=1)
        check_boolean("shuffle", self.shuffle)
        check_integer("seed", self.seed, minimum=0)
        requirement = "True, False or the path of a folder"
        if not isinstance(self.cache, bool):
            folder = check_path("cache", self.cache, requirement)
            if folder.is_file():
                raise NotADirectoryError(describe("cache", requirement, str(self.cache)))
            # An absolute path is independent of later changes of the working directory.
            object.__setattr__(self, "cache", folder.absolute())

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each image."""
        height, width = check_image_size("image_size", self.image_size)
        return height, width, CHANNELS[self.color_mode]

    @property
    def preparation(self) -> dict[str, Any]:
        """The options that determine the pixels of an image, as they are written to JSON."""
        sides = list(self.image_shape[:2])
        return {name: getattr(self, name) for name in PREPARATION} | {"image_size": sides}

    def check_label_mode(self, class_names: Collection[str]) -> None:
        """Raises if binary labels are requested for another number of classes than two."""
        if self.label_mode == "binary" and len(class_names) != 2:
            remedy = f"Two classes are required for binary labels; there are {len(class_names)}."
            raise ValueError(describe("label_mode", "'int' or 'categorical'", "binary", remedy))

    def check_outside(self, folder: Path) -> None:
        """Raises if the cache folder is inside the image folder, where it would become a class."""
        if isinstance(self.cache, bool):
            return
        # Unlike `Path.resolve`, without an error for a link to itself.
        cache, images = Path(os.path.realpath(self.cache)), Path(os.path.realpath(folder))
        if not cache.is_relative_to(images):
            return
        if not any(map(is_hidden, cache.relative_to(images).parts)):
            requirement = "a folder outside of the image folders"
            remedy = "Start its name with a dot, or use another location."
            raise ValueError(describe("cache", requirement, str(self.cache), remedy))


@dataclass(frozen=True)
class SplitOptions:
    """Options for splitting, and for files that cannot be read as images.

    `name_groups` returns the group of each of some paths relative to a folder; see `name_groups` in
    `_groups`. None: the user states no groups. `sets_fractions` states whether the caller has
    arguments for the fractions, which messages can name. `keeps_folders` states whether images
    stay in their split folders although they belong together with images of others.
    """

    split: str
    on_bad: str
    max_bad_fraction: float
    near_duplicates: str
    holdout_fraction: float = HOLDOUT_FRACTION
    test_fraction: float = TEST_FRACTION
    name_groups: Callable[[Sequence[str], Path], dict[str, str]] | None = None
    sets_fractions: bool = True
    keeps_folders: bool = False

    def __post_init__(self) -> None:
        """Validates the types and values."""
        check_choice("split", self.split, SPLIT_FUNCTIONS, _SPLIT_HINTS)
        _check_split_fraction("holdout_fraction", self.holdout_fraction, zero=False)
        _check_split_fraction("test_fraction", self.test_fraction, zero=True)
        check_choice("on_bad", self.on_bad, ON_BAD)
        check_choice("near_duplicates", self.near_duplicates, NEAR_DUPLICATES)
        check_number("max_bad_fraction", self.max_bad_fraction, minimum=0, maximum=1)


def _check_split_fraction(name: str, value: Any, *, zero: bool) -> None:
    """Raises unless an option is a fraction below 1, above 0 or with `zero` at least 0."""
    requirement = "a number of at least 0 and below 1" if zero else "a number above 0 and below 1"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(describe(name, requirement, value))
    if not (0 <= float(value) < 1 and (zero or value)):  # also false for NaN
        raise ValueError(describe(name, requirement, value))
