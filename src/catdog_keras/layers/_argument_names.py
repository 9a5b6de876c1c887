"""Argument names of layers in other libraries, and the check of the names that are given."""

from collections.abc import Callable
from types import MappingProxyType
from typing import ParamSpec

from catdog_keras._suggestions import Synonyms, suggests_arguments

Parameters = ParamSpec("Parameters")

# What `keras.layers.Layer` itself accepts.
_OF_LAYER = (
    "activity_regularizer",
    "autocast",
    "dtype",
    "input_dim",
    "input_shape",
    "name",
    "trainable",
)

_TURN = "It is in degrees; the factor of keras.layers.RandomRotation is multiplied by 360."
_ANGLE = "It is in degrees."
_FRACTION = "It is a fraction of the height and of the width."
_SHEAR = "It is in degrees; the factor of keras.layers.RandomShear is the tangent of the angle."
_ZOOM_OR_SHIFT = "`translation` has the factors of keras.layers.RandomTranslation, `zoom` that of "
_ZOOM_OR_SHIFT += "keras.layers.RandomZoom."
_SCALE = "For torchvision's scale (s, t), pass zoom=(1 / t - 1, 1 / s - 1)."
_DIRECTION = 'For example flip="horizontal".'
_RATE = "The probability of a layer is the `rate` of `RandomApply`."

# Names in Keras's layers, `ImageDataGenerator`, torchvision and Albumentations: ours, and a hint.
AFFINE_NAMES: Synonyms = {
    "angle": (("rotation_degrees",), _ANGLE),
    "border_mode": (("fill_mode",), ""),
    "cval": (("fill_value",), ""),
    "degrees": (("rotation_degrees",), ""),
    "factor": (("rotation_degrees",), _TURN),
    "fill": (("fill_value",), ""),
    "fill_color": (("fill_value",), ""),
    "flip_mode": (("flip",), _DIRECTION),
    "height_factor": (("translation", "zoom"), _ZOOM_OR_SHIFT),
    "height_shift_range": (("translation",), _FRACTION),
    "limit": (("rotation_degrees",), _ANGLE),
    "mode": (("flip", "fill_mode"), _DIRECTION),
    "p": ((), _RATE),
    "padding_mode": (("fill_mode",), ""),
    "probability": ((), _RATE),
    "rate": ((), _RATE),
    "resample": (("interpolation",), ""),
    "rotate": (("rotation_degrees",), _ANGLE),
    "rotation": (("rotation_degrees",), _ANGLE),
    "rotation_factor": (("rotation_degrees",), _TURN),
    "rotation_range": (("rotation_degrees",), _ANGLE),
    "scale": (("zoom",), _SCALE),
    "shear": (("shear_degrees",), _ANGLE),
    "shear_factor": (("shear_degrees",), _SHEAR),
    "shear_range": (("shear_degrees",), _ANGLE),
    "shift": (("translation",), _FRACTION),
    "translate": (("translation",), _FRACTION),
    "translation_factor": (("translation",), _FRACTION),
    "width_factor": (("translation", "zoom"), _ZOOM_OR_SHIFT),
    "width_shift_range": (("translation",), _FRACTION),
    "x_factor": (("shear_degrees",), _SHEAR),
    "y_factor": (("shear_degrees",), _SHEAR),
    "zoom_factor": (("zoom",), ""),
    **dict.fromkeys(
        ("fliplr", "flip_horizontal", "hflip", "horizontal", "horizontal_flip"),
        (("flip",), 'Pass flip="horizontal".'),
    ),
    **dict.fromkeys(
        ("flipud", "flip_vertical", "vflip", "vertical", "vertical_flip"),
        (("flip",), 'Pass flip="vertical".'),
    ),
    "zoom_range": (("zoom",), "ImageDataGenerator's range (s, t) is zoom=(s - 1, t - 1)."),
}
"""Names for `RandomAffine`."""

SCHEME_NAMES: Synonyms = dict.fromkeys(
    ("mode", "normalization", "preprocessing", "range"), (("scheme",), "")
) | dict.fromkeys(
    ("scale", "offset", "mean", "std", "variance"),
    ((), "For other values use `keras.layers.Rescaling` or `keras.layers.Normalization`."),
)
"""Names for `Preprocessing`."""

CLASS_NAMES: Synonyms = dict.fromkeys(("classes", "labels", "names"), (("class_names",), ""))
"""Names for `ClassNames`."""

CHOICE_NAMES: Synonyms = dict.fromkeys(
    ("p", "probabilities", "rate", "weights"),
    ((), "All layers have the same probability; a layer that is listed twice has twice as much."),
)
"""Names for `RandomChoice`."""

APPLY_NAMES: Synonyms = dict.fromkeys(("factor", "p", "prob", "probability"), (("rate",), ""))
"""Names for `RandomApply`."""


def suggests_layer_arguments(
    synonyms: Synonyms = MappingProxyType({}), by_position: str = ""
) -> Callable[[Callable[Parameters, None]], Callable[Parameters, None]]:
    """Decorates a constructor so that an unknown argument raises an error with a suggestion.

    Args:
        synonyms: For names of other libraries, the arguments of the layer, and a hint.
        by_position: Hint for too many arguments by position.
    """
    return suggests_arguments(synonyms, _OF_LAYER, by_position)


PRESET_NAMES: Synonyms = {
    **dict.fromkeys(("level", "mode", "preset"), (("strength",), "")),
    **dict.fromkeys(("input_range", "range", "scale"), (("value_range",), "")),
    **dict.fromkeys(
        ("brightness", "contrast", "factor", "flip", "rotation", "translation", "zoom"),
        ((), "Compose the layers: `AugmentationPipeline([RandomAffine(...), ...])`."),
    ),
}
"""Names for `augmentation_preset`."""
