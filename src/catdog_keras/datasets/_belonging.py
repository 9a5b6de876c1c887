"""Which images must be in the same split, and why: they are identical, alike, or of one group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catdog_keras.datasets._components import join_files
from catdog_keras.datasets._image_index import Listing


@dataclass(frozen=True)
class Belonging:
    """Which images belong together, and why.

    Attributes:
        components: Component of each file: files with the same number belong together.
        digests: SHA-256 of each file.
        groups: Group of each file that has one.
    """

    components: Mapping[str, int]
    digests: Mapping[str, str]
    groups: Mapping[str, str]

    def numbers(self, listing: Listing) -> np.ndarray:
        """Returns the component of each image of a listing."""
        return np.array([self.components[file] for file in listing.files], np.int64)

    def names(self, files: Sequence[str]) -> list[str]:
        """Returns the names of the groups of some files."""
        return sorted({self.groups[file] for file in files if file in self.groups})

    def needs_near_duplicates(self, files: Sequence[str]) -> bool:
        """Returns whether only near-duplicates connect some files that belong together."""
        rules = [self.digests] if not self.groups else [self.digests, self.groups]
        return len(set(join_files(files, rules, []).values())) > 1
