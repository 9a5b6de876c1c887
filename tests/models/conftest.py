"""Models whose batch normalisation does something."""

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def disturb():
    """Gives every weight of a model random values, gammas of either sign among them."""

    def run(model, seed=0):
        generator = np.random.default_rng(seed)
        for variable in model.weights:
            if variable.name == "moving_variance":
                values = generator.uniform(0.5, 2, variable.shape)
            elif variable.name == "gamma":
                values = generator.uniform(-1.5, 1.5, variable.shape)
            elif variable.name in ("moving_mean", "beta", "bias"):
                values = generator.normal(0, 0.2, variable.shape)
            else:
                continue
            variable.assign(values)
        return model

    return run


@pytest.fixture(scope="session")
def outputs_of():
    """Runs a model in inference, on the same random inputs each time, and returns arrays."""

    def run(model):
        generator = np.random.default_rng(1)
        inputs = keras.tree.map_structure(
            lambda tensor: generator.uniform(-1, 1, (2, *tensor.shape[1:])).astype("float32"),
            model.inputs[0] if isinstance(model, keras.Sequential) else model.input,
        )
        outputs = model(inputs, training=False)
        return keras.tree.map_structure(
            lambda tensor: np.asarray(keras.ops.convert_to_numpy(tensor), np.float32), outputs
        )

    return run
