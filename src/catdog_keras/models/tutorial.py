"""The networks of the tutorial's first three steps."""

from collections.abc import Sequence

import keras

from catdog_keras._checks import check_input_shape, check_integer, check_layer, describe
from catdog_keras.layers import ConvBlock, Preprocessing
from catdog_keras.layers import augmentation as ready_augmentation

BLOCK_FILTERS = (64, 32, 32, 32)
HIDDEN_UNITS = (128, 512, 128)
MINIMUM_SIZE = 46  # what four blocks, each n -> (n - 2) // 2, bring down to one pixel

# Keras's 0.99 needs several hundred steps, more than a few epochs of 2,000 pictures have, until the
# moving averages describe the network: till then it guesses, however well it has learned.
MOMENTUM = 0.9


def build_model1(
    input_shape: tuple[int, int, int] = (160, 160, 3), num_classes: int = 2
) -> keras.Model:
    """Builds the tutorial's small convolutional network.

    Four `ConvBlock`s of 64, 32, 32 and 32 filters, then dense layers of 128, 512 and 128 units and
    the logits. At 160 x 160 the feature maps are 79, 38, 18 and 8 pixels wide, 2,048 features are
    flattened, and the network has 433,634 parameters, 433,314 of them trainable. It ends in logits:
    train it with a loss that has `from_logits=True`. It takes pictures as they come, in [0, 255].

    Args:
        input_shape: (height, width, channels); height and width of at least 46 pixels.
        num_classes: Number of logits, at least 1.

    Returns:
        An uncompiled `keras.Model` from `(batch, height, width, channels)` to float32
        `(batch, num_classes)`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is too small, or the pictures are too small for four blocks.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.build_model1().count_params()
        433634
    """
    return _build("model1", input_shape, num_classes, [])


def build_model2(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    num_classes: int = 2,
    *,
    augmentation: keras.Layer | None = None,
) -> keras.Model:
    """Builds model 1 with augmentation in front, which acts in training only.

    Args:
        input_shape: As for `build_model1`.
        num_classes: As for `build_model1`.
        augmentation: Layer from pictures to pictures of the same shape. By default
            `catdog_keras.augmentation("medium")`, which flips left and right, turns by up to 20
            degrees, and zooms and moves by up to a tenth.

    Returns:
        An uncompiled `keras.Model`, with the parameters of model 1.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: As for `build_model1`.

    Example:
        >>> import catdog_keras
        >>> [layer.name for layer in catdog_keras.build_model2().layers[:3]]
        ['images', 'augmentation', 'block1']
    """
    return _build("model2", input_shape, num_classes, [_augmentation(augmentation)])


def build_model3(
    input_shape: tuple[int, int, int] = (160, 160, 3),
    num_classes: int = 2,
    *,
    augmentation: keras.Layer | None = None,
) -> keras.Model:
    """Builds model 2 with preprocessing: the pictures, in [0, 255], are brought to [-1, 1].

    Do not scale the pictures before they reach the model: it does so itself.

    Args:
        input_shape: As for `build_model1`.
        num_classes: As for `build_model1`.
        augmentation: As for `build_model2`; it sees the pictures in [0, 255].

    Returns:
        An uncompiled `keras.Model`, with the parameters of model 1.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: As for `build_model1`.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.build_model3(num_classes=5).output_shape
        (None, 5)
    """
    front = [_augmentation(augmentation), Preprocessing("signed", name="preprocessing")]
    return _build("model3", input_shape, num_classes, front)


def _augmentation(layer: keras.Layer | None) -> keras.Layer:
    if layer is not None:
        return check_layer("augmentation", layer)
    return ready_augmentation()


def _build(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    front: Sequence[keras.Layer],
) -> keras.Model:
    input_shape = check_input_shape("input_shape", input_shape)
    num_classes = check_integer("num_classes", num_classes, minimum=1)
    channels_first = keras.config.image_data_format() == "channels_first"
    if min(input_shape[1:] if channels_first else input_shape[:2]) < MINIMUM_SIZE:
        requirement = f"of at least {MINIMUM_SIZE} x {MINIMUM_SIZE} pixels for four blocks"
        raise ValueError(describe("input_shape", requirement, input_shape))
    x = images = keras.Input(input_shape, name="images")
    for layer in front:
        x = layer(x)
    for number, filters in enumerate(BLOCK_FILTERS, start=1):
        x = ConvBlock(filters, momentum=MOMENTUM, name=f"block{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(HIDDEN_UNITS, start=1):
        x = keras.layers.Dense(units, activation="relu", name=f"hidden{number}")(x)
    # float32 whatever the policy: a loss computed from 16-bit logits loses its small differences.
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name=name)
