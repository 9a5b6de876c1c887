"""The networks of the tutorial's first three steps."""

from collections.abc import Sequence

import keras

from catdog_keras._checks import (
    check_input_shape,
    check_integer,
    check_number,
    describe,
)
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.layers import ConvBlock, Preprocessing
from catdog_keras.models._argument_names import ARGUMENT_NAMES
from catdog_keras.models._check_augmentation import Augmentation, check_augmentation

BLOCK_FILTERS = (64, 32, 32, 32)
HIDDEN_UNITS = (128, 256, 256, 128)  # dropout follows all but the last
MINIMUM_SIZE = 46  # four blocks, each n -> (n - 2) // 2, reduce it to one pixel


@suggests_arguments(ARGUMENT_NAMES)
def build_model1(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    num_classes: int = 2,
    *,
    dropout: float = 0.2,
    momentum: float = 0.99,
) -> keras.Model:
    """Builds the tutorial's small convolutional network (model 1).

    Layers, in order: four `ConvBlock`s (3x3 convolution without padding, ReLU, batch
    normalization, 2x2 max pooling) with 64, 32, 32 and 32 filters; flatten; dense layers of 128,
    256, 256 and 128 units with ReLU, dropout after the first three; and a dense layer for the
    logits. With the default arguments the feature maps are 79, 38, 18 and 8 pixels wide, 2,048
    features are flattened, and the network has 433,634 parameters, of which 433,314 are trainable.

    The outputs are logits: compile with a loss that has `from_logits=True`. The inputs are images
    with values in [0, 255].

    Args:
        input_shape: (height, width, channels), or (channels, height, width) if that is Keras's
            image data format; height and width of at least 46 pixels.
        num_classes: Number of logits, at least 1.
        dropout: Fraction of the units that each dropout layer sets to zero during training, from
            0 to 1.
        momentum: Momentum of the moving averages of batch normalization, from 0 to 1. The default
            is the tutorial's and Keras's; with it, the averages need about 500 training steps.
            For shorter training use 0.97, which needs about 150 steps, or 0.9, which needs about
            50: otherwise the validation accuracy stays near chance although the training
            accuracy rises.

    Returns:
        An uncompiled `keras.Model` from `(batch, height, width, channels)` to float32
        `(batch, num_classes)`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the images are too small for four blocks.

    See Also:
        `build_model2`: adds augmentation.
        `build_model3`: adds augmentation and input scaling.
        `transfer_model`: a classifier on a pretrained backbone.
        `ConvBlock`: the block of this network.

    Example:
        >>> import catdog_keras, keras
        >>> catdog_keras.build_model1().count_params()
        433634

        Smaller images of five classes, for a training of about 200 steps:

        >>> model = catdog_keras.build_model1((96, 96, 3), num_classes=5, momentum=0.97)
        >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> model.compile("adam", loss, metrics=["accuracy"])
        >>> model.output_shape
        (None, 5)
    """
    return _build_tutorial_network("model1", input_shape, num_classes, dropout, momentum, [])


@suggests_arguments(ARGUMENT_NAMES)
def build_model2(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    num_classes: int = 2,
    *,
    augmentation: Augmentation = "medium",
    dropout: float = 0.2,
    momentum: float = 0.99,
) -> keras.Model:
    """Builds model 1 with augmentation in front (model 2).

    The augmentation is active during training only.

    Args:
        input_shape: As for `build_model1`.
        num_classes: As for `build_model1`.
        augmentation: `"light"`, `"medium"` or `"strong"` for the `augmentation_preset` of this
            name (`"medium"`: horizontal flips, rotations of up to 20 degrees, zoom and shifts of up
            to 10%); or a layer from images in [0, 255] to images of the same shape and range. A
            layer that is known to scale, or to have another `value_range`, is rejected. None for no
            augmentation.
        dropout: As for `build_model1`.
        momentum: As for `build_model1`.

    Returns:
        An uncompiled `keras.Model` with the parameters of model 1.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: As for `build_model1`.

    See Also:
        `augmentation_preset`: the default augmentation, weaker and stronger ones.
        `build_model3`: also scales its inputs.

    Example:
        >>> import catdog_keras
        >>> [layer.name for layer in catdog_keras.build_model2().layers[:3]]
        ['images', 'augmentation', 'block1']
        >>> model = catdog_keras.build_model2(augmentation="light")
        >>> [layer.name for layer in catdog_keras.build_model2(augmentation=None).layers[:2]]
        ['images', 'block1']
    """
    front = _augmentation_as_list(augmentation, input_shape)
    return _build_tutorial_network("model2", input_shape, num_classes, dropout, momentum, front)


@suggests_arguments(ARGUMENT_NAMES)
def build_model3(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    num_classes: int = 2,
    *,
    augmentation: Augmentation = "medium",
    dropout: float = 0.2,
    momentum: float = 0.99,
) -> keras.Model:
    """Builds model 2 with preprocessing, which scales [0, 255] to [-1, 1] (model 3).

    Do not scale the images before they reach the model.

    Args:
        input_shape: As for `build_model1`.
        num_classes: As for `build_model1`.
        augmentation: As for `build_model2`; it receives images in [0, 255].
        dropout: As for `build_model1`.
        momentum: As for `build_model1`.

    Returns:
        An uncompiled `keras.Model` with the parameters of model 1.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: As for `build_model1`.

    See Also:
        `Preprocessing`: the scaling of the inputs.
        `transfer_model`: a classifier on a pretrained backbone.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.build_model3(num_classes=5).output_shape
        (None, 5)
    """
    front = [
        *_augmentation_as_list(augmentation, input_shape),
        Preprocessing("signed", name="preprocessing"),
    ]
    return _build_tutorial_network("model3", input_shape, num_classes, dropout, momentum, front)


def _augmentation_as_list(
    value: Augmentation, input_shape: tuple[int, int, int]
) -> list[keras.Layer]:
    """Returns the augmentation of a tutorial network in a list, or an empty list for none."""
    layer = check_augmentation(value, check_input_shape("input_shape", input_shape))
    return [] if layer is None else [layer]


def _build_tutorial_network(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    dropout: float,
    momentum: float,
    front: Sequence[keras.Layer],
) -> keras.Model:
    """Builds the four convolution blocks and dense layers that all tutorial models share."""
    input_shape = check_input_shape("input_shape", input_shape)
    num_classes = check_integer("num_classes", num_classes, minimum=1)
    dropout = check_number("dropout", dropout, minimum=0, maximum=1)
    data_format = keras.config.image_data_format()
    first = data_format == "channels_first"
    if min(input_shape[1:] if first else input_shape[:2]) < MINIMUM_SIZE:
        order = "(channels, height, width)" if first else "(height, width, channels)"
        requirement = f"{order} with at least {MINIMUM_SIZE} x {MINIMUM_SIZE} pixels"
        remedy = f"Four blocks need them. Keras's image data format is {data_format!r}."
        raise ValueError(describe("input_shape", requirement, input_shape, remedy))
    x = images = keras.Input(input_shape, name="images")
    for layer in front:
        x = layer(x)
    for number, filters in enumerate(BLOCK_FILTERS, start=1):
        x = ConvBlock(filters, momentum=momentum, name=f"block{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(HIDDEN_UNITS, start=1):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden{number}")(x)
        if number < len(HIDDEN_UNITS):
            x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    # float32 under every dtype policy: 16-bit logits lose small differences in the loss.
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name=name)
