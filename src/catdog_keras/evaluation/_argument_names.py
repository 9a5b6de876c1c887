"""Argument names of metrics and evaluations in other libraries."""

from catdog_keras._suggestions import Synonyms

_ALL = "The `Evaluation` that is returned has all metrics."
_AVERAGES = "The evaluation has a `macro_average` and a `weighted_average`."
_QUIET = "No progress is printed."
_LOGITS = "Convert logits by `keras.ops.softmax`; `evaluate_classifier` does so automatically."
_ROWS = "It has a row per image and a column per class."
_ONE_BY_ONE = "Pass the evaluations one by one: `compare(first, second)`."
_TEST = "It is the exact McNemar test; a p-value below 0.05 is significant."

_NAMES = dict.fromkeys(
    ("classes", "display_labels", "label_names", "names", "target_names"), (("class_names",), "")
)
_FILES = dict.fromkeys(("file_names", "file_paths", "filenames", "paths"), (("files",), ""))
_METRICS = {
    **dict.fromkeys(("metric", "metrics"), ((), _ALL)),
    **dict.fromkeys(("average", "averaging"), ((), _AVERAGES)),
}

EVALUATE_NAMES: Synonyms = {
    **_NAMES,
    **_FILES,
    **_METRICS,
    **dict.fromkeys(
        ("data", "ds", "generator", "images", "inputs", "loader", "test_data", "x"),
        (("dataset",), ""),
    ),
    **dict.fromkeys(("labels", "targets", "y_test", "y_true"), (("y",), "")),
    **dict.fromkeys(("is_logits", "logits"), (("from_logits",), "")),
    **dict.fromkeys(("activation", "softmax"), (("from_logits",), "")),
    **dict.fromkeys(
        ("sample_weight", "sample_weights", "weights"), ((), "All images have the same weight.")
    ),
    **dict.fromkeys(
        ("max_batches", "steps"), ((), "Limit the dataset: `dataset.take(number_of_batches)`.")
    ),
    **dict.fromkeys(("progress", "verbose"), ((), _QUIET)),
    "return_dict": ((), "`evaluate_classifier(...).to_dict()` returns a dict."),
    "callbacks": ((), "`model.evaluate` takes callbacks."),
}
"""Names for `evaluate_classifier`: its arguments, and a hint."""

_DATASET = dict.fromkeys(
    ("data", "ds", "images", "splits", "test", "test_data", "train", "val_data", "x"),
    (("dataset", "validation"), ""),
)

COUNT_NAMES: Synonyms = {
    **_NAMES,
    **_DATASET,
    **dict.fromkeys(("labels", "targets", "y_true"), (("y",), "")),
}
"""Names for `count_labels`."""

CALIBRATE_NAMES: Synonyms = {
    **_DATASET,
    **dict.fromkeys(("dataset", "validation_data"), (("validation",), "")),
    **dict.fromkeys(("labels", "targets", "y_true", "y_val"), (("y",), "")),
    **dict.fromkeys(("method", "temperature"), ((), "The temperature is fitted and returned.")),
}
"""Names for `calibrate`."""

EVALUATION_NAMES: Synonyms = {
    **_NAMES,
    **_FILES,
    **_METRICS,
    **dict.fromkeys(("targets", "y", "y_test", "y_true"), (("labels",), "")),
    **dict.fromkeys(
        ("predictions", "preds", "probas", "probs", "scores", "y_pred", "y_prob", "y_score"),
        (("probabilities",), _ROWS),
    ),
    **dict.fromkeys(("from_logits", "logits"), (("probabilities",), _LOGITS)),
}
"""Names for `Evaluation`."""

COMPARE_NAMES: Synonyms = {
    **dict.fromkeys(("labels", "model_names"), (("names",), "")),
    **dict.fromkeys(("evaluations", "models", "results"), ((), _ONE_BY_ONE)),
    **dict.fromkeys(("alpha", "correction", "method", "significance", "test"), ((), _TEST)),
}
"""Names for `compare`."""

GRAD_CAM_NAMES: Synonyms = {
    **dict.fromkeys(("image", "img_array", "input_tensor", "inputs", "x"), (("images",), "")),
    **dict.fromkeys(
        ("category", "class_id", "class_idx", "label", "pred_index", "target", "target_category"),
        (("class_index",), ""),
    ),
    **dict.fromkeys(
        (
            "conv_layer",
            "last_conv_layer",
            "last_conv_layer_name",
            "layer_name",
            "target_layer",
            "target_layers",
        ),
        (("layer",), ""),
    ),
}
"""Names for `grad_cam` and `plot_grad_cam`."""
