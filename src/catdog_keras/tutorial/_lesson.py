"""The lesson of a run, derived from its numbers."""

import itertools
from collections.abc import Mapping, Sequence

from catdog_keras.evaluation import Comparison, Evaluation, compare


def compare_steps(validation: Mapping[str, Evaluation]) -> list[Comparison]:
    """Compares each model with the one before it, on the same validation images, for the lesson.

    Args:
        validation: Evaluation of each model, in the order of the steps.
    """
    return [
        compare(validation[after], validation[before], names=(after, before))
        for before, after in itertools.pairwise(validation)
    ]


def describe_lesson(
    validation: Mapping[str, Evaluation], steps: Sequence[Comparison], source: object
) -> list[str]:
    """Describes what the models' accuracies on the validation images show.

    Args:
        validation: Evaluation of each model, in the order of the steps.
        steps: Return value of `compare_steps`.
        source: Where the images came from, as for `run_tutorial`.

    Returns:
        Sentences: the comparison of each model with the one before, the best model, and what to
        do next.
    """
    lines = [_describe_step(step) for step in steps]
    best = max(validation, key=lambda name: validation[name].accuracy)
    lines.append(f"Best by validation: {best}, {validation[best].accuracy:.1%}.")
    first = next(iter(validation))
    if best != first and len(validation) > 2:
        total = compare(validation[best], validation[first], names=(best, first))
        lines.append(f"Overall: {_describe_step(total)}")
    if not any(step.significant for step in steps) and len(steps) > 1:
        lines.append(
            "Differences of a few points between two models are not significant on "
            f"{len(validation[first])} validation images."
        )
    baseline = validation[best].baseline_comparison
    if baseline.difference <= 0 or not baseline.significant:
        lines.append("No model is significantly above the baseline: train for more epochs.")
    if source == "synthetic":
        lines.append(
            "These images are synthetic: the accuracies show what each step changes, not how well "
            "the models would do on photographs."
        )
        lines.append(
            "Next: `catdog-keras tutorial --data public` runs the same steps on photographs; "
            "`catdog-keras train FOLDER --output DIR` trains on your own images."
        )
    else:
        lines.append(
            "Next: `catdog-keras train FOLDER --output DIR` trains on your own images, one folder "
            "per class."
        )
    return lines


def _describe_step(step: Comparison) -> str:
    """Returns the sentence of the lesson on one model against the one before it."""
    after, before = step.names
    points = 100 * step.difference
    if points == 0:
        return f"{after} and {before} have the same validation accuracy."
    verdict = (
        f"statistically significant (exact McNemar test, p = {step.p_value:.2g})"
        if step.significant
        else f"not statistically significant (exact McNemar test, p = {step.p_value:.2g})"
    )
    direction = "above" if points > 0 else "below"
    return f"{after} is {abs(points):.1f} points {direction} {before} in validation: {verdict}."
