"""The report of a tutorial run: its models side by side, and the settings to repeat it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from catdog_keras.evaluation import Evaluation
from catdog_keras.report import write_report
from catdog_keras.tutorial._results import TutorialResult

REPORT_FILE = "report.html"


@dataclass
class ShownModels:
    """What the report shows of each model, by name."""

    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    histories: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    top_loss_figures: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path, result: TutorialResult) -> None:
        """Writes the report."""
        metadata: dict[str, dict[str, Any]] = {
            "Run": {"data": result.data, "seed": result.seed, **result.settings},
            "Backbone of model 4": dict(result.backbone),
            "What the numbers show": {str(n): line for n, line in enumerate(result.lesson, 1)},
        }
        for model in result.models:
            known = asdict(model)
            metadata[f"Training of {model.name}"] = {
                key.replace("_", " "): known[key]
                for key in ("parameters", "trainable_parameters", "best_epoch", "seconds")
            }
        if result.not_run:
            metadata["Not run"] = dict(result.not_run)
        best = max(result.models, key=lambda model: model.validation_accuracy)
        write_report(
            folder / REPORT_FILE,
            self.evaluations,
            title=f"Tutorial on {result.data}: {len(result.models)} models on the test images",
            counts=result.counts,
            histories=self.histories,
            top_loss_figures=self.top_loss_figures,
            metadata=metadata,
            highlight=best.name,
        )
