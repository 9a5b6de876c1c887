"""Pretrained backbones without classification layers: the table of names and the builder."""

import functools
import os
import re
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import applications

from catdog_keras._backend.keras_internals import is_download_error
from catdog_keras._checks import describe
from catdog_keras._keras_home import create_keras_home, keras_home
from catdog_keras._message import argument, setting
from catdog_keras._preprocessing_schemes import Scheme
from catdog_keras.models._synthetic_small import build_synthetic_small

PRETRAINED = "pretrained"  # the weights that the table lists for a backbone
PRETRAINED_NAMES = ("imagenet", "synthetic")
WEIGHTS_REQUIREMENT = '"pretrained", "imagenet", None or the path of a weights file'
DOWNLOAD_TIMEOUT_SECONDS = 30
EXAMPLE = "mobilenet_v2"


@dataclass(frozen=True)
class Backbone:
    """Properties of a backbone that `transfer_model` needs.

    Attributes:
        builder: Function of `input_shape` and `weights` that builds the network without its
            classification layers.
        preprocessing: The `Preprocessing` scheme of its weights; None if the network contains its
            preprocessing.
        minimum_size: Smallest height and width in pixels.
        features: Number of channels of its last feature map.
        weights: Name of its pretrained weights: `"imagenet"`, or `"synthetic"` for the packaged
            backbone that was trained on synthetic images.
    """

    builder: Callable[..., keras.Model]
    preprocessing: Scheme | None
    minimum_size: int
    features: int
    weights: str = "imagenet"


def _application(
    builder: Callable[..., keras.Model],
    preprocessing: Scheme | None,
    minimum_size: int,
    features: int,
) -> Backbone:
    """Returns the entry of a network of `keras.applications`."""
    return Backbone(
        functools.partial(builder, include_top=False), preprocessing, minimum_size, features
    )


BACKBONES = {
    "convnext_base": _application(applications.ConvNeXtBase, None, 32, 1024),
    "convnext_large": _application(applications.ConvNeXtLarge, None, 32, 1536),
    "convnext_small": _application(applications.ConvNeXtSmall, None, 32, 768),
    "convnext_tiny": _application(applications.ConvNeXtTiny, None, 32, 768),
    "convnext_xlarge": _application(applications.ConvNeXtXLarge, None, 32, 2048),
    "densenet121": _application(applications.DenseNet121, "imagenet_torch", 32, 1024),
    "densenet169": _application(applications.DenseNet169, "imagenet_torch", 32, 1664),
    "densenet201": _application(applications.DenseNet201, "imagenet_torch", 32, 1920),
    "efficientnet_b0": _application(applications.EfficientNetB0, None, 32, 1280),
    "efficientnet_b1": _application(applications.EfficientNetB1, None, 32, 1280),
    "efficientnet_b2": _application(applications.EfficientNetB2, None, 32, 1408),
    "efficientnet_b3": _application(applications.EfficientNetB3, None, 32, 1536),
    "efficientnet_b4": _application(applications.EfficientNetB4, None, 32, 1792),
    "efficientnet_b5": _application(applications.EfficientNetB5, None, 32, 2048),
    "efficientnet_b6": _application(applications.EfficientNetB6, None, 32, 2304),
    "efficientnet_b7": _application(applications.EfficientNetB7, None, 32, 2560),
    "efficientnet_v2_b0": _application(applications.EfficientNetV2B0, None, 32, 1280),
    "efficientnet_v2_b1": _application(applications.EfficientNetV2B1, None, 32, 1280),
    "efficientnet_v2_b2": _application(applications.EfficientNetV2B2, None, 32, 1408),
    "efficientnet_v2_b3": _application(applications.EfficientNetV2B3, None, 32, 1536),
    "efficientnet_v2_l": _application(applications.EfficientNetV2L, None, 32, 1280),
    "efficientnet_v2_m": _application(applications.EfficientNetV2M, None, 32, 1280),
    "efficientnet_v2_s": _application(applications.EfficientNetV2S, None, 32, 1280),
    "inception_resnet_v2": _application(applications.InceptionResNetV2, "signed", 75, 1536),
    "inception_v3": _application(applications.InceptionV3, "signed", 75, 2048),
    "mobilenet": _application(applications.MobileNet, "signed", 32, 1024),
    "mobilenet_v2": _application(applications.MobileNetV2, "signed", 32, 1280),
    "mobilenet_v3_large": _application(applications.MobileNetV3Large, None, 32, 960),
    "mobilenet_v3_small": _application(applications.MobileNetV3Small, None, 32, 576),
    "nasnet_large": _application(applications.NASNetLarge, "signed", 32, 4032),
    "nasnet_mobile": _application(applications.NASNetMobile, "signed", 32, 1056),
    "resnet101": _application(applications.ResNet101, "imagenet_caffe", 32, 2048),
    "resnet101_v2": _application(applications.ResNet101V2, "signed", 32, 2048),
    "resnet152": _application(applications.ResNet152, "imagenet_caffe", 32, 2048),
    "resnet152_v2": _application(applications.ResNet152V2, "signed", 32, 2048),
    "resnet50": _application(applications.ResNet50, "imagenet_caffe", 32, 2048),
    "resnet50_v2": _application(applications.ResNet50V2, "signed", 32, 2048),
    "synthetic_small": Backbone(build_synthetic_small, "signed", 32, 128, weights="synthetic"),
    "vgg16": _application(applications.VGG16, "imagenet_caffe", 32, 512),
    "vgg19": _application(applications.VGG19, "imagenet_caffe", 32, 512),
    "xception": _application(applications.Xception, "signed", 71, 2048),
}
"""The backbones that `transfer_model` knows by name.

A `Backbone` has the attributes `builder`, the function of `input_shape` and `weights` that builds
it; `preprocessing`, the scheme of `Preprocessing` that its weights expect, or None where the
network scales images in [0, 255] itself; `minimum_size`, the smallest height and width in pixels;
`features`, the number of channels of its last feature map; and `weights`, the name of its
pretrained weights.

`synthetic_small` is not from `keras.applications`: its weights are part of this package and were
trained on synthetic images. It serves offline demonstrations and tests, not photographs.
"""


