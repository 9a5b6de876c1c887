"""Training of a classification head on cached features of a frozen backbone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_integer, check_path, describe
from catdog_keras._compile import compile_if_needed, compile_like
from catdog_keras._warnings import warn
from catdog_keras.diagnostics._label_checks import require_labels
from catdog_keras.training._callbacks import (
    Callbacks,
    Verbose,
    callbacks_for_part,
    check_callback_types,
    stateful_callbacks,
)
from catdog_keras.training._checkpoint import Checkpoint
from catdog_keras.training._epoch_keeper import EpochKeeper
from catdog_keras.training._feature_store import FeatureStore
from catdog_keras.training._features import (
    FeatureBatches,
    FeatureExtractor,
    FeatureIndex,
    collect,
    draw_seed,
)
from catdog_keras.training._fine_tuning_loop import history_of, skip_epochs
from catdog_keras.training._labeled_batches import check_labeled, check_repeatable
from catdog_keras.training._split_model import HeadSplit, split_at_head
from catdog_keras.training._training_state import Progress, State, assign, seeds_of, values

MAX_VIEWS = 255

# Cached features per model, with the fingerprint of its backbone; freed with the model.
_HELD: WeakKeyDictionary[keras.Model, tuple[str, FeatureStore]] = WeakKeyDictionary()


def fit_head(
    model: keras.Model,
    train: Any,
    *,
    validation_data: Any = None,
    epochs: int,
    num_views: int = 1,
    dtype: str | None = None,
    cache: bool | str | os.PathLike[str] = False,
    checkpoint: str | os.PathLike[str] | None = None,
    callbacks: Callbacks = None,
    class_weight: Mapping[int, float] | None = None,
    initial_epoch: int = 0,
    validation_freq: int = 1,
    verbose: Verbose = "auto",
) -> keras.callbacks.History:
    """Trains the classification head on features that the frozen backbone computes only once.

    The head is trained as by `model.fit`, with the model's loss, metrics and optimizer, and each
    epoch costs only the head. The results differ from `model.fit` in three ways: batches are
    composed differently, because the images are shuffled by `fit_head`; features are rounded
    differently, because batch normalization is folded; and augmentation is reduced to `num_views`
    fixed versions of each image. With `num_views=1` it is not applied at all: each image goes
    through the backbone once, unchanged. With `num_views > 1` each epoch uses one randomly selected
    version of every image.

    The features are computed with folded batch normalization and stored in float32: up to 1 GiB
    in memory, the rest in a file. The head that is trained consists of the model's own layers, so
    the model is up to date when the function returns.

    If several devices or processes share the batches, the whole model is trained with `model.fit`
    instead, without cached features.

    Args:
        model: A frozen backbone with a trainable head, for example from `transfer_model`, or your
            own Functional or Sequential model. A compiled model keeps its optimizer, loss and
            metrics; a model that is not compiled is compiled with Adam, cross-entropy from logits
            and accuracy.
        train: A dataset of batches `(images, labels)` or `(images, labels, sample_weights)`: a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a `DataLoader` or a list; or a pair of
            arrays. It is read once. The head is trained with the batch size of its first batch, and
            the images are shuffled in each epoch.
        validation_data: A dataset like `train`. The model is evaluated on it after each epoch,
            without augmentation.
        epochs: Number of epochs, as in `keras.Model.fit`.
        num_views: Number of cached versions of each image, from 1 to 255: the unchanged image, and
            `num_views - 1` versions from the model's augmentation layers.
        dtype: Dtype or dtype policy in which the features are computed, for example `"bfloat16"`;
            None for that of the backbone.
        cache: False keeps the features only during the call. True keeps them in memory, as long as
            the model exists, so that a second call computes only those of new images. A path is a
            folder that stores them for other processes. The cache key is the content of the image
            and the layers and weights of the backbone.
        checkpoint: File in which the training state is saved after each epoch, as in `fine_tune`:
            the same call on the same model and data resumes from it, and the result is
            bit-identical to an uninterrupted run.
        callbacks: As in `keras.Model.fit`; the callbacks get the whole model, and must not replace
            its optimizer, freeze or unfreeze layers. Use `checkpoint` instead of
            `BackupAndRestore`. The state of `EarlyStopping`, `ReduceLROnPlateau` and
            `ModelCheckpoint` is part of a checkpoint, that of other callbacks is not.
        class_weight: As in `keras.Model.fit`.
        initial_epoch: As in `keras.Model.fit`.
        validation_freq: As in `keras.Model.fit`.
        verbose: As in `keras.Model.fit`: `"auto"`, 0 for no output, 1 for a progress bar, or 2 for
            one line per epoch.

    Returns:
        The `keras.callbacks.History` of the training.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model is not a frozen backbone with a head, its features have no fixed
            size, its class overrides a method such as `train_step`, or a value is out of range.
        OSError: If the cache folder or the checkpoint cannot be written.

    See Also:
        `transfer_model`: builds a model with a frozen backbone.
        `fine_tune`: trains the last layers of the backbone afterwards.
        `find_learning_rate`: suggests a learning rate.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.transfer_model(input_shape=(32, 32, 3), weights=None)
        >>> data = np.zeros((4, 32, 32, 3)), np.array([0, 1, 1, 1])
        >>> history = catdog_keras.fit_head(model, data, epochs=2, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss']
    """
    split = split_at_head(model)
    _backend.check_strategy(model)
    check_labeled("train", train)
    if validation_data is not None:
        check_labeled("validation_data", validation_data)
    check_integer("epochs", epochs, minimum=1)
    num_views = check_integer("num_views", num_views, minimum=1, maximum=MAX_VIEWS)
    if num_views > 1 and not split.is_random:
        requirement = "1 for a model without augmentation before its backbone"
        raise ValueError(describe("num_views", requirement, num_views))
    called = check_callback_types(callbacks, has_schedule=False)
    file = None
    if checkpoint is not None:
        if _backend.requires_tf_data(model):
            requirement = "None if several devices share the batches"
            raise ValueError(describe("checkpoint", requirement, str(checkpoint)))
        call = {
            "function": "fit_head",
            "model": model.name,
            "weights": [list(weight.shape) for weight in model.weights],
            "backend": keras.backend.backend(),
            "epochs": epochs,
            "num_views": num_views,
            "dtype": dtype,
            "class_weight": None if class_weight is None else sorted(class_weight.items()),
            "initial_epoch": initial_epoch,
            "validation_freq": validation_freq,
            "callbacks": [type(each).__name__ for each, _ in stateful_callbacks(called)],
        }
        file = Checkpoint(check_path("checkpoint", checkpoint), call)
    fit_arguments: dict[str, Any] = {
        "class_weight": class_weight,
        "validation_freq": validation_freq,
        "verbose": verbose,
        "epochs": epochs,
        "shuffle": False,  # the batches are already shuffled
    }
    with _backend.strategy_scope(model):
        compile_if_needed(model)
        if _backend.requires_tf_data(model):
            check_repeatable("train", train)
            check_repeatable("validation_data", validation_data)
            if (num_views, dtype, cache) != (1, None, False):
                warn(
                    "`num_views`, `dtype` and `cache` have no effect: several devices share the "
                    "batches, so the whole model is trained."
                )
            return model.fit(
                train,
                validation_data=validation_data,
                callbacks=called,
                initial_epoch=initial_epoch,
                **fit_arguments,
            )
        return _Run(
            model, split, train, validation_data, num_views, dtype, cache, called, file
        ).fit(initial_epoch, **fit_arguments)


@dataclass(frozen=True)
class _Run:
    """The arguments of one call of `fit_head` that caches features."""

    model: keras.Model
    split: HeadSplit
    train: Any
    validation_data: Any
    num_views: int
    dtype: str | None
    cache: Any
    callbacks: list[keras.callbacks.Callback]
    checkpoint: Checkpoint | None

    def fit(
        self, initial_epoch: int, *, epochs: int, verbose: Verbose, **arguments: Any
    ) -> keras.callbacks.History:
        """Trains the head; resumes from the checkpoint if it exists."""
        state = self._restored_state()
        if state is None:
            state = State(Progress(draw_seed(), [initial_epoch]), seeds=values(self._seeds))
        progress = state.progress
        done = progress.epochs[0]
        if progress.done:
            skip_epochs(self.train, 1)  # the one in which the features were computed
            return history_of(self.model, progress, initial_epoch)
        head = self.split.head
        extractor = FeatureExtractor(self.split, self.dtype)
        store = _open_store(self.model, extractor, self.cache)
        try:
            # Augmentation uses the seeds of the start, training those of the checkpoint.
            now = values(self._seeds)
            assign(self._seeds, state.seeds)
            index = self._index("train", self.train, self.num_views, extractor, store)
            batches = FeatureBatches(store, index, progress.seed)
            validation = None
            if self.validation_data is not None:
                index = self._index("validation_data", self.validation_data, 1, extractor, store)
                validation = FeatureBatches(store, index)
            if done > initial_epoch:
                assign(self._seeds, now)
                skip_epochs(batches, done - initial_epoch)
            compile_like(head, self.model, self.model.optimizer)
            callbacks = self.callbacks
            if self.checkpoint is not None:
                keeper = EpochKeeper(
                    self.model,
                    head,
                    state,
                    epochs,
                    self.checkpoint.write,
                    callbacks=callbacks,
                    keep_best=False,
                )
                callbacks = [*callbacks, keeper]
            history = head.fit(
                batches,
                validation_data=validation,
                initial_epoch=done,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks_for_part(
                    self.model,
                    head,
                    callbacks,
                    train=batches,
                    verbose=verbose,
                    epochs=epochs,
                    steps=len(batches),
                ),
                **arguments,
            )
        finally:
            store.close()
        if self.checkpoint is None:
            return history
        return history_of(self.model, progress, initial_epoch)

    @property
    def _seeds(self) -> list[Any]:
        return seeds_of(self.model)

    def _restored_state(self) -> State | None:
        """Reads the checkpoint, and assigns its values to the model and its optimizer."""
        if self.checkpoint is None:
            return None
        state = self.checkpoint.read(self.model, self.callbacks)
        if state is not None:
            optimizer = self.model.optimizer
            if not optimizer.built:
                optimizer.build(self.split.head.trainable_variables)
            self.checkpoint.check_optimizer(state.optimizer, optimizer.variables)
            assign(optimizer.variables, state.optimizer)
            assign(self.model.variables, state.variables)
        return state

    def _index(
        self,
        name: str,
        data: Any,
        num_views: int,
        extractor: FeatureExtractor,
        store: FeatureStore,
    ) -> FeatureIndex:
        """Computes the features of a dataset, and checks its labels."""
        keyed = self.cache is not False
        index = collect(name, data, extractor, store, num_views=num_views, keyed=keyed)
        require_labels(name, index.labels, self.model)
        return index


def _open_store(model: keras.Model, extractor: FeatureExtractor, cache: Any) -> FeatureStore:
    if cache is False:
        return FeatureStore(extractor.feature_shape)
    name = extractor.fingerprint()
    if cache is not True:
        requirement = "True, False or the path of a folder"
        return FeatureStore(extractor.feature_shape, check_path("cache", cache, requirement), name)
    held = _HELD.get(model)
    if held is None or held[0] != name:
        held = _HELD[model] = (name, FeatureStore(extractor.feature_shape))
    return held[1]
