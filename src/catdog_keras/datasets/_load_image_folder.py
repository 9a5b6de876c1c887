"""Loading of labeled image folders as training, validation and test datasets."""

import dataclasses
import functools
import os
from collections.abc import Sequence
from pathlib import Path

from catdog_keras._checks import check_boolean, describe
from catdog_keras._message import message_of
from catdog_keras._printable import printable
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.datasets._argument_names import CATS_DOGS_NAMES, LOADER_NAMES
from catdog_keras.datasets._decisions import apply_decisions, read_decisions
from catdog_keras.datasets._groups import Groups, check_groups, name_groups
from catdog_keras.datasets._image_index import ImageIndex, index_image_folder
from catdog_keras.datasets._image_splits import ImageSplits
from catdog_keras.datasets._label_index import (
    check_pattern,
    check_stated_classes,
    index_by_pattern,
)
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
from catdog_keras.datasets._source import find_cats_dogs, find_folder
from catdog_keras.datasets._split_methods import TEST_FRACTION

CATS_DOGS_CLASSES = ("cats", "dogs")


@suggests_arguments(CATS_DOGS_NAMES)
def load_cats_dogs(
    source: str | os.PathLike[str] | None = None,
    *,
    image_size: ImageSize = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitMethod = "take_skip",
    label_mode: LabelMode = "int",
    color_mode: ColorMode = "rgb",
    interpolation: Interpolation = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    cache: bool | str | os.PathLike[str] = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 1.0,
    near_duplicates: NearDuplicatePolicy = "together",
) -> ImageSplits:
    """Loads the tutorial's cats-and-dogs images as training, validation and test datasets.

    The split is made by file and is the same in every epoch and every run with the same seed.
    Byte-identical files are never in two splits: they are moved to the first of train, validation
    and test that contains one of them, with a warning. For the public archive this gives 2,000
    training, 808 validation and 192 test images.

    Args:
        source: None or `"public"` downloads the public archive once, to
            `$KERAS_HOME/catdog_keras` (or `~/.keras/catdog_keras`). `"synthetic"` uses synthetic
            images that the package renders, without network access. A path is a folder or a zip
            archive with `train` and `validation` folders, each with the folders `cats` and `dogs`.
        image_size: (height, width) in pixels, or an integer for both; every image is resized to it.
        batch_size: Images per batch; the last batch of an epoch may be smaller.
        shuffle: Whether to reshuffle the training images in each epoch. Validation and test are
            never shuffled. Reading only the first batch, as `next(iter(train))` does, does not
            change the order of later epochs.
        seed: An integer >= 0. Determines the split and the order of every epoch.
        split: `"take_skip"`: the validation files are shuffled once and the first fifth of their
            batches becomes the test set, as in the tutorial. `"stratified"`: a fifth of the
            validation files of each class.
        label_mode: `"int"`: int32 labels, shape `(batch,)`. `"categorical"`: one-hot float32
            vectors, shape `(batch, num_classes)`. `"binary"`, for two classes: float32 0 or 1,
            shape `(batch, 1)`, for a model with one output. This and the next four arguments are
            those of `keras.utils.image_dataset_from_directory`.
        color_mode: `"rgb"`, `"grayscale"` (one channel) or `"rgba"` (four channels; other modes
            show transparent images on white). Pretrained backbones require `"rgb"`.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`, `"lanczos3"`, `"lanczos5"`,
            `"gaussian"` or `"mitchellcubic"`. Values are limited to [0, 255], which Keras does not
            do.
        crop_to_aspect_ratio: Whether to crop images centrally to the aspect ratio of `image_size`
            before they are resized. By default they are stretched.
        pad_to_aspect_ratio: Whether to resize images without distortion and fill the rest of
            `image_size` with zeros, which is black. Only one of these two can be True.
        cache: Whether to decode all images once, as uint8 (77 KB per image at 160 x 160), instead
            of in each epoch. True caches in memory. A path is a folder for cache files, which later
            runs and other processes reuse; images that have changed are decoded again. The folder
            must be outside of the image folder, or its name must begin with a dot.
        on_bad: How to handle files that cannot be read as images. `"skip"` skips them with a
            warning; `"raise"` raises an error. Files are never modified; `scan.bad` lists the
            skipped ones.
        max_bad_fraction: Largest fraction of such files that is skipped, from 0 to 1; more of them
            are an error.
        near_duplicates: `"together"`: images that differ only in size, compression or brightness
            are in the same split, like identical files; `scan.near_duplicates` lists them, and
            `scan.num_near_duplicate_pairs` is the number of pairs. If they are in several of the
            folders train, validation and test, they are moved to the first one, with a warning.
            `"ignore"`: they are not searched.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, the folder layout is different, too many files
            are bad, or too few images remain for the split.
        OSError: If `source` does not exist or the download fails.

    See Also:
        `load_image_folder`: the same for any folder of classes.
        `ImageSplits`: what is returned: datasets, files, labels, counts.
        `plot_images`: shows images with their labels.

    Example:
        >>> import catdog_keras
        >>> train, validation, test = catdog_keras.load_cats_dogs("synthetic")
        >>> images, labels = next(iter(train))
        >>> images.shape, labels.shape
        (TensorShape([32, 160, 160, 3]), TensorShape([32]))

        Smaller images, and a test set of a fifth of the validation images of each class. The result
        also contains files, labels and counts:

        >>> splits = catdog_keras.load_cats_dogs(
        ...     "synthetic", image_size=(96, 96), batch_size=16, split="stratified"
        ... )
        >>> splits.class_names
        ('cats', 'dogs')
        >>> len(splits.files["test"]) == sum(splits.counts["test"].values())
        True
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
    options = SplitOptions(split, on_bad, max_bad_fraction, near_duplicates, sets_fractions=False)
    wanted = "a folder or zip archive with train and validation, each with cats and dogs"
    folder = find_cats_dogs(source)
    batches.check_outside(folder)
    index = _index_with_path_as_passed(folder, "source", source, wanted)
    if index.class_names != CATS_DOGS_CLASSES or "validation" not in index.parts:
        where = "no split folders" if "all" in index.parts else " and ".join(index.parts)
        names = ", ".join(map(printable, index.class_names))
        found = f"It holds the classes {names} in {where}."
        remedy = f"{found} `catdog_keras.load_image_folder` supports other classes and layouts."
        raise ValueError(describe("source", wanted, str(source), remedy))
    return load_splits(index, options, batches, "folders")


@suggests_arguments(LOADER_NAMES)
def load_image_folder(
    directory: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    label_pattern: str | None = None,
    groups: Groups | None = None,
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
    follow_links: bool = True,
    cache: bool | str | os.PathLike[str] = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 1.0,
    near_duplicates: NearDuplicatePolicy = "together",
    decisions: str | os.PathLike[str] | None = None,
) -> ImageSplits:
    r"""Loads a folder of class folders as training, validation and test datasets.

    The class folders can be directly in `directory`, or in split folders: `train` and optionally
    `validation` and `test`. Existing splits are kept: without a test folder, the test set is taken
    from validation; without a validation folder, validation is held out from train with a warning.
    Other common names of split folders are recognized, in upper or lower case, with other words
    and numbers, and repeated by a folder inside: `training_set/training_set`, `val2017` or
    `seg_test`.
    A folder that contains images itself is a class, also if it is named `train`.

    Images in subfolders of a class folder have its class. A structure with several possible
    meanings is an error, also images in a folder `test` next to class folders; `class_names` states
    which folders are the classes. Folders that are named like copies of a class, as `cats - Copy`
    or `cats_masks`, or like results, as `output`, are classes too, with a warning; so are the
    images in a folder such as `cats/rejected`. Hidden files and folders, and those that systems and
    programs create, such as `@eaDir`, are skipped.

    Two classes with at least two images each are enough. A smaller class is used for training only.
    A class with too few images for all splits is in training first, then in validation, and one
    warning lists such classes. Classes without a usable image are skipped with a warning, unless
    `class_names` states them.

    Args:
        directory: The folder, or a zip archive of it.
        class_names: None to use all folders, sorted by name, or the names of the class folders, in
            the order of their labels. Images in other folders next to them are ignored with a
            warning.
        label_pattern: None, or a regular expression that finds the class in each file name; it
            contains one group, or one that is named `label`, such as `r"^(.+)_\d+\.jpg$"` for
            `border_collie_12.jpg`. Then all images in `directory` and its subfolders are used, and
            the names of the folders have no meaning. Images whose names do not match are ignored
            with a warning.
        groups: None, or what states the group of each image, such as a patient, an animal or a
            film, whose images stay in one split: a regular expression that is searched in the path,
            with one group or one that is named `group`, such as `r"/(patient\d+)_"`; a function
            of the path that returns a text or an integer; or a mapping from paths to those. Paths
            are relative to the folder of the images (`root` of the result), with forward slashes.
            Each image must have a group.
        holdout_fraction: Fraction of each class that is held out from training, for validation
            and test together, between 0 and 1. Not used if there is a validation folder; with
            a test folder only, all of it is for validation. Training gets at least one image of
            each class, and so does the holdout if there are two. Defaults to a third, as in the
            tutorial.
        test_fraction: Fraction of the held-out images, or of a validation folder, that becomes the
            test set, from 0 to below 1. 0: there is no test set. Not used if there is a test
            folder. With `holdout_fraction=0.4, test_fraction=0.5` a class of 100 images is divided
            into 60, 20 and 20. Defaults to a fifth, as in the tutorial.
        image_size: (height, width) in pixels, or an integer for both.
        batch_size: Images per batch.
        shuffle: Whether to reshuffle the training images in each epoch.
        seed: Determines the split and the order of every epoch.
        split: `"stratified"`: the test set is taken from each class separately.
            `"take_skip"`: as for `load_cats_dogs`, whose default it is.
        label_mode: `"int"`, `"categorical"` or `"binary"`. This and the next four arguments are as
            for `load_cats_dogs` and for `keras.utils.image_dataset_from_directory`.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        interpolation: Interpolation of the resizing.
        crop_to_aspect_ratio: Whether to crop images to the aspect ratio of `image_size`.
        pad_to_aspect_ratio: Whether to fill images up to the aspect ratio of `image_size`.
        follow_links: Whether to search folders that links lead to. Unlike in Keras this is the
            default, because each folder is searched only once. Otherwise such links are skipped
            with a warning. Links to files are always used.
        cache: Whether to decode all images once: True for in memory, or a folder for cache files.
        on_bad: `"skip"` or `"raise"`.
        max_bad_fraction: From 0 to 1; see `on_bad`.
        near_duplicates: `"together"` or `"ignore"`; see `load_cats_dogs`.
        decisions: None, or the path of a decisions file that the page of `catdog-keras doctor`
            saved: excluded images are left out, and relabeled ones have their new label. No file is
            changed.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, there are fewer than two classes, a class of
            `class_names` is empty, the structure has several meanings, too many files are bad, the
            decisions are not about images in `directory`, no image remains for validation, images
            have no group or are all in one, or images that belong together are more than each split
            is to have.
        OSError: If `directory` does not exist.

    See Also:
        `load_image_table`: labels from a CSV file or a data frame.
        `load_cats_dogs`: the tutorial's data and layout.
        `load_images`: one labeled or unlabeled set, without a split.
        `load_manifest`: restores a saved split.
        `scan_images`: checks the files without loading them.

    Example:
        >>> import catdog_keras, pathlib
        >>> files = catdog_keras.load_cats_dogs("synthetic").files["train"]
        >>> folder = pathlib.Path(files[0]).parents[1]  # contains the folders cats and dogs
        >>> splits = catdog_keras.load_image_folder(folder, image_size=(96, 96))
        >>> splits.class_names
        ('cats', 'dogs')

        With the classes in another order, so that the label of dogs is 0, 80% of the images for
        training and the others for validation, without distortion:

        >>> splits = catdog_keras.load_image_folder(
        ...     folder,
        ...     class_names=["dogs", "cats"],
        ...     holdout_fraction=0.2,
        ...     test_fraction=0,
        ...     crop_to_aspect_ratio=True,
        ... )
        >>> splits.class_names, splits.files["test"]
        (('dogs', 'cats'), ())

        With labels from the file names, such as `cat.12.jpg`:

        >>> splits = catdog_keras.load_image_folder(folder, label_pattern=r"^(cat|dog)\.")
        >>> splits.class_names
        ('cat', 'dog')

        With all images of one group, here of neighboring numbers, in the same split:

        >>> splits = catdog_keras.load_image_folder(
        ...     folder, groups=lambda path: int(path.split(".")[1]) // 4
        ... )
        >>> set(splits.components["train"]) & set(splits.components["test"])
        set()
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
    return load_folder(
        directory,
        options,
        batches,
        class_names=class_names,
        label_pattern=label_pattern,
        groups=groups,
        follow_links=follow_links,
        decisions=decisions,
    )


