"""Pretrained backbones: one table, and the way to a backbone without its classifier."""

import os
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras

DOWNLOAD_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Backbone:
    """What `transfer_model` has to know of one network of `keras.applications`.

    Attributes:
        constructor: Its name in `keras.applications`.
        preprocessing: The `Preprocessing` scheme of its weights; None where the network holds its
            own.
        minimum_size: Smallest height and width in pixels.
        features: Number of features per place of its last map.
    """

    constructor: str
    preprocessing: str | None
    minimum_size: int
    features: int


BACKBONES = {
    "convnext_base": Backbone("ConvNeXtBase", None, 32, 1024),
    "convnext_large": Backbone("ConvNeXtLarge", None, 32, 1536),
    "convnext_small": Backbone("ConvNeXtSmall", None, 32, 768),
    "convnext_tiny": Backbone("ConvNeXtTiny", None, 32, 768),
    "convnext_xlarge": Backbone("ConvNeXtXLarge", None, 32, 2048),
    "densenet121": Backbone("DenseNet121", "imagenet_torch", 32, 1024),
    "densenet169": Backbone("DenseNet169", "imagenet_torch", 32, 1664),
    "densenet201": Backbone("DenseNet201", "imagenet_torch", 32, 1920),
    "efficientnet_b0": Backbone("EfficientNetB0", None, 32, 1280),
    "efficientnet_b1": Backbone("EfficientNetB1", None, 32, 1280),
    "efficientnet_b2": Backbone("EfficientNetB2", None, 32, 1408),
    "efficientnet_b3": Backbone("EfficientNetB3", None, 32, 1536),
    "efficientnet_b4": Backbone("EfficientNetB4", None, 32, 1792),
    "efficientnet_b5": Backbone("EfficientNetB5", None, 32, 2048),
    "efficientnet_b6": Backbone("EfficientNetB6", None, 32, 2304),
    "efficientnet_b7": Backbone("EfficientNetB7", None, 32, 2560),
    "efficientnet_v2_b0": Backbone("EfficientNetV2B0", None, 32, 1280),
    "efficientnet_v2_b1": Backbone("EfficientNetV2B1", None, 32, 1280),
    "efficientnet_v2_b2": Backbone("EfficientNetV2B2", None, 32, 1408),
    "efficientnet_v2_b3": Backbone("EfficientNetV2B3", None, 32, 1536),
    "efficientnet_v2_l": Backbone("EfficientNetV2L", None, 32, 1280),
    "efficientnet_v2_m": Backbone("EfficientNetV2M", None, 32, 1280),
    "efficientnet_v2_s": Backbone("EfficientNetV2S", None, 32, 1280),
    "inception_resnet_v2": Backbone("InceptionResNetV2", "signed", 75, 1536),
    "inception_v3": Backbone("InceptionV3", "signed", 75, 2048),
    "mobilenet": Backbone("MobileNet", "signed", 32, 1024),
    "mobilenet_v2": Backbone("MobileNetV2", "signed", 32, 1280),
    "mobilenet_v3_large": Backbone("MobileNetV3Large", None, 32, 960),
    "mobilenet_v3_small": Backbone("MobileNetV3Small", None, 32, 576),
    "nasnet_large": Backbone("NASNetLarge", "signed", 32, 4032),
    "nasnet_mobile": Backbone("NASNetMobile", "signed", 32, 1056),
    "resnet101": Backbone("ResNet101", "imagenet_caffe", 32, 2048),
    "resnet101_v2": Backbone("ResNet101V2", "signed", 32, 2048),
    "resnet152": Backbone("ResNet152", "imagenet_caffe", 32, 2048),
    "resnet152_v2": Backbone("ResNet152V2", "signed", 32, 2048),
    "resnet50": Backbone("ResNet50", "imagenet_caffe", 32, 2048),
    "resnet50_v2": Backbone("ResNet50V2", "signed", 32, 2048),
    "vgg16": Backbone("VGG16", "imagenet_caffe", 32, 512),
    "vgg19": Backbone("VGG19", "imagenet_caffe", 32, 512),
    "xception": Backbone("Xception", "signed", 71, 2048),
}
"""The networks that `transfer_model` knows by name, and what it has to know of each.

A `Backbone` has the attributes `constructor`, its name in `keras.applications`; `preprocessing`,
the scheme of `Preprocessing` that its weights expect, or None where the network prepares pictures
in [0, 255] itself; `minimum_size`, the smallest height and width in pixels; and `features`, the
number of channels of its last map.
"""


