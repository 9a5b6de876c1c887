"""How each model of the tutorial is trained: alike, and back to its best epoch."""

import keras

from catdog_keras._progress import TrainingProgress, progress_bar
from catdog_keras.datasets import ImageSplits


def train_to_best(
    name: str, model: keras.Model, splits: ImageSplits, epochs: int
) -> tuple[dict[str, list[float]], int]:
    """Trains and leaves the model with the weights of its best epoch on validation."""
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=epochs, restore_best_weights=True
    )
    steps = epochs * splits.train.cardinality().numpy()
    with progress_bar(f"Training {name}", steps, "steps") as advance:
        history = model.fit(
            splits.train,
            validation_data=splits.validation,
            epochs=epochs,
            callbacks=[best, TrainingProgress(advance)],
            shuffle=False,  # the dataset reshuffles itself
            verbose=0,
        )
    return history.history, best.best_epoch + 1
