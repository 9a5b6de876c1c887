"""Adam with per-variable learning-rate multipliers, and the multipliers of a backbone."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras._backend.keras_internals import variable_index
from catdog_keras._checks import describe


@keras.saving.register_keras_serializable(package="catdog_keras")
class LayerwiseAdam(keras.optimizers.Adam):
    """Adam with a learning-rate multiplier for each trainable variable.

    `fine_tune` compiles models with it: layers near the input learn more slowly than the head
    (discriminative fine-tuning). Scaling the gradients instead has no effect, because Adam divides
    by their magnitude. The factors are part of the config, so that training a saved model continues
    with them.

    Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification"
    (https://arxiv.org/abs/1801.06146), section 3.2.
    """

    def __init__(
        self, factors: Sequence[float] = (), name: str = "layerwise_adam", **kwargs: Any
    ) -> None:
        """Creates the optimizer.

        Args:
            factors: A factor above 0 for each trainable variable of the model, in their order.
            name: Name of the optimizer.
            **kwargs: Arguments of `keras.optimizers.Adam`.
        """
        super().__init__(name=name, **kwargs)
        self.factors = tuple(float(factor) for factor in factors)
        schedule = keras.optimizers.schedules.LearningRateSchedule
        self._has_schedule = isinstance(kwargs.get("learning_rate"), schedule)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of variables with the factor 1; can be set if it has no schedule."""
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self._has_schedule:
            requirement = "left to the schedule of `fine_tune`"
            remedy = (
                "Set the rate in `FineTuneConfig`, or compile the model with another optimizer and "
                "train it with `fit`."
            )
            raise TypeError(describe("learning_rate", requirement, value, remedy))
        keras.optimizers.Adam.learning_rate.fset(self, value)

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the optimizer state for `variables`.

        Raises:
            ValueError: If the number of variables differs from that of the factors.
        """
        if len(variables) != len(self.factors):
            raise ValueError(
                f"`factors` must hold a number for each trainable variable, here "
                f"{len(variables)}; received {len(self.factors)} numbers. Compile the model again "
                "after freezing or unfreezing layers."
            )
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable with its fraction of the learning rate."""
        factor = self.factors[variable_index(self, variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments."""
        return {**super().get_config(), "factors": list(self.factors)}


def rate_factors(part: keras.Model, backbone: keras.Model, lowest: float) -> list[float]:
    """Returns Adam's learning-rate factor for each trainable variable of a part of a model.

    The factor increases geometrically over the trained backbone layers, from `lowest` to 1; layers
    outside of the backbone have the factor 1.
    """
    trained = [layer for layer in backbone.layers if getattr(layer, "trainable_variables", ())]
    factors = {
        id(variable): lowest ** (1 - place / len(trained))
        for place, layer in enumerate(trained)
        for variable in layer.trainable_variables
    }
    return [factors.get(id(variable), 1.0) for variable in part.trainable_variables]
