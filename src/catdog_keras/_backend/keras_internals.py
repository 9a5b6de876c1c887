"""Behavior of Keras that its public API does not promise.

`tests/test_keras_internals.py` fails if Keras changes one of these.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

# Raised as a warning by `predict` when a generator ends, which is how a dataset of unknown length
# ends.
OUT_OF_DATA_WARNING = "Your input ran out of data"


def variable_index(optimizer: keras.Optimizer, variable: Any) -> int:
    """Returns the index of a variable in an optimizer, by a private method of Keras.

    Under a TensorFlow strategy the optimizer updates a component of a variable, which a mapping by
    identity would not find. Only a private method of Keras resolves it.
    """
    return optimizer._get_variable_index(variable)


def calling_layer(layer: keras.Layer) -> tuple[keras.Layer | None, bool | None]:
    """Returns the outermost running layer and its `training`, from a private call context of Keras.

    `layer` is about to be called. Returns (None, None) if no other layer is running. Keras gives a
    layer only the resolved value of `training`, which does not show whether a model called it.
    """
    context = layer._get_call_context()
    if context.entry_layer is layer:  # Keras created the context for this request
        layer._maybe_reset_call_context()
        return None, None
    return context.entry_layer, context.get_value("training")


@contextmanager
def replaced_attributes(operation: Any, **attributes: Any) -> Iterator[None]:
    """Context manager that replaces attributes or methods of a layer, bypassing Keras's tracking.

    Keras has no hook for the output of a layer. `object.__setattr__` bypasses the attribute
    tracking of Keras; an instance attribute overrides the method of the class and is removed
    afterwards.
    """
    before = {name: vars(operation)[name] for name in attributes if name in vars(operation)}
    for name, value in attributes.items():
        object.__setattr__(operation, name, value)
    try:
        yield
    finally:
        for name in attributes:
            object.__delattr__(operation, name)
        for name, value in before.items():
            object.__setattr__(operation, name, value)


@contextmanager
def synced_with_part(model: keras.Model, part: keras.Model) -> Iterator[None]:
    """Context manager in which callbacks of `part.fit` can read `model`, by Keras's state sync.

    During an epoch on JAX, variables have no values until the fitted model assigns them. Keras
    calls `jax_state_sync` for this when a callback reads its model, which is not `part` here.
    """
    if not hasattr(part, "jax_state_sync"):
        yield
        return
    own = model.jax_state_sync

    def sync() -> None:
        part.jax_state_sync()
        own()

    with replaced_attributes(model, jax_state_sync=sync):
        yield


@contextmanager
def limited_variables(limit: int) -> Iterator[None]:
    """Context manager that limits the number of values in all variables that Keras creates.

    A variable allocates its initial value. The error is raised before that, because a layer from a
    file may be larger than the memory of the machine.

    Raises:
        ValueError: In the block, if the limit is exceeded.
    """
    kind, create = keras.Variable, keras.Variable.__init__
    inherited = "__init__" not in vars(kind)
    created = 0

    def count(
        self: Any, initializer: Any, shape: Any = None, *arguments: Any, **options: Any
    ) -> None:
        nonlocal created
        created += math.prod(shape or ())
        if created > limit:
            raise ValueError(f"The variables of the layers hold more than {limit:,} values.")
        create(self, initializer, shape, *arguments, **options)

    kind.__init__ = count
    try:
        yield
    finally:
        if inherited:
            del kind.__init__
        else:
            kind.__init__ = create


@contextmanager
def marked_uncompiled(models: Iterable[keras.Model]) -> Iterator[None]:
    """Context manager in which Keras does not compile clones, as the models look uncompiled.

    `keras.models.clone_model` would compile the clone from a config, which cannot contain functions
    without a name.
    """
    compiled = [model for model in models if model.compiled]
    try:
        for model in compiled:
            model.compiled = False
        yield
    finally:
        for model in compiled:
            model.compiled = True


def every_layer(layer: keras.Layer) -> list[keras.Layer]:
    """Returns a layer and all layers inside it, at any depth, by a private method of Keras."""
    return list(layer._flatten_layers())


def source_layer(tensor_config: dict[str, Any]) -> str | None:
    """Returns the name of the layer of a tensor, from the `keras_history` in Keras's config.

    Returns None if the dict is not the config of a tensor.
    """
    if tensor_config.get("class_name") != "__keras_tensor__":
        return None
    return str(tensor_config["config"]["keras_history"][0])


def is_download_error(error: Exception) -> bool:
    """Whether `keras.utils.get_file` failed to download; it raises a bare `Exception`."""
    return "URL fetch failure on " in str(error) or isinstance(
        error, ConnectionError | TimeoutError
    )
