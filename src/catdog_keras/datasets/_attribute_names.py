"""Attribute names of data sets in other libraries."""

from catdog_keras._suggestions import Synonyms

_PIXELS = "Its batches are those of `train`, `validation` and `test`."
_EACH = "It has them by split: "

SPLITS_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(
        ("dev", "val", "val_data", "val_dataset", "val_ds", "valid", "validation_ds"),
        (("validation",), ""),
    ),
    **dict.fromkeys(("train_data", "train_dataset", "train_ds", "training"), (("train",), "")),
    **dict.fromkeys(("test_data", "test_dataset", "test_ds", "testing"), (("test",), "")),
    **dict.fromkeys(("class_indices", "classes", "label_names", "names"), (("class_names",), "")),
    **dict.fromkeys(("n_classes", "nb_classes"), (("num_classes",), "")),
    **dict.fromkeys(
        ("file_paths", "filenames", "filepaths", "paths"), (("files",), _EACH + '`files["test"]`.')
    ),
    **dict.fromkeys(
        ("targets", "y", "y_test", "y_train"), (("labels",), _EACH + '`labels["test"]`.')
    ),
    **dict.fromkeys(("data", "dataset", "images", "x", "x_test", "x_train"), ((), _PIXELS)),
    **dict.fromkeys(("class_counts", "label_counts", "num_images", "sizes"), (("counts",), "")),
    **dict.fromkeys(("batch_size", "image_size", "seed"), ((), "It is in `options`.")),
    **dict.fromkeys(("summary", "info", "describe"), ((), "`print(splits)` shows the counts.")),
    **dict.fromkeys(("manifest", "save", "to_json"), (("save_manifest",), "")),
    **dict.fromkeys(("directory", "folder", "path"), (("root",), "")),
    "class_weight": ((), 'Pass class_weight="balanced" to `fit_head` or `fine_tune`.'),
}
"""Names for `ImageSplits`: its attributes, and a hint."""

SCAN_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(("print", "report", "summary", "text"), (("to_text",), "")),
    **dict.fromkeys(("broken", "corrupt", "corrupted", "errors", "invalid"), (("bad",), "")),
    **dict.fromkeys(("ok", "valid"), (("good",), "")),
}
"""Names for `ScanReport`: its attributes, and a hint."""

IMAGES_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(("data", "ds", "images", "x"), (("dataset",), "")),
    **dict.fromkeys(("targets", "y"), (("labels",), "")),
    **dict.fromkeys(("file_paths", "filenames", "filepaths", "paths"), (("files",), "")),
    **dict.fromkeys(("train", "validation", "test"), ((), "Load splits by `load_image_folder`.")),
}
"""Names for `LabeledImages`: its attributes, and a hint."""
