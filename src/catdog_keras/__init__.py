"""Keras-native components for image classification: take one piece, or all of them.

The datasets, layers, models, evaluation and plots below are all reachable here and in their
submodules. Importing this package registers its layers with Keras, so that a saved model that
holds them loads without `custom_objects`.
"""

from catdog_keras.datasets import (
    ImageSplits,
    Pictures,
    ScanReport,
    load_cats_dogs,
    load_image_folder,
    load_manifest,
    load_pictures,
    scan_images,
)
from catdog_keras.evaluation import (
    AverageScores,
    ClassScores,
    Comparison,
    Evaluation,
    PictureLoss,
    ReliabilityBin,
    RocCurve,
    baseline_accuracy,
    calibrate,
    class_activation,
    compare,
    evaluate_classifier,
    label_counts,
    wilson_interval,
)
from catdog_keras.layers import (
    BatchNormalization,
    ClassNames,
    ConvBlock,
    Preprocessing,
    RandomAffine,
)
from catdog_keras.models import (
    BACKBONES,
    WeightsNotFoundError,
    accelerate,
    build_model1,
    build_model2,
    build_model3,
    fit_head,
    fold_batch_norm,
    model_classes,
    strip_augmentation,
    transfer_model,
)
from catdog_keras.plotting import (
    plot_class_activation,
    plot_comparison,
    plot_confusion_matrix,
    plot_history,
    plot_images,
    plot_label_counts,
    plot_reliability,
    plot_roc,
    plot_top_losses,
)
from catdog_keras.report import write_report

__version__ = "0.1.0"

__all__ = [
    "BACKBONES",
    "AverageScores",
    "BatchNormalization",
    "ClassNames",
    "ClassScores",
    "Comparison",
    "ConvBlock",
    "Evaluation",
    "ImageSplits",
    "PictureLoss",
    "Pictures",
    "Preprocessing",
    "RandomAffine",
    "ReliabilityBin",
    "RocCurve",
    "ScanReport",
    "WeightsNotFoundError",
    "accelerate",
    "baseline_accuracy",
    "build_model1",
    "build_model2",
    "build_model3",
    "calibrate",
    "class_activation",
    "compare",
    "evaluate_classifier",
    "fit_head",
    "fold_batch_norm",
    "label_counts",
    "load_cats_dogs",
    "load_image_folder",
    "load_manifest",
    "load_pictures",
    "model_classes",
    "plot_class_activation",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_history",
    "plot_images",
    "plot_label_counts",
    "plot_reliability",
    "plot_roc",
    "plot_top_losses",
    "scan_images",
    "strip_augmentation",
    "transfer_model",
    "wilson_interval",
    "write_report",
]
