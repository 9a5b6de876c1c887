"""Gradients under whichever backend runs, and parameters of an augmentation."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest

Gradients = tuple[np.ndarray, list[np.ndarray]]


def _tensorflow_gradients(loss: Callable[[Any], Any], layer: Any, inputs: np.ndarray) -> Gradients:
    """Returns the gradients of the inputs and the trained weights by a tape."""
    import tensorflow as tf

    images = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = loss(images)
    trained = [weight.value for weight in layer.trainable_weights]
    of_inputs, *of_weights = tape.gradient(value, [images, *trained])
    return of_inputs.numpy(), [gradient.numpy() for gradient in of_weights]


def _jax_gradients(loss: Callable[[Any], Any], layer: Any, inputs: np.ndarray) -> Gradients:
    """Returns the same by JAX, and updates the variables that are not trained."""
    import jax

    def stateless(images: Any, trained: Sequence[Any]) -> Any:
        mapping = list(zip(layer.trainable_variables, trained, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            value = loss(images)
        kept = [scope.get_current_value(v) for v in layer.non_trainable_variables]
        return value, kept

    trained = [weight.value for weight in layer.trainable_variables]
    gradient = jax.jit(jax.grad(stateless, argnums=(0, 1), has_aux=True))
    (of_inputs, of_weights), kept = gradient(inputs, trained)
    for variable, value in zip(layer.non_trainable_variables, kept, strict=True):
        if value is not None:
            variable.assign(value)
    return np.asarray(of_inputs), [np.asarray(gradient) for gradient in of_weights]


def _torch_gradients(loss: Callable[[Any], Any], layer: Any, inputs: np.ndarray) -> Gradients:
    """Returns the same by the autograd of PyTorch."""
    import torch

    images = torch.tensor(inputs, requires_grad=True)
    trained = [weight.value for weight in layer.trainable_weights]
    of_inputs, *of_weights = torch.autograd.grad(loss(images), [images, *trained])
    return of_inputs.numpy(), [gradient.numpy() for gradient in of_weights]


@pytest.fixture
def gradients() -> Callable[[Callable[[Any], Any], Any, np.ndarray], Gradients]:
    """A function (loss of the inputs, layer, inputs) -> gradients of inputs and trained weights."""
    return {
        "tensorflow": _tensorflow_gradients,
        "jax": _jax_gradients,
        "torch": _torch_gradients,
    }[keras.backend.backend()]


@pytest.fixture
def several_parameters() -> dict[str, np.ndarray]:
    """Three settings, all parts at once, none of which leads far outside of the image."""
    from catdog_keras.layers._affine_matrix import PARAMETERS

    generator = np.random.default_rng(1)
    low = {"zoom": -0.3, "shear_degrees": -15, "rotation_degrees": -40}
    drawn = {
        name: generator.uniform(low.get(name, -0.2), -low.get(name, -0.2), 3) for name in PARAMETERS
    }
    drawn["flip_horizontal"], drawn["flip_vertical"] = np.array([[1, 0, 1], [0, 1, 1]])
    return {name: values.astype("float32") for name, values in drawn.items()}
