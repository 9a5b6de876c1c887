"""A finding about images and labels, as the checks of data return it."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

FindingKind: TypeAlias = Literal[
    "near_duplicate", "label_issue", "shortcut", "outlier", "leakage", "learning_curve"
]


@dataclass(frozen=True)
class DataFinding:
    """A possible problem of images or labels, with a text that explains it.

    Attributes:
        kind: `"near_duplicate"`, `"label_issue"`, `"shortcut"`, `"outlier"`, `"leakage"` or
            `"learning_curve"`.
        indices: Positions of the images that it is about, in the order of the check's input; empty
            if it is about all images.
        score: Number by which findings of one kind are sorted, higher first.
        text: What was found, with numbers, and what to do.
        files: Paths of the images, if the check received `files`; otherwise empty.
        given: The label of the image in the data, for a label issue.
        likely: The label that is more likely, for a label issue.

    Example:
        >>> import catdog_keras
        >>> text = "Labeled cat; a model that has not seen it predicts dog."
        >>> finding = catdog_keras.diagnostics.DataFinding("label_issue", (3,), 0.98, text)
        >>> str(finding)
        'label_issue: Labeled cat; a model that has not seen it predicts dog.'
    """

    kind: FindingKind
    indices: tuple[int, ...]
    score: float
    text: str
    files: tuple[str, ...] = ()
    given: str | None = None
    likely: str | None = None

    def __str__(self) -> str:
        """Returns kind, files and text in one line."""
        files = f"{', '.join(self.files)}: " if self.files else ""
        return f"{self.kind}: {files}{self.text}"

    def to_dict(self) -> dict[str, Any]:
        """Returns what `findings.json` contains for it."""
        return {
            "kind": self.kind,
            "files": list(self.files),
            "score": self.score,
            "given": self.given,
            "likely": self.likely,
            "text": self.text,
        }
