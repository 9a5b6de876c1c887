"""`catdog-keras export`: exports a model to one file for another runtime."""

import sys

import click

from catdog_keras._checks import check_path, describe
from catdog_keras._message import message_of
from catdog_keras._printable import printable
from catdog_keras.cli.argument_checks import check_data_exists
from catdog_keras.cli.errors import user_errors, with_option_names
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.interrupts import handle_interrupts
from catdog_keras.cli.load_model import (
    check_model_file,
    find_model_file,
    load_model_file,
    model_errors,
)
from catdog_keras.cli.model_classes import check_class_count
from catdog_keras.cli.model_options import model_file_options
from catdog_keras.cli.preparation import (
    find_preparation,
    preparation_options,
    stated_preparation,
)
from catdog_keras.cli.run_files import one_training_run

SHOWN_IMAGES = 20


@click.command(short_help="Export a model to ONNX, LiteRT or a SavedModel.")
@click.argument("model")
@click.argument("output")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["onnx", "litert", "savedmodel"]),
    help="Format of OUTPUT. The default is that of its file name extension: .onnx, .tflite (litert)"
    " or none (savedmodel, a folder).",
)
@click.option(
    "--quantize",
    type=click.Choice(["int8", "float16"]),
    help="Smaller file: int8 for a quarter of the size, with a small loss of accuracy; float16 for "
    "half of it. The default is float32.",
)
@click.option(
    "--input-dtype",
    default="uint8",
    show_default=True,
    type=click.Choice(["uint8", "float32"]),
    help="Dtype of the images that OUTPUT takes. Their values are in [0, 255] for both.",
)
@click.option(
    "--calibration",
    metavar="DIR",
    help="Folder or zip archive of images for --quantize int8, like those of the training. The "
    "default is a sample of the training images, if they are where the training read them.",
)
@click.option(
    "--check",
    metavar="DIR",
    help="Folder or zip archive of images on which OUTPUT is compared with MODEL, also by accuracy "
    "if they are in folders of the classes. The default is a sample of the training images, if "
    "they are where the training read them, otherwise random images.",
)
@model_file_options
@preparation_options
def export(
    model: str,
    output: str,
    format_: str | None,
    quantize: str | None,
    input_dtype: str,
    calibration: str | None,
    check: str | None,
    class_names: tuple[str, ...],
    from_logits: bool | None,
    preprocessing: str | None,
    trust_model: bool,
    crop_to_aspect_ratio: bool,
    pad_to_aspect_ratio: bool,
) -> None:
    """Export MODEL to the file or folder OUTPUT, and compare their predictions.

    MODEL is a .keras file, or the output folder of train.
    OUTPUT takes images of any size and returns probabilities. The comparison is also written to
    OUTPUT.json. If it finds a difference, OUTPUT is not written, and the exit status is 1.
    """
    options = {"path": "OUTPUT", "format": "--format"}
    with user_errors(**options, check_data="--check", calibration_data="--calibration"):
        model = find_model_file(model)
        file = check_model_file(model)
        if output == "-":
            remedy = "A model is not written to standard output."
            raise ValueError(describe("output", "a file or folder", output, remedy))
        for name, data in (("check", check), ("calibration", calibration)):
            if data is not None:
                check_data_exists(name, data)
        if calibration is not None and quantize != "int8":
            must = "used with --quantize int8"
            raise ValueError(describe("calibration", must, calibration))
        stated = stated_preparation(crop_to_aspect_ratio, pad_to_aspect_ratio)
        import_frameworks()
        from catdog_keras.cli.export_images import choose_export_images
        from catdog_keras.conversion import ExportMismatchError, export_model
        from catdog_keras.conversion._export_files import check_output
        from catdog_keras.conversion._formats import choose_format

        place = check_path("path", output)
        check_output(place, choose_format(place, format_))  # before the model is loaded
        with handle_interrupts(), one_training_run(file):
            prepared = find_preparation(file, stated)
            loaded = load_model_file(
                model, class_names, batch_size=1, preprocessing=preprocessing, trust=trust_model
            )
            check_class_count(loaded.model, loaded.class_names)
            with user_errors(paths="--check", directory="--check"):
                chosen = choose_export_images(check, file, loaded.class_names)
            calibrated = None
            if quantize == "int8":
                with user_errors(paths="--calibration", directory="--calibration"):
                    names = loaded.class_names
                    calibrated = choose_export_images(calibration, file, names, labeled=False)
            try:
                with model_errors(model):
                    report = export_model(
                        loaded.model,
                        output,
                        format=format_,  # type: ignore[arg-type]
                        quantize=quantize,  # type: ignore[arg-type]
                        calibration_data=calibrated and calibrated.named(),
                        check_data=chosen and chosen.named(),
                        class_names=loaded.class_names,
                        from_logits=from_logits,
                        image_size=loaded.image_size,
                        input_dtype=input_dtype,  # type: ignore[arg-type]
                        source=file,
                        **prepared,
                    )
            except ExportMismatchError as error:
                click.echo(error.report)
                click.echo(f"Error: {with_option_names(message_of(error))}", err=True)
                if chosen is not None:
                    for position in error.report.differing_images[:SHOWN_IMAGES]:
                        click.echo(f"  {printable(chosen.files[position].path)}", err=True)
                sys.exit(1)
    click.echo(report)
    click.echo(f"The exported model is {printable(report.path)}.")
