"""Argument names of model builders in other libraries."""

from catdog_keras._suggestions import Synonyms

_INCLUDE_TOP = "The models have a new last layer for `num_classes` classes."
_FROZEN = "The backbone of `transfer_model` is frozen; `fine_tune` trains its last layers."
_LOGITS = "The models return logits. Append a `keras.layers.Softmax` for probabilities."
_UNCOMPILED = "The models are not compiled: pass an optimizer to `model.compile`."

ARGUMENT_NAMES: Synonyms = {
    "include_top": ((), _INCLUDE_TOP),
    "labels": (("class_names",), ""),
    "pretrained": (("weights",), ""),
    **dict.fromkeys(("activation", "classifier_activation", "from_logits"), ((), _LOGITS)),
    **dict.fromkeys(
        ("arch", "architecture", "base", "base_model", "model_name"), (("backbone",), "")
    ),
    **dict.fromkeys(("augment", "data_augmentation"), (("augmentation",), "")),
    **dict.fromkeys(("dropout_rate", "drop_rate"), (("dropout",), "")),
    **dict.fromkeys(("finetune", "freeze", "frozen", "trainable"), ((), _FROZEN)),
    **dict.fromkeys(("learning_rate", "lr", "optimizer"), ((), _UNCOMPILED)),
    **dict.fromkeys(("normalize", "preprocess", "preprocess_input"), (("preprocessing",), "")),
    **dict.fromkeys(("pool", "pooling_type"), (("pooling",), "")),
    **dict.fromkeys(("width", "width_multiplier"), (("alpha",), "")),
    **dict.fromkeys(
        ("classes", "n_classes", "nb_classes", "num_labels", "num_outputs"), (("num_classes",), "")
    ),
    **dict.fromkeys(
        ("image_shape", "image_size", "img_size", "input_size", "shape", "size"),
        (("input_shape",), "It is (height, width, channels)."),
    ),
}
"""The arguments of the functions of this package, and a hint."""

PREDICTION_NAMES: Synonyms = {
    **dict.fromkeys(
        ("data", "dataset", "ds", "generator", "image", "inputs", "test_data", "x"),
        (("images",), ""),
    ),
    **dict.fromkeys(("is_logits", "logits"), (("from_logits",), "")),
    **dict.fromkeys(("activation", "softmax"), ((), "Logits become probabilities on their own.")),
    **dict.fromkeys(("progress", "verbose"), ((), "No progress is printed.")),
    **dict.fromkeys(
        ("max_batches", "steps"), ((), "Limit the dataset: `dataset.take(number_of_batches)`.")
    ),
    "callbacks": ((), "`model.predict` takes callbacks."),
    "class_names": ((), "The columns are in the order of `get_class_names(model)`."),
    **dict.fromkeys(
        ("augmentation", "augmentations", "n", "n_views", "num_views", "transforms", "tta"),
        (("views",), ""),
    ),
}
"""The arguments of `predict_probabilities` and `predict_tta`, and a hint."""
