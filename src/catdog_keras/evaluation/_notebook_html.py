"""HTML of an evaluation in a notebook."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from catdog_keras._printable import counted, printable

MOST_CLASSES = 20
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "macro F1",
    "mean_average_precision": "mean average precision",
    "baseline": "accuracy of the majority class",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
OF_CLASSES = ("precision", "recall", "f1", "average_precision")


def render_evaluation(metrics: Mapping[str, Any]) -> str:
    """Renders HTML from `Evaluation.to_dict`; of many classes, those with the lowest F1."""
    rows = [(name, _format_metric(metrics, key)) for key, name in METRICS.items()]
    classes = metrics["classes"]
    caption = f"{len(classes)} classes"
    if len(classes) > MOST_CLASSES:
        caption = f"{MOST_CLASSES} of {caption}: those with the lowest F1"
        # A class without images and predictions has no F1: it comes last.
        classes = sorted(classes, key=lambda each: (each["f1"] is None, each["f1"] or 0.0))
    by_class = [
        (each["name"], f"{each['images']:,}", *(_format_metric(each, key) for key in OF_CLASSES))
        for each in classes[:MOST_CLASSES]
    ]
    header = ("class", "images", *(key.replace("_", " ") for key in OF_CLASSES))
    return _render_table(
        counted(metrics["images"], "image"), ("metric", "value"), rows
    ) + _render_table(caption, header, by_class)


def _format_metric(metrics: Mapping[str, Any], key: str) -> str:
    """Formats a metric in HTML for notebooks, with its 95% confidence interval if there is one."""
    if metrics[key] is None:
        return "-"
    ends = metrics.get(f"{key}_interval")
    return f"{metrics[key]:.3f}" + (" ({:.3f} to {:.3f})".format(*ends) if ends else "")


def _render_table(caption: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Returns an HTML table, with all texts escaped."""

    def line(tag: str, cells: tuple[str, ...]) -> str:
        content = "".join(f"<{tag}>{escape(printable(cell))}</{tag}>" for cell in cells)
        return f"<tr>{content}</tr>"

    body = "".join(line("td", row) for row in rows)
    caption = f"<caption>{escape(caption)}</caption>"
    return f"<table>{caption}<thead>{line('th', header)}</thead><tbody>{body}</tbody></table>"
