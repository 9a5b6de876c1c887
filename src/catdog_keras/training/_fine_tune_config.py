"""Configuration of a fine-tuning run."""

from dataclasses import dataclass

from catdog_keras._checks import check_integer, check_number
from catdog_keras._suggestions import suggests_init_arguments
from catdog_keras.training._argument_names import CONFIG_NAMES


@suggests_init_arguments(CONFIG_NAMES)
@dataclass(frozen=True)
class FineTuneConfig:
    """Configuration of `fine_tune`: learning rates, schedule, early stopping and caching.

    Attributes:
        learning_rate: Maximum learning rate of Adam, used for the layers outside of the backbone.
        min_lr_factor: Learning rate of the first unfrozen backbone layer, as a factor of
            `learning_rate`, above 0 up to 1. The factor increases geometrically from layer to layer
            (layer-wise learning-rate decay).
        warmup: Fraction of a stage's steps with linear warmup from 0, from 0 to 0.9. In the
            remaining steps the rate decays to 0 along a cosine. Not used if a callback sets the
            rate, as `keras.callbacks.ReduceLROnPlateau`.
        patience: Number of epochs without improvement on the validation data after which a stage
            ends; None trains all epochs. The best weights are restored in either case.
        num_views: Number of cached versions of each image at the output of the frozen layers: the
            unchanged image, and `num_views - 1` versions from the model's augmentation layers. Each
            epoch uses one of them. None disables the cache: every step runs the whole model,
            including its augmentation.
        dtype: Dtype or dtype policy in which cached outputs of the frozen layers are computed, such
            as `"bfloat16"`; None for that of the layers.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.FineTuneConfig(learning_rate=3e-5, patience=None).min_lr_factor
        0.1
    """

    learning_rate: float = 1e-4
    min_lr_factor: float = 0.1
    warmup: float = 0.1
    patience: int | None = 5
    num_views: int | None = 1
    dtype: str | None = None

    def __post_init__(self) -> None:
        """Validates the attributes."""
        smallest = 1e-12
        check_number("learning_rate", self.learning_rate, minimum=smallest, maximum=10)
        check_number("min_lr_factor", self.min_lr_factor, minimum=smallest, maximum=1)
        check_number("warmup", self.warmup, minimum=0, maximum=0.9)
        if self.patience is not None:
            check_integer("patience", self.patience, minimum=1)
        if self.num_views is not None:
            check_integer("num_views", self.num_views, minimum=1, maximum=255)
