"""Adam whose step is shorter for some weights than for others."""

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="catdog_keras")
class DepthAdam(keras.optimizers.Adam):
    """Adam with a factor of the learning rate for each trained weight.

    What fine-tuning compiles a model with: layers near the input learn more slowly than the head.
    Scaled gradients would not do: Adam divides by their size. The factors are part of the config,
    so that a saved model goes on with them.

    Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification"
    (https://arxiv.org/abs/1801.06146), section 3.2.
    """

    def __init__(
        self, factors: Sequence[float] = (), name: str = "depth_adam", **kwargs: Any
    ) -> None:
        """Takes a factor for each trainable variable of the model, in their order.

        Args:
            factors: Numbers above 0.
            name: Name of the optimizer.
            **kwargs: Arguments of `keras.optimizers.Adam`.
        """
        super().__init__(name=name, **kwargs)
        self.factors = tuple(float(factor) for factor in factors)

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the state for `variables`.

        Raises:
            ValueError: If there is another number of them than of factors.
        """
        if len(variables) != len(self.factors):
            raise ValueError(
                f"`factors` must hold a number for each trainable variable, here "
                f"{len(variables)}; received {len(self.factors)} numbers. Compile the model "
                "anew after you have frozen or unfrozen layers."
            )
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one variable, by its share of the learning rate."""
        # Not a mapping of our own: under a strategy of TensorFlow, `variable` is a part of the one
        # that `build` saw, and the optimizer alone knows of which.
        factor = self.factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "factors": list(self.factors)}
