"""Validated options of the dataset loaders."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catdog_keras._checks import (
    check_boolean,
    check_choice,
    check_integer,
    check_number,
    check_path,
    check_size,
    describe,
)
from catdog_keras.datasets._skipped_names import is_hidden
from catdog_keras.datasets._split import SPLIT_FUNCTIONS

ON_BAD = ("skip", "raise")

SplitName = Literal["take_skip", "stratified"]
OnBad = Literal["skip", "raise"]


@dataclass(frozen=True)
class BatchOptions:
    """Options for decoding, batching and shuffling."""

    image_size: tuple[int, int]
    batch_size: int
    shuffle: bool
    seed: int
    cache: bool | str | os.PathLike[str]

    def __post_init__(self) -> None:
        """Validates the types and values."""
        check_size("image_size", self.image_size)
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
    """Options for splitting, and for files that cannot be read as images."""

    split: str
    on_bad: str
    max_bad_fraction: float

    def __post_init__(self) -> None:
        """Validates the types and values."""
        check_choice("split", self.split, SPLIT_FUNCTIONS)
        check_choice("on_bad", self.on_bad, ON_BAD)
        check_number("max_bad_fraction", self.max_bad_fraction, minimum=0, maximum=1)
