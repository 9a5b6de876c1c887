"""Export of a model to one file that prepares images, predicts, and names the classes."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

import catdog_keras
from catdog_keras._backend.keras_internals import every_layer
from catdog_keras._checks import (
    check_boolean,
    check_choice,
    check_class_names,
    check_image_size,
    check_path,
    describe,
)
from catdog_keras._checksum import sha256_of
from catdog_keras._class_names import find_class_names
from catdog_keras._cloning import assign_weights, clone_uncompiled, copy_layer
from catdog_keras._from_logits import (
    check_ending,
    check_from_logits,
    ends_in_logits,
    returns_logits,
    to_probabilities,
)
from catdog_keras._input_range import BYTES, find_input_range, format_range, same_range
from catdog_keras._layer_graph import check_graph
from catdog_keras._message import Message, argument, setting
from catdog_keras._prediction import check_outputs, predict_batch
from catdog_keras._printable import counted
from catdog_keras._publish import move, publish_files
from catdog_keras._scratch import scratch_folder
from catdog_keras._signals import interrupts_deferred
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras._write_files import writable_folder
from catdog_keras.conversion._argument_names import EXPORT_NAMES
from catdog_keras.conversion._convert_to_file import convert_to_file
from catdog_keras.conversion._embedded_metadata import ExportMetadata
from catdog_keras.conversion._export_files import (
    SAVED_MODEL_ENTRIES,
    check_output,
    rejected_path,
    report_path,
    write_errors,
)
from catdog_keras.conversion._export_images import (
    Image,
    NamedImages,
    images_for_calibration,
    images_to_compare,
)
from catdog_keras.conversion._export_report import (
    ExportMismatchError,
    ExportReport,
    measure_predictions,
)
from catdog_keras.conversion._fold_batch_norm import fold_batch_norm
from catdog_keras.conversion._formats import ExportFormat, choose_format, format_of_file
from catdog_keras.conversion._serving_model import Preparation
from catdog_keras.conversion._strip_augmentation import strip_augmentation

Format = Literal["onnx", "litert", "savedmodel"]
Quantize = Literal["int8", "float16"]
Interpolation = Literal["bilinear", "nearest"]
InputDtype = Literal["uint8", "float32"]

QUANTIZATIONS = ("int8", "float16")
INTERPOLATIONS = ("bilinear", "nearest")
INPUT_DTYPES = ("uint8", "float32")


@suggests_arguments(EXPORT_NAMES)
def export_model(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - as in `keras.Model.export`
    quantize: Quantize | None = None,
    calibration_data: Iterable[Any] | None = None,
    check_data: Iterable[Any] | None = None,
    class_names: Sequence[str] | None = None,
    from_logits: bool | None = None,
    image_size: int | tuple[int, int] | None = None,
    interpolation: Interpolation = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    input_dtype: InputDtype = "uint8",
    source: str | os.PathLike[str] | None = None,
) -> ExportReport:
    """Exports a model to one file that takes images of any size and returns probabilities.

    The file takes uint8 RGB images `(batch, height, width, 3)` of any size, resizes them with the
    function that resizes the images of the datasets, and returns float32 probabilities
    `(batch, classes)`. Runtimes reject images of another dtype: convert them with
    `images.astype("uint8")`, or export with `input_dtype="float32"`. Augmentation is removed, batch
    normalization is folded where that is exact, and all computations are in float32, whatever the
    dtype policy of the model is. Class names and image size are in the file; `read_metadata` reads
    them. On JAX and PyTorch, the model is converted by another process with the TensorFlow backend.

    The written file is then run in its own runtime and compared with the model on the same decoded
    images. The report is also written as JSON next to the file: `model.onnx.json`. A file at `path`
    is replaced only by a complete and compared one, and the JSON file only if it is the report of
    an earlier export. A model trained in mixed precision is compared in float32.

    Args:
        model: A built Functional or Sequential model of RGB images in [0, 255], with one output of
            shape `(batch, classes)`, or `(batch, 1)` for the second of two classes.
        path: The file; the folder for a SavedModel.
        format: `"onnx"` (`.onnx`), `"litert"` (`.tflite`) or `"savedmodel"` (a folder); None for
            that of the file name extension.
        quantize: None for float32; `"float16"`: weights in float16, half of the size; `"int8"`:
            weights and feature maps in int8, a quarter of the size. For ONNX and LiteRT.
        calibration_data: Images for `quantize="int8"`, at least 16, from the training images:
            arrays `(height, width, 3)` of any size in [0, 255], pairs (image, label), or a dataset
            of batches, as for training. Floating-point images are rounded.
        check_data: Images for the comparison, in the same forms; with labels of all images, the
            accuracies are compared as well. None for 16 random images.
        class_names: Class names in the order of the outputs. None for those in the model; if it has
            none, the file names the classes by their indices, "0", "1" and so on, with a warning.
        from_logits: True if the model returns logits, False if it returns probabilities. None
            detects it: a softmax or sigmoid at the end shows probabilities; if the end is unknown,
            as in a subclassed model, the outputs and the loss decide.
        image_size: (height, width) in pixels, or an integer for both, for a model that accepts
            images of any size; None for the input size of the model.
        interpolation: `"bilinear"` or `"nearest"`; this and the next two arguments must be those
            with which the training images were loaded.
        crop_to_aspect_ratio: Whether images are cropped to the aspect ratio of `image_size`.
        pad_to_aspect_ratio: Whether images are filled with black up to that aspect ratio.
        input_dtype: Dtype of the images that the file takes: `"uint8"`, or `"float32"` for programs
            that pass float images. Their values are in [0, 255] as well.
        source: The `.keras` file of the model, whose SHA-256 is written into the exported file. If
            None, the SHA-256 of the weights is written.

    Returns:
        The comparison of the file with the model.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model has several inputs or outputs, another range of pixel values, or an
            operation that the format does not have; if another file has the name of the report; or
            if other arguments are out of range or contradict each other.
        ModuleNotFoundError: If a package of the extra `export` is missing.
        OSError: If the file cannot be written.
        ExportMismatchError: If a probability differs by more than 1e-4 (float16: 1e-2). The file is
            kept under another name, such as `model.rejected.onnx`. For int8 the loss of accuracy is
            the result, not an error.

    See Also:
        `strip_augmentation`: removes the augmentation alone.
        `fold_batch_norm`: folds batch normalization alone.

    Example:
        >>> import catdog_keras, keras, pathlib, tempfile
        >>> names = catdog_keras.ClassNames(["cat", "dog"])
        >>> model = keras.Sequential([catdog_keras.build_model1((46, 46, 3)), names])
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "exported_model"
        >>> report = catdog_keras.export_model(model, path)
        >>> report.format, report.same_top_class
        ('savedmodel', 16)
    """
    output_path = check_path("path", path)
    export_format = choose_format(output_path, format)
    check_output(output_path, export_format)
    _check_quantize(quantize, export_format)
    check_from_logits(from_logits)
    check_choice("input_dtype", input_dtype, INPUT_DTYPES)
    file = None if source is None else check_path("source", source)
    size = _check_exportable(model, image_size)
    _check_preparation(interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    preparation = Preparation(size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    names = (
        _class_names_or_indices(model) if class_names is None else check_class_names(class_names)
    )
    _check_one_output_per_class(model, len(names), from_logits)
    if from_logits is None:
        from_logits = _determine_from_logits(model, size)
    export_format.check_class_names(names)
    export_format.check_packages(quantize)
    comparison_images = images_to_compare(check_data, size, len(names))
    calibration = images_for_calibration(quantize, calibration_data, preparation)
    metadata = ExportMetadata(
        class_names=names,
        input_size=size,
        input_range=(0, 255),
        interpolation=interpolation,
        crop_to_aspect_ratio=crop_to_aspect_ratio,
        pad_to_aspect_ratio=pad_to_aspect_ratio,
        quantize=quantize,
        catdog_keras_version=catdog_keras.__version__,
        source_sha256=_source_digest(model, file),
        input_dtype=input_dtype,
    )
    job = _ExportJob(
        model, export_format, preparation, metadata, from_logits, quantize, calibration
    )
    return _export_and_compare(job, output_path, comparison_images)


@suggests_arguments()
def read_metadata(path: str | os.PathLike[str]) -> ExportMetadata:
    """Reads the metadata of a file that `export_model` wrote.

    Args:
        path: An ONNX or LiteRT file, or the folder of a SavedModel.

    Returns:
        Class names, image size, and the other attributes of `ExportMetadata`.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If it is not such a file, or has no metadata of this package.
        OSError: If the file cannot be read.
        ModuleNotFoundError: If it is an ONNX file, and the package `onnx` is missing.

    See Also:
        `export_model`: writes the file.

    Example:
        >>> import catdog_keras, keras, pathlib, tempfile
        >>> names = catdog_keras.ClassNames(["cat", "dog"])
        >>> model = keras.Sequential([catdog_keras.build_model1((46, 46, 3)), names])
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "exported_model"
        >>> report = catdog_keras.export_model(model, path)
        >>> catdog_keras.conversion.read_metadata(path).class_names
        ('cat', 'dog')
    """
    exported_path = check_path("path", path)
    if not exported_path.exists():
        raise FileNotFoundError(describe("path", "an existing file or folder", str(path)))
    found = format_of_file(exported_path)
    try:
        return found.read_metadata(exported_path)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # each format raises its own types for a damaged file
        requirement = "a file that `export_model` wrote"
        reason = "It has no such metadata, or is damaged."
        raise ValueError(describe("path", requirement, str(path), reason)) from error


@dataclass(frozen=True)
class _ExportJob:
    """What is exported, and how."""

    model: keras.Model
    format: ExportFormat
    preparation: Preparation
    metadata: ExportMetadata
    from_logits: bool
    quantize: str | None
    calibration: NamedImages | None

    def write(self, path: Path) -> keras.Model:
        """Writes the complete file, and returns the model with which it is compared."""
        reference = self.model if _computes_in_float32(self.model) else _copy_in_float32(self.model)
        folded = fold_batch_norm(strip_augmentation(reference))
        convert_to_file(
            folded,
            path,
            self.format,
            self.preparation,
            self.metadata.class_names,
            from_logits=self.from_logits,
            input_dtype=self.metadata.input_dtype,
        )
        if self.quantize is not None:
            dtype = self.metadata.input_dtype
            images = [image[None].astype(dtype) for image in self.calibration or ()]
            self.format.quantize(path, self.quantize, images)
        self.format.add_metadata(path, self.metadata)
        return reference

    def compare(
        self, path: Path, reference: keras.Model, comparison_images: NamedImages
    ) -> ExportReport:
        """Runs the file and the model on the same images."""
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        run_file = self.format.load(path, threads)

        def run(batch: Image) -> Any:
            return run_file(batch.astype(self.metadata.input_dtype))

        def run_keras(batch: Image) -> Any:
            resized = np.asarray(self.preparation.apply(batch))
            return keras.tree.flatten(reference.predict_on_batch(resized))[0]

        measured = measure_predictions(comparison_images.images, run, run_keras)
        names = self.metadata.class_names
        outputs = check_outputs(measured.keras, len(names), 0)
        rows = to_probabilities(reference, outputs, len(names), self.from_logits)
        source = f"{counted(len(rows), 'image')}, {comparison_images.source}"
        report = replace(measured, keras=rows).report(
            path, self.format.name, self.quantize, source, threads
        )
        return replace(
            report,
            calibration_source=None if self.calibration is None else self.calibration.source,
            model_dtype=", ".join(sorted(_other_float_policies(self.model))) or "float32",
            trained_on=comparison_images.trained_on,
        )


def _export_and_compare(
    job: _ExportJob, path: Path, comparison_images: NamedImages
) -> ExportReport:
    """Writes file and report, and publishes them; raises if the file differs too much."""
    target = Path(os.path.realpath(path))
    is_folder = not job.format.suffix
    with (
        write_errors(path),
        # Another export can write to another path in the parent folder at the same time.
        writable_folder(target.parent, "path", locked=False) as parent,
        _locked_output(path) if is_folder else nullcontext(),
        scratch_folder(parent) as scratch,
        scratch_folder(parent) as report_folder,
    ):
        unfinished = scratch if is_folder else scratch / target.name
        reference = job.write(unfinished)
        report = job.compare(unfinished, reference, comparison_images)
        if not report.within_tolerance:
            target = rejected_path(target)
            path = path.with_name(target.name)
        report = replace(report, path=str(path))
        new_report = report_folder / report_path(target).name
        new_report.write_text(report.to_json(), encoding="utf-8")
        with interrupts_deferred():
            # A process that is killed here leaves a file without a report, not with another one's.
            report_path(target).unlink(missing_ok=True)
            if is_folder:
                publish_files(scratch, target, SAVED_MODEL_ENTRIES)
            else:
                move(unfinished, target)
            move(new_report, report_path(target))
    if report.within_tolerance:
        return report
    raise ExportMismatchError(report, _mismatch_message(report))


def _locked_output(path: Path) -> AbstractContextManager[Path]:
    """Locks the folder of a SavedModel, so that two exports do not mix their files.

    The folder is created if it is missing: the one that a link leads to, if `path` is a link.
    """
    return writable_folder(os.path.realpath(path) if path.is_symlink() else path, "path")


def _mismatch_message(report: ExportReport) -> Message:
    """Describes an exported file that predicts differently from its model."""
    different = report.differing_images
    listed = ", ".join(map(str, different[:20])) + (", ..." if len(different) > 20 else "")
    message = Message(
        f"The exported file predicts differently from the model on "
        f"{counted(len(different), 'image')} of {report.images:,}: a probability differs by up to "
        f"{report.max_probability_difference:.2g}; at most {report.tolerance:g} is allowed. "
        f"Positions of the images: {listed}. The file was kept as {report.path!r}."
    )
    if report.quantize != "float16":
        return message
    int8 = setting("quantize", "'int8'")
    remedy = " Use it if its accuracy on your own images suffices. Otherwise export in float32, by "
    remedy += "omitting " + argument("quantize") + ", or with " + int8 + ", which is not rejected "
    return message + remedy + "for its differences: the report states its accuracy."


def _check_quantize(quantize: Any, export_format: ExportFormat) -> None:
    """Raises a ValueError if the format cannot be quantized in this way."""
    if quantize is None:
        return
    check_choice("quantize", quantize, QUANTIZATIONS)
    if quantize not in export_format.quantizations:
        requirement = "omitted for " + setting("format", repr(export_format.name))
        remedy = "The formats 'onnx' and 'litert' can be quantized."
        raise ValueError(describe("quantize", requirement, quantize, remedy))


def _check_preparation(
    interpolation: Any, crop_to_aspect_ratio: Any, pad_to_aspect_ratio: Any
) -> None:
    """Raises an error if the arguments of the preparation are invalid or contradict each other."""
    check_choice("interpolation", interpolation, INTERPOLATIONS)
    check_boolean("crop_to_aspect_ratio", crop_to_aspect_ratio)
    check_boolean("pad_to_aspect_ratio", pad_to_aspect_ratio)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        must = "False if " + argument("crop_to_aspect_ratio") + " is True"
        raise ValueError(describe("pad_to_aspect_ratio", must, True))


def _check_exportable(model: Any, image_size: Any) -> tuple[int, int]:
    """Returns the image size of a model; raises an error if it does not take RGB images."""
    check_graph(model)
    if len(model.inputs) != 1:
        raise ValueError(
            argument("model") + f" must have one input; received {model.name!r} with "
            f"{len(model.inputs)} inputs."
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4 or shape[3] != 3:
        raise ValueError(
            argument("model") + " must take images of shape (batch, height, width, 3); received "
            f"{model.name!r}, whose input has shape {shape}."
        )
    expected = find_input_range(model)
    if expected is not None and not same_range(expected, BYTES):
        raise ValueError(
            argument("model") + f" must take pixel values in [0, 255]; received {model.name!r}, "
            f"whose layers expect {format_range(expected)}. Put a "
            "`catdog_keras.Preprocessing` or `keras.layers.Rescaling` layer in front of it."
        )
    if image_size is None:
        if None in shape[1:3]:
            raise ValueError(
                argument("image_size") + " is required, because the model accepts images of any "
                "size: pass the size of the training images."
            )
        return int(shape[1]), int(shape[2])
    height, width = check_image_size("image_size", image_size)
    if any(
        side not in (None, given) for side, given in zip(shape[1:3], (height, width), strict=True)
    ):
        requirement = f"None or the input size of the model, here {shape[1:3]}"
        raise ValueError(describe("image_size", requirement, image_size))
    return height, width


def _class_names_or_indices(model: keras.Model) -> tuple[str, ...]:
    """Returns the class names in a model, or the indices of its classes."""
    found = find_class_names(model)
    if found is not None:
        return found
    count = max(int(model.outputs[0].shape[-1] or 0), 2)
    warn(
        f"{model.name!r} has no class names, so the file names its classes 0 to {count - 1}. Pass "
        "their names: " + argument("class_names") + "."
    )
    return tuple(map(str, range(count)))


def _check_one_output_per_class(model: keras.Model, classes: int, from_logits: bool | None) -> None:
    """Raises an error unless the model has one output per class, and ends as stated."""
    if len(model.outputs) != 1:
        raise ValueError(
            argument("model") + f" must have one output; received {model.name!r} with "
            f"{len(model.outputs)} outputs."
        )
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 2 or (shape[1] != classes and (shape[1], classes) != (1, 2)):
        raise ValueError(
            argument("model") + f" must return one value per class, here {classes}; received "
            f"{model.name!r}, whose output has shape {shape}. Do "
            + argument("class_names")
            + " belong to this model?"
        )
    check_ending(model, shape[1], from_logits)


def _determine_from_logits(model: keras.Model, size: tuple[int, int]) -> bool:
    """Returns whether a model returns logits, if necessary by its outputs for random images."""
    known = ends_in_logits(model)
    if known is not None:
        return known
    images = np.random.default_rng(0).uniform(0, 255, (8, *size, 3)).astype(np.float32)
    outputs = keras.tree.flatten(predict_batch("check_data", model, images))
    return returns_logits(model, check_outputs(outputs, None, 0))


def _other_float_policies(model: keras.Model) -> set[str]:
    """Returns the policies of an exported model that compute in a float dtype besides float32."""
    found = set()
    for layer in every_layer(model):
        policy = getattr(layer, "dtype_policy", None)
        if policy is not None and policy.compute_dtype in ("bfloat16", "float16", "float64"):
            found.add(str(policy.name))
    return found


def _computes_in_float32(model: keras.Model) -> bool:
    """Returns whether all layers of an exported model compute in float32."""
    return all(
        getattr(each, "compute_dtype", "float32") == "float32" and _computes_in_float32(each)
        for each in getattr(model, "layers", ())
    )


def _copy_in_float32(model: keras.Model) -> keras.Model:
    """Returns a copy of a model whose layers compute in float32."""

    def copy(layer: Any) -> Any:
        is_layer = isinstance(layer, keras.Layer)  # or an operation of keras.ops
        return copy_layer(layer, dtype="float32") if is_layer else copy_layer(layer)

    copied = clone_uncompiled(model, clone_function=copy, recursive=True)
    assign_weights(copied, [np.asarray(each, np.float32) for each in model.get_weights()])
    return copied


def _source_digest(model: keras.Model, file: Path | None) -> str:
    """Returns the SHA-256 of a model's file, or of its weights in order."""
    if file is not None:
        return sha256_of(file)
    digest = hashlib.sha256()
    for weights in model.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()
