"""Loading of a command's model file, after checks that loading and running it are safe."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from catdog_keras._checks import check_path, describe
from catdog_keras._image_errors import message_about_image
from catdog_keras._preprocessing_schemes import SCHEMES, Scheme
from catdog_keras.cli.errors import InputError, module_that_raised, short_reason
from catdog_keras.cli.memory_limit import limited_memory
from catdog_keras.cli.model_classes import choose_class_names
from catdog_keras.cli.model_memory import UNCHECKED, check_memory
from catdog_keras.cli.model_options import NO_PREPROCESSING
from catdog_keras.cli.run_record import MODEL_FILE

if TYPE_CHECKING:
    import keras

REQUIREMENT = "a file that holds a Keras model"
MODEL_SUFFIXES = (".h5", ".keras")
DEFAULT_SIDE = 160  # pixels, for a model that accepts images of any size


@dataclass(frozen=True)
class ModelFile:
    """Loaded model with the information that is needed to prepare its input."""

    model: "keras.Model"
    class_names: tuple[str, ...]
    image_size: tuple[int, int]


def find_model_file(path: str, images: Sequence[str] = ()) -> str:
    """Returns the file of a model: of the output folder of `train`, the model in it.

    Args:
        path: MODEL of the command.
        images: Its arguments after MODEL, if these are images.

    Raises:
        OSError: If the path cannot be read, or is a folder without a model.
        ValueError: If the path is empty.
    """
    folder = check_path("model", path, REQUIREMENT)
    if not folder.is_dir():
        return path
    if (folder / MODEL_FILE).is_file():
        return str(Path(path, MODEL_FILE))
    remedy = f"It is a folder that does not contain {MODEL_FILE}."
    if (model := next(filter(_is_like_model, images), None)) is not None:
        remedy += f" The model is the first argument: pass {model!r} before {path!r}."
    raise IsADirectoryError(describe("model", REQUIREMENT, path, remedy))


def _is_like_model(path: str) -> bool:
    """Returns whether a path is a model file by its extension, or an output folder of `train`."""
    with suppress(OSError, ValueError):  # a path that cannot be read is not the reason
        place = check_path("paths", path)
        return place.suffix.lower() in MODEL_SUFFIXES or (place / MODEL_FILE).is_file()
    return False


def check_model_file(path: str) -> Path:
    """Returns the path of a model file; whether it contains a model is checked on loading.

    Raises:
        OSError: If the file does not exist.
        ValueError: If the path is empty.
    """
    file = check_path("model", path, REQUIREMENT)
    if not file.is_file():
        raise FileNotFoundError(describe("model", REQUIREMENT, path, "There is no such file."))
    return file


def load_model_file(
    path: str,
    class_names: Sequence[str],
    *,
    batch_size: int,
    preprocessing: str | None = None,
    trust: bool = False,
) -> ModelFile:
    """Loads a model; `class_names`, if given, take precedence over those stored in the model.

    Args:
        path: File of the model.
        class_names: Class names, or none.
        batch_size: Number of images per batch that the model will be called with.
        preprocessing: Name of a preprocessing scheme that is put in front of the model, "none", or
            None if the user did not choose.
        trust: Whether to load the file without checking it first.

    Raises:
        OSError: If the file does not exist.
        InputError: If Keras cannot load it.
        ValueError: If the file is not safe to load, there are no class names in the model or in
            `class_names`, or the model does not classify images in [0, 255] and there is no
            `preprocessing`, or it does and there is one.
    """
    file = check_model_file(path)
    model = _load_checked(file, trust)
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3:
        remedy = f"Its input has shape {shape}."
        raise ValueError(describe("model", "one of (height, width, 3) images", path, remedy))
    size = shape[1] or DEFAULT_SIDE, shape[2] or DEFAULT_SIDE
    if not trust:
        check_memory(model, path, (batch_size, *size, 3))
    names = choose_class_names(model, class_names)
    if preprocessing is None:
        _check_input_range(model, path)
    else:
        model = _with_preprocessing(model, preprocessing, path)
    return ModelFile(model, names, size)


def _load_checked(file: Path, trust: bool) -> Any:
    """Loads a model file with Keras; unless it is trusted, after checks and with limited memory.

    Raises:
        InputError: If Keras cannot load it.
        ValueError: If it is not trusted, and not a `.keras` file or not safe to load.
    """
    import keras

    from catdog_keras._backend.keras_internals import limited_variables
    from catdog_keras.cli.model_archive import FREE_VALUES, SUFFIX, check_model_archive

    if trust:
        try:
            return keras.saving.load_model(file, compile=False, safe_mode=False)
        except Exception as error:  # Keras and h5py raise various errors for a damaged file
            raise _loading_error(file, error) from error
    if file.suffix != SUFFIX:
        remedy = f"Convert it with keras.saving.save_model to a {SUFFIX} file, or {UNCHECKED}"
        raise ValueError(describe("model", f"a {SUFFIX} file", str(file), remedy))
    try:
        values = check_model_archive(file)
    except ValueError as error:
        remedy = f"{error} If this is intended, {UNCHECKED}"
        raise ValueError(describe("model", REQUIREMENT, str(file), remedy)) from error
    try:
        with (
            warnings_of_success(),
            limited_variables(values + FREE_VALUES),
            limited_memory(values),
        ):
            return keras.saving.load_model(file, compile=False)
    except Exception as error:
        raise _loading_error(file, error) from error


@contextmanager
def warnings_of_success() -> Iterator[None]:
    """Shows the warnings of loading a model at the end; not if it fails with an error."""
    with warnings.catch_warnings(record=True) as recorded:
        yield
    for each in recorded:
        warnings.showwarning(each.message, each.category, each.filename, each.lineno)


def _loading_error(file: Path, error: Exception) -> InputError:
    """Returns the error about a model that cannot be loaded, with Keras's message."""
    remedy = f"Keras says: {short_reason(error)}"
    return InputError(describe("MODEL", REQUIREMENT, str(file), remedy))


