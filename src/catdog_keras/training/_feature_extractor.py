"""Outputs of the frozen layers in front of a head, and the fingerprint of these layers."""

import hashlib
import json
from functools import cached_property
from typing import Any

import keras
import numpy as np

from catdog_keras._arrays import Array
from catdog_keras.conversion._fold_batch_norm import fold_if_possible
from catdog_keras.training._feature_store import Rows
from catdog_keras.training._model_parts import ModelParts

EXTRACTOR_VERSION = 1  # incremented when the same image and model give other features
BATCH_SIZE = 32  # of every call, with padding: the backbone is traced for one shape


class FeatureExtractor:
    """Runs the layers in front of a head, with folded batch normalization."""

    def __init__(self, split: ModelParts, dtype: str | None) -> None:
        """Folds the backbone; `dtype` is that of its layers, None for no change."""
        self._split = split
        self._dtype = dtype
        self._backbone = fold_if_possible(split.backbone, dtype)

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        """(height, width, channels) of the images."""
        return tuple((self._split.before or self._split.backbone).input_shape[1:])

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of the features of one image."""
        return tuple(self._split.backbone.output_shape[1:])

    def fingerprint(self) -> str:
        """Returns a hash of the computed function: layers, weights, dtype and backend."""
        parts = [part for part in (self._split.before, self._split.backbone) if part is not None]
        configs = [_number_layer_names(json.loads(part.to_json())) for part in parts]
        key_parts = [
            EXTRACTOR_VERSION,
            keras.__version__,
            keras.backend.backend(),
            self._dtype,
            configs,
        ]
        digest = hashlib.sha256(json.dumps(key_parts).encode())
        for part in parts:
            for weight in part.get_weights():
                digest.update(str((weight.dtype, weight.shape)).encode())
                digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()[:32]

    def compute(self, images: Array, *, augmented: bool) -> Rows:
        """Returns the features of up to `BATCH_SIZE` images, with or without augmentation."""
        missing = BATCH_SIZE - len(images)
        padded = np.pad(images, [(0, missing), *[(0, 0)] * 3], "edge") if missing else images
        if augmented and self._split.before is not None:
            # `predict` would call every layer with training=False.
            prepared = self._split.before(padded, training=True)
            return self._prepared_features.predict_on_batch(prepared)[: len(images)]
        return self._features.predict_on_batch(padded)[: len(images)]

    @cached_property
    def _prepared_features(self) -> keras.Model:
        inputs = keras.Input(self._split.backbone.input_shape[1:])
        return keras.Model(inputs, keras.ops.cast(self._backbone(inputs), "float32"))

    @cached_property
    def _features(self) -> keras.Model:
        if self._split.before is None:
            return self._prepared_features
        inputs = keras.Input(self.image_shape)
        return keras.Model(inputs, self._prepared_features(self._split.before(inputs)))


def _number_layer_names(config: Any, names: dict[str, str] | None = None) -> Any:
    """Numbers the layers in a feature extractor's config: names depend on earlier models."""
    names = {} if names is None else names
    if isinstance(config, dict):
        named = config.get("name")
        if isinstance(named, str):
            names.setdefault(named, f"#{len(names)}")
        return {key: _number_layer_names(value, names) for key, value in config.items()}
    if isinstance(config, list):
        return [_number_layer_names(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config
