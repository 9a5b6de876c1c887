"""Sections of the report on ROC and precision-recall curves."""

import math
from collections.abc import Mapping

from catdog_keras._html_page import Section, Table, embed_figure
from catdog_keras.evaluation import Evaluation
from catdog_keras.plotting import plot_precision_recall, plot_roc

CURVES_IN_ALT_TEXT = 5  # of a model


def roc_section(evaluations: Mapping[str, Evaluation]) -> Section:
    """Section on ROC curves."""
    header = ("class", "area under the curve (AUC)", "95% interval")
    tables = []
    figures = []
    for name, each in evaluations.items():
        rows = [
            _curve_row(curve.class_name, curve.auc, curve.auc_interval) for curve in each.roc_curves
        ]
        tables.append(Table(f"{name}: each class against the rest", header, rows))
        figures.append(
            embed_figure(
                plot_roc(each.roc_curves),
                f"ROC curves of {name}. Areas: {_list_areas(rows)}.",
                f"{name}: 0.5 is random guessing, 1 separates the class from the rest perfectly.",
            )
        )
    return Section("ROC curves", tables=tables, figures=figures)


def precision_recall_section(evaluations: Mapping[str, Evaluation]) -> Section:
    """Section on precision-recall curves."""
    header = ("class", "average precision (AP)", "95% interval")
    tables = []
    figures = []
    for name, each in evaluations.items():
        rows = [
            _curve_row(curve.class_name, curve.average_precision, curve.average_precision_interval)
            for curve in each.precision_recall_curves
        ]
        mean = ("mean of the classes (mAP)", _three_decimals(each.mean_average_precision), "")
        tables.append(Table(f"{name}: each class against the rest", header, [*rows, mean]))
        figures.append(
            embed_figure(
                plot_precision_recall(each.precision_recall_curves),
                f"Precision-recall curves of {name}. Average precisions: {_list_areas(rows)}.",
                f"{name}: each point is a threshold on the probability of the class. The average "
                "precision of random guessing is the fraction of images of the class; 1 is "
                "perfect.",
            )
        )
    text = [
        "Unlike the ROC curve, this curve shows how many of the images that are reported as a rare "
        "class belong to it."
    ]
    return Section("Precision-recall curves", text, tables, figures)


def _curve_row(name: str, area: float, ends: tuple[float, float]) -> tuple[str, str, str]:
    """Returns the row of a curve in the table of areas: class, area, interval."""
    interval = "-" if math.isnan(area) else "{:.3f} to {:.3f}".format(*ends)
    return name, _three_decimals(area), interval


def _list_areas(rows: list[tuple[str, str, str]]) -> str:
    """Lists the areas under the first class curves for the alternative text of the figure."""
    return ", ".join(f"{name} {area}" for name, area, _ in rows[:CURVES_IN_ALT_TEXT])


def _three_decimals(value: float) -> str:
    """Formats the area under a class curve with three decimals; a dash if it is undefined."""
    return "-" if math.isnan(value) else f"{value:.3f}"
