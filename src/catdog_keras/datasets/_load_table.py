"""Loading of images whose labels are in a table."""

import dataclasses
import functools
import os
from collections.abc import Sequence

from catdog_keras._checks import describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.datasets._argument_names import TABLE_NAMES
from catdog_keras.datasets._decisions import apply_decisions, read_decisions
from catdog_keras.datasets._groups import name_groups
from catdog_keras.datasets._image_splits import ImageSplits
from catdog_keras.datasets._label_index import check_stated_classes, index_labels
from catdog_keras.datasets._label_table import Table, labels_by_file, read_columns
from catdog_keras.datasets._options import (
    HOLDOUT_FRACTION,
    BatchOptions,
    ColorMode,
    ImageSize,
    Interpolation,
    LabelMode,
    NearDuplicatePolicy,
    OnBad,
    SplitMethod,
    SplitOptions,
)
from catdog_keras.datasets._select_images import load_splits
from catdog_keras.datasets._source import find_folder
from catdog_keras.datasets._split_methods import TEST_FRACTION

IMAGE_COLUMN, LABEL_COLUMN = "image", "label"


@suggests_arguments(TABLE_NAMES)
def load_image_table(
    table: Table,
    *,
    image_column: str = IMAGE_COLUMN,
    label_column: str = LABEL_COLUMN,
    group_column: str | None = None,
    root: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    holdout_fraction: float = HOLDOUT_FRACTION,
    test_fraction: float = TEST_FRACTION,
    image_size: ImageSize = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitMethod = "stratified",
    label_mode: LabelMode = "int",
    color_mode: ColorMode = "rgb",
    interpolation: Interpolation = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    cache: bool | str | os.PathLike[str] = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 1.0,
    near_duplicates: NearDuplicatePolicy = "together",
    decisions: str | os.PathLike[str] | None = None,
) -> ImageSplits:
    """Loads images whose labels are in a table as training, validation and test datasets.

    The table has one row for each image. The split, the handling of small classes and of bad files
    are those of `load_image_folder`; the split does not depend on the order of the rows. The names
    of the folders that contain the images have no meaning.

    Args:
        table: The path of a CSV file (UTF-8, with a header, separated by commas, semicolons or
            tabs), a data frame, a structured NumPy array, or a dict of columns.
        image_column: Column with the paths of the images: relative to `root`, or absolute.
        label_column: Column with the classes: texts or integers. Spaces around texts are removed.
            Integers become class names, sorted by number.
        group_column: None, or the column with the group of each image, such as a patient or a film:
            a text or an integer. Images of one group are in the same split.
        root: Folder that contains all images, or a zip archive of it. Defaults to the folder of
            the CSV file; required for a table in memory.
        class_names: None to use all classes, sorted, or the classes in the order of their labels.
            Images of other classes are then ignored with a warning.
        holdout_fraction: Fraction of each class for validation and test together. This and all
            further arguments are as for `load_image_folder`.
        test_fraction: Fraction of the held-out images that becomes the test set; 0 for none.
        image_size: (height, width) in pixels, or an integer for both.
        batch_size: Images per batch.
        shuffle: Whether to reshuffle the training images in each epoch.
        seed: Determines the split and the order of every epoch.
        split: `"stratified"` or `"take_skip"`.
        label_mode: `"int"`, `"categorical"` or `"binary"`.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        interpolation: Interpolation of the resizing.
        crop_to_aspect_ratio: Whether to crop images to the aspect ratio of `image_size`.
        pad_to_aspect_ratio: Whether to fill images up to the aspect ratio of `image_size`.
        cache: Whether to decode all images once: True for in memory, or a folder for cache files.
        on_bad: `"skip"` or `"raise"`, for files that cannot be read as images.
        max_bad_fraction: From 0 to 1; see `on_bad`.
        near_duplicates: `"together"` or `"ignore"`.
        decisions: None, or the path of a decisions file that the page of `catdog-keras doctor`
            saved: excluded images are left out, and relabeled ones have their new label. No file is
            changed.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, a column is missing or repeated, labels are
            empty, images are missing, listed twice or outside of `root`, there are fewer than two
            classes, or images have no group or are all in one.
            The message contains the number and the first of such rows.
        OSError: If the file or `root` does not exist.

    See Also:
        `load_image_folder`: labels from the names of folders or files.

    Example:
        >>> import catdog_keras, pathlib
        >>> root = catdog_keras.load_cats_dogs("synthetic").root
        >>> files = sorted((root / "train").glob("*/*.jpg"))
        >>> table = {"image": files, "label": [file.name.split(".")[0] for file in files]}
        >>> splits = catdog_keras.load_image_table(table, root=root, image_size=96)
        >>> splits.class_names
        ('cat', 'dog')
    """
    batches = BatchOptions(
        image_size,
        batch_size,
        shuffle,
        seed,
        cache,
        label_mode,
        color_mode,
        interpolation,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
    )
    options = SplitOptions(
        split, on_bad, max_bad_fraction, near_duplicates, holdout_fraction, test_fraction
    )
    names = check_stated_classes(class_names)
    decided = None if decisions is None else read_decisions(decisions)
    columns = {"image_column": image_column, "label_column": label_column}
    if group_column is not None:
        columns["group_column"] = group_column
    values, folder, rows = read_columns(table, columns)
    if root is None:
        root = folder
    if root is None:
        requirement = "the folder that contains the images, because the table is not a file"
        raise ValueError(describe("root", requirement, root))
    place = find_folder("root", root)
    images, labels = values["image_column"], values["label_column"]
    files = labels_by_file(place, images, labels, rows)
    if group_column is not None:
        groups = dict(zip(files, values["group_column"], strict=True))
        find = functools.partial(name_groups, "group_column", groups.get)
        options = dataclasses.replace(options, name_groups=find)
    index = apply_decisions(index_labels(place, files, names), decided, place)
    return load_splits(index, options, batches, "table")
