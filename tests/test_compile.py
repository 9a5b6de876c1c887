"""The default loss and metrics of models that are not compiled."""

import keras
import numpy as np
import pytest

from catdog_keras._compile import compile_if_needed, crossentropy_of

LABELS = np.array([[0.0], [1.0], [1.0], [1.0]])


@pytest.mark.parametrize(
    ("ending", "columns"), [("logits", 1), ("sigmoid", 1), ("logits", 2), ("softmax", 2)]
)
def test_default_loss_and_accuracy_are_those_of_what_the_model_returns(ending, columns):
    logits = np.array([[-1.0], [2.0], [-3.0], [0.4]])
    inputs = np.hstack([np.zeros_like(logits), logits])[:, -columns:]
    last = [] if ending == "logits" else [keras.layers.Activation(ending)]
    model = keras.Sequential([keras.Input((columns,)), keras.layers.Dense(columns), *last])
    model.layers[0].set_weights([np.eye(columns), np.zeros(columns)])
    compile_if_needed(model, (inputs, LABELS))
    assert crossentropy_of(model) == ("binary" if columns == 1 else "sparse", ending == "logits")
    found = model.evaluate(inputs, LABELS, return_dict=True, verbose=0)
    right = 1 / (1 + np.exp(-np.where(LABELS == 1, logits, -logits)))
    assert found["loss"] == pytest.approx(-np.log(right).mean(), abs=1e-6)
    assert found["accuracy"] == 0.75


def test_compiled_model_is_not_compiled_again():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    optimizer = model.optimizer
    compile_if_needed(model, (LABELS, LABELS))
    assert (model.optimizer, model.loss) == (optimizer, "mse")
    assert crossentropy_of(model) == (None, None)
