"""Argument names of model builders in other libraries."""

from catdog_keras._suggestions import Synonyms

_INCLUDE_TOP = "The models have a new last layer for `num_classes` classes."

ARGUMENT_NAMES: Synonyms = {
    "base_model": (("backbone",), ""),
    "dropout_rate": (("dropout",), ""),
    "drop_rate": (("dropout",), ""),
    "include_top": ((), _INCLUDE_TOP),
    "labels": (("class_names",), ""),
    "pretrained": (("weights",), ""),
    **dict.fromkeys(("classes", "n_classes", "nb_classes", "num_labels"), (("num_classes",), "")),
    **dict.fromkeys(
        ("image_shape", "image_size", "img_size", "input_size", "shape", "size"),
        (("input_shape",), "It is (height, width, channels)."),
    ),
}
"""The arguments of the functions of this package, and a hint."""
