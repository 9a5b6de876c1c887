"""Outputs of the frozen layers, computed once per image, and batches of them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import keras
import numpy as np

from catdog_keras._arrays import Array
from catdog_keras._batches import count_batches
from catdog_keras._checks import describe
from catdog_keras._progress import progress_bar
from catdog_keras._range_check import RangeCheck
from catdog_keras.conversion._fold_batch_norm import check_dtype, fold_batch_norm
from catdog_keras.training._feature_store import FeatureStore, Rows
from catdog_keras.training._labeled_batches import empty, join_weights, not_finite, read_labeled
from catdog_keras.training._model_parts import ModelParts

VERSION = 1  # incremented when the same image and model give other features
BATCH_SIZE = 32  # of every call, with padding: the backbone is traced for one shape


class FeatureExtractor:
    """Runs the layers in front of a head, with folded batch normalization."""

    def __init__(self, split: ModelParts, dtype: str | None) -> None:
        """Folds the backbone; `dtype` is that of its layers, None for no change."""
        self._split = split
        self._dtype = dtype
        self._backbone = _folded(split.backbone, dtype)

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
        configs = [_without_names(json.loads(part.to_json())) for part in parts]
        key_parts = [VERSION, keras.__version__, keras.backend.backend(), self._dtype, configs]
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


@dataclass(frozen=True)
class FeatureIndex:
    """The images of a dataset, as keys of their cached features.

    Attributes:
        keys: For each image the keys of its views in the store.
        labels: Labels of all images.
        weights: Sample weights of all images, or None.
        batch_size: Number of images in the first batch.
    """

    keys: list[list[Any]]
    labels: Array
    weights: Array | None
    batch_size: int


def collect(
    name: str,
    data: Any,
    extractor: FeatureExtractor,
    store: FeatureStore,
    *,
    num_views: int,
    keyed: bool,
    ranges: RangeCheck,
) -> FeatureIndex:
    """Computes the features of a dataset's images that are not yet in the store, and adds them.

    The first view is the unchanged image, the others are augmented. With `keyed`, the key of an
    image is a hash of its content; otherwise it is its position in the dataset. `ranges` inspects
    the images.
    """
    keys: list[list[bytes]] = []
    labels, weights = [], []
    queues = [FeatureQueue(name, extractor, store, augmented=flag) for flag in (False, True)]
    with progress_bar(f"Features of {name}", count_batches(data), "batches") as advance:
        for images, batch_labels, batch_weights in read_labeled(name, data, extractor.image_shape):
            ranges.see(name, images)
            if not ranges.is_finite:  # a compiled ReLU can turn NaN into 0
                raise not_finite(name)
            ranges.warn()
            for image in images:
                mark = (
                    f"{image.shape}".encode() + image.tobytes()
                    if keyed
                    else f"{name} {len(keys)}".encode()
                )
                keys.append([key_of(mark, view) for view in range(num_views)])
                for view, key in enumerate(keys[-1]):
                    queues[view > 0].put(key, image)
            labels.append(batch_labels)
            weights.append(batch_weights)
            advance(1)
    for queue in queues:
        queue.flush()
    if not keys:
        raise empty(name)
    ranges.warn(is_complete=True)
    return FeatureIndex(
        keys,
        np.concatenate(labels),
        join_weights(name, weights),
        len(labels[0]),
    )


def key_of(mark: bytes, view: int = 0) -> bytes:
    """Returns the key of a view of an image, which is identified by `mark`, such as its content."""
    return hashlib.sha256(bytes([view]) + mark).digest()


class FeatureQueue:
    """Collects images of one size until they fill a batch, and stores their features."""

    def __init__(
        self, name: str, extractor: FeatureExtractor, store: FeatureStore, *, augmented: bool
    ) -> None:
        self._name = name
        self._extractor, self._store, self._augmented = extractor, store, augmented
        self._waiting: dict[bytes, Array] = {}

    def put(self, key: bytes, image: Array) -> None:
        """Adds an image, unless the store has its features."""
        if key in self._store:
            return
        waiting = next(iter(self._waiting.values()), image)
        if waiting.shape != image.shape:
            self.flush()
        self._waiting[key] = image
        if len(self._waiting) == BATCH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Computes and stores the features of the images that wait."""
        if self._waiting:
            images = np.stack(list(self._waiting.values()))
            rows = self._extractor.compute(images, augmented=self._augmented)
            _check_finite(self._name, images, rows)
            self._store.add(self._waiting, rows)
            self._waiting = {}


