"""Accuracies of models 1 to 3 on the tutorial's pictures, seed by seed.

    python -m benchmarks.accuracy [--data ARCHIVE] [--seeds 3] [--epochs 30]

Takes the tutorial's archive, by default from CATDOG_KERAS_DATA. The three models are trained alike,
in mixed bfloat16: AdamW, whose rate rises and then falls along a cosine. Optimizer and rate were
chosen on the validation pictures, and so is the epoch whose weights are judged on the test.
"""

import argparse
import os
import statistics

import keras

from benchmarks.measuring import print_table
from catdog_keras import (
    ImageSplits,
    build_model1,
    build_model2,
    build_model3,
    evaluate_classifier,
    load_cats_dogs,
)

MODELS = {"model 1": build_model1, "model 2": build_model2, "model 3": build_model3}
RATE = 2e-3
WARMUP = 0.1  # of all steps


def train(
    name: str, splits: ImageSplits, seed: int, epochs: int
) -> tuple[keras.Model, list[float]]:
    """Trains one model; it has the weights of its best epoch, beside the accuracies of all."""
    keras.utils.set_random_seed(seed)
    model = MODELS[name]()
    steps = epochs * len(splits.train)
    warmup = int(WARMUP * steps)
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=RATE, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.AdamW(rates, weight_decay=0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=epochs, restore_best_weights=True
    )
    history = model.fit(
        splits.train,
        validation_data=splits.validation,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[best],
    )
    return model, history.history["val_accuracy"]


def main() -> None:
    """Trains and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("CATDOG_KERAS_DATA"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    keras.config.set_dtype_policy("mixed_bfloat16")
    best: dict[str, list[float]] = {name: [] for name in MODELS}
    last: dict[str, list[float]] = {name: [] for name in MODELS}
    tests: dict[str, list[float]] = {name: [] for name in MODELS}
    for seed in range(arguments.seeds):
        splits = load_cats_dogs(arguments.data, cache=True, seed=seed)
        for name in MODELS:
            model, accuracies = train(name, splits, seed, arguments.epochs)
            test = evaluate_classifier(model, splits.test, splits.class_names)
            best[name].append(max(accuracies))
            last[name].append(accuracies[-1])
            tests[name].append(test.accuracy)
            print(
                f"seed {seed}, {name}: best {best[name][-1]:.4f} in epoch "
                f"{accuracies.index(max(accuracies)) + 1}, last {accuracies[-1]:.4f}, "
                f"test {test.accuracy:.4f}",
                flush=True,
            )
    rows = [
        [
            name,
            " ".join(f"{each:.3f}" for each in best[name]),
            *(f"{statistics.mean(values):.3f}" for values in (best[name], last[name], tests[name])),
        ]
        for name in MODELS
    ]
    headings = ["", "validation, best epoch, by seed", "mean", "mean of the last epoch", "test"]
    print_table(headings, rows)


if __name__ == "__main__":
    main()
