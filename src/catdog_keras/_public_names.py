"""Public names of the package and its subpackages, for the message about an unknown name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catdog_keras._suggestions import Synonyms

MOST = 3

_OF_EVALUATION = {
    "accuracy": "accuracy",
    "accuracy_score": "accuracy",
    "classification_report": "class_metrics",
    "confusion_matrix": "confusion_matrix",
    "f1_score": "f1",
    "log_loss": "log_loss",
    "precision_recall_curve": "precision_recall_curves",
    "roc_curve": "roc_curves",
    "top_losses": "top_losses()",
}

# Names in Keras, scikit-learn, fastai and tutorials: the public names here, and a hint.
GUESSES: Synonyms = {
    **dict.fromkeys(
        (
            "dataset",
            "flow_from_directory",
            "image_data_generator",
            "image_dataset_from_directory",
            "image_folder",
            "load_data",
            "load_dataset",
            "load_images_from_folder",
        ),
        (("load_image_folder", "load_cats_dogs"), ""),
    ),
    **dict.fromkeys(
        ("split_data", "split_dataset", "train_test_split"),
        (("load_image_folder",), "It splits the images."),
    ),
    **dict.fromkeys(("evaluate", "evaluate_model", "test"), (("evaluate_classifier",), "")),
    **{
        name: ((), f"Use `evaluate_classifier(model, dataset).{attribute}`.")
        for name, attribute in _OF_EVALUATION.items()
    },
    **dict.fromkeys(("fit", "fit_model", "train", "train_model"), (("fit_head", "fine_tune"), "")),
    **dict.fromkeys(("finetune", "fine_tuning", "unfreeze"), (("fine_tune",), "")),
    **dict.fromkeys(("predict", "predict_proba"), (("predict_probabilities",), "")),
    **dict.fromkeys(("tta", "test_time_augmentation"), (("predict_tta",), "")),
    **dict.fromkeys(
        ("build_model", "cnn", "create_model", "get_model", "make_model"),
        (("build_model1", "transfer_model"), ""),
    ),
    **dict.fromkeys(("pretrained_model", "transfer_learning"), (("transfer_model",), "")),
    **dict.fromkeys(("grad_cam", "saliency", "cam"), (("grad_cam", "plot_grad_cam"), "")),
    **dict.fromkeys(("mix_up", "cut_mix"), ((), "Use `keras.layers.MixUp` or `CutMix`.")),
    **dict.fromkeys(
        ("augment", "augmentation", "augmentations", "data_augmentation"),
        (("augmentation_preset", "RandomAffine"), ""),
    ),
    **dict.fromkeys(
        ("random_flip", "random_rotation", "random_shear", "random_translation", "random_zoom"),
        (("RandomAffine",), ""),
    ),
    **dict.fromkeys(("normalization", "normalize", "preprocess_input"), (("Preprocessing",), "")),
    **dict.fromkeys(
        ("export", "quantize", "to_litert", "to_onnx", "to_tflite"), (("export_model",), "")
    ),
    "save_model": ((), "Use `model.save`, or `catdog_keras.conversion.export_model`."),
    "load_model": ((), "Use `keras.saving.load_model`."),
    **dict.fromkeys(("calibration", "temperature_scaling"), (("calibrate",), "")),
    **dict.fromkeys(("lr_find", "lr_finder"), (("find_learning_rate",), "")),
    **dict.fromkeys(("find_duplicates", "dedup", "deduplicate"), (("find_near_duplicates",), "")),
    **dict.fromkeys(
        ("clean", "cleanlab", "find_mislabeled", "label_errors", "mislabeled"),
        (("find_label_issues",), ""),
    ),
    **dict.fromkeys(("plot_batch", "show_batch", "show_images"), (("plot_images",), "")),
    **dict.fromkeys(
        ("plot_curves", "plot_loss", "plot_training", "plot_training_history"),
        (("plot_history",), ""),
    ),
    **dict.fromkeys(("plot_cm", "plot_confusion"), (("plot_confusion_matrix",), "")),
    **dict.fromkeys(("plot_errors", "plot_predictions"), (("plot_top_losses",), "")),
    **dict.fromkeys(("plot_calibration", "plot_calibration_curve"), (("plot_reliability",), "")),
    **dict.fromkeys(("mcnemar", "compare_models"), (("compare", "plot_comparison"), "")),
}


def describe_unknown(name: str, public: list[str]) -> str:
    """Returns the message for a name that is not a public name of the package.

    Args:
        name: The unknown name.
        public: The names that the package has.
    """
    from catdog_keras._suggestions import close_names, did_you_mean, letters_of

    message = f"module 'catdog_keras' has no attribute {name!r}."
    places = dict.fromkeys(public, "catdog_keras")
    for subpackage in public:
        for each in _public_names_of_package(subpackage):
            places.setdefault(each, f"catdog_keras.{subpackage}")
    if name in places:
        return f"{message} Use `{places[name]}.{name}`."
    letters = letters_of(name)
    guesses = {letters_of(guess): meant for guess, meant in GUESSES.items()}
    if letters in guesses:
        meant, hint = guesses[letters]
        question = did_you_mean([f"`{places[each]}.{each}`" for each in meant]) if meant else ""
        return " ".join(filter(None, (message, question, hint)))
    parts = [each for each in places if letters and letters in letters_of(each)]
    close = close_names(name, places) if len(letters) > 2 else []
    found = list(dict.fromkeys([*close, *parts]))[:MOST]
    if not found:
        return f"{message} `dir(catdog_keras)` lists its names."
    return f"{message} {did_you_mean([f'`{places[each]}.{each}`' for each in found])}"


def _public_names_of_package(subpackage: str) -> list[str]:
    """Returns the public names of a subpackage, which is not imported: it may import TensorFlow."""
    file = Path(__file__).parent / subpackage / "__init__.py"
    if not file.is_file():
        return []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []
