"""Sections of the page, in the order of what matters most to an evaluation."""

from collections import Counter
from collections.abc import Mapping, Sequence

from catdog_keras._html_page import Section, Table, embed_figure
from catdog_keras._intervals import wilson_interval
from catdog_keras.diagnostics import DataFinding, LabelIssues, LearningCurve, Shortcuts
from catdog_keras.doctor._duplicates import OTHER_LABELS
from catdog_keras.doctor._images import Images
from catdog_keras.doctor._page import CardSection, ShownImages
from catdog_keras.plotting import plot_learning_curve
from catdog_keras.report._sections import percent, percent_interval

LEAKAGE = (
    "A model can recognize a near-duplicate of a training image, instead of classifying it. The "
    "accuracy is then too high."
)
ACROSS = (
    "The images of a group are one photograph: a copy, saved again, resized, cropped, mirrored or "
    "slightly rotated. In different splits they make the accuracy too high; with different labels "
    "one of the labels is wrong. Of each group keep one image, with the right label."
)
WITHIN = (
    "The images of a group are one photograph. In one split they count several times; when the "
    "data are split again, they must stay together."
)
LABELS = (
    "Each image was classified by a head that was not trained on it. Look at the image: it can "
    "also be a difficult one, or show both classes."
)
OUTLIERS = (
    "Images unlike the rest of their class, and dark, blurred or nearly uniform ones. Many are "
    "correct and rare: exclude those that do not belong to the data."
)
SHORTCUTS = (
    "Properties of the files that predict the label without showing the object. A model can learn "
    "them, and fails where they are absent. Flagged: the lower end of the interval is at least 30% "
    "of the way from chance to 1. The intervals together have a confidence of 95%."
)
CURVE = (
    "Accuracy of a head on the features by the number of training images, and what twice as many "
    "would bring."
)
CHECKS = {
    "leakage": "near-duplicates of the evaluated images in training",
    "near_duplicate": "near-duplicates",
    "shortcut": "shortcuts",
    "label_issue": "label issues",
    "outlier": "outliers",
    "learning_curve": "learning curve",
}


def report_sections(
    findings: Sequence[DataFinding],
    shown: ShownImages,
    issues: LabelIssues | None,
    shortcuts: Shortcuts | None,
    curve: LearningCurve | None,
) -> list[Section]:
    """Returns the sections of all checks, those that make an accuracy wrong first."""
    pairs = _findings_of_kind(findings, "near_duplicate")
    grave = [each for each in pairs if each.score > OTHER_LABELS]
    label_text = [LABELS, *([_describe_share_of_label_issues(issues)] if issues else [])]
    tested = [] if shortcuts is None else [_shortcut_section(findings, shortcuts)]
    flagged = bool(_findings_of_kind(findings, "shortcut"))
    return [
        *_leakage_section(findings),
        *_card_section("Near-duplicates across splits or labels", [ACROSS], grave, shown),
        *(tested if flagged else []),
        *_card_section(
            "Label issues", label_text, _findings_of_kind(findings, "label_issue"), shown
        ),
        *_card_section("Near-duplicates in one split", [WITHIN], pairs[len(grave) :], shown),
        *_card_section("Outliers", [OUTLIERS], _findings_of_kind(findings, "outlier"), shown),
        *([] if flagged else tested),
        *([] if curve is None else [_curve_section(findings, curve)]),
    ]


def _findings_of_kind(findings: Sequence[DataFinding], kind: str) -> list[DataFinding]:
    """Returns the findings of one check, for its section, in their order."""
    return [each for each in findings if each.kind == kind]


def _leakage_section(findings: Sequence[DataFinding]) -> list[Section]:
    """Returns the section of leakage, in a list that is empty without findings."""
    texts = [each.text for each in _findings_of_kind(findings, "leakage")]
    return [Section("Leakage", [LEAKAGE, *texts])] if texts else []


