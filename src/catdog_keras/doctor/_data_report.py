"""The result of all checks of a data set."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catdog_keras._checks import describe
from catdog_keras._html_page import Page, check_page_path, save_page
from catdog_keras._printable import counted, printable
from catdog_keras.datasets._decisions import Decisions
from catdog_keras.diagnostics import (
    DataFinding,
    LabelIssues,
    LeakageEffect,
    LearningCurve,
    NearDuplicates,
    Outliers,
    Shortcuts,
)
from catdog_keras.doctor._images import Images
from catdog_keras.doctor._page import ShownImages, render_decision_page
from catdog_keras.doctor._sections import (
    key_figures,
    report_sections,
    summary_section,
)

SHOWN = 3  # findings of each kind, and files of a finding, that `print` shows
NAMES = {
    "leakage": ("finding of leakage", "findings of leakage"),
    "near_duplicate": ("group of near-duplicates", "groups of near-duplicates"),
    "shortcut": ("shortcut", "shortcuts"),
    "label_issue": ("label issue", "label issues"),
    "outlier": ("outlier", "outliers"),
    "learning_curve": ("learning curve", "learning curves"),
}


@dataclass(frozen=True, eq=False, repr=False)
class DataReport:
    """Result of `check_data`.

    Attributes:
        findings: The `DataFinding` of all checks: first those of leakage, then near-duplicates,
            shortcuts, label issues, outliers and the learning curve, of each kind the most
            important first. The score of near-duplicates is their correlation, plus 2 if they are
            in different splits, plus 1 if they have different labels. Indices are positions in
            `files`.
        left_out: Reason why a check was left out, by its name.
        num_hidden: Number of findings that are hidden because all their images were marked as
            fine.
        near_duplicates: Result of the search for near-duplicates.
        outliers: Result of the search for outliers.
        shortcuts: Result of the search for shortcuts; None if there is one class.
        label_issues: Result of the search for label issues, or None.
        learning_curve: The learning curve, or None.
        leakage: The `LeakageEffect` of the near-duplicates in training on the accuracy of a head
            on the features; None if there are none, or no features.

    The findings inside of these results have positions in `files`, but no paths.

    Example:
        >>> import catdog_keras
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> report = catdog_keras.doctor.check_data(splits, weights=None)
        >>> sorted(report.to_dict())
        ['findings', 'images', 'left_out']
    """

    findings: tuple[DataFinding, ...]
    left_out: Mapping[str, str]
    num_hidden: int
    near_duplicates: NearDuplicates
    outliers: Outliers
    shortcuts: Shortcuts | None
    label_issues: LabelIssues | None
    learning_curve: LearningCurve | None
    leakage: LeakageEffect | None
    _images: Images
    _decisions: Decisions

    @property
    def num_images(self) -> int:
        """Number of images that were checked."""
        return len(self.files)

    @property
    def files(self) -> tuple[str, ...]:
        """Path of each image, relative to the folder that was examined."""
        return self._images.files

    def __repr__(self) -> str:
        """Returns the numbers of findings and images."""
        return f"DataReport({counted(len(self.findings), 'finding')}, {self.num_images:,} images)"

    def __str__(self) -> str:
        """Returns the number of findings of each kind, and a line for each of the first ones."""
        of_kind: dict[str, list[DataFinding]] = {}
        for finding in self.findings:
            of_kind.setdefault(finding.kind, []).append(finding)
        counts = [counted(len(found), *NAMES[kind]) for kind, found in of_kind.items()]
        lines = [f"{counted(self.num_images, 'image')}: {', '.join(counts) or 'no finding'}"]
        for kind, found in of_kind.items():
            lines += [f"  {_in_one_line(finding)}" for finding in found[:SHOWN]]
            if len(found) > SHOWN:
                lines.append(f"  {kind}: {len(found) - SHOWN:,} more")
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(name)
        lines += [f"Left out: {', '.join(names)}. {why}" for why, names in by_reason.items()]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns what `findings.json` contains, as values of JSON.

        It has the number of images, the findings as `DataFinding.to_dict` returns them, and the
        reasons of the checks that were left out.
        """
        return {
            "images": self.num_images,
            "findings": [finding.to_dict() for finding in self.findings],
            "left_out": dict(self.left_out),
        }

    def write_page(self, path: str | os.PathLike[str], *, title: str = "Data check") -> None:
        """Writes the page on which the findings are shown and decided: one self-contained file.

        It sends no network requests. Its script runs only when images are marked, and saves the
        decisions by a download. The first findings of each kind are shown with their images; the
        page states the number of the others.

        Args:
            path: File to write, which ends in `.html`, or a folder in which `report.html` is
                written. An existing file is replaced when the new one is complete.
            title: Heading of the page.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If an image has changed since the check, or `path` has another ending.
            OSError: If the file cannot be written.
        """
        check_page_path(path)
        if not isinstance(title, str):
            raise TypeError(describe("title", "a string", title))
        shown = ShownImages(self._images)
        sections = [
            *report_sections(
                self.findings, shown, self.label_issues, self.shortcuts, self.learning_curve
            ),
            summary_section(self.findings, self.left_out, self.num_hidden),
        ]
        page = Page(
            title,
            "Some checks were left out; the last section states why." if self.left_out else "",
            key_figures(self.findings, self._images, self.label_issues, self.learning_curve),
            sections,
            "Written by catdog-keras.",
        )
        save_page(path, render_decision_page(page, shown, self._decisions))


def _in_one_line(finding: DataFinding) -> str:
    """Returns a finding of the report in one line: kind, first files and text."""
    files = [printable(file) for file in finding.files[:SHOWN]]
    more = len(finding.files) - len(files)
    names = ", ".join(files) + (f" and {more:,} more" if more else "")
    return f"{finding.kind}: {names}{': ' if names else ''}{finding.text}"
