"""Settings of a tutorial run: the same for all models of the run."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_choice, check_integer, check_size, describe
from catdog_keras._message import setting
from catdog_keras.datasets._options import OnBad
from catdog_keras.models._backbones import find_imagenet_weights
from catdog_keras.models._tutorial_networks import MINIMUM_SIZE

MAX_SEED = 2**32 - 1  # largest seed of `keras.utils.set_random_seed`
DTYPE_POLICIES = ("auto", "float32", "mixed_bfloat16")

Weights: TypeAlias = str | os.PathLike[str]
DtypePolicy: TypeAlias = Literal["auto", "float32", "mixed_bfloat16"]


@dataclass(frozen=True)
class Settings:
    """How the images are loaded and the models trained.

    Attributes:
        image_size: (height, width) in pixels.
        batch_size: Images per batch.
        epochs: Epochs for each model.
        seed: Seed of splits, weights and augmentation.
        on_bad: What happens to files that cannot be read as images, as for `load_cats_dogs`.
        dtype_policy: Keras dtype policy of the models.
        batch_norm_momentum: Momentum of the moving averages of batch normalization in models 1
            to 3.
    """

    image_size: tuple[int, int]
    batch_size: int
    epochs: int
    seed: int
    on_bad: OnBad
    dtype_policy: str
    # A run may have a few hundred steps: at Keras's 0.99 the averages would still depend on their
    # initial values. At 0.9 they would depend on the last ten batches, which are small on synthetic
    # images.
    batch_norm_momentum: float = 0.97

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images, in the data format that Keras is set to."""
        height, width = self.image_size
        if keras.config.image_data_format() == "channels_first":
            return (3, height, width)
        return (height, width, 3)


@dataclass(frozen=True)
class BackboneChoice:
    """The backbone of model 4, as chosen by the settings.

    Attributes:
        name: Name in `catdog_keras.BACKBONES`.
        weights: `weights` argument of `transfer_model`: a name, a file or None.
        reason: Why it was chosen, in one sentence.
    """

    name: str
    weights: str | None
    reason: str


# The synthetic set is small and drawn: small images and small batches train all four models in
# minutes. For photographs, image size and batch size are the tutorial's.
DEFAULTS = {"synthetic": ((96, 96), 16, 60), "photographs": ((160, 160), 32, 20)}


def make_settings(
    source: object,
    *,
    image_size: tuple[int, int] | None,
    batch_size: int | None,
    epochs: int | None,
    seed: int,
    on_bad: OnBad,
    dtype_policy: str,
) -> Settings:
    """Checks the arguments of a run and fills in the defaults for its data."""
    defaults = DEFAULTS["synthetic" if source == "synthetic" else "photographs"]
    image_size = check_size("image_size", defaults[0] if image_size is None else image_size)
    if min(image_size) < MINIMUM_SIZE:
        requirement = f"a pair (height, width) of at least {MINIMUM_SIZE} pixels, for model 1"
        raise ValueError(describe("image_size", requirement, image_size))
    batch_size = check_integer(
        "batch_size", defaults[1] if batch_size is None else batch_size, minimum=1
    )
    epochs = check_integer("epochs", defaults[2] if epochs is None else epochs, minimum=1)
    check_integer("seed", seed, minimum=0, maximum=MAX_SEED)
    check_choice("dtype_policy", dtype_policy, DTYPE_POLICIES)
    if dtype_policy == "auto":
        dtype_policy = "mixed_bfloat16" if _backend.has_fast_bfloat16() else "float32"
    return Settings(image_size, batch_size, epochs, seed, on_bad, dtype_policy)


def choose_backbone(
    source: object, weights: Weights | None, image_size: tuple[int, int]
) -> BackboneChoice:
    """Chooses the backbone of model 4 by the settings, as `run_tutorial` describes."""
    if weights == "synthetic":
        reason = setting("weights", '"synthetic"') + " was requested."
        return BackboneChoice("synthetic_small", "synthetic", reason)
    if weights is None:
        return BackboneChoice("mobilenet_v2", None, "Random weights were requested.")
    if weights != "auto":
        return BackboneChoice("mobilenet_v2", str(weights), "These weights were requested.")
    if source != "synthetic":
        return BackboneChoice(
            "mobilenet_v2", "imagenet", "Its ImageNet weights were used for training photographs."
        )
    found: Path | None = find_imagenet_weights(image_size)
    if found is not None:
        return BackboneChoice(
            "mobilenet_v2", str(found), "Its ImageNet weights are on this machine."
        )
    return BackboneChoice(
        "synthetic_small",
        "synthetic",
        "The ImageNet weights of MobileNetV2 are not on this machine, and the images are synthetic "
        "like those that this backbone was trained on.",
    )
