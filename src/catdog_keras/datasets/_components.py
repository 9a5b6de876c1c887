"""Connected components: which images belong together."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]


class Components:
    """Positions from 0, which are joined in pairs.

    Attributes:
        leaders: For each position one of its component, which is the same for all of them.
        sizes: For each leader the number of positions of its component.
    """

    def __init__(self, size: int) -> None:
        """Starts with each position as a component of its own."""
        self.leaders = np.arange(size)
        self.sizes = np.ones(size, np.int64)
        self._members: dict[int, list[int]] = {}

    def join(self, one: int, other: int) -> None:
        """Joins the components of two positions.

        The smaller one gets the leader of the larger one, so that all joins together take a time
        that is nearly linear.
        """
        kept, gone = sorted(
            (int(self.leaders[one]), int(self.leaders[other])),
            key=lambda leader: (-self.sizes[leader], leader),
        )
        if kept == gone:
            return
        moved = self._members.pop(gone, [gone])
        self.leaders[moved] = kept
        self.sizes[kept] += len(moved)
        self._members.setdefault(kept, [kept]).extend(moved)

    def groups(self) -> list[list[int]]:
        """Returns the components of two or more positions, each in ascending order."""
        return sorted(sorted(members) for members in self._members.values())

    def numbers(self) -> Positions:
        """Numbers the components from 0, in the order of their first positions."""
        if not self._members:
            return self.leaders
        _, firsts, found = np.unique(self.leaders, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(firsts))[found]


def connected_components(size: int, links: Iterable[tuple[int, int, Any]]) -> list[list[int]]:
    """Returns the groups of two or more positions that links connect, each in ascending order."""
    components = Components(size)
    for one, other, _ in links:
        components.join(one, other)
    return components.groups()


def join_files(
    files: Sequence[str], keys: Iterable[Mapping[str, Hashable]], pairs: Sequence[tuple[str, str]]
) -> dict[str, int]:
    """Returns the component of each file, numbered in the order of the files.

    Args:
        files: Distinct paths.
        keys: For each rule a key of each file; files with equal keys belong together.
        pairs: Paths that belong together as well.
    """
    components = Components(len(files))
    for key_of in keys:
        found = [key_of[file] for file in files]
        if len(set(found)) < len(found):
            first: dict[Hashable, int] = {}
            for place, key in enumerate(found):
                if (earlier := first.setdefault(key, place)) != place:
                    components.join(earlier, place)
    if pairs:
        place_of = {file: place for place, file in enumerate(files)}
        for one, other in pairs:
            components.join(place_of[one], place_of[other])
    return dict(zip(files, components.numbers().tolist(), strict=True))
