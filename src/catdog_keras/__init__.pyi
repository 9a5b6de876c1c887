"""Public names: read by type checkers, and by `lazy_loader` at run time."""

from . import (
    conversion as conversion,
    datasets as datasets,
    diagnostics as diagnostics,
    doctor as doctor,
    evaluation as evaluation,
    layers as layers,
    models as models,
    plotting as plotting,
    report as report,
    training as training,
    tutorial as tutorial,
)
from .conversion import (
    export_model as export_model,
    fold_batch_norm as fold_batch_norm,
    strip_augmentation as strip_augmentation,
    use_fused_batch_norm as use_fused_batch_norm,
)
from .datasets import (
    ImageSplits as ImageSplits,
    LabeledImages as LabeledImages,
    ScanReport as ScanReport,
    load_cats_dogs as load_cats_dogs,
    load_image_folder as load_image_folder,
    load_image_table as load_image_table,
    load_images as load_images,
    load_manifest as load_manifest,
    scan_images as scan_images,
)
from .diagnostics import (
    PipelineFinding as PipelineFinding,
    PipelineReport as PipelineReport,
    check_pipeline as check_pipeline,
    infer_input_range as infer_input_range,
)
from .evaluation import (
    AveragedMetrics as AveragedMetrics,
    ClassMetrics as ClassMetrics,
    Comparison as Comparison,
    Comparisons as Comparisons,
    Evaluation as Evaluation,
    ExampleLoss as ExampleLoss,
    PrecisionRecallCurve as PrecisionRecallCurve,
    ReliabilityBin as ReliabilityBin,
    RocCurve as RocCurve,
    baseline_accuracy as baseline_accuracy,
    count_labels as count_labels,
    evaluate_classifier as evaluate_classifier,
    grad_cam as grad_cam,
    wilson_interval as wilson_interval,
)
from .layers import (
    AugmentationPipeline as AugmentationPipeline,
    BatchNormalization as BatchNormalization,
    ClassNames as ClassNames,
    ConvBlock as ConvBlock,
    Preprocessing as Preprocessing,
    RandomAffine as RandomAffine,
    RandomApply as RandomApply,
    RandomChoice as RandomChoice,
    augmentation_preset as augmentation_preset,
)
from .models import (
    BACKBONES as BACKBONES,
    WeightsNotFoundError as WeightsNotFoundError,
    build_model1 as build_model1,
    build_model2 as build_model2,
    build_model3 as build_model3,
    get_class_names as get_class_names,
    predict_probabilities as predict_probabilities,
    predict_tta as predict_tta,
    transfer_model as transfer_model,
)
from .plotting import (
    plot_augmentation as plot_augmentation,
    plot_comparison as plot_comparison,
    plot_confusion_matrix as plot_confusion_matrix,
    plot_grad_cam as plot_grad_cam,
    plot_history as plot_history,
    plot_images as plot_images,
    plot_label_counts as plot_label_counts,
    plot_learning_curve as plot_learning_curve,
    plot_learning_rate as plot_learning_rate,
    plot_precision_recall as plot_precision_recall,
    plot_reliability as plot_reliability,
    plot_roc as plot_roc,
    plot_top_losses as plot_top_losses,
)
from .report import ModelReport as ModelReport, write_report as write_report
from .training import (
    FineTuneConfig as FineTuneConfig,
    LRFinderResult as LRFinderResult,
    find_learning_rate as find_learning_rate,
    fine_tune as fine_tune,
    fit_head as fit_head,
)

__version__: str
