"""What layers share that change pictures at random: in training only, on pictures alone."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_one_tensor, describe


class _InTraining(keras.layers.Layer):
    """A layer that acts with `training=True` only, and keeps the shape of pictures.

    A subclass has `draw_parameters` and `apply`, and `draw_own` where only some of the parameters
    are drawn by the layer itself.
    """

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns the pictures, in a `tf.data` map whatever Keras's backend is."""
        check_one_tensor(inputs)
        if _backend.is_foreign(inputs):
            return self.call(inputs, *args, **kwargs)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Changes pictures at random.

        Args:
            inputs: Pictures of either input shape.
            training: True draws and applies parameters; False or None returns the pictures.

        Returns:
            The pictures, in the compute dtype.
        """
        self.compute_output_shape(inputs.shape)
        ops = _backend.operations_for(inputs)
        if not training:
            return ops.cast(inputs, self.compute_dtype)
        # Of a tensor even for one picture: this is how a foreign map is told from the rest.
        batch_size = ops.shape(inputs if len(inputs.shape) == 4 else inputs[None])[0]
        return self.apply(inputs, self.draw_own(batch_size))

    def draw_own(self, batch_size: Any) -> dict[str, Any]:
        """Draws the parameters of `batch_size` pictures that the layer itself applies."""
        return self.draw_parameters(batch_size)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If it has neither three nor four axes.
        """
        shape = tuple(input_shape)
        if len(shape) not in (3, 4):
            requirement = "of three axes (one picture) or four (a batch)"
            raise ValueError(describe("input_shape", requirement, shape))
        return shape
