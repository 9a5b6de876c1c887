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

_REPORT = "`train` writes a report, and `evaluate` does with --report FOLDER."

COMMAND_NAMES: Synonyms = {
    **dict.fromkeys(("html", "report", "summary"), ((), _REPORT)),
    **dict.fromkeys(("check", "clean", "duplicates", "lint"), (("doctor", "scan"), "")),
    **dict.fromkeys(("inspect", "validate", "verify"), (("scan", "evaluate"), "")),
    **dict.fromkeys(("benchmark", "eval", "score", "test"), (("evaluate",), "")),
    **dict.fromkeys(("classify", "infer", "inference", "label", "sort"), (("predict",), "")),
    **dict.fromkeys(("fine-tune", "finetune", "fit", "learn", "run"), (("train",), "")),
    **dict.fromkeys(("convert", "onnx", "save", "tflite"), (("export",), "")),
    **dict.fromkeys(("list", "models", "networks"), (("backbones",), "")),
    **dict.fromkeys(("demo", "example", "start"), (("tutorial",), "")),
}
"""Commands that users guess: the commands that they may mean, or a hint."""
