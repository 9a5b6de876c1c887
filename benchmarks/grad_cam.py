"""How often Grad-CAM points at the right one of four photographs, by layer.

    python -m benchmarks.grad_cam --data ARCHIVE [--mosaics 200]

Trains a head on MobileNetV2 with the tutorial's images, 160 x 160. Then makes mosaics of four
validation images, one of a class and three of the other, and computes heat maps for the class of
the one. A layer points at it if the maximum of its map is in this quarter, and its share is the sum
of the map in this quarter divided by the whole sum; a map without information has 0.25 of both.
The mosaics are 320 x 320, so each quarter has as many cells as an image of 160 x 160.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import catdog_keras as ck
from benchmarks.measuring import print_table

SIDE = 160
LAYERS = {
    "out_relu": "the last, the default",
    "block_16_project_BN": "last block",
    "block_14_add": "third block from the end",
    "block_12_add": "last one of twice the resolution",
    "block_5_add": "last one of four times the resolution",
}


def make_mosaics(
    images: np.ndarray, labels: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns mosaics, the quarter of the single image (row by row), and its class."""
    random = np.random.default_rng(0)
    mosaics, quarters, classes = [], [], []
    for number in range(count):
        label = number % 2
        chosen = list(random.choice(np.flatnonzero(labels != label), 3, replace=False))
        quarter = int(random.integers(4))
        chosen.insert(quarter, random.choice(np.flatnonzero(labels == label)))
        four = images[chosen].reshape(2, 2, SIDE, SIDE, 3)
        mosaics.append(four.swapaxes(1, 2).reshape(2 * SIDE, 2 * SIDE, 3))
        quarters.append(quarter)
        classes.append(label)
    return np.array(mosaics), np.array(quarters), np.array(classes)


def score(maps: np.ndarray, quarters: np.ndarray) -> tuple[int, float]:
    """Returns how many maps have their maximum in the right quarter, and the mean share there."""
    parts = maps.reshape(-1, 2, SIDE, 2, SIDE).swapaxes(2, 3).reshape(len(maps), 4, -1)
    sums = parts.sum(axis=2)
    shares = sums[np.arange(len(maps)), quarters] / np.maximum(sums.sum(axis=1), 1e-9)
    return int((parts.max(axis=2).argmax(axis=1) == quarters).sum()), float(shares.mean())


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the tutorial's archive")
    parser.add_argument("--mosaics", type=int, default=200)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    splits = ck.load_cats_dogs(arguments.data, image_size=SIDE)
    model = ck.transfer_model("mobilenet_v2", (SIDE, SIDE, 3))
    ck.fit_head(model, splits.train, epochs=8, validation_data=splits.validation, verbose=0)
    large = ck.transfer_model("mobilenet_v2", (2 * SIDE, 2 * SIDE, 3), weights=None)
    large.set_weights(model.get_weights())
    batches = [(images.numpy(), labels.numpy()) for images, labels in splits.validation]
    images, labels = (np.concatenate(each) for each in zip(*batches, strict=True))
    mosaics, quarters, classes = make_mosaics(images, labels, arguments.mosaics)
    rows = []
    for layer, place in LAYERS.items():
        maps = ck.grad_cam(large, mosaics, classes, layer=layer)
        right, share = score(maps, quarters)
        low, high = ck.wilson_interval(right, len(mosaics))
        rate = f"{right / len(mosaics):.2f} [{low:.2f}, {high:.2f}]"
        rows.append([f"`{layer}`", place, rate, f"{share:.2f}"])
    print_table(["layer", "", "points at the right image", "share of the map on it"], rows)


if __name__ == "__main__":
    main()
