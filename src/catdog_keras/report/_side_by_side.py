"""Section of the report that compares several models, with significance tests."""

import itertools
from collections.abc import Mapping

from catdog_keras._html_page import Section, Table, embed_figure
from catdog_keras.evaluation import Comparisons, Evaluation, compare
from catdog_keras.plotting import plot_comparison
from catdog_keras.report._sections import percent, percent_interval

PAIRS = 28  # all pairs of eight models


def models_section(evaluations: Mapping[str, Evaluation], highlight: str | None) -> Section:
    """Section that shows the accuracies of several models side by side."""
    header = (
        *("model", "right", "accuracy", "95% interval", "balanced accuracy"),
        *("macro F1", "log loss", "calibration error"),
    )
    rows = [
        (
            name,
            f"{each.correct:,} of {len(each):,}",
            percent(each.accuracy),
            percent_interval(each.accuracy_interval),
            percent(each.balanced_accuracy),
            percent(each.f1),
            f"{each.log_loss:.3f}",
            f"{each.calibration_error:.3f}",
        )
        for name, each in evaluations.items()
    ]
    accuracies = "; ".join(f"{name} {percent(each.accuracy)}" for name, each in evaluations.items())
    baseline = next(iter(evaluations.values())).baseline
    figure = embed_figure(
        plot_comparison(evaluations, baseline),
        f"The accuracy of each model with its 95% interval: {accuracies}.",
        "The dotted line is the baseline: always predicting the majority class.",
    )
    text = [
        "Two models can differ significantly although their intervals overlap: they were evaluated "
        "on the same images, and only images on which exactly one of them is correct count. A "
        "p-value below 0.05 is statistically significant. With several comparisons, the p-values "
        "are corrected for their number by Holm's method."
    ]
    tables = [
        Table("All models on the same images", header, rows),
        _pairwise_table(evaluations, highlight),
    ]
    return Section("Models side by side", text, tables, [figure])


def _pairwise_table(evaluations: Mapping[str, Evaluation], highlight: str | None) -> Table:
    """Returns a table of models side by side: all pairs, or if many, those with the selected one.

    Without a selected model the first one is used. The most accurate model would be a biased
    choice: part of its lead is due to selection on these images, and the p-values would not be
    valid.
    """
    names = list(evaluations)
    pairs = list(itertools.combinations(names, 2))
    if len(pairs) > PAIRS:
        one = highlight or names[0]
        pairs = [(one, name) for name in names if name != one]
    comparisons = Comparisons(
        tuple(compare(evaluations[a], evaluations[b], names=(a, b)) for a, b in pairs)
    )
    rows = []
    for found, p_value, significant in zip(
        comparisons.pairs, comparisons.p_values, comparisons.significant, strict=True
    ):
        first, second = found.names
        better = first if found.difference > 0 else second
        rows.append(
            (
                f"{first}, {second}",
                f"{better} is better" if significant else "not significant",
                f"{found.first_only:,}",
                f"{found.second_only:,}",
                f"{100 * found.difference:+.1f} points",
                "{:+.1f} to {:+.1f}".format(*(100 * end for end in found.difference_interval)),
                f"{p_value:.2g}",
            )
        )
    header = (
        *("models", "conclusion", "only first correct", "only second correct"),
        *("difference", "95% interval", "p-value"),
    )
    return Table("Pairwise comparisons (exact McNemar test)", header, rows, texts=2)
