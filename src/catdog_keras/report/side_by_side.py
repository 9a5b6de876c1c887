"""The part of the report on several models: their accuracies, and what the differences mean."""

import itertools
from collections.abc import Mapping

from catdog_keras.evaluation import Evaluation, compare
from catdog_keras.plotting import plot_comparison
from catdog_keras.report.page import Section, Table, embed
from catdog_keras.report.sections import interval, percent

PAIRS = 28  # of eight models


def models_section(evaluations: Mapping[str, Evaluation], chosen: str | None) -> Section:
    """Several models side by side."""
    header = ("model", "right", "accuracy", "95 % interval", "log loss", "calibration error")
    rows = [
        (
            name,
            f"{each.correct:,} of {len(each):,}",
            percent(each.accuracy),
            interval(each.accuracy_interval),
            f"{each.log_loss:.3f}",
            f"{each.calibration_error:.3f}",
        )
        for name, each in evaluations.items()
    ]
    records = [
        {"name": name, "test_accuracy": each.accuracy, "test_interval": each.accuracy_interval}
        for name, each in evaluations.items()
    ]
    told = "; ".join(f"{name} {percent(each.accuracy)}" for name, each in evaluations.items())
    baseline = next(iter(evaluations.values())).baseline
    figure = embed(
        plot_comparison(records, baseline),
        f"Bars of the accuracy of each model with its 95 % interval: {told}.",
        "The dotted line is the baseline: always naming the most frequent class.",
    )
    text = [
        "Intervals may overlap although two models differ: they saw the same pictures, and what "
        "tells is on how many of them only one is right. A p-value below 0.05 is more than chance "
        "would explain; of twenty pairs of equal models one has it by chance, too."
    ]
    tables = [Table("Every model on the same pictures", header, rows), _pairs(evaluations, chosen)]
    return Section("Models side by side", text, tables, [figure])


def _pairs(evaluations: Mapping[str, Evaluation], chosen: str | None) -> Table:
    """Each model with each later one; of many models the chosen one with each other one.

    Where none was chosen the first stands in for it: the most accurate one would owe a part of its
    lead to these very pictures, and the p-values would not hold.
    """
    names = list(evaluations)
    pairs = list(itertools.combinations(names, 2))
    if len(pairs) > PAIRS:
        one = chosen or names[0]
        pairs = [(one, name) for name in names if name != one]
    rows = []
    for first, second in pairs:
        found = compare(evaluations[first], evaluations[second], names=(first, second))
        better = first if found.difference > 0 else second
        rows.append(
            (
                f"{first}, {second}",
                f"{better} is better" if found.significant else "may be chance",
                f"{found.first_only:,}",
                f"{found.second_only:,}",
                f"{100 * found.difference:+.1f} points",
                "{:+.1f} to {:+.1f}".format(*(100 * end for end in found.difference_interval)),
                f"{found.p_value:.2g}",
            )
        )
    header = (
        *("models", "what it means", "first alone right", "second alone right"),
        *("difference", "95 % interval", "exact p"),
    )
    return Table("Every two models, by the exact test of McNemar", header, rows, texts=2)
