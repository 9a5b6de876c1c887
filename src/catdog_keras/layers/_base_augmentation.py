"""Base class of the augmentation layers: random changes of images."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras

from catdog_keras import _backend, _layer_graph, _mixing  # `_mixing` can be half imported here
from catdog_keras._checks import check_integer, describe, describe_received
from catdog_keras.layers._annotations import (
    add_batch_axis,
    images_of,
    output_specs,
    read_annotations,
    remove_batch_axis,
)


class BaseAugmentation(keras.layers.Layer):
    """Base class of layers that change images at random and keep their shape.

    Subclasses define `get_random_transformation`, `transform_images` and `transform_batch`, and
    override `_get_transformation` if the layer itself draws only some of the parameters.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Initializes the Keras layer."""
        # Autocasting would round bounding boxes, and images before the first operation.
        super().__init__(**{"autocast": False, **kwargs})

    def __call__(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Calls the layer; in a `tf.data` map with any Keras backend."""
        if not isinstance(inputs, Mapping):
            images_of(inputs)
            if self._mixes_labels:
                raise TypeError(
                    describe_received(
                        "inputs",
                        "a dictionary with 'images' and 'labels' for a layer that mixes images",
                        f"a {type(inputs).__name__}",
                        _mixing.MIX_IN_DATASET,
                    )
                )
            return self._call_anywhere(inputs, training, **kwargs)
        data = read_annotations(inputs, mixes=self._mixes_labels)
        outputs = self._call_anywhere(data, training, **kwargs)
        return {key: outputs.get(key, value) for key, value in inputs.items()}

    @property
    def _mixes_labels(self) -> bool:
        """Whether the layer mixes images, so that it needs their labels."""
        return False

    def _call_anywhere(self, inputs: Any, training: bool | None, **kwargs: Any) -> Any:
        images = images_of(inputs)
        if _backend.is_foreign_tf_tensor(images):
            return _backend.call_in_map(self.call, inputs, training=training)
        # A symbolic call must not record a value: the model passes its own when it runs.
        if training is None and not isinstance(images, keras.KerasTensor):
            training = self._default_training()
        if training is not None:
            kwargs["training"] = training
        return super().__call__(inputs, **kwargs)

    def _default_training(self) -> bool:
        """Returns the `training` of the calling layer, or whether to augment if it has none.

        Keras's layers augment in that case. A model with weights that is called without `training`
        predicts, as its dropout layers assume, so there images must not change.
        """
        caller, inherited = _backend.calling_layer(self)
        if inherited is not None:
            return inherited
        if not isinstance(caller, keras.Model):
            return True
        return _layer_graph.is_graph(caller) and not caller.weights

    # A default of True would be recorded in the graph of a model.
    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Augments images at random.

        Args:
            inputs: Images, batched or not, or a dictionary; see the class docstring.
            training: True or None draws and applies parameters; False returns the images unchanged.
                `__call__` replaces None by the value of the calling layer or model. If there is
                none, the layer augments, except in a model with weights.

        Returns:
            The images, in the compute dtype, or the dictionary.
        """
        images = images_of(inputs)
        self.compute_output_shape(images.shape)
        self._check_annotations(inputs)
        ops = _backend.ops_for(images)
        if training is not None and not training:
            images = ops.cast(images, self.compute_dtype)
            return {**inputs, "images": images} if isinstance(inputs, dict) else images
        # A tensor even for a single image: its type shows whether this runs in a `tf.data` map.
        batch_size = ops.shape(images if len(images.shape) == 4 else images[None])[0]
        transformation = self._get_transformation(batch_size)
        if not isinstance(inputs, dict):
            return self.transform_images(inputs, transformation)
        if len(images.shape) == 4:
            return self.transform_batch(inputs, transformation)
        outputs = self.transform_batch(add_batch_axis(inputs, ops), transformation)
        return remove_batch_axis(outputs, ops)

    def _check_annotations(self, inputs: Any) -> None:
        """Raises if the layer cannot transform the entries of a dictionary."""

    def _get_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws the parameters that the layer itself applies to `batch_size` images."""
        return self.get_random_transformation(batch_size)

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns symbolic outputs for symbolic inputs."""
        images = images_of(inputs)
        shape = self.compute_output_shape(images.shape)
        self._check_annotations(inputs)
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not isinstance(inputs, dict):
            return outputs
        return {**output_specs(inputs), "images": outputs}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns `input_shape`.

        Raises:
            ValueError: If it does not have three or four axes.
        """
        if isinstance(input_shape, dict):
            self._check_shape(input_shape["images"])
            return input_shape
        return self._check_shape(input_shape)

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns the shape of images as a tuple; raises if the layer does not support it."""
        shape = tuple(input_shape)
        if len(shape) not in (3, 4):
            requirement = "of three axes (one image) or four (a batch)"
            raise ValueError(describe("input_shape", requirement, shape))
        return shape


LARGEST_SEED = 2**31 - 1  # Keras stores the seed as an int32 on PyTorch
Seed: TypeAlias = int | keras.random.SeedGenerator | None


def check_seed(seed: Any) -> Seed:
    """Returns an augmentation's seed, also from a `SeedGenerator` config; raises if not allowed."""
    if isinstance(seed, dict) and seed.get("class_name") == "SeedGenerator":
        seed = keras.random.SeedGenerator.from_config(seed["config"])
    if seed is None or isinstance(seed, keras.random.SeedGenerator):
        return seed
    return check_integer("seed", seed, minimum=0, maximum=LARGEST_SEED)


class SeededLayer(keras.layers.Layer):
    """Base class of layers that draw random numbers from their seed, also in a `tf.data` map."""

    def _init_seed(self, seed: Any) -> None:
        """Validates and stores the seed, and creates the random number generators."""
        self.seed = check_seed(seed)
        if isinstance(self.seed, keras.random.SeedGenerator):
            self.seed_generator = self.seed
            self._map_generator = _backend.map_generator_for(self.seed)
        else:
            self.seed_generator = keras.random.SeedGenerator(self.seed)
            self._map_generator = _backend.MapRandomGenerator(self.seed)

    def _seed_config(self) -> Any:
        """Returns the seed for `get_config`."""
        if isinstance(self.seed, keras.random.SeedGenerator):
            return keras.saving.serialize_keras_object(self.seed)
        return self.seed

    def _random_uniform(self, shape: tuple[Any, ...]) -> Any:
        """Draws uniform numbers in [0, 1), as TensorFlow tensors in a `tf.data` map."""
        return _backend.random_uniform(shape, self.seed_generator, self._map_generator)
