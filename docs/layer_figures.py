"""Draws what each augmentation layer does to two images, for its page of the reference.

python docs/layer_figures.py
"""

import io
from pathlib import Path

import keras
import matplotlib as mpl
from PIL import Image

import catdog_keras as ck
from gallery_figures import DPI, compress

TARGET = Path(__file__).parent / "images" / "layers"
VIEWS = 4


def layers() -> dict[str, keras.Layer]:
    """Returns a layer with typical arguments for each public name."""
    return {
        "RandomAffine": ck.RandomAffine(
            "horizontal", rotation_degrees=20, zoom=0.2, translation=0.1, seed=0
        ),
        "RandomApply": ck.RandomApply(keras.layers.RandomInvert((1, 1)), rate=0.5, seed=0),
        "RandomChoice": ck.RandomChoice(
            [keras.layers.RandomInvert((1, 1)), keras.layers.RandomGrayscale(1.0)], seed=0
        ),
        "AugmentationPipeline": ck.AugmentationPipeline(
            [
                ck.RandomAffine("horizontal", rotation_degrees=15, seed=0),
                keras.layers.RandomBrightness(0.3, seed=0),
            ]
        ),
        "augmentation_preset": ck.augmentation_preset("medium", seed=0),
    }


def main() -> None:
    """Draws one figure for each layer."""
    mpl.use("agg")
    keras.utils.set_random_seed(0)
    splits = ck.load_cats_dogs("synthetic", image_size=(128, 128), batch_size=8)
    images = next(iter(splits.test))[0].numpy()[:2]
    TARGET.mkdir(exist_ok=True)
    for name, layer in layers().items():
        figure = ck.plot_augmentation(images, [layer(images) for _ in range(VIEWS)])
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=DPI)
        (TARGET / f"{name}.png").write_bytes(compress(Image.open(buffer)))


if __name__ == "__main__":
    main()
