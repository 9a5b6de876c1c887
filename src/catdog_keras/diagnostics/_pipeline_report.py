"""Report of `check_pipeline`: findings with a name, a problem and a remedy."""

from collections.abc import Iterator
from dataclasses import dataclass

FINDINGS = (
    "no_images",
    "no_labels",
    "not_images",
    "labels_not_numbers",
    "unequal_lengths",
    "not_batched",
    "not_finite",
    "wrong_shape",
    "scaled_twice",
    "never_scaled",
    "wrong_range",
    "augmentation_range",
    "identical_images",
    "class_order",
    "labels_outside",
    "too_few_outputs",
    "single_class",
    "one_hot_labels",
    "integer_labels",
    "from_logits",
)


@dataclass(frozen=True)
class PipelineFinding:
    """A mismatch between a dataset and a model.

    Attributes:
        name: One of the names listed in the documentation of `check_pipeline`.
        problem: What was found, with values.
        remedy: How to fix it.

    Example:
        >>> import catdog_keras
        >>> print(catdog_keras.PipelineFinding("no_labels", "It has none.", "Add some."))
        no_labels: It has none. Add some.
    """

    name: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Returns name, problem and remedy in one line."""
        return f"{self.name}: {self.problem} {self.remedy}"


@dataclass(frozen=True)
class PipelineReport:
    """Result of `check_pipeline`; empty, and therefore false, if no problem was found.

    Attributes:
        findings: The problems, in the order in which to fix them.
        num_images: Number of images that were checked.

    Example:
        >>> import catdog_keras
        >>> report = catdog_keras.PipelineReport((), num_images=64)
        >>> bool(report), str(report)
        (False, 'No problems found in 64 images and the model.')
    """

    findings: tuple[PipelineFinding, ...]
    num_images: int

    def __len__(self) -> int:
        """Returns the number of findings."""
        return len(self.findings)

    def __iter__(self) -> Iterator[PipelineFinding]:
        """Yields the findings."""
        return iter(self.findings)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the findings."""
        return tuple(finding.name for finding in self.findings)

    def raise_findings(self) -> None:
        """Raises a ValueError with all findings, if there are any."""
        if self.findings:
            raise ValueError(str(self))

    def __str__(self) -> str:
        """Returns a line with the number of findings, and a line per finding."""
        if not self.findings:
            return f"No problems found in {self.num_images} images and the model."
        number = f"{len(self)} finding" + ("" if len(self) == 1 else "s")
        lines = [f"{number} in {self.num_images} images and the model:"]
        return "\n".join(lines + [f"  {finding}" for finding in self.findings])