def _card_section(
    title: str, text: Sequence[str], findings: Sequence[DataFinding], shown: ShownImages
) -> list[Section]:
    """Returns a section of findings with their images, in a list that is empty without findings."""
    if not findings:
        return []
    cards, more = shown.cards(findings)
    return [CardSection(f"{title}: {len(findings):,}", text, cards=cards, more=more)]


def _shortcut_section(findings: Sequence[DataFinding], shortcuts: Shortcuts) -> Section:
    """Returns the section of the properties that predict the label, with a table of all."""
    header = ("property", "balanced accuracy", "interval", "chance", "flagged")
    rows = [
        (
            score.name,
            percent(score.balanced_accuracy),
            percent_interval(score.interval),
            percent(score.chance),
            "yes" if score.flagged else "no",
        )
        for score in shortcuts.properties
    ]
    texts = [each.text for each in _findings_of_kind(findings, "shortcut")]
    table = Table("How well each property alone predicts the label", header, rows)
    return Section(f"Shortcuts: {len(texts)}", [SHORTCUTS, *texts], [table])


def _curve_section(findings: Sequence[DataFinding], curve: LearningCurve) -> Section:
    """Returns the section of the learning curve, with its figure."""
    texts = [each.text for each in _findings_of_kind(findings, "learning_curve")]
    figure = embed_figure(
        plot_learning_curve(curve),
        f"Accuracy by the number of training images. {curve}",
        "Circles: measured, with 95% intervals. Square: predicted for twice as many images.",
    )
    return Section("Learning curve", [CURVE, *texts], figures=[figure])


def summary_section(
    findings: Sequence[DataFinding], left_out: Mapping[str, str], num_hidden: int
) -> Section:
    """Returns the section of the numbers of findings, and of the checks that were left out."""
    counts = Counter[str](finding.kind for finding in findings)
    rows = [
        (name, "not run" if name in left_out else f"{counts[kind]:,}")
        for kind, name in CHECKS.items()
    ]
    text = []
    if num_hidden:
        text.append(f"Hidden, because all their images were marked as fine: {num_hidden:,}.")
    tables = [Table("Findings by check", ("check", "findings"), rows)]
    if left_out:
        reasons = list(left_out.items())
        tables.append(Table("Checks that were left out", ("check", "reason"), reasons, texts=2))
    return Section("What was checked", text, tables)


def key_figures(
    findings: Sequence[DataFinding],
    images: Images,
    issues: LabelIssues | None,
    curve: LearningCurve | None,
) -> list[tuple[str, str, str]]:
    """Returns the numbers above the sections: name, value, and the line below it."""
    counts = Counter(finding.kind for finding in findings)
    pairs = [each for each in findings if each.kind == "near_duplicate"]
    across = sum(len({images.splits[place] for place in each.indices}) > 1 for each in pairs)
    figures = [
        ("Images", f"{len(images.files):,}", f"in {len(images.class_names)} classes"),
        ("Near-duplicates", f"{len(pairs):,}", f"groups, {across:,} of them across splits"),
        ("Shortcuts", f"{counts['shortcut']:,}", "properties that give the label away"),
    ]
    if issues is not None:
        share = issues.num_expected / len(issues.probabilities)
        detail = f"{percent(share)} of the labels contradict the model"
        figures.append(("Label issues", f"{counts['label_issue']:,}", detail))
    figures.append(("Outliers", f"{counts['outlier']:,}", "unusual images"))
    if curve is not None:
        detail = f"of a head on the features, 95% interval {percent_interval(curve.intervals[-1])}"
        figures.append(("Accuracy", percent(curve.accuracies[-1]), detail))
    return figures


def _describe_share_of_label_issues(issues: LabelIssues) -> str:
    """Returns the text of a section on how many labels contradict the model, with interval."""
    count, total = issues.num_expected, len(issues.probabilities)
    ends = percent_interval(wilson_interval(count, total))
    text = (
        f"{count:,} of {total:,} labels contradict the model: {percent(count / total)}, 95% "
        f"interval {ends}."
    )
    if issues.is_doubtful:
        text += (
            " Either so many are wrong, or the features do not separate the classes: compare with "
            "the accuracy above, and inspect some images before you use the number."
        )
    return text
