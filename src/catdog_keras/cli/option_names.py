"""Option names of Keras, scikit-learn and other programs for image classification."""

from catdog_keras._suggestions import Synonyms

OPTION_NAMES: Synonyms = {
    "augment": (("augmentation",), ""),
    "batch": (("batch-size",), ""),
    "class-weights": (("class-weight",), ""),
    "classes": (("class-name",), "Repeat it for each class."),
    "labels-csv": (("labels",), ""),
    "pretrained": (("weights",), ""),
    "random-state": (("seed",), ""),
    **dict.fromkeys(("arch", "architecture", "model"), (("backbone",), "")),
    **dict.fromkeys(("img-size", "imgsz", "input-size"), (("image-size",), "")),
    **dict.fromkeys(("out", "output-dir"), (("output",), "")),
    **dict.fromkeys(("test-size", "test-split"), (("test-fraction",), "")),
    **dict.fromkeys(
        (
            *("val-fraction", "val-size", "val-split"),
            *("validation-fraction", "validation-size", "validation-split"),
        ),
        (("holdout-fraction",), "It is for validation and test together."),
    ),
}
"""The options that do the same here, and a hint; they are suggested if a command has them."""
