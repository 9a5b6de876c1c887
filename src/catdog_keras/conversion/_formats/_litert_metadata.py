"""The metadata table of a LiteRT file, in the format of the public schema, written by hand.

The packages that write it, tflite-support and MediaPipe, are unmaintained or large. Each number
below is a field of a table in metadata_schema.fbs.

Source: https://ai.google.dev/edge/litert/conversion/tensorflow/metadata.
"""

from collections.abc import Callable
from typing import Any

from catdog_keras.conversion._embedded_metadata import ExportMetadata
from catdog_keras.conversion._serving_model import IMAGES, PROBABILITIES

METADATA_NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"
MIN_PARSER_VERSION = "1.0.0"

UNKNOWN_FILE, AXIS_LABELS = 0, 2  # AssociatedFileType
IMAGE_PROPERTIES = 2  # in the union ContentProperties
RGB = 1  # ColorSpaceType


def model_metadata(metadata: ExportMetadata, labels_file: str, metadata_file: str) -> bytes:
    """Returns the buffer `TFLITE_METADATA`: names of the tensors, and of the associated files.

    Args:
        metadata: The metadata of the model.
        labels_file: Name of the file with one class name per line, in the order of the outputs.
        metadata_file: Name of the file with all metadata.
    """
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    content = _write_table(
        builder, 3, {0: ("Uint8", IMAGE_PROPERTIES), 1: _write_image_properties(builder)}
    )
    images = _write_table(
        builder,
        7,
        {
            0: builder.CreateString(IMAGES),
            1: builder.CreateString("RGB images in [0, 255] of any height and width"),
            3: content,
        },
    )
    labels = _write_associated_file(builder, labels_file, AXIS_LABELS)
    probabilities = _write_table(
        builder,
        7,
        {0: builder.CreateString(PROBABILITIES), 6: _write_vector(builder, [labels])},
    )
    subgraph = _write_table(
        builder,
        5,
        {2: _write_vector(builder, [images]), 3: _write_vector(builder, [probabilities])},
    )
    others = _write_associated_file(builder, metadata_file, UNKNOWN_FILE)
    model = _write_table(
        builder,
        8,
        {
            0: builder.CreateString("Image classifier"),
            1: builder.CreateString("Exported by catdog-keras " + metadata.catdog_keras_version),
            3: _write_vector(builder, [subgraph]),
            6: _write_vector(builder, [others]),
            7: builder.CreateString(MIN_PARSER_VERSION),
        },
    )
    builder.Finish(model, IDENTIFIER)
    return bytes(builder.Output())


def _write_image_properties(builder: Any) -> int:
    """Writes the LiteRT metadata table that marks the input as RGB images; returns its offset."""
    return _write_table(builder, 2, {0: ("Int8", RGB)})


def _write_associated_file(builder: Any, name: str, kind: int) -> int:
    """Writes the LiteRT metadata table on an associated file in the archive; returns its offset."""
    return _write_table(builder, 5, {0: builder.CreateString(name), 2: ("Int8", kind)})


def _write_table(builder: Any, size: int, fields: dict[int, Any]) -> int:
    """Writes a LiteRT metadata table of `size` fields: offsets, or pairs of type and value."""
    builder.StartObject(size)
    for place, value in fields.items():
        if isinstance(value, tuple):
            kind, number = value
            prepend: Callable[..., None] = getattr(builder, f"Prepend{kind}Slot")
            prepend(place, number, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(place, value, 0)
    return int(builder.EndObject())


def _write_vector(builder: Any, offsets: list[int]) -> int:
    """Writes a vector of LiteRT metadata offsets, last one first; returns its offset."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
