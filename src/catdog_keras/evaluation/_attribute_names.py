"""Attribute names of metrics and curves in other libraries."""

from catdog_keras._suggestions import Synonyms

_OF_EACH_CLASS = "`class_metrics` has the metrics of each class, with intervals."
_CURVES = "It has a curve for each class; of two classes, only that of the second: "
_SCIKIT_LEARN = "Compute it by scikit-learn from `labels` and `predictions`."
_REPORT = "`print(evaluation)` shows the main metrics, and `write_report` writes a page with all."
_PLOTS = "`plot_confusion_matrix(evaluation)` and the other plots take the evaluation."
_COMPARE = "Compare two of them by `catdog_keras.evaluation.compare(a, b)`."
_COUNT = "`len(evaluation)` is the number of images."

_PLOTS_OF_EVALUATION = (
    *("plot_confusion_matrix", "plot_label_counts", "plot_precision_recall", "plot_reliability"),
    *("plot_roc", "plot_top_losses"),
)
_OTHER_PLOTS = {
    "plot_augmentation": "images, views",
    "plot_comparison": "[evaluation, other]",
    "plot_grad_cam": "model, images",
    "plot_history": "history",
    "plot_images": "dataset",
    "plot_learning_curve": "curve",
    "plot_learning_rate": "result",
}

EVALUATION_ATTRIBUTES: Synonyms = {
    **{
        name: ((), f"Use `catdog_keras.{name}({arguments})`.")
        for name, arguments in (
            *dict.fromkeys(_PLOTS_OF_EVALUATION, "evaluation").items(),
            *_OTHER_PLOTS.items(),
        )
    },
    **dict.fromkeys(("acc", "categorical_accuracy", "score", "top_1"), (("accuracy",), "")),
    **dict.fromkeys(
        ("auc", "auc_score", "auroc", "roc_auc", "roc_auc_score", "roc_area"),
        (("roc_curves",), _CURVES + "`roc_curves[0].auc`."),
    ),
    **dict.fromkeys(("roc", "roc_curve"), (("roc_curves",), _CURVES + "`roc_curves[0]`.")),
    **dict.fromkeys(
        ("ap", "average_precision", "average_precision_score", "map", "pr_auc"),
        (("mean_average_precision",), ""),
    ),
    **dict.fromkeys(
        ("balanced_acc", "balanced_accuracy_score", "bac"), (("balanced_accuracy",), "")
    ),
    **dict.fromkeys(("f1_score", "f1score", "f_score", "macro_f1"), (("f1",), _OF_EACH_CLASS)),
    **dict.fromkeys(
        ("precision", "recall", "sensitivity"),
        (("class_metrics", "macro_average"), ""),
    ),
    **dict.fromkeys(
        ("classification_report", "per_class", "metrics_per_class"), (("class_metrics",), _REPORT)
    ),
    **dict.fromkeys(("report", "summary", "print", "write_report"), ((), _REPORT)),
    **dict.fromkeys(("loss", "cross_entropy", "nll", "logloss"), (("log_loss",), "")),
    **dict.fromkeys(("brier_score", "kappa", "matthews_corrcoef", "mcc"), ((), _SCIKIT_LEARN)),
    **dict.fromkeys(("calibration", "ece"), (("calibration_error",), "")),
    **dict.fromkeys(("cm", "confusion", "conf_matrix", "matrix"), (("confusion_matrix",), "")),
    **dict.fromkeys(("targets", "true", "true_labels", "y", "y_true", "label"), (("labels",), "")),
    **dict.fromkeys(
        ("preds", "predicted", "predicted_labels", "y_hat", "y_pred", "prediction"),
        (("predictions",), ""),
    ),
    **dict.fromkeys(
        ("probs", "probas", "scores", "y_prob", "y_proba", "y_score", "predict_proba"),
        (("probabilities",), ""),
    ),
    **dict.fromkeys(
        ("errors", "incorrect", "misclassified", "mistakes", "worst", "wrong"),
        (("top_losses", "is_correct"), ""),
    ),
    **dict.fromkeys(
        ("top_5", "top_5_accuracy", "top_k", "top_k_categorical_accuracy", "top5", "top5_accuracy"),
        (("top_k_accuracy",), "For example `top_k_accuracy(5)`."),
    ),
    **dict.fromkeys(("confidence_interval", "ci", "interval"), (("accuracy_interval",), "")),
    **dict.fromkeys(("p_value", "pvalue"), (("baseline_comparison",), "It has a `p_value`.")),
    **dict.fromkeys(("classes", "label_names", "names"), (("class_names",), "")),
    **dict.fromkeys(("file_names", "file_paths", "filenames", "paths"), (("files",), "")),
    **dict.fromkeys(("n", "num_images", "num_samples", "size", "support"), (("counts",), _COUNT)),
    **dict.fromkeys(("as_dict", "asdict", "metrics", "results", "to_json"), (("to_dict",), "")),
    **dict.fromkeys(("dataframe", "df", "to_dataframe", "to_df", "to_pandas"), (("to_frame",), "")),
    **dict.fromkeys(
        ("save_csv", "to_csv", "to_html"), (("to_frame",), "A data frame has `to_csv` and others.")
    ),
    **dict.fromkeys(("plot", "show"), ((), _PLOTS)),
    "compare": ((), _COMPARE),
}
"""Names for `Evaluation`: its attributes, and a hint."""

CLASS_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(("f1_score", "f_score"), (("f1",), "")),
    **dict.fromkeys(("sensitivity", "tpr", "accuracy"), (("recall",), "")),
    **dict.fromkeys(("count", "n", "support"), (("num_images",), "")),
    **dict.fromkeys(("label", "name"), (("class_name",), "")),
}
"""Names for `ClassMetrics`, and those of the metrics also for `AveragedMetrics`."""

ROC_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(("area", "roc_auc"), (("auc",), "")),
    **dict.fromkeys(("fpr", "x"), (("false_positive_rate",), "")),
    **dict.fromkeys(("tpr", "y"), (("true_positive_rate",), "")),
    **dict.fromkeys(("label", "name"), (("class_name",), "")),
}
"""Names for `RocCurve`."""

PRECISION_RECALL_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(("ap", "area", "auc", "pr_auc"), (("average_precision",), "")),
    **dict.fromkeys(("label", "name"), (("class_name",), "")),
}
"""Names for `PrecisionRecallCurve`."""

COMPARISON_ATTRIBUTES: Synonyms = {
    **dict.fromkeys(("p", "pval", "pvalue"), (("p_value",), "")),
    **dict.fromkeys(("ci", "confidence_interval", "interval"), (("difference_interval",), "")),
    **dict.fromkeys(("diff", "delta"), (("difference",), "")),
    **dict.fromkeys(("better", "winner"), ((), "`print(comparison)` names the better one.")),
    "is_significant": (("significant",), ""),
}
"""Names for `Comparison`."""
