"""Argument names of exporters in other libraries."""

from catdog_keras._suggestions import Synonyms

EXPORT_NAMES: Synonyms = {
    **dict.fromkeys(
        ("export_dir", "file", "filename", "filepath", "output", "save_path"), (("path",), "")
    ),
    **dict.fromkeys(("export_format", "type"), (("format",), "")),
    **dict.fromkeys(("dtype", "precision", "quantization"), (("quantize",), "")),
    **dict.fromkeys(
        ("calibration", "representative_data", "representative_dataset"),
        (("calibration_data",), ""),
    ),
    **dict.fromkeys(("data", "dataset", "validation_data"), (("check_data",), "")),
    **dict.fromkeys(("classes", "labels", "names"), (("class_names",), "")),
    **dict.fromkeys(("img_size", "imgsz", "input_shape", "size"), (("image_size",), "")),
    **dict.fromkeys(("opset", "opset_version"), ((), "The opset is fixed.")),
    "verbose": ((), "No progress is printed."),
}
"""Names for `export_model`."""
