"""Training of a classification head on cached features of a frozen backbone."""

import os
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_integer, check_path, describe
from catdog_keras._cloning import update_derived_state
from catdog_keras._compile import compile_if_needed, compile_like
from catdog_keras._image_errors import image_errors
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras.training._argument_names import FIT_NAMES
from catdog_keras.training._callbacks import Callbacks, Verbose
from catdog_keras.training._checkpoint import Checkpoint
from catdog_keras.training._class_weight import ClassWeight
from catdog_keras.training._ema import check_ema_callbacks, with_ema_validation
from catdog_keras.training._epoch_keeper import EpochKeeper
from catdog_keras.training._feature_batches import FeatureBatches
from catdog_keras.training._feature_extractor import FeatureExtractor
from catdog_keras.training._feature_store import FeatureStore
from catdog_keras.training._fine_tuning_loop import history_of, skip_epochs
from catdog_keras.training._fit_data import as_fit_data
from catdog_keras.training._layerwise_adam import LayerwiseAdam
from catdog_keras.training._model_parts import ModelParts, split_at_head
from catdog_keras.training._training_call import (
    TrainingCall,
    check_epoch_arguments,
    check_training_call,
)
from catdog_keras.training._training_state import (
    StageProgress,
    TrainingState,
    assign_values,
    draw_seed,
    read_values,
    seeds_of,
)
from catdog_keras.training._unfreezing import freeze_fine_tuned

MAX_VIEWS = 255

# Cached features per model, with the fingerprint of its backbone; freed with the model.
_HELD: WeakKeyDictionary[keras.Model, tuple[str, FeatureStore]] = WeakKeyDictionary()


