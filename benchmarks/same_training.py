"""Validation accuracy after five epochs: `build_model1`, compared with the stock layers.

    python -m benchmarks.same_training IMAGES [--seeds 5] [--epochs 5]

IMAGES is a folder or zip archive with `train` and `validation`, each with class folders. All three
networks of a seed start from the same weights and use the same batches. They differ in rounding,
which training amplifies. Compare their differences with the standard deviation over the seeds.
"""

import argparse
import statistics

import keras

from benchmarks.measuring import print_table
from benchmarks.train_step import stock_network
from catdog_keras import build_model1, load_image_folder

NETWORKS = {
    "stock, float32": (stock_network, "float32"),
    "catdog-keras, float32": (build_model1, "float32"),
    "catdog-keras, bfloat16": (build_model1, "mixed_bfloat16"),
}


def main() -> None:
    """Trains the networks and prints the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for seed in range(arguments.seeds):
        for name, (build, policy) in NETWORKS.items():
            splits = load_image_folder(arguments.images, cache=True, seed=seed)
            keras.utils.set_random_seed(seed)
            keras.config.set_dtype_policy(policy)
            model = build()
            keras.config.set_dtype_policy("float32")
            dropouts = [each for each in model.layers if isinstance(each, keras.layers.Dropout)]
            for number, layer in enumerate(dropouts):
                layer.seed_generator.state.assign([seed, number])  # the same dropout masks
            keras.utils.set_random_seed(seed)
            weights = build_model1().get_weights()
            model.set_weights(weights)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile("adam", loss, metrics=["accuracy"])
            history = model.fit(
                splits.train,
                validation_data=splits.validation,
                epochs=arguments.epochs,
                shuffle=False,
                verbose=0,
            )
            found[name].append(history.history["val_accuracy"][-1])
            print(f"seed {seed}, {name}: {found[name][-1]:.4f}", flush=True)
    rows = [
        [name, *(f"{each:.3f}" for each in (statistics.mean(values), statistics.stdev(values)))]
        for name, values in found.items()
    ]
    print_table(["network", "mean validation accuracy", "standard deviation of seeds"], rows)


if __name__ == "__main__":
    main()
