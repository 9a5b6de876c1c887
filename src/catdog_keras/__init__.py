"""Keras-native components for image classification; use one of them, or all.

The public names are available here and in their subpackages; `evaluation.compare` and
`evaluation.calibrate` only there. A subpackage is imported when one of its names is first used:
importing this package imports neither Keras nor TensorFlow.

Importing this package registers its layers with Keras, so a saved model that contains them loads
without `custom_objects`. If Keras is not imported yet, the layers are registered as soon as it is.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from wrapt import register_post_import_hook

if TYPE_CHECKING:  # for type checkers and documentation tools; at run time see `_NAMES`
    from catdog_keras.conversion import fold_batch_norm, strip_augmentation, use_fused_batch_norm
    from catdog_keras.datasets import (
        ImageSplits,
        LabeledImages,
        ScanReport,
        load_cats_dogs,
        load_image_folder,
        load_images,
        load_manifest,
        scan_images,
    )
    from catdog_keras.diagnostics import (
        PipelineFinding,
        PipelineReport,
        check_pipeline,
        infer_input_range,
    )
    from catdog_keras.evaluation import (
        AveragedMetrics,
        ClassMetrics,
        Comparison,
        Evaluation,
        ExampleLoss,
        ReliabilityBin,
        RocCurve,
        baseline_accuracy,
        count_labels,
        evaluate_classifier,
        grad_cam,
        wilson_interval,
    )
    from catdog_keras.layers import (
        AugmentationPipeline,
        BatchNormalization,
        ClassNames,
        ConvBlock,
        Preprocessing,
        RandomAffine,
        RandomApply,
        RandomChoice,
        augmentation_preset,
    )
    from catdog_keras.models import (
        BACKBONES,
        WeightsNotFoundError,
        build_model1,
        build_model2,
        build_model3,
        get_class_names,
        predict_probabilities,
        predict_tta,
        transfer_model,
    )
    from catdog_keras.plotting import (
        plot_augmentation,
        plot_comparison,
        plot_confusion_matrix,
        plot_grad_cam,
        plot_history,
        plot_images,
        plot_label_counts,
        plot_learning_rate,
        plot_reliability,
        plot_roc,
        plot_top_losses,
    )
    from catdog_keras.report import ModelReport, write_report
    from catdog_keras.training import (
        FineTuneConfig,
        LRFinderResult,
        find_learning_rate,
        fine_tune,
        fit_head,
    )

__version__ = "0.1.0"

__all__ = [
    "BACKBONES",
    "AugmentationPipeline",
    "AveragedMetrics",
    "BatchNormalization",
    "ClassMetrics",
    "ClassNames",
    "Comparison",
    "ConvBlock",
    "Evaluation",
    "ExampleLoss",
    "FineTuneConfig",
    "ImageSplits",
    "LRFinderResult",
    "LabeledImages",
    "ModelReport",
    "PipelineFinding",
    "PipelineReport",
    "Preprocessing",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "ReliabilityBin",
    "RocCurve",
    "ScanReport",
    "WeightsNotFoundError",
    "augmentation_preset",
    "baseline_accuracy",
    "build_model1",
    "build_model2",
    "build_model3",
    "check_pipeline",
    "count_labels",
    "evaluate_classifier",
    "find_learning_rate",
    "fine_tune",
    "fit_head",
    "fold_batch_norm",
    "get_class_names",
    "grad_cam",
    "infer_input_range",
    "load_cats_dogs",
    "load_image_folder",
    "load_images",
    "load_manifest",
    "plot_augmentation",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_grad_cam",
    "plot_history",
    "plot_images",
    "plot_label_counts",
    "plot_learning_rate",
    "plot_reliability",
    "plot_roc",
    "plot_top_losses",
    "predict_probabilities",
    "predict_tta",
    "scan_images",
    "strip_augmentation",
    "transfer_model",
    "use_fused_batch_norm",
    "wilson_interval",
    "write_report",
]

# The public names of each subpackage. A test checks that this table, `__all__` and the imports for
# type checkers list the same names.
_NAMES = {
    "conversion": ("fold_batch_norm", "strip_augmentation", "use_fused_batch_norm"),
    "datasets": (
        "ImageSplits",
        "LabeledImages",
        "ScanReport",
        "load_cats_dogs",
        "load_image_folder",
        "load_images",
        "load_manifest",
        "scan_images",
    ),
    "diagnostics": ("PipelineFinding", "PipelineReport", "check_pipeline", "infer_input_range"),
    "evaluation": (
        "AveragedMetrics",
        "ClassMetrics",
        "Comparison",
        "Evaluation",
        "ExampleLoss",
        "ReliabilityBin",
        "RocCurve",
        "baseline_accuracy",
        "count_labels",
        "evaluate_classifier",
        "grad_cam",
        "wilson_interval",
    ),
    "layers": (
        "AugmentationPipeline",
        "BatchNormalization",
        "ClassNames",
        "ConvBlock",
        "Preprocessing",
        "RandomAffine",
        "RandomApply",
        "RandomChoice",
        "augmentation_preset",
    ),
    "models": (
        "BACKBONES",
        "WeightsNotFoundError",
        "build_model1",
        "build_model2",
        "build_model3",
        "get_class_names",
        "predict_probabilities",
        "predict_tta",
        "transfer_model",
    ),
    "plotting": (
        "plot_augmentation",
        "plot_comparison",
        "plot_confusion_matrix",
        "plot_grad_cam",
        "plot_history",
        "plot_images",
        "plot_label_counts",
        "plot_learning_rate",
        "plot_reliability",
        "plot_roc",
        "plot_top_losses",
    ),
    "report": ("ModelReport", "write_report"),
    "training": ("FineTuneConfig", "LRFinderResult", "find_learning_rate", "fine_tune", "fit_head"),
}
_SUBPACKAGES = {name: subpackage for subpackage, names in _NAMES.items() for name in names}

if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> object:
        """Imports a subpackage when it, or one of its public names, is first used."""
        if name in _NAMES:
            return importlib.import_module(f"{__name__}.{name}")
        if name not in _SUBPACKAGES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_SUBPACKAGES[name]}"), name)
        globals()[name] = value  # later accesses skip this function
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_NAMES})


def _register_layers(_: ModuleType) -> None:
    # If the layers are already being imported, in this thread or another one, that import registers
    # them. Waiting here for another thread would be a deadlock, because that thread waits until
    # Keras is imported.
    if f"{__name__}.layers" not in sys.modules:
        importlib.import_module(f"{__name__}.layers")


# Calls the function immediately if Keras is already imported.
register_post_import_hook(_register_layers, "keras")
