"""Metadata of an exported file: class names, preparation of the images, and the source model."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExportMetadata:
    """Metadata that `export_model` writes into a file, and `read_metadata` reads.

    An ONNX file has an entry in `metadata_props` for each attribute; values that are not strings
    are JSON. A LiteRT file has `labels.txt`, which tools such as MediaPipe read, and
    `catdog_keras.json` with all attributes; a SavedModel has `assets.extra/catdog_keras.json`.

    Attributes:
        class_names: Class names in the order of the probabilities.
        input_size: (height, width) in pixels to which the file resizes images.
        input_range: Lowest and highest pixel value of the images, 0 and 255.
        interpolation: Interpolation of the resizing, without antialiasing.
        crop_to_aspect_ratio: Whether images are cropped to the aspect ratio of `input_size`.
        pad_to_aspect_ratio: Whether images are filled with black up to that aspect ratio.
        quantize: `"int8"`, `"float16"`, or None for float32.
        catdog_keras_version: Version of this package that wrote the file.
        source_sha256: SHA-256 of the model's file; of its weights if there is no file.
        input_dtype: Dtype of the images that the file takes, `"uint8"` or `"float32"`.

    Example:
        >>> from catdog_keras.conversion import ExportMetadata
        >>> given = {"class_names": ("cat", "dog"), "input_size": (160, 160)}
        >>> preparation = ("bilinear", False, False)
        >>> ExportMetadata(*given.values(), (0, 255), *preparation, None, "0.1.0", "").class_names
        ('cat', 'dog')
    """

    class_names: tuple[str, ...]
    input_size: tuple[int, int]
    input_range: tuple[int, int]
    interpolation: str
    crop_to_aspect_ratio: bool
    pad_to_aspect_ratio: bool
    quantize: str | None
    catdog_keras_version: str
    source_sha256: str
    input_dtype: str = "uint8"

    def to_json(self) -> str:
        """Returns all attributes as a JSON object."""
        return json.dumps(vars(self), indent=2, ensure_ascii=False)

    def to_strings(self) -> dict[str, str]:
        """Returns a string for each attribute, for formats that store only these."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, text: str) -> "ExportMetadata":
        """Reads what `to_json` returned.

        Raises:
            TypeError: If an attribute is missing.
            ValueError: If the text is not JSON.
        """
        return cls._from_values(json.loads(text))

    @classmethod
    def from_strings(cls, strings: dict[str, str]) -> "ExportMetadata":
        """Reads what `to_strings` returned; other entries are ignored.

        Raises:
            TypeError: If an attribute is missing.
            ValueError: If a value is not JSON.
        """
        texts = {"interpolation", "quantize", "catdog_keras_version"}
        texts |= {"source_sha256", "input_dtype"}
        known = {name: strings[name] for name in cls.__dataclass_fields__ if name in strings}
        return cls._from_values(
            {
                name: text if name in texts and text != "null" else json.loads(text)
                for name, text in known.items()
            }
        )

    @classmethod
    def _from_values(cls, values: dict[str, Any]) -> "ExportMetadata":
        tuples: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**tuples)