def load_folder(
    directory: str | os.PathLike[str],
    options: SplitOptions,
    batches: BatchOptions,
    *,
    class_names: Sequence[str] | None = None,
    label_pattern: str | None = None,
    groups: Groups | None = None,
    follow_links: bool = True,
    decisions: str | os.PathLike[str] | None = None,
) -> ImageSplits:
    """Loads a folder like `load_image_folder`, with options that are checked already."""
    find = check_groups(groups)
    if find is not None:
        name = functools.partial(name_groups, "groups", find)
        options = dataclasses.replace(options, name_groups=name)
    check_boolean("follow_links", follow_links)
    names = check_stated_classes(class_names)
    decided = None if decisions is None else read_decisions(decisions)
    folder = find_folder("directory", directory)
    batches.check_outside(folder)
    if label_pattern is not None:
        pattern = check_pattern(label_pattern)
        index = index_by_pattern(folder, pattern, names, follow_links=follow_links)
        return load_splits(apply_decisions(index, decided, folder), options, batches, "pattern")
    wanted = "a folder or zip archive of class folders, optionally inside train and validation"
    index = _index_with_path_as_passed(
        folder, "directory", directory, wanted, names, follow_links=follow_links
    )
    relabeled = decided is not None and decided.relabels
    index = apply_decisions(index, decided, folder)
    return load_splits(index, options, batches, "decisions" if relabeled else "folders")


def _index_with_path_as_passed(
    folder: Path,
    name: str,
    source: str | os.PathLike[str] | None,
    wanted: str,
    class_names: Sequence[str] | None = None,
    *,
    follow_links: bool = True,
) -> ImageIndex:
    """Indexes a folder; error messages contain the path as the user passed it."""
    try:
        return index_image_folder(folder, class_names, follow_links=follow_links)
    except ValueError as error:
        found = message_of(error).replace(str(folder), str(source))
        if name == "source":  # of `load_cats_dogs`, which has fixed classes
            found = str(found).replace("`class_names`", "`class_names` to `load_image_folder`")
        raise ValueError(describe(name, wanted, str(source), found)) from error
