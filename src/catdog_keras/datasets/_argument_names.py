"""Argument names of `keras.utils.image_dataset_from_directory` and of other libraries."""

from catdog_keras._suggestions import Synonyms

_SPLITS = "The result has the attributes `train`, `validation` and `test`."

LOADER_NAMES: Synonyms = {
    "labels": ((), "Labels are the folders; `load_image_table` reads them from a table."),
    "label_column": ((), "`load_image_table` reads labels from a table."),
    "random_state": (("seed",), ""),
    "subset": ((), _SPLITS),
    "test_size": (("test_fraction",), ""),
    "test_split": (("test_fraction",), ""),
    **dict.fromkeys(
        ("val_split", "validation_split", "validation_fraction"), (("holdout_fraction",), _SPLITS)
    ),
    **dict.fromkeys(("data_dir", "folder", "path", "root"), (("directory",), "")),
    **dict.fromkeys(
        ("img_size", "imgsz", "input_shape", "size", "target_size"), (("image_size",), "")
    ),
    **dict.fromkeys(("classes", "class_order"), (("class_names",), "")),
}
"""The arguments of `load_image_folder`, and a hint."""