@suggests_arguments(FIT_NAMES)
def fit_head(
    model: keras.Model,
    train: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    batch_size: int | None = None,
    epochs: int = 10,
    num_views: int = 1,
    dtype: str | None = None,
    cache: bool | str | os.PathLike[str] = False,
    backup: str | os.PathLike[str] | None = None,
    callbacks: Callbacks = None,
    class_weight: ClassWeight = None,
    restore_best_weights: bool = True,
    initial_epoch: int = 0,
    validation_freq: int | list[int] = 1,
    verbose: Verbose = "auto",
) -> keras.callbacks.History:
    """Trains the classification head on features that the frozen backbone computes only once.

    The head is trained as by `model.fit`, with the model's loss, metrics and optimizer, and each
    epoch costs only the head. The results differ from `model.fit` in five ways: batches are
    composed differently, because the images are shuffled by `fit_head`; features are rounded
    differently, because batch normalization is folded; dropout between frozen layers is off, as in
    the backbone of `transfer_model`; the reported loss does not include losses that frozen layers
    add, such as an activity regularization, on which the head has no influence; and augmentation is
    reduced to `num_views` fixed versions of each image. With `num_views=1` it is not applied at
    all: each image goes through the backbone once, unchanged. With `num_views > 1` each epoch uses
    one randomly selected version of every image.

    The features are computed with folded batch normalization and stored in float32: up to 1 GiB
    in memory, the rest in a file. The head that is trained consists of the model's own layers, so
    the model is up to date when the function returns. With validation data it has the weights of
    its best epoch; see `restore_best_weights`.

    If the optimizer has `use_ema=True`, the moving averages of the weights are validated, and the
    model ends with them, as with `keras.callbacks.SwapEMAWeights`.

    The function warns if the images are not in the range that `infer_input_range` returns, if all
    of 32 or more labels are equal or none is 0, and if the loss expects probabilities but the model
    returns logits, or the reverse. It raises an error if features are NaN or infinite.

    If several devices or processes share the batches, the whole model is trained with `model.fit`
    instead, without cached features.

    Args:
        model: A frozen backbone with a trainable head, for example from `transfer_model`, or your
            own Functional or Sequential model. If `fine_tune` unfroze some layers of the backbone,
            all of them are frozen again. A compiled model keeps its optimizer, loss and
            metrics; a model that is not compiled is compiled with Adam, accuracy and the
            cross-entropy for its labels, class indices or one-hot rows.
            The cross-entropy is computed from logits, unless the model ends in a softmax or
            sigmoid.
        train: A dataset of batches `(images, labels)` or `(images, labels, sample_weights)`: a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a `DataLoader` or a list; an array of
            images; or a tuple of arrays `(x, y)` or `(x, y, sample_weight)`. It is read once. The
            head is trained with the batch size of its first batch, and the images are shuffled in
            each epoch. Images that `keras.layers.MixUp` or `CutMix` mixed are rejected, because
            each epoch would use the same mixes.
        y: The labels if `train` is an array of images, as in `keras.Model.fit`.
        validation_data: A dataset or tuple of arrays like `train`. The model is evaluated on it
            after each epoch, without augmentation.
        batch_size: Images in each batch of arrays, at least 1; None for 32. A dataset has its own
            batches.
        epochs: Number of epochs, as in `keras.Model.fit`.
        num_views: Number of cached versions of each image, from 1 to 255: the unchanged image, and
            `num_views - 1` versions from the model's augmentation layers.
        dtype: Dtype or dtype policy in which the features are computed, for example `"bfloat16"`;
            None for that of the backbone.
        cache: False keeps the features only during the call. True keeps them in memory, as long as
            the model exists, so that a second call computes only those of new images. A path is a
            folder that stores them for other processes. The cache key is the content of the image
            and the layers and weights of the backbone.
        backup: File in which the training state (checkpoint) is saved after each epoch, as in
            `fine_tune`: the same call on the same model and data resumes from it, and the result is
            bit-identical to an uninterrupted run. A checkpoint of another call is rejected, also if
            the optimizer or its learning rate differs.
        callbacks: As in `keras.Model.fit`; the callbacks get the whole model, and must not replace
            its optimizer, freeze or unfreeze layers. Use `backup` instead of
            `BackupAndRestore`. The state of `EarlyStopping`, `ReduceLROnPlateau` and
            `ModelCheckpoint` is part of a checkpoint, that of other callbacks is not.
        class_weight: As in `keras.Model.fit`: a weight in the loss for each class index, or for
            each class name if the model or the dataset has the names. With `"balanced"` the weight
            of a class is n / (k * count), where n is the number of labels in `train`, k the number
            of classes among them, and count the number of labels of this class, as in scikit-learn.
            Cannot be combined with sample weights.
        restore_best_weights: Whether the model ends with the weights of its best epoch on
            `validation_data`: the one with the highest accuracy, of these the one with the lowest
            loss, of these the earliest. False, or no validation data, keeps the weights of the
            last epoch. An `EarlyStopping(restore_best_weights=True)` among the callbacks has
            precedence.
        initial_epoch: As in `keras.Model.fit`.
        validation_freq: As in `keras.Model.fit`.
        verbose: As in `keras.Model.fit`: `"auto"`, 0 for no output, 1 for a progress bar, or 2 for
            one line per epoch.

    Returns:
        The `keras.callbacks.History` of the training.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model is not a frozen backbone with a head, its weights or features are
            not finite, its features have no fixed size, its class overrides a method such as
            `train_step`, the dataset has the class names of the model in another order, or a value
            is out of range.
        OSError: If the cache folder or the checkpoint cannot be written.

    See Also:
        `transfer_model`: builds a model with a frozen backbone.
        `fine_tune`: trains the last layers of the backbone afterwards.
        `find_learning_rate`: suggests a learning rate.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> model = catdog_keras.transfer_model(
        ...     "synthetic_small", (32, 32, 3), augmentation="light"
        ... )
        >>> data = np.zeros((4, 32, 32, 3)), np.array([0, 1, 1, 1])
        >>> history = catdog_keras.fit_head(model, data, epochs=2, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss']

        With two versions of each image, one of them augmented, and early stopping:

        >>> stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
        >>> history = catdog_keras.fit_head(
        ...     model,
        ...     data,
        ...     validation_data=data,
        ...     epochs=2,
        ...     num_views=2,
        ...     callbacks=[stop],
        ...     verbose=0,
        ... )
        >>> sorted(history.history)
        ['accuracy', 'loss', 'val_accuracy', 'val_loss']
    """
    freeze_fine_tuned(model)
    split = split_at_head(model)
    call = check_training_call(
        model,
        train,
        y,
        validation_data,
        batch_size,
        epochs,
        callbacks,
        class_weight,
        restore_best_weights,
        verbose,
    )
    initial_epoch = check_epoch_arguments(initial_epoch, validation_freq, call.epochs)
    num_views = check_integer("num_views", num_views, minimum=1, maximum=MAX_VIEWS)
    if num_views > 1 and not split.is_random:
        requirement = "1 for a model without augmentation before its backbone"
        raise ValueError(describe("num_views", requirement, num_views))
    epoch_arguments: dict[str, Any] = {
        "initial_epoch": initial_epoch,
        "validation_freq": validation_freq,
    }
    if _backend.requires_tf_data(model):
        if backup is not None:
            requirement = "None if several devices share the batches"
            raise ValueError(describe("backup", requirement, str(backup)))
        if (num_views, dtype, cache) != (1, None, False):
            warn(
                "`num_views`, `dtype` and `cache` have no effect: several devices share the "
                "batches, so the whole model is trained."
            )
        return _fit_whole_model(call, **epoch_arguments)
    with _backend.strategy_scope(model):
        compile_if_needed(model, call.train)
        _renew_optimizer(model, split.head)
        file = call.open_checkpoint(
            backup,
            "fit_head",
            has_own_optimizer=False,
            num_views=num_views,
            dtype=dtype,
            **epoch_arguments,
        )
        return _HeadRun(call, split, num_views, dtype, cache, file, **epoch_arguments).fit()


