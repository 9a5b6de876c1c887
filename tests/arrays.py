"""Arrays in tests: random images, and the values of tensors, weights and outputs."""

import keras
import numpy as np


def random_images(*shape: int, seed: int = 0) -> np.ndarray:
    """Returns float32 images of a shape with random pixel values in [0, 255]."""
    return np.random.default_rng(seed).uniform(0, 255, shape).astype("float32")


def as_numpy(tensor) -> np.ndarray:
    """Returns the values of a tensor of any backend, in its dtype."""
    return keras.ops.convert_to_numpy(tensor)


def as_float32(tensor) -> np.ndarray:
    """Returns the values of a tensor of any backend as float32, also of a dtype NumPy lacks."""
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def copy_values(variables) -> list[np.ndarray]:
    """Returns copies of the values of variables, which later training does not change."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def all_equal(ones, others) -> bool:
    """Returns whether two lists of arrays have the same values."""
    return all(np.array_equal(one, other) for one, other in zip(ones, others, strict=True))


def softmax(rows) -> np.ndarray:
    """Returns the probabilities of rows of logits, computed in float64."""
    rows = np.asarray(rows, "float64")
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