class WeightsNotFoundError(OSError):
    """Pretrained weights that are not on this machine, cannot be downloaded, or cannot be read.

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
    """Builds a backbone of the table, without classification layer and pooling.

    Raises:
        ValueError: If `weights` names pretrained weights that this backbone does not have.
        WeightsNotFoundError: If the weights are not on this machine and cannot be downloaded, or
            their file is damaged or belongs to another network.
    """
    known = BACKBONES[name]
    if weights == PRETRAINED:
        weights = known.weights
    check_pretrained_weights(name, weights)
    if weights is None or weights in PRETRAINED_NAMES:
        create_keras_home()
        with _download_timeout(), warnings.catch_warnings():
            # MobileNets have weights for some image sizes; for others Keras uses those for 224.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            try:
                return known.builder(input_shape=input_shape, weights=weights)
            except Exception as error:  # keras.utils.get_file raises a bare Exception
                raise _to_weights_error(name, error) from error
    if not Path(weights).is_file():
        raise WeightsNotFoundError(
            argument("weights")
            + f" must be {WEIGHTS_REQUIREMENT}; received "
            + setting("weights", repr(str(weights)))
            + ", and there is no such file."
            + (" To choose a network, pass its name as " if weights in BACKBONES else "")
            + (argument("backbone") + "." if weights in BACKBONES else "")
        )
    with Path(weights).open("rb"):  # h5py reports missing permission like a damaged file
        pass
    backbone = known.builder(input_shape=input_shape, weights=None)
    try:
        backbone.load_weights(weights)
    except Exception as error:  # Keras and h5py raise various exceptions for a wrong file
        raise WeightsNotFoundError(
            f"The file {str(weights)!r} does not hold the weights of {name!r} without its top "
            f"layer: {error}"
        ) from error
    return backbone


def check_pretrained_weights(name: str, weights: str | os.PathLike[str] | None) -> None:
    """Raises a ValueError if `weights` names pretrained weights that this backbone does not have.

    Other values are accepted, such as paths.
    """
    own = BACKBONES[name].weights
    if weights not in PRETRAINED_NAMES or weights == own:
        return
    others = [each for each, known in BACKBONES.items() if known.weights == weights]
    example = others[0] if len(others) == 1 else EXAMPLE
    remedy = f"To use the weights {weights!r}, pass " + setting("backbone", repr(example))
    requirement = f'"{own}", "{PRETRAINED}" or None for {name!r}'
    raise ValueError(describe("weights", requirement, weights, remedy + "."))


def find_imagenet_weights(image_size: tuple[int, int]) -> Path | None:
    """Returns a file of MobileNetV2 ImageNet weights that Keras has already downloaded, or None.

    Keras publishes one file for each of several image sizes; every file works for every size. The
    file of the nearest size is returned, the larger of two equally near ones.
    """
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5"
    sizes = sorted((96, 128, 160, 192, 224), key=lambda size: (abs(size - max(image_size)), -size))
    files = (_models_folder() / name.format(size) for size in sizes)
    return next((file for file in files if file.is_file()), None)


def _models_folder() -> Path:
    """Returns the folder into which Keras downloads weights."""
    try:
        home = keras_home()
    except OSError:  # Keras uses this folder for users without a home folder
        home = Path("/tmp/.keras")
    return home / "models"


def _to_weights_error(name: str, error: Exception) -> Exception:
    """Converts a failed download or a damaged file to a clear error; returns others unchanged."""
    models = _models_folder()
    if is_download_error(error):
        address = re.search(r"https?://\S+/([^\s/:]+)", str(error))
        file = f"the file {address[1]}" if address else "the weights file without its top layer"
        return WeightsNotFoundError(
            f"The ImageNet weights of {name!r} are not on this machine and could not be "
            f"downloaded: {error}. Put {file} into {str(models)!r}, set KERAS_HOME to a folder "
            "whose models/ holds it, or give its path as "
            + argument("weights")
            + ", or use "
            + setting("weights", "None")
            + " for random initialization."
        )
    damaged = [str(file) for file in sorted(models.glob("*.h5")) if not _is_valid_hdf5(file)]
    if damaged and isinstance(error, OSError):
        return WeightsNotFoundError(
            f"The ImageNet weights of {name!r} cannot be read; damaged file: {', '.join(damaged)}. "
            "Delete it, so that Keras downloads it again, or pass the path of an intact file as "
            + argument("weights")
            + "."
        )
    return error


def _is_valid_hdf5(file: Path) -> bool:
    """Returns whether a weights file is complete: HDF5 files record their length."""
    import h5py

    try:
        h5py.File(file).close()
    except PermissionError:  # it may well be complete
        return True
    except OSError:
        return False
    return True


@contextmanager
def _download_timeout() -> Iterator[None]:
    """Sets a timeout for downloads; keras.utils.get_file has none and would wait forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
