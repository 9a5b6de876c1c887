"""Inference time of MobileNetV2: stock, accelerated and folded.

    python -m benchmarks.inference [--rounds 15] [--batch 32]

The images, at 160 x 160, and the weights are random; the time does not depend on them.
"""

import argparse

import keras
import numpy as np

from benchmarks.measuring import beside_the_first, in_turns, print_table
from catdog_keras import fold_batch_norm, use_fused_batch_norm

SIDE = 160
STOCK = "stock, float32"


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    shape = (SIDE, SIDE, 3)
    stock = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=shape)
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=shape)
    keras.config.set_dtype_policy("float32")
    models = {
        STOCK: stock,
        "accelerated, float32": use_fused_batch_norm(stock),
        "folded, float32": fold_batch_norm(stock),
        "stock, mixed bfloat16": mixed,
        "folded, mixed bfloat16": fold_batch_norm(stock, dtype="mixed_bfloat16"),
        "folded, bfloat16": fold_batch_norm(stock, dtype="bfloat16"),
    }
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (arguments.batch, *shape)).astype(np.float32)
    sides = {
        name: lambda model=model: model.predict_on_batch(images) for name, model in models.items()
    }
    for side in list(sides.values()) * 3:
        side()
    timings = in_turns(sides, arguments.rounds)
    print(f"{keras.backend.backend()} backend, {arguments.rounds} rounds, medians [range].\n")
    headings = ["MobileNetV2", "time", f"times faster than {STOCK}", "by processor time"]
    print_table(headings, beside_the_first(timings))


if __name__ == "__main__":
    main()
