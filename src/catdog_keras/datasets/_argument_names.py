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

_FRACTIONS = "The split of the tutorial is fixed; `load_image_folder` has fractions."

CATS_DOGS_NAMES: Synonyms = {
    **LOADER_NAMES,
    **dict.fromkeys(("archive", "data_dir", "directory", "folder", "path"), (("source",), "")),
    **dict.fromkeys(
        ("holdout_fraction", "test_fraction", "test_size", "validation_split"), ((), _FRACTIONS)
    ),
}
"""Names for `load_cats_dogs`."""

_OPTIONS = {name: each for name, each in LOADER_NAMES.items() if each[0] == ("image_size",)}

TABLE_NAMES: Synonyms = {
    **{name: each for name, each in LOADER_NAMES.items() if each[0] != ("directory",)},
    **dict.fromkeys(("csv", "csv_file", "data", "dataframe", "df", "path"), (("table",), "")),
    **dict.fromkeys(("files", "filename", "filenames", "paths", "x_col"), (("image_column",), "")),
    **dict.fromkeys(("labels", "label", "target", "y_col"), (("label_column",), "")),
    **dict.fromkeys(("base_dir", "data_dir", "directory", "folder"), (("root",), "")),
    **dict.fromkeys(("group", "groups"), (("group_column",), "")),
}
"""Names for `load_image_table`."""

PATHS_NAMES: Synonyms = {
    **_OPTIONS,
    **dict.fromkeys(
        ("data_dir", "directory", "files", "folder", "images", "path", "source"), (("paths",), "")
    ),
    "labels": ((), "Labels are the names of the folders, where `class_names` are given."),
}
"""Names for `load_images`."""

MANIFEST_NAMES: Synonyms = {
    **_OPTIONS,
    **dict.fromkeys(("file", "filename", "manifest"), (("path",), "")),
    **dict.fromkeys(("data_dir", "folder", "root", "source"), (("directory",), "")),
}
"""Names for `load_manifest`."""

SCAN_NAMES: Synonyms = {
    **dict.fromkeys(
        ("data_dir", "folder", "image_dir", "path", "root", "source"), (("directory",), "")
    ),
    **dict.fromkeys(("duplicates", "find_duplicates"), (("near_duplicates",), "")),
    **dict.fromkeys(("cache", "force", "refresh"), (("recheck",), "")),
}
"""Names for `scan_images`."""