def _check_finite(name: str, images: Array, features: Rows) -> None:
    """Raises an error if features are not finite: the loss and all weights would become NaN."""
    if np.isfinite(features).all():
        return
    if not np.isfinite(images).all():
        raise not_finite(name)
    largest = max(abs(float(images.min())), abs(float(images.max())))
    raise ValueError(
        f"`{name}` must hold images with finite features; the frozen layers return NaN or infinite "
        f"values for finite pixels, of up to {largest:.4g}. Check the weights, and the value range "
        'of the images. Layers in float16 overflow above 65504: use `dtype="float32"`.'
    )


def _folded(backbone: keras.Model, dtype: str | None) -> keras.Model:
    """Folds the backbone; returns it unchanged if its layers cannot be rebuilt from config."""
    if dtype is not None:
        check_dtype(dtype)
    try:
        return fold_batch_norm(backbone, dtype=dtype, partial=True)
    except (NotImplementedError, TypeError, ValueError) as error:
        if dtype is not None:
            requirement = (
                "None for a backbone with layers that cannot be rebuilt from their configs"
            )
            raise ValueError(describe("dtype", requirement, dtype)) from error
        return backbone


def _without_names(config: Any, names: dict[str, str] | None = None) -> Any:
    """Replaces layer names in a config by numbers: Keras's depend on earlier models."""
    names = {} if names is None else names
    if isinstance(config, dict):
        named = config.get("name")
        if isinstance(named, str):
            names.setdefault(named, f"#{len(names)}")
        return {key: _without_names(value, names) for key, value in config.items()}
    if isinstance(config, list):
        return [_without_names(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


class FeatureRows(Protocol):
    """Protocol of a store that maps keys to the features of images."""

    def __getitem__(self, keys: list[Any], /) -> Array:
        """Returns the rows of all `keys`, in that order."""


class FeatureBatches(keras.utils.PyDataset):
    """Batches of features and labels; each epoch has every image once, in one of its views."""

    def __init__(
        self, store: FeatureRows, data: FeatureIndex, seed: int | Sequence[int] | None = None
    ) -> None:
        """Shuffles and selects views in each epoch, by `seed`; None keeps the order and view 0."""
        super().__init__()
        self._store, self._data, self._batch_size = store, data, data.batch_size
        self._generator = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    @property
    def first_labels(self) -> Any:
        """Label of one image, with a batch dimension."""
        return self._data.labels[:1]

    @property
    def labels(self) -> Array:
        """Labels of all images."""
        return self._data.labels

    @property
    def has_weights(self) -> bool:
        """Whether the batches contain sample weights."""
        return self._data.weights is not None

    def __len__(self) -> int:
        """Returns the number of batches; the last may be smaller."""
        return -(-len(self._data.keys) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Returns one batch: features, labels and, if present, sample weights."""
        start = index * self._batch_size
        places = self._order[start : start + self._batch_size]
        keys = [self._data.keys[place][self._views[place]] for place in places]
        batch = (self._store[keys], self._data.labels[places])
        return batch if self._data.weights is None else (*batch, self._data.weights[places])

    def on_epoch_end(self) -> None:
        """Samples the order and the views of the next epoch."""
        count = len(self._data.keys)
        self._order = np.arange(count)
        self._views = np.zeros(count, int)
        if self._generator is not None:
            self._generator.shuffle(self._order)
            self._views = self._generator.integers(0, len(self._data.keys[0]), count)


def draw_seed() -> int:
    """Samples a seed from Keras's global random state, like the rest of a training."""
    return int(keras.random.randint((), 0, 2**31 - 1, dtype="int32"))
