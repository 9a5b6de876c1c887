"""Loading of a command's model file, with its class names and image size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catdog_keras._checks import check_class_names, check_path, describe
from catdog_keras.cli.run_record import MODEL_FILE

if TYPE_CHECKING:
    import keras

REQUIREMENT = "a file that holds a Keras model"
DEFAULT_SIDE = 160  # pixels, for a model that accepts images of any size


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options for models that were not trained by this command."""
    names = click.option(
        "--class-name",
        "class_names",
        multiple=True,
        metavar="NAME",
        help="Class name; repeat the option for each output of the model, in order. Required if "
        "the model does not contain its class names.",
    )
    outputs = click.option(
        "--from-logits",
        type=bool,
        default=True,
        show_default=True,
        help="Whether the model returns logits, as models trained by this command do, or "
        "probabilities.",
    )
    size = click.option(
        "--batch-size",
        default=32,
        show_default=True,
        type=click.IntRange(min=1),
        help="Images per batch.",
    )
    return names(outputs(size(command)))


@dataclass(frozen=True)
class ModelFile:
    """Loaded model with the information that is needed to prepare its input."""

    model: "keras.Model"
    class_names: tuple[str, ...]
    image_size: tuple[int, int]


def check_model_file(path: str) -> Path:
    """Returns the path of a model file; whether it contains a model is checked on loading.

    Raises:
        OSError: If the file does not exist.
        ValueError: If the path is empty.
    """
    file = check_path("model", path, REQUIREMENT)
    if file.is_dir():
        inside = file / MODEL_FILE
        remedy = f"It is a folder; use {str(inside)!r}." if inside.is_file() else "It is a folder."
        raise IsADirectoryError(describe("model", REQUIREMENT, path, remedy))
    if not file.is_file():
        raise FileNotFoundError(describe("model", REQUIREMENT, path, "There is no such file."))
    return file


def load_model_file(path: str, class_names: Sequence[str]) -> ModelFile:
    """Loads a model; `class_names`, if given, take precedence over those stored in the model.

    Raises:
        OSError: If the file does not exist, or does not contain a model.
        ValueError: If there are no class names in the model or in `class_names`, or the input of
            the model is not images.
    """
    model = _load(check_model_file(path))
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3:
        remedy = f"Its input has shape {shape}."
        raise ValueError(describe("model", "one of (height, width, 3) images", path, remedy))
    size = shape[1] or DEFAULT_SIDE, shape[2] or DEFAULT_SIDE
    return ModelFile(model, _names(model, class_names), size)


def _load(file: Path) -> "keras.Model":
    import keras

    try:
        return keras.saving.load_model(file, compile=False)
    except Exception as error:  # Keras and h5py raise various errors for a wrong or damaged file
        remedy = f"Keras says: {error}"
        raise OSError(describe("model", REQUIREMENT, str(file), remedy)) from error


def check_class_count(loaded: ModelFile) -> None:
    """Raises an error unless there is a class name for each output of the model.

    For two classes a single output, that of the second class, is accepted.
    """
    outputs, classes = loaded.model.output_shape[-1], len(loaded.class_names)
    if outputs != classes and (outputs, classes) != (1, 2):
        raise ValueError(
            f"`model` must have one output per class, here {classes}; "
            f"received outputs of shape (batch, {outputs}). Do `class_names` belong to this model?"
        )


def _names(model: "keras.Model", given: Sequence[str]) -> tuple[str, ...]:
    from catdog_keras.models import get_class_names

    if given:
        return check_class_names(given)
    try:
        return get_class_names(model)
    except ValueError as error:
        raise ValueError(
            "`model` contains no class names. Pass them in the order of its outputs, each with "
            "--class-name NAME."
        ) from error
