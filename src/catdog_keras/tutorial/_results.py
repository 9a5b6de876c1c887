"""Results of a tutorial run: the contents of `results.json`."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelResult:
    """Results of one model. Accuracies are from 0 to 1.

    Attributes:
        name: "model1" to "model4".
        parameters: Number of parameters.
        trainable_parameters: Number of trainable parameters.
        epochs: Number of epochs.
        best_epoch: Epoch whose weights were kept, counted from 1.
        seconds: Training time.
        train_accuracy: Accuracy on the training images.
        validation_accuracy: Accuracy on the validation images, which chose the epoch.
        test_accuracy: Accuracy on the test images.
        test_interval: 95% confidence interval of the test accuracy.
    """

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
    """Results of the four steps: the contents of `results.json`.

    Attributes:
        data: Where the images came from.
        seed: Seed of splits, weights and augmentation.
        settings: Image size, batch size, epochs, dtype policy and `on_bad` of the run.
        backbone: Name, weights and reason of the choice for model 4's backbone.
        counts: Number of images by split and class.
        baseline_accuracy: Accuracy of always predicting the majority class of the training images.
        test_baseline_accuracy: The same for the test images, with whose accuracies it is compared.
        models: One `ModelResult` for each trained model.
        not_run: Models that could not be trained, by name, with the reason.
        comparisons: Each model against the one before it on the validation images: `difference`
            of the accuracies with its 95% `interval`, and `p_value` of the exact McNemar test.
        lesson: What the numbers show, in sentences.
    """

    data: str
    seed: int
    settings: dict[str, Any]
    backbone: dict[str, str | None]
    counts: dict[str, dict[str, int]]
    baseline_accuracy: float
    test_baseline_accuracy: float
    models: list[ModelResult]
    not_run: dict[str, str]
    comparisons: list[dict[str, Any]]
    lesson: list[str]
