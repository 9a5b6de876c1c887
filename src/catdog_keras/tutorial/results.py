"""What the four steps of the tutorial came to: the contents of `results.json`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelResult:
    """What one model came to; accuracies are shares from 0 to 1, of pictures named rightly."""

    name: str
    parameters: int
    trainable_parameters: int
    epochs: int
    best_epoch: int
    seconds: float
    train_accuracy: float
    validation_accuracy: float
    test_accuracy: float
    test_interval: tuple[float, float]


@dataclass(frozen=True)
class TutorialResult:
    """What the four steps came to: the contents of `results.json`.

    Attributes:
        data: Where the pictures came from.
        seed: The seed of splits, weights and augmentation.
        counts: Pictures by split and class.
        baseline_accuracy: Share of the class that is most frequent in training.
        models: A `ModelResult` for each model that was trained.
        not_run: The models that could not be trained, by name, with the reason.
    """

    data: str
    seed: int
    counts: dict[str, dict[str, int]]
    baseline_accuracy: float
    models: list[ModelResult]
    not_run: dict[str, str]