class WeightsNotFoundError(OSError):
    """Pretrained weights are neither on this machine nor to be downloaded, or cannot be read.

    Example:
        >>> import catdog_keras
        >>> try:
        ...     catdog_keras.transfer_model(weights="nowhere.h5")
        ... except catdog_keras.WeightsNotFoundError as error:
        ...     print(str(error)[:9])
        `weights`
    """


def build_backbone(
    name: str, input_shape: tuple[int, int, int], weights: str | os.PathLike[str] | None
) -> keras.Model:
    """Builds a backbone of the table, without its classifier and without pooling.

    Raises:
        WeightsNotFoundError: If the weights are not at hand and cannot be downloaded, or if their
            file is damaged or another network's.
    """
    constructor = getattr(keras.applications, BACKBONES[name].constructor)
    if weights is None or weights == "imagenet":
        with _download_timeout(), warnings.catch_warnings():
            # MobileNets have weights for some sizes; for any other Keras takes those for 224.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            try:
                return constructor(include_top=False, weights=weights, input_shape=input_shape)
            except Exception as error:  # keras.utils.get_file raises a bare Exception
                raise _explained(name, error) from error
    if not Path(weights).is_file():
        raise WeightsNotFoundError(
            f'`weights` must be "imagenet", None or the path of a weights file; received '
            f"weights={str(weights)!r}, and there is no such file."
        )
    backbone = constructor(include_top=False, weights=None, input_shape=input_shape)
    try:
        backbone.load_weights(weights)
    except Exception as error:  # what a wrong or damaged file leads to is Keras's and h5py's own
        raise WeightsNotFoundError(
            f"The file {str(weights)!r} does not hold the weights of {name!r} without its top "
            f"layer: {error}"
        ) from error
    return backbone


def _explained(name: str, error: Exception) -> Exception:
    """A failed download or a damaged file in words of ours; any other error as it is."""
    home = os.environ.get("KERAS_HOME") or str(Path.home() / ".keras")
    models = Path(home) / "models"
    if "URL fetch failure on " in str(error) or isinstance(error, ConnectionError | TimeoutError):
        address = re.search(r"https?://\S+/([^\s/:]+)", str(error))
        file = f"the file {address[1]}" if address else "the weights file without its top layer"
        return WeightsNotFoundError(
            f"The ImageNet weights of {name!r} are not on this machine and could not be "
            f"downloaded: {error}. Put {file} into {str(models)!r}, set KERAS_HOME to a folder "
            "whose models/ holds it, or give its path as `weights`; weights=None starts from "
            "random ones."
        )
    damaged = [str(file) for file in sorted(models.glob("*.h5")) if not _opens(file)]
    if damaged and isinstance(error, OSError):
        return WeightsNotFoundError(
            f"The ImageNet weights of {name!r} cannot be read: damaged is {', '.join(damaged)}. "
            "Delete it, and Keras will download it anew, or give the path of a whole one as "
            "`weights`."
        )
    return error


def _opens(file: Path) -> bool:
    """Whether a weights file is whole: HDF5 knows how long its files have to be."""
    import h5py

    try:
        h5py.File(file).close()
    except OSError:
        return False
    return True


@contextmanager
def _download_timeout() -> Iterator[None]:
    """Lets a download that stalls fail, which keras.utils.get_file would wait for endlessly."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
