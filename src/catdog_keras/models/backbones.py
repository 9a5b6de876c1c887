"""Pretrained backbones: one table, and the way to a backbone without its classifier."""

import os
import re
import socket
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
    """

    constructor: str
    preprocessing: str | None
    minimum_size: int


BACKBONES = {
    "convnext_tiny": Backbone("ConvNeXtTiny", None, 32),
    "densenet121": Backbone("DenseNet121", "imagenet_torch", 32),
    "efficientnet_b0": Backbone("EfficientNetB0", None, 32),
    "efficientnet_v2_b0": Backbone("EfficientNetV2B0", None, 32),
    "inception_v3": Backbone("InceptionV3", "signed", 75),
    "mobilenet": Backbone("MobileNet", "signed", 32),
    "mobilenet_v2": Backbone("MobileNetV2", "signed", 32),
    "mobilenet_v3_large": Backbone("MobileNetV3Large", None, 32),
    "mobilenet_v3_small": Backbone("MobileNetV3Small", None, 32),
    "nasnet_mobile": Backbone("NASNetMobile", "signed", 32),
    "resnet50": Backbone("ResNet50", "imagenet_caffe", 32),
    "resnet50_v2": Backbone("ResNet50V2", "signed", 32),
    "vgg16": Backbone("VGG16", "imagenet_caffe", 32),
    "xception": Backbone("Xception", "signed", 71),
}


class WeightsNotFoundError(OSError):
    """Pretrained weights are neither on this machine nor to be downloaded."""


def build_backbone(
    name: str, input_shape: tuple[int, int, int], weights: str | os.PathLike[str] | None
) -> keras.Model:
    """Builds a backbone of the table, without its classifier and without pooling.

    Raises:
        WeightsNotFoundError: If the weights are not at hand and cannot be downloaded.
    """
    constructor = getattr(keras.applications, BACKBONES[name].constructor)
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise WeightsNotFoundError(
            f'`weights` must be "imagenet", None or the path of a weights file; received '
            f"weights={str(weights)!r}, and there is no such file."
        )
    with _download_timeout():
        try:
            return constructor(
                include_top=False,
                weights=None if weights is None else str(weights),
                input_shape=input_shape,
            )
        except Exception as error:  # keras.utils.get_file raises a bare Exception
            if weights != "imagenet" or not _is_failed_download(error):
                raise
            raise _not_found(name, error) from error


def _is_failed_download(error: Exception) -> bool:
    return isinstance(error, OSError) or "URL fetch failure on " in str(error)


def _not_found(name: str, error: Exception) -> WeightsNotFoundError:
    address = re.search(r"https?://\S+/([^\s/:]+)", str(error))
    file = f"the file {address[1]}" if address else "the weights file without its top layer"
    home = os.environ.get("KERAS_HOME") or str(Path.home() / ".keras")
    return WeightsNotFoundError(
        f"The ImageNet weights of {name!r} are not on this machine and could not be downloaded: "
        f"{error}. Put {file} into {str(Path(home) / 'models')!r}, set KERAS_HOME to a folder "
        "whose models/ holds it, or give its path as `weights`; weights=None starts from random "
        "ones."
    )


@contextmanager
def _download_timeout() -> Iterator[None]:
    """Lets a download that stalls fail, which keras.utils.get_file would wait for endlessly."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
