"""Random numbers that a backend draws from a state of its own, outside of Keras's seeds."""

from typing import Any

import keras
import numpy as np


def random_state() -> list[np.ndarray[Any, np.dtype[Any]]]:
    """Returns the state: of PyTorch, whose dropout without a seed draws from it; else nothing."""
    if keras.backend.backend() != "torch":
        return []
    import torch

    return [np.array(torch.get_rng_state().numpy())]


def set_random_state(state: list[np.ndarray[Any, np.dtype[Any]]]) -> None:
    """Goes back to a state that `random_state` returned."""
    import torch

    for array in state:
        torch.set_rng_state(torch.from_numpy(array))
