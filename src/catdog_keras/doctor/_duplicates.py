"""Near-duplicates by what they do to an evaluation, and their effect on its accuracy."""

from dataclasses import replace

import numpy as np

from catdog_keras._folder_names import SPLITS
from catdog_keras._intervals import wilson_interval
from catdog_keras._printable import counted, printable
from catdog_keras.diagnostics import (
    DataFinding,
    LeakageEffect,
    NearDuplicates,
    leakage_effect,
)
from catdog_keras.diagnostics._feature_inputs import Floats
from catdog_keras.diagnostics._folds import assign_folds
from catdog_keras.diagnostics._linear_head import PENALTIES, HeadInputs, choose_penalty
from catdog_keras.doctor._images import Images, IntegerArray

ACROSS_SPLITS, OTHER_LABELS = 2.0, 1.0  # added to the correlation, which is at most 1
FOLDS = 5


def rank_duplicates(found: NearDuplicates, images: Images) -> tuple[DataFinding, ...]:
    """Returns the findings with the groups in several splits first, then those of several labels.

    Their score is the correlation, plus 2 for several splits and plus 1 for several labels.
    """
    findings = []
    for finding in found.findings:
        places = list(finding.indices)
        splits = [name for name in SPLITS if name in {images.splits[place] for place in places}]
        labels = np.unique(images.labels[places]).tolist()
        score, reasons = finding.score, []
        if len(splits) > 1:
            score += ACROSS_SPLITS
            reasons.append(f"in different splits ({' and '.join(splits)})")
        if len(labels) > 1:
            score += OTHER_LABELS
            names = " and ".join(printable(images.class_names[label]) for label in labels)
            reasons.append(f"with different labels ({names})")
        start = ", ".join(reasons)
        start = f"{start[:1].upper()}{start[1:]}: " if start else ""
        findings.append(replace(finding, score=score, text=start + finding.text))
    findings.sort(key=lambda finding: (-finding.score, finding.indices))
    return tuple(findings)


def group_numbers(found: NearDuplicates, images: Images) -> IntegerArray | None:
    """Returns a number for each image, equal for duplicates, which must be in one fold.

    These are near-duplicates, and images that must be in one split. None if there are none.
    """
    numbers = images.components.copy()
    for group in found.groups:
        numbers[np.isin(numbers, numbers[list(group)])] = numbers[group[0]]
    return None if len(np.unique(numbers)) == len(numbers) else numbers


def evaluated_split(images: Images) -> str:
    """Returns the split whose duplicates matter: test, or validation if there is no test set."""
    return "test" if "test" in images.splits else "validation"


def find_twins(found: NearDuplicates, images: Images, split: str) -> IntegerArray:
    """Returns the positions of the images of a split that have a near-duplicate in training."""
    twins = [
        place
        for group in found.groups
        if any(images.splits[place] == "train" for place in group)
        for place in group
        if images.splits[place] == split
    ]
    return np.array(sorted(twins), np.int64)


def measure_leakage(
    twins: IntegerArray, images: Images, features: Floats | None
) -> tuple[LeakageEffect | None, tuple[DataFinding, ...]]:
    """Measures by how much the duplicates `twins` change the accuracy of a head on the features.

    Without features, or if each image has a twin, the finding contains the number of twins.
    """
    if not len(twins):
        return None, ()
    split = evaluated_split(images)
    tested = images.positions(split)
    places = tuple(twins.tolist())
    share = len(twins) / len(tested)
    low, high = (100 * end for end in wilson_interval(len(twins), len(tested)))
    text = (
        f"{counted(len(twins), 'image')} of {len(tested):,} in {split} ({100 * share:.1f}%, 95% "
        f"interval {low:.1f} to {high:.1f}%) {'has' if len(twins) == 1 else 'have'} a "
        "near-duplicate in train."
    )
    remedy = " Leave them out of the evaluation, or split the data again."
    if features is None or len(twins) == len(tested):
        return None, (DataFinding("leakage", places, share, text + remedy),)
    correct = _correct_predictions(images, HeadInputs(features), tested)
    effect = leakage_effect(correct, np.searchsorted(tested, twins))
    accuracy, without = effect.accuracy, effect.accuracy_without
    start, end = (100 * end for end in effect.difference_interval)
    text += (
        f" A head on pretrained features is right on {100 * accuracy:.1f}% of all of them, and on "
        f"{100 * without:.1f}% of those without a near-duplicate: a difference of "
        f"{100 * effect.difference:+.1f} points, 95% interval {start:+.1f} to {end:+.1f}. Networks "
        "that are trained as a whole remember more."
    )
    return effect, (DataFinding("leakage", places, effect.difference, text + remedy),)


def _correct_predictions(images: Images, inputs: HeadInputs, tested: IntegerArray) -> np.ndarray:
    """Returns whether a head is right for `tested`, to measure the effect of duplicates."""
    labels, classes = images.labels, len(images.class_names)
    train = images.positions("train")
    held_out = assign_folds(labels[train], None, FOLDS, 0) == 0
    fitted, held = train[~held_out], train[held_out]
    rows = inputs.predict(labels, fitted, held, classes)
    penalty = PENALTIES[choose_penalty(rows[:, np.arange(len(held)), labels[held]])]
    predicted = inputs.predict(labels, train, tested, classes, [penalty])[0]
    return np.asarray(predicted.argmax(axis=1) == labels[tested])
