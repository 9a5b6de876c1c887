"""Trains the weights of the backbone `synthetic_small` and writes them into the package.

    python scripts/train_synthetic_small.py [--images 20000] [--epochs 20] [--seed 1000]

The training images are synthetic images of seed 1000 and the validation images of seed 2000; the
data set that users load has seed 0. The network learns to predict species, pose, coat pattern and
coat color of each image, with one linear head per attribute on globally pooled features; the heads
are discarded. The drawn images are kept in a folder for the next run. On two shared cores drawing
took 9 minutes and training 17 minutes; on idle cores an epoch took 25 to 31 seconds.
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 96
POSES = ("portrait", "sitting", "lying", "walking")
PATTERNS = ("solid", "lined", "patched", "masked", "bibbed")
CLASSES = ("cat", "dog")
VALIDATION_IMAGES = 2000
BATCH_SIZE = 64
LEARNING_RATE = 3e-3
WARMUP = 0.1  # of all steps
MODELS = Path(__file__).parents[1] / "src" / "catdog_keras" / "models"

Drawn = tuple[NDArray[np.uint8], int, int, int, tuple[int, int, int]]


def draw(job: tuple[str, int, int]) -> Drawn:
    """Draws one image, resized, with its labels."""
    from catdog_keras.datasets.synthetic import draw_with_attributes

    image, shown = draw_with_attributes(*job)
    resized = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    species, pose = CLASSES.index(shown.class_name), POSES.index(shown.pose)
    pattern = PATTERNS.index(shown.pattern)
    return np.asarray(resized), species, pose, pattern, shown.coat_color


def load(count: int, seed: int, folder: Path) -> dict[str, np.ndarray]:
    """Draws images, or reads those that an earlier run has drawn."""
    file = folder / f"synthetic-{seed}-{count}-{SIDE}.npz"
    if not file.exists():
        jobs = [(CLASSES[n % 2], n // 2, seed) for n in range(count)]
        with ProcessPoolExecutor() as pool:
            columns = list(zip(*pool.map(draw, jobs, chunksize=50), strict=True))
        names = ("images", "species", "pose", "pattern", "color")
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(file, **dict(zip(names, map(np.array, columns), strict=True)))
    with np.load(file) as stored:
        data = dict(stored)
    data["color"] = data["color"].astype("float32") / 255
    return data


def main() -> None:
    """Draws, trains, reports and writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "catdog-keras")
    parser.add_argument("--output", type=Path, default=MODELS / "_synthetic_small.npz")
    arguments = parser.parse_args()
    data = load(arguments.images, arguments.seed, arguments.folder)
    held_out = load(VALIDATION_IMAGES, arguments.seed + 1000, arguments.folder)

    import keras
    import tensorflow as tf

    from catdog_keras.conversion import use_fused_batch_norm
    from catdog_keras.layers import Preprocessing, augmentation_preset
    from catdog_keras.models._synthetic_small import build_synthetic_small

    keras.utils.set_random_seed(arguments.seed)
    keras.config.set_dtype_policy("mixed_bfloat16")
    backbone = use_fused_batch_norm(build_synthetic_small((SIDE, SIDE, 3), None))  # faster training
    images = keras.Input((SIDE, SIDE, 3))
    features = backbone(Preprocessing("signed")(augmentation_preset("medium")(images)))
    features = keras.layers.GlobalAveragePooling2D()(features)
    features = keras.layers.Dropout(0.1)(features)
    sizes = {"species": 2, "pose": len(POSES), "pattern": len(PATTERNS), "color": 3}
    heads = {n: keras.layers.Dense(s, dtype="float32", name=n)(features) for n, s in sizes.items()}
    model = keras.Model(images, heads)
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    steps = arguments.epochs * -(-arguments.images // BATCH_SIZE)
    warmup = int(WARMUP * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=LEARNING_RATE, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.01),
        {"species": classes, "pose": classes, "pattern": classes, "color": "mse"},
        loss_weights={"species": 1.0, "pose": 0.5, "pattern": 0.5, "color": 5.0},
        metrics={n: ["accuracy"] for n in ("species", "pose", "pattern")},
    )

    def dataset(columns: dict[str, np.ndarray], *, shuffle: bool) -> tf.data.Dataset:
        labels = {name: columns[name] for name in sizes}
        result = tf.data.Dataset.from_tensor_slices((columns["images"], labels))
        if shuffle:
            result = result.shuffle(len(columns["images"]), seed=arguments.seed)
        return result.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)

    model.fit(
        dataset(data, shuffle=True),
        validation_data=dataset(held_out, shuffle=False),
        epochs=arguments.epochs,
        verbose=2,
    )
    np.savez_compressed(arguments.output, *(w.astype("float16") for w in backbone.get_weights()))
    print(f"{arguments.output}: {arguments.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
