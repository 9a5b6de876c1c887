"""Accuracies of models 1 to 3 on the tutorial's images, by seed.

    python -m benchmarks.accuracy [--data ARCHIVE] [--seeds 3] [--epochs 30]

ARCHIVE is the tutorial's archive, by default from CATDOG_KERAS_DATA. The three models are trained
like those of `catdog-keras tutorial`, in mixed bfloat16. Optimizer, learning rate and the epoch
whose weights are tested were selected on the validation images.
"""

import argparse
import os
import statistics

import keras

from benchmarks.measuring import print_table
from catdog_keras import (
    build_model1,
    build_model2,
    build_model3,
    evaluate_classifier,
    load_cats_dogs,
)
from catdog_keras.tutorial._training import train_to_best

MODELS = {"model 1": build_model1, "model 2": build_model2, "model 3": build_model3}


def main() -> None:
    """Trains the models and prints the accuracies."""
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
            keras.utils.set_random_seed(seed)
            model = MODELS[name]()
            history, _ = train_to_best(name, model, splits, arguments.epochs)
            accuracies = history["val_accuracy"]
            test = evaluate_classifier(model, splits.test, class_names=splits.class_names)
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