def _renew_optimizer(model: keras.Model, head: keras.Model) -> None:
    """Compiles a model with a new optimizer if its own was built for more layers than the head.

    This is the case if layers were frozen since the last training. The arguments stay the same.
    """
    if not model.optimizer.built:
        return
    config = model.optimizer.get_config()
    if isinstance(model.optimizer, LayerwiseAdam):
        config["factors"] = [1.0] * len(head.trainable_variables)  # as `fine_tune` sets for a head
    optimizer = type(model.optimizer).from_config(config)
    optimizer.build(head.trainable_variables)
    own, new = ([v.shape for v in each.variables] for each in (model.optimizer, optimizer))
    if own != new:
        compile_like(model, model, optimizer)


def _fit_whole_model(
    call: TrainingCall, initial_epoch: int, validation_freq: int | list[int]
) -> keras.callbacks.History:
    """Trains by `model.fit`, for several devices, which cannot share cached features."""
    call.check_images_for_whole_model()
    model, state = call.model, TrainingState(StageProgress(0, [initial_epoch]))
    with _backend.strategy_scope(model), image_errors():
        compile_if_needed(model, call.train)
        check_ema_callbacks(model, call.callbacks, has_checkpoint=False)
        train = as_fit_data("train", call.train, model, [draw_seed()])
        validation_data = as_fit_data("validation_data", call.validation_data, model, None)
        kept = model.weights if call.restores_best else None
        keeper = EpochKeeper(
            model, model, state, call.epochs, None, callbacks=call.callbacks, kept=kept
        )
        history = model.fit(
            train,
            validation_data=validation_data,
            epochs=call.epochs,
            callbacks=[*with_ema_validation(model.optimizer, call.callbacks), keeper],
            class_weight=call.weights_of_classes(train),
            shuffle=False,  # the batches are already shuffled
            verbose=call.verbose,
            initial_epoch=initial_epoch,
            validation_freq=validation_freq,
        )
        call.restore_best(model.weights, state, initial_epoch)
        return history


@dataclass(frozen=True)
class _HeadRun:
    """The arguments of one call of `fit_head` that caches features."""

    call: TrainingCall
    split: ModelParts
    num_views: int
    dtype: str | None
    cache: Any
    checkpoint: Checkpoint | None
    initial_epoch: int
    validation_freq: int | list[int]

    def fit(self) -> keras.callbacks.History:
        """Trains the head; resumes from the checkpoint if it exists."""
        model = self.call.model
        state = self._restored_state()
        if state is None:
            seeds = read_values(seeds_of(model))
            state = TrainingState(StageProgress(draw_seed(), [self.initial_epoch]), seeds=seeds)
        if state.progress.done:
            skip_epochs(self.call.train, 1)  # the one in which the features were computed
            self.call.restore_best(self.split.head.weights, state, self.initial_epoch)
            return self._history(state.progress)
        extractor = FeatureExtractor(self.split, self.dtype)
        store = _open_feature_store(model, extractor, self.cache)
        try:
            train, validation = self.call.compute_features(
                extractor,
                store,
                state,
                num_views=self.num_views,
                seed=state.progress.seed,
                keyed=self.cache is not False,
                is_resumed=state.progress.epochs[0] > self.initial_epoch,
            )
            history = self._fit_features(train, validation, state)
        finally:
            store.close()
        self.call.restore_best(self.split.head.weights, state, self.initial_epoch)
        if self.checkpoint is None:
            return history
        return self._history(state.progress)

    def _history(self, progress: StageProgress) -> keras.callbacks.History:
        # Its only stage counts from 0.
        return history_of(self.call.model, progress, self.initial_epoch, progress.epochs[0])

    def _restored_state(self) -> TrainingState | None:
        """Reads the checkpoint, and assigns its values to the model and its optimizer."""
        if self.checkpoint is None:
            return None
        model = self.call.model
        state = self.checkpoint.read(model, self.call.callbacks, self.split.head.weights)
        if state is not None:
            optimizer = model.optimizer
            if not optimizer.built:
                optimizer.build(self.split.head.trainable_variables)
            self.checkpoint.check_optimizer(state.optimizer, optimizer.variables)
            assign_values(optimizer.variables, state.optimizer)
            assign_values(model.variables, state.variables)
            update_derived_state(model)
        return state

    def _fit_features(
        self, train: FeatureBatches, validation: FeatureBatches | None, state: TrainingState
    ) -> keras.callbacks.History:
        """Trains the head, or the rest of its epochs."""
        call, head, done = self.call, self.split.head, state.progress.epochs[0]
        skip_epochs(train, done - self.initial_epoch)
        compile_like(head, call.model, call.model.optimizer)
        keeper = EpochKeeper(
            call.model,
            head,
            state,
            call.epochs,
            None if self.checkpoint is None else self.checkpoint.write,
            callbacks=call.callbacks,
            kept=head.weights if call.restores_best else None,
        )
        return call.fit(
            head,
            train,
            callbacks=[*call.callbacks, keeper],
            epochs=call.epochs,
            steps=len(train),
            validation_data=validation,
            validation_freq=self.validation_freq,
            initial_epoch=done,
        )


def _open_feature_store(
    model: keras.Model, extractor: FeatureExtractor, cache: Any
) -> FeatureStore:
    """Returns the cache of features that the argument `cache` of `fit_head` selects."""
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
