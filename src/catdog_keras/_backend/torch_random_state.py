"""Random state of a backend outside of Keras's seeds."""

from typing import Any

import keras
import numpy as np


def random_state() -> list[np.ndarray[Any, np.dtype[Any]]]:
    """Returns PyTorch's random state, which dropout without a seed uses; else an empty list."""
    if keras.backend.backend() != "torch":
        return []
    import torch

    return [np.array(torch.get_rng_state().numpy())]


def set_random_state(state: list[np.ndarray[Any, np.dtype[Any]]]) -> None:
    """Restores a state returned by `random_state`."""
    import torch

    for array in state:
        torch.set_rng_state(torch.from_numpy(array))
