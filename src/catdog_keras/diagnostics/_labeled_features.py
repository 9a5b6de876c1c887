"""Checks of labels and groups, which describe the same images."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_array, to_numbers
from catdog_keras._checks import check_class_names, describe
from catdog_keras._message import argument
from catdog_keras.evaluation._labels import read_labels

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of images, their class names and groups.

    Attributes:
        indices: Class indices of shape (images,).
        names: Name of each class; its number if no names are known.
        groups: Numbers of the groups from 0, of shape (images,), or None.
    """

    indices: IntegerArray
    names: tuple[str, ...]
    groups: IntegerArray | None

    @property
    def num_units(self) -> int:
        """Number of groups, or of images if there are no groups."""
        return len(self.indices) if self.groups is None else int(self.groups.max()) + 1


def check_labels(labels: Any, class_names: Sequence[str] | None, groups: Any) -> Labels:
    """Returns labels, names and groups; raises an error if there is one class or no image."""
    names = None if class_names is None else check_class_names(class_names)
    array = to_numbers("labels", "class indices", labels)
    if array.size == 0:
        raise ValueError(argument("labels") + " must hold at least one image; received none.")
    if array.ndim == 0:
        raise ValueError(describe("labels", "an array with one label per image", array.item()))
    if names is None:
        indexed = array.ndim == 1 or array.shape[-1] == 1
        highest = float(array.max()) if indexed else array.shape[-1] - 1
        if not 0 <= highest < len(array):  # more classes than images, or NaN
            requirement = "class indices from 0, with fewer classes than images"
            raise ValueError(describe("labels", requirement, highest))
        names = tuple(str(index) for index in range(int(highest) + 1))
    indices = read_labels(array, len(names))
    if len(np.unique(indices)) < 2:
        requirement = "of at least two classes"
        remedy = f"All {len(indices)} labels are {names[indices[0]]!r}."
        raise ValueError(describe("labels", requirement, int(indices[0]), remedy))
    return Labels(indices, names, _check_groups(groups, len(indices)))


def check_class_sizes(labels: Labels, folds: int) -> None:
    """Raises an error unless each class has an image in each fold, and groups can be kept apart."""
    counts = np.bincount(labels.indices, minlength=len(labels.names))
    if counts.min() < folds:
        rare = int(counts.argmin())
        raise ValueError(
            argument("labels")
            + f" must have at least {folds} images of each class, one for each fold; received "
            f"{counts[rare]} of {labels.names[rare]!r}. Add images, or leave the class out."
        )
    if labels.num_units < folds:
        raise ValueError(
            argument("groups") + f" must have at least {folds} groups, one for each fold; received "
            f"{labels.num_units}. A head is tested on groups that it was not trained on."
        )


def _check_groups(groups: Any, num_images: int) -> IntegerArray | None:
    """Returns the group of each image as a number from 0, in the order of their appearance."""
    if groups is None:
        return None
    requirement = "a list with the group of each image, such as a number or a name, or None"
    if isinstance(groups, (str, bytes, dict, type)) or not hasattr(groups, "__len__"):
        raise TypeError(describe("groups", requirement, groups))
    listed = groups
    if not isinstance(groups, (list, tuple)):  # an array, a tensor or a column of a data frame
        try:
            listed = to_array(groups).tolist()
        except Exception as error:  # each framework raises its own types
            raise TypeError(describe("groups", requirement, type(groups).__name__)) from error
    if len(listed) != num_images:
        raise ValueError(
            argument("groups")
            + f" must hold one group for each image, here {num_images}; received {len(listed)}."
        )
    numbers: dict[Hashable, int] = {}
    for index, group in enumerate(listed):
        if not isinstance(group, Hashable):
            raise TypeError(describe(f"groups[{index}]", "a number or a name", group))
        if group is None or group != group:  # NaN, as pandas fills gaps
            remedy = "Give each image without a group a separate group."
            raise ValueError(describe(f"groups[{index}]", "the group of an image", group, remedy))
        numbers.setdefault(group, len(numbers))
    return np.array([numbers[group] for group in listed], np.int64)
