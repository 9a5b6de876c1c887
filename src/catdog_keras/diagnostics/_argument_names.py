"""Argument names of checks of data in other libraries."""

from catdog_keras._suggestions import Synonyms

_CLASSES = dict.fromkeys(("classes", "label_names", "names"), (("class_names",), ""))
_LABELS = dict.fromkeys(("targets", "y", "y_true"), (("labels",), ""))

PIPELINE_NAMES: Synonyms = {
    **_CLASSES,
    **dict.fromkeys(("data", "ds", "splits", "train", "x"), (("dataset",), "")),
    **dict.fromkeys(("max_batches", "num_batches", "steps"), (("batches",), "")),
}
"""Names for `check_pipeline`."""

FEATURE_NAMES: Synonyms = {
    **dict.fromkeys(("data", "dataset", "files", "inputs", "paths", "x"), (("images",), "")),
    **dict.fromkeys(("base_model", "extractor", "model", "model_name"), (("backbone",), "")),
    **dict.fromkeys(("pool", "pooling_type"), (("pooling",), "")),
    "pretrained": (("weights",), ""),
}
"""Names for `extract_features`."""

DATA_NAMES: Synonyms = {
    **_CLASSES,
    **_LABELS,
    **dict.fromkeys(("X", "embeddings", "x"), (("features",), "`extract_features` returns them.")),
    **dict.fromkeys(("pred_probs", "predictions", "probs"), (("probabilities",), "")),
    **dict.fromkeys(("cv", "n_folds", "n_splits", "num_folds"), (("folds",), "")),
    **dict.fromkeys(("random_state", "rng"), (("seed",), "")),
    **dict.fromkeys(("file_names", "filenames", "paths"), (("files", "images"), "")),
    **dict.fromkeys(("train_sizes",), (("sizes",), "")),
}
"""Names for the functions that check features, labels and files."""
