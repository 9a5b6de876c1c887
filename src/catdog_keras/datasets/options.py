"""What a user may ask of a loader, checked once."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catdog_keras._checks import (
    check_boolean,
    check_choice,
    check_integer,
    check_number,
    check_size,
    describe,
)
from catdog_keras.datasets.splitting import SPLIT_FUNCTIONS

ON_BAD = ("skip", "raise", "quarantine")

SplitName = Literal["take_skip", "stratified"]
OnBad = Literal["skip", "raise", "quarantine"]


@dataclass(frozen=True)
class BatchOptions:
    """How pictures become batches."""

    image_size: tuple[int, int]
    batch_size: int
    shuffle: bool
    seed: int
    cache: bool | str | os.PathLike[str]

    def __post_init__(self) -> None:
        """Raises if an argument has another type or value than it may have."""
        check_size("image_size", self.image_size)
        check_integer("batch_size", self.batch_size, minimum=1)
        check_boolean("shuffle", self.shuffle)
        check_integer("seed", self.seed, minimum=0)
        if not isinstance(self.cache, (bool, str, os.PathLike)) or self.cache == "":
            raise TypeError(describe("cache", "True, False or the path of a folder", self.cache))
        if not isinstance(self.cache, bool) and Path(self.cache).expanduser().is_file():
            raise NotADirectoryError(
                describe("cache", "True, False or the path of a folder", str(self.cache))
            )


@dataclass(frozen=True)
class SplitOptions:
    """How pictures are split, and what becomes of bad ones."""

    split: str
    on_bad: str
    max_bad_fraction: float

    def __post_init__(self) -> None:
        """Raises if an argument has another type or value than it may have."""
        check_choice("split", self.split, SPLIT_FUNCTIONS)
        check_choice("on_bad", self.on_bad, ON_BAD)
        check_number("max_bad_fraction", self.max_bad_fraction, minimum=0, maximum=1)
