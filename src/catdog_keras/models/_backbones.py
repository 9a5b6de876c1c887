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
from typing import Any

import keras
from keras import applications

from catdog_keras._backbone_facts import FACTS, Facts
from catdog_keras._backend.keras_internals import is_download_error
from catdog_keras._checks import check_number, describe
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
        parameters: Number of its weights' values.
        image_size: Height and width in pixels for which its weights are published.
        top1: Top-1 accuracy on ImageNet in percent, as Keras publishes it; None if it does not.
        alphas: Widths for which weights are published; empty if the width is fixed.
    """

    builder: Callable[..., keras.Model]
    preprocessing: Scheme | None
    minimum_size: int
    features: int
    weights: str
    parameters: int
    image_size: int
    top1: float | None = None
    alphas: tuple[float, ...] = ()


def _backbone_entry(facts: Facts) -> Backbone:
    """Returns the entry of a network of `keras.applications`, or of the packaged one."""
    builder, weights = build_synthetic_small, "synthetic"
    if facts.network is not None:
        network = getattr(applications, facts.network)
        builder, weights = functools.partial(network, include_top=False), "imagenet"
    return Backbone(
        builder,
        facts.preprocessing,
        facts.minimum_size,
        facts.features,
        weights,
        facts.parameters,
        facts.image_size,
        facts.top1,
        facts.alphas,
    )


BACKBONES = {name: _backbone_entry(facts) for name, facts in FACTS.items()}
"""The backbones that `transfer_model` knows by name.

A `Backbone` has the attributes `builder`, the function of `input_shape` and `weights` that builds
it; `preprocessing`, the scheme of `Preprocessing` that its weights expect, or None where the
network scales images in [0, 255] itself; `minimum_size`, the smallest height and width in pixels;
`features`, the number of channels of its last feature map; `weights`, the name of its pretrained
weights; `parameters`, the number of their values; `image_size`, the height and width for which they
are published; `top1`, their published accuracy on ImageNet in percent, or None; and `alphas`, the
widths with published weights. `catdog-keras backbones` prints them as a table.

`transfer_model` also takes other spellings of the names, such as Keras's `MobileNetV2`.

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
    name: str,
    input_shape: tuple[int, int, int],
    weights: str | os.PathLike[str] | None,
    alpha: float | None = None,
) -> keras.Model:
    """Builds a backbone of the table, without classification layer and pooling.

    `alpha` is the width of a MobileNet; None for the default.

    Raises:
        ValueError: If `weights` names pretrained weights that this backbone does not have.
        WeightsNotFoundError: If the weights are not on this machine and cannot be downloaded, or
            their file is damaged or belongs to another network.
    """
    known = BACKBONES[name]
    width = {} if alpha is None else {"alpha": alpha}
    if weights == PRETRAINED:
        weights = known.weights
    check_pretrained_weights(name, weights)
    if weights is None or weights in PRETRAINED_NAMES:
        create_keras_home()
        with _download_timeout(), warnings.catch_warnings():
            # MobileNets have weights for some image sizes; for others Keras uses those for 224.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            try:
                return known.builder(input_shape=input_shape, weights=weights, **width)
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
    backbone = known.builder(input_shape=input_shape, weights=None, **width)
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


def check_alpha(name: str, alpha: Any, weights: str | os.PathLike[str] | None) -> float | None:
    """Returns the width of a MobileNet, or None; raises if the backbone or its weights have none.

    Raises:
        TypeError: If `alpha` is not a number.
        ValueError: If the backbone has a fixed width, or no weights of this width are published.
    """
    if alpha is None:
        return None
    alphas = BACKBONES[name].alphas
    if not alphas:
        requirement = f"None for {name!r}, whose width is fixed; MobileNets have several"
        raise ValueError(describe("alpha", requirement, alpha))
    alpha = check_number("alpha", alpha, minimum=0.1, maximum=4)
    if weights in (PRETRAINED, *PRETRAINED_NAMES) and alpha not in alphas:
        listed = ", ".join(map(str, alphas))
        requirement = f"one of {listed} for the pretrained weights of {name!r}"
        remedy = "Other widths need " + setting("weights", "None") + "."
        raise ValueError(describe("alpha", requirement, alpha, remedy))
    return alpha


def find_imagenet_weights(image_size: tuple[int, int]) -> Path | None:
    """Returns the weights file of the MobileNetV2 backbone that Keras has downloaded, or None.

    Keras publishes one file for each of several image sizes; every file works for every size. The
    file of the nearest size is returned, the larger of two equally near ones.
    """
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{}_no_top.h5"
    sizes = sorted((96, 128, 160, 192, 224), key=lambda size: (abs(size - max(image_size)), -size))
    files = (_models_folder() / name.format(size) for size in sizes)
    return next((file for file in files if file.is_file()), None)


def _models_folder() -> Path:
    """Returns the folder into which Keras downloads the weights of backbones."""
    try:
        home = keras_home()
    except OSError:  # Keras uses this folder for users without a home folder
        home = Path("/tmp/.keras")
    return home / "models"


def _to_weights_error(name: str, error: Exception) -> Exception:
    """Converts a failed download or damaged file of a backbone to a clear error, or returns it."""
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
    if _is_about_folder(error, models):
        return WeightsNotFoundError(
            f"The ImageNet weights of {name!r} cannot be read from or saved to {str(models)!r}: "
            f"{error}. Set KERAS_HOME to a folder that you can write to, or give the path of the "
            "weights file as "
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


def _is_about_folder(error: Exception, folder: Path) -> bool:
    """Returns whether an error is about the folder of backbone weights, or a file in it."""
    if not isinstance(error, OSError) or not isinstance(error.filename, str):
        return False
    return Path(error.filename).is_relative_to(folder)


def _is_valid_hdf5(file: Path) -> bool:
    """Returns whether a backbone's weights file is complete: HDF5 files record their length."""
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
    """Sets a timeout for downloads of backbones, without which `get_file` would wait forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
