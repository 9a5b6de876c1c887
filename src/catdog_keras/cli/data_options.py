"""Options of `catdog-keras train` that select, split and prepare the images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from catdog_keras._checks import check_path, describe
from catdog_keras._message import argument
from catdog_keras.cli.argument_checks import check_decisions

if TYPE_CHECKING:
    from catdog_keras.datasets import ImageSplits

IMAGE_COLUMN, LABEL_COLUMN = "image", "label"

_OPTIONS = (
    click.option(
        "--class-name",
        "class_names",
        multiple=True,
        metavar="NAME",
        callback=lambda _context, _option, names: list(names) or None,
        help="Name of a class; repeat the option for each class. Other classes are ignored. "
        "Without it, all folders or labels are classes.",
    ),
    click.option(
        "--labels",
        metavar="CSV",
        help="CSV file with a row for each image: its path, relative to DATA, and its class.",
    ),
    click.option(
        "--image-column",
        default=IMAGE_COLUMN,
        show_default=True,
        metavar="NAME",
        help="Column of the paths in the file of --labels.",
    ),
    click.option(
        "--label-column",
        default=LABEL_COLUMN,
        show_default=True,
        metavar="NAME",
        help="Column of the classes in the file of --labels.",
    ),
    click.option(
        "--group-column",
        metavar="NAME",
        help="Column of the groups in the file of --labels. Images of a group, such as a patient "
        "or a film, are in the same split.",
    ),
    click.option(
        "--label-pattern",
        metavar="REGEX",
        help="Regular expression whose capturing group matches the class in each file name, such "
        "as '^(.+)_[0-9]+[.]jpg$'.",
    ),
    click.option(
        "--groups",
        metavar="REGEX",
        help="Regular expression whose capturing group matches the name of the image's group in "
        "its path, relative to DATA, such as '/(patient[0-9]+)_'. Images of a group are in the "
        "same split.",
    ),
    click.option(
        "--near-duplicates",
        default="together",
        show_default=True,
        type=click.Choice(["together", "ignore"]),
        help="together: images that differ only in size, compression or brightness are in the same "
        "split. ignore: they are not searched.",
    ),
    click.option(
        "--split",
        default="stratified",
        show_default=True,
        type=click.Choice(["stratified", "take_skip"]),
        help="How the test images are selected from the validation images if DATA has no test "
        "folder. stratified: from each class separately; take_skip: the first batches after "
        "shuffling.",
    ),
    click.option(
        "--holdout-fraction",
        default=1 / 3,
        show_default="a third",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="FRACTION",
        help="Fraction of each class that is held out for validation and test together, if DATA "
        "has no validation folder.",
    ),
    click.option(
        "--test-fraction",
        default=0.2,
        show_default=True,
        type=click.FloatRange(0, 1, max_open=True),
        metavar="FRACTION",
        help="Fraction of the held-out images, or of a validation folder, that becomes the test "
        "set, if DATA has no test folder. 0: no test set.",
    ),
    click.option(
        "--decisions",
        metavar="FILE",
        help="Decisions that the page of `catdog-keras doctor` saved: excluded images are left "
        "out, relabeled ones have their new label.",
    ),
    click.option(
        "--crop-to-aspect-ratio",
        is_flag=True,
        help="Crop images to a square instead of stretching them to it.",
    ),
    click.option(
        "--pad-to-aspect-ratio",
        is_flag=True,
        help="Fill images with black up to a square instead of stretching them to it.",
    ),
    click.option(
        "--on-bad",
        default="skip",
        show_default=True,
        type=click.Choice(["skip", "raise"]),
        help="What to do with files that cannot be read as images.",
    ),
    click.option(
        "--max-bad-fraction",
        default=1.0,
        show_default="no limit",
        type=click.FloatRange(0, 1),
        metavar="FRACTION",
        help="Largest fraction of such files that is skipped; more of them are an error.",
    ),
)


@dataclass(frozen=True)
class DataOptions:
    """Values of the options that select, split and prepare images, as the loaders take them."""

    class_names: list[str] | None
    labels: str | None
    image_column: str
    label_column: str
    group_column: str | None
    label_pattern: str | None
    groups: str | None
    near_duplicates: Any
    split: Any
    holdout_fraction: float
    test_fraction: float
    crop_to_aspect_ratio: bool
    pad_to_aspect_ratio: bool
    on_bad: Any
    max_bad_fraction: float
    decisions: str | None
    image_size: int
    batch_size: int
    seed: int


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that select, split and prepare images to a command, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_label_options(options: DataOptions) -> None:
    """Raises an error, before frameworks are imported, if the options of labels contradict."""
    check_decisions(options.decisions)
    if options.labels is None:
        defaults = {
            "image_column": IMAGE_COLUMN,
            "label_column": LABEL_COLUMN,
            "group_column": None,
        }
        for name, default in defaults.items():
            value = getattr(options, name)
            if value != default:
                requirement = "used together with " + argument("table")
                raise ValueError(describe(name, requirement, value))
        return
    path = check_path("table", options.labels)
    if not path.is_file():
        raise FileNotFoundError(
            describe("table", "an existing CSV file", options.labels, "Check the path.")
        )
    for name in ("label_pattern", "groups"):
        value = getattr(options, name)
        if value is not None:
            remedy = "Use " + argument("group_column") + "." if name == "groups" else ""
            requirement = "used without " + argument("table")
            raise ValueError(describe(name, requirement, value, remedy))


def load_with_options(
    data: str, options: DataOptions, *, keep_folders: bool = False
) -> "ImageSplits":
    """Loads the images of DATA with labels from folders, file names or a table.

    With `keep_folders`, images stay in their split folders although they belong together with
    images of others. Such splits are examined; a model must not be trained on them.
    """
    from catdog_keras.datasets import load_image_table
    from catdog_keras.datasets._load_image_folder import load_folder
    from catdog_keras.datasets._options import BatchOptions, SplitOptions

    def chosen(*names: str) -> dict[str, Any]:
        return {name: getattr(options, name) for name in names}

    split = chosen(
        "split",
        "on_bad",
        "max_bad_fraction",
        "near_duplicates",
        "holdout_fraction",
        "test_fraction",
    )
    batches = chosen(
        "image_size", "batch_size", "seed", "crop_to_aspect_ratio", "pad_to_aspect_ratio"
    )
    labels = chosen("class_names", "decisions")
    if options.labels is None:
        return load_folder(
            data,
            SplitOptions(**split, keeps_folders=keep_folders),
            BatchOptions(**batches, shuffle=True, cache=False),
            label_pattern=options.label_pattern,
            groups=options.groups,
            **labels,
        )
    return load_image_table(
        options.labels,
        root=data,
        image_column=options.image_column,
        label_column=options.label_column,
        group_column=options.group_column,
        **split,
        **batches,
        **labels,
    )


def count_decisions(options: DataOptions) -> dict[str, int] | None:
    """Returns the number of images by decision, or None if the data options have no such file."""
    from catdog_keras.datasets._decisions import read_decisions

    return None if options.decisions is None else read_decisions(options.decisions).counts
