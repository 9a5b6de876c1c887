"""Features, and paths of images, as arguments that the checks of data share."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_array
from catdog_keras._checks import check_path, describe, describe_received
from catdog_keras._printable import counted

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

LARGEST = 1e15  # sums of 100 million squares of such features are finite in float32


def check_features(features: Any, length: int | None = None) -> Floats:
    """Returns features as an array of shape `(images, d)`, of finite float32 numbers."""
    requirement = "an array of numbers of shape (images, d), with one row for each image"
    try:
        array = to_array(features)
    except Exception as error:  # each framework raises its own types
        raise TypeError(
            describe_received("features", requirement, f"a {type(features).__name__}")
        ) from error
    received = f"an array of shape {array.shape} and dtype {array.dtype}"
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(describe_received("features", requirement, received))
    if array.ndim != 2 or not array.size:
        remedy = "Pool feature maps first, as with `pooling='avg'`." if array.ndim == 4 else ""
        if array.ndim == 1:
            remedy = "The features are the first argument."
        raise ValueError(describe_received("features", requirement, received, remedy))
    if length is not None and len(array) != length:
        requirement = f"an array with one row for each of the {length} images"
        raise ValueError(describe_received("features", requirement, received))
    with np.errstate(over="ignore"):  # larger float64 numbers are infinite, and reported below
        array = array.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(array).all(1))
    if len(wrong):
        received = f"NaN or infinity in {counted(len(wrong), 'row')}, the first at index {wrong[0]}"
        remedy = "Check the images and the network that computes them."
        raise ValueError(describe_received("features", "finite numbers", received, remedy))
    largest = max(float(array.max()), -float(array.min()))
    if largest > LARGEST:
        requirement = f"numbers from {-LARGEST:g} to {LARGEST:g}, whose squares can be added"
        received = f"a number of magnitude {largest:.3g}"
        remedy = "Scale the features, or check the network that computes them."
        raise ValueError(describe_received("features", requirement, received, remedy))
    return array


def check_file_list(name: str, files: Any, length: int | None = None) -> tuple[str, ...]:
    """Returns the input paths of images as strings; raises if they are not one for each image."""
    requirement = "a list of paths of image files"
    others = (str, bytes, os.PathLike, Mapping, type)
    if isinstance(files, others) or not hasattr(files, "__len__"):
        raise TypeError(describe(name, requirement, files))
    if length is not None and len(files) != length:
        requirement = f"a list of {length} paths, one for each image"
        raise ValueError(describe_received(name, requirement, counted(len(files), "path")))
    if not len(files):
        raise ValueError(describe(name, requirement, files, "It contains none."))
    if isinstance(files[0], (int, np.integer)):
        remedy = f"The {name} are the first argument, the labels the second."
        raise TypeError(describe(name, requirement, files, remedy))
    for place, file in enumerate(files):
        check_path(f"{name}[{place}]", file)
    return tuple(map(os.fspath, files))