def _with_preprocessing(model: "keras.Model", scheme: str, path: str) -> "keras.Model":
    """Returns a model of images in [0, 255], as the user states.

    Raises:
        ValueError: If the layers of the model show that it already contains its preprocessing.
    """
    import keras

    from catdog_keras._input_range import BYTES, find_input_range, same_range
    from catdog_keras._range_check import InputRangeWarning
    from catdog_keras.layers import Preprocessing

    warnings.simplefilter("ignore", InputRangeWarning)  # until the end of `user_errors`
    if scheme == NO_PREPROCESSING:
        return model
    with model_errors(path):
        expected = find_input_range(model)
    if expected is not None and same_range(expected, BYTES):
        requirement = f"{NO_PREPROCESSING!r}, or omitted, for a model that scales its images"
        remedy = (
            f"The layers of {path!r} show that it takes pixel values in [0, 255]. With this option "
            "they would be scaled twice."
        )
        raise ValueError(describe("preprocessing", requirement, scheme, remedy))
    images = keras.Input(model.input_shape[1:])
    layer = Preprocessing(cast(Scheme, scheme), data_format="channels_last")
    return keras.Model(images, model(layer(images)))


def _check_input_range(model: "keras.Model", path: str) -> None:
    """Raises an error if the model is known to expect other pixel values than [0, 255]."""
    from catdog_keras._input_range import BYTES, find_input_range, same_range

    with model_errors(path):
        expected = find_input_range(model)
    if expected is None or same_range(expected, BYTES):
        return
    ranges = {name: scheme.output_range for name, scheme in SCHEMES.items()}
    scheme = next((name for name, given in ranges.items() if same_range(given, expected)), None)
    remedy = (
        f"It expects pixel values in [{expected[0]:.4g}, {expected[1]:.4g}], as its layers show. "
        + (f"Use --preprocessing {scheme}, or, if" if scheme else "If")
        + f" it was trained on images in [0, 255], --preprocessing {NO_PREPROCESSING}."
    )
    raise ValueError(describe("model", "a model of images in [0, 255]", path, remedy))


@contextmanager
def model_errors(path: str) -> Iterator[None]:
    """Converts an error of a framework while the model runs to an error about the model."""
    try:
        yield
    except (InputError, OSError, ValueError):
        raise
    except Exception as error:  # TensorFlow, JAX and PyTorch have their own errors
        package = module_that_raised(error).partition(".")[0]
        is_own = package == "catdog_keras"  # a fault of ours, or about an argument
        if is_own or message_about_image(error) is not None:
            raise
        remedy = f"It cannot be run: {short_reason(error)} If memory is short, reduce --batch-size."
        raise InputError(describe("MODEL", REQUIREMENT, path, remedy)) from error
