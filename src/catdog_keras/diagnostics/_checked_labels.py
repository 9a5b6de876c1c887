"""Labels, class names and groups of images, as arguments that the checks of data share."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_array, to_numbers
from catdog_keras._checks import check_class_names, describe, describe_received
from catdog_keras._message import argument
from catdog_keras._read_labels import read_labels

IntegerArray = npt.NDArray[np.int64]

MOST_CLASSES = 2**31  # larger labels are not class indices


@dataclass(frozen=True, eq=False)
class CheckedLabels:
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


def check_labels(
    labels: Any,
    class_names: Sequence[str] | None,
    groups: Any,
    *,
    num_images: int | None = None,
) -> CheckedLabels:
    """Returns labels, names and groups; raises an error if there is one class or no image.

    If `num_images` is given, another number of labels is an error, which is raised first.
    """
    indices = check_class_indices(labels, class_names, num_images=num_images)
    if class_names is not None:
        names = check_class_names(class_names)
    else:
        highest = int(indices.max())
        if highest >= len(indices):
            requirement = "class indices from 0, with fewer classes than images"
            raise ValueError(describe("labels", requirement, highest))
        names = tuple(str(index) for index in range(highest + 1))
    return CheckedLabels(indices, names, _number_groups(groups, len(indices)))


def check_class_indices(
    labels: Any,
    class_names: Sequence[str] | None,
    *,
    num_images: int | None = None,
    least_classes: int = 2,
) -> IntegerArray:
    """Returns labels, which may be one-hot, as class indices of shape `(images,)`.

    Raises an error if there is no image, not `num_images` of them, or too few classes.
    """
    names = None if class_names is None else check_class_names(class_names)
    array = to_numbers("labels", "class indices", labels)
    if array.size == 0:
        raise ValueError(argument("labels") + " must hold at least one image; received none.")
    if array.ndim == 0:
        raise ValueError(describe("labels", "an array with one label per image", array.item()))
    if num_images is not None and len(array) != num_images:
        requirement = f"an array with one label for each of the {num_images} images"
        raise ValueError(
            describe_received("labels", requirement, f"an array of shape {array.shape}")
        )
    if names is not None:
        num_classes = len(names)
    elif array.ndim > 1 and array.shape[-1] > 1:
        num_classes = array.shape[-1]
    else:
        highest = float(array.max())
        if not 0 <= highest < MOST_CLASSES or highest % 1:  # NaN too
            requirement = "class indices from 0, which are integers"
            raise ValueError(describe("labels", requirement, highest))
        num_classes = int(highest) + 1
    indices = read_labels(array, num_classes)
    if len(np.unique(indices)) < least_classes:
        label = int(indices[0])
        remedy = f"All {len(indices)} labels are {label if names is None else repr(names[label])}."
        raise ValueError(describe("labels", "of at least two classes", label, remedy))
    return indices


def check_class_sizes(labels: CheckedLabels, folds: int) -> None:
    """Raises an error if checked labels have too few images of a class, or groups, for folds."""
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


def _number_groups(groups: Any, num_images: int) -> IntegerArray | None:
    """Returns the checked group of each image as a number from 0, in the order of appearance."""
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
            raise TypeError(
                describe_received("groups", requirement, f"a {type(groups).__name__}")
            ) from error
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
