"""The arguments that `fit_head` and `fine_tune` share, and the steps that use them."""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._arrays import to_array
from catdog_keras._backend.keras_internals import synced_with_part
from catdog_keras._batches import (
    BATCH_SIZE,
    LabeledArrays,
    batch_size_of,
    count_batches,
    is_arrays,
    labels_are_rows,
    with_labels,
)
from catdog_keras._checks import (
    check_boolean,
    check_integer,
    check_path,
    describe,
    describe_received,
)
from catdog_keras._class_names import check_order_of_dataset, find_class_names, known_class_names
from catdog_keras._compile import build_for_fit, compile_config
from catdog_keras._image_errors import image_errors
from catdog_keras._mixing import check_no_mixing, has_mixed_labels
from catdog_keras._range_check import RangeCheck
from catdog_keras.diagnostics._label_checks import (
    require_labels,
    warn_of_logits,
    warn_of_missing_classes,
)
from catdog_keras.training._cached_features import cache_features
from catdog_keras.training._callback_state import stateful_callbacks
from catdog_keras.training._callbacks import (
    OF_LEARNING_RATE,
    Callbacks,
    Verbose,
    callbacks_for_part,
    check_callback_types,
)
from catdog_keras.training._checkpoint import Checkpoint
from catdog_keras.training._class_weight import (
    IndexWeight,
    balanced_weights,
    check_class_weight,
    describe_class_weight,
    labels_of_dataset,
)
from catdog_keras.training._ema import check_ema_callbacks, with_ema_validation
from catdog_keras.training._feature_batches import FeatureBatches
from catdog_keras.training._feature_extractor import FeatureExtractor
from catdog_keras.training._feature_store import FeatureStore
from catdog_keras.training._labeled_batches import check_labeled, check_repeatable
from catdog_keras.training._training_state import (
    TrainingState,
    assign_values,
    read_values,
    seeds_of,
)

BATCHES_WITH_MIXES = 8  # that are read to find out whether images are mixed


@dataclass(frozen=True)
class TrainingCall:
    """Checked arguments of one call of a training function; see `fine_tune` for their meaning."""

    model: keras.Model
    train: Any
    validation_data: Any
    epochs: int
    callbacks: list[keras.callbacks.Callback]
    class_weight: IndexWeight
    restore_best_weights: bool
    verbose: Verbose
    ranges: RangeCheck

    @property
    def restores_best(self) -> bool:
        """Whether the weights of the best epoch are restored, unless a callback does that."""
        return self.restore_best_weights and not any(
            isinstance(each, keras.callbacks.EarlyStopping) and each.restore_best_weights
            for each in self.callbacks
        )

    def check_images_for_whole_model(self) -> None:
        """Raises for data that epochs cannot read again; warns of images in another range."""
        for name, data in (("train", self.train), ("validation_data", self.validation_data)):
            check_repeatable(name, data)
        for name, data in (("train", self.train), ("validation_data", self.validation_data)):
            self.ranges.see_first(name, data)

    def open_checkpoint(
        self, path: Any, function: str, *, has_own_optimizer: bool, **arguments: Any
    ) -> Checkpoint | None:
        """Returns the checkpoint at a path, or None if no path is given.

        The model must be compiled. The checkpoint is of the call with these arguments, this model
        and data of this size; for arrays, of these labels.

        Args:
            path: The argument `backup`.
            function: Name of the training function.
            has_own_optimizer: Whether the function replaces the optimizer of the model.
            **arguments: Its other arguments that change the result, as JSON values.
        """
        check_ema_callbacks(self.model, self.callbacks, has_checkpoint=path is not None)
        if path is None:
            return None
        call = {
            "function": function,
            "model": self.model.name,
            "weights": [list(weight.shape) for weight in self.model.weights],
            "class_names": _class_names_or_none(self.model),
            **_flatten_settings("compile", self._compile_config(has_own_optimizer)),
            "train": _describe_data(self.train),
            "validation_data": _describe_data(self.validation_data),
            "backend": keras.backend.backend(),
            "epochs": self.epochs,
            **arguments,
            "class_weight": describe_class_weight(self.class_weight),
            "restore_best_weights": self.restores_best,
            "callbacks": [type(each).__name__ for each, _ in stateful_callbacks(self.callbacks)],
        }
        file: Path = check_path("backup", path)
        if file.suffix in (".keras", ".h5"):
            remedy = "Choose another ending. `model.save` saves the model."
            raise ValueError(
                describe("backup", "a file for the training state, not for a model", path, remedy)
            )
        return Checkpoint(file, call)

    def _compile_config(self, has_own_optimizer: bool) -> dict[str, Any]:
        """Returns the arguments of `compile` that change the result of the training."""
        config = compile_config(self.model)
        if has_own_optimizer:
            del config["optimizer"]
        elif any(isinstance(each, OF_LEARNING_RATE) for each in self.callbacks):
            # A run that was interrupted in this process has changed it.
            config["optimizer"]["config"].pop("learning_rate", None)
        return config

    def compute_features(
        self,
        extractor: FeatureExtractor,
        store: FeatureStore,
        state: TrainingState,
        *,
        num_views: int,
        seed: Any,
        keyed: bool,
        is_resumed: bool,
    ) -> tuple[FeatureBatches, FeatureBatches | None]:
        """Computes the features of both datasets, and checks their labels.

        Args:
            extractor: Computes the features.
            store: Stores the features.
            state: State of the training.
            num_views: Number of versions of each training image.
            seed: Seed of the batch order.
            keyed: As for `cache_features`.
            is_resumed: Whether epochs have been trained on these features before.
        """

        def batches(name: str, data: Any, num_views: int, seed: Any = None) -> FeatureBatches:
            index = cache_features(
                name,
                data,
                extractor,
                store,
                num_views=num_views,
                keyed=keyed,
                ranges=self.ranges,
            )
            require_labels(name, index.labels, self.model)
            if name == "train":
                _check_labels_not_mixed(index.labels)
                warn_of_missing_classes(name, index.labels, self.model)
            return FeatureBatches(store, index, seed)

        # Augmentation uses the seeds of the start, training those of the checkpoint.
        seeds = seeds_of(self.model)
        now = read_values(seeds)
        assign_values(seeds, state.seeds)
        train = batches("train", self.train, num_views, seed)
        validation = None
        if self.validation_data is not None:
            validation = batches("validation_data", self.validation_data, 1)
        if is_resumed:
            assign_values(seeds, now)
        return train, validation

    def fit(
        self,
        part: keras.Model,
        train: Any,
        *,
        callbacks: list[keras.callbacks.Callback],
        epochs: int,
        steps: int,
        **arguments: Any,
    ) -> keras.callbacks.History:
        """Calls `part.fit`, where `part` shares its weights and its optimizer with the model."""
        if isinstance(train, FeatureBatches):
            build_for_fit(part, train.first_labels)
        called = callbacks_for_part(
            self.model,
            part,
            with_ema_validation(part.optimizer, callbacks),
            train=train,
            verbose=self.verbose,
            epochs=epochs,
            steps=steps,
        )
        with synced_with_part(self.model, part), image_errors():
            return part.fit(
                train,
                callbacks=called,
                epochs=epochs,
                class_weight=self.weights_of_classes(train),
                shuffle=False,  # the dataset reshuffles on its own
                verbose=self.verbose,
                **arguments,
            )

    def restore_best(self, kept: list[Any], state: TrainingState, initial_epoch: int = 0) -> None:
        """Assigns the best weights, if there are any, and prints their epoch as Keras does."""
        if not state.best:
            return
        assign_values(kept, state.best)
        place = state.progress.best_epoch()
        if self.verbose != 0 and place is not None:
            epoch = initial_epoch + place + 1
            print(f"Restoring model weights from the end of the best epoch: {epoch}.")

    def weights_of_classes(self, train: Any) -> Mapping[int, float] | None:
        """Returns the weight of each class for the loss; reads a dataset if it needs its labels.

        Raises:
            ValueError: If features have sample weights too.
        """
        if self.class_weight is None:
            return None
        if isinstance(train, FeatureBatches) and train.has_weights:
            requirement = "None if `train` contains sample weights"
            remedy = "Multiply the sample weights by those of the classes."
            raise ValueError(describe("class_weight", requirement, self.class_weight, remedy))
        if not isinstance(self.class_weight, str):
            return self.class_weight
        if isinstance(train, FeatureBatches):
            return balanced_weights(train.labels)
        return balanced_weights(labels_of_dataset("train", train))


def check_training_call(
    model: keras.Model,
    train: Any,
    y: Any,
    validation_data: Any,
    batch_size: Any,
    epochs: Any,
    callbacks: Callbacks,
    class_weight: Any,
    restore_best_weights: Any,
    verbose: Verbose,
) -> TrainingCall:
    """Returns the checked arguments of a call."""
    _backend.check_strategy(model)
    train = with_labels("train", train, y, batch_size)
    check_labeled("train", train)
    if validation_data is not None:
        check_labeled("validation_data", validation_data)
        if is_arrays(validation_data):
            validation_data = LabeledArrays.of_size(validation_data, batch_size or BATCH_SIZE)
    check_order_of_dataset("train", train, model)
    check_order_of_dataset("validation_data", validation_data, model)
    epochs = check_integer("epochs", epochs, minimum=1)
    called = check_callback_types(callbacks)
    class_weight = check_class_weight(class_weight, model, _names_or_none(model, train))
    check_no_mixing("model", model)
    _check_finite_weights(model)
    check_boolean("restore_best_weights", restore_best_weights)
    warn_of_logits(model)
    return TrainingCall(
        model,
        train,
        validation_data,
        epochs,
        called,
        class_weight,
        restore_best_weights,
        verbose,
        RangeCheck(model),
    )


def check_epoch_arguments(initial_epoch: Any, validation_freq: Any, epochs: int) -> int:
    """Returns `initial_epoch` of a training call; raises if `keras.Model.fit` would not take it."""
    first = check_integer("initial_epoch", initial_epoch, minimum=0, maximum=epochs - 1)
    if isinstance(validation_freq, list):
        for place, epoch in enumerate(validation_freq):
            check_integer(f"validation_freq[{place}]", epoch, minimum=1)
    else:
        check_integer("validation_freq", validation_freq, minimum=1)
    return first


def _check_finite_weights(model: keras.Model) -> None:
    """Raises a ValueError before training if a weight is not finite: each loss would be NaN."""
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            number = to_array(weight.value).astype(np.float32)
            if not np.isfinite(number).all():
                remedy = "Load its weights again, or train it again with a lower learning rate."
                received = f"NaN or infinite values in {weight.path!r}"
                raise ValueError(
                    describe_received("model", "a model with finite weights", received, remedy)
                )


def starts_with_mixes(train: Any) -> bool:
    """Returns whether the first labels are rows that mix classes, as those of MixUp and CutMix.

    Several batches are read, because CutMix mixes all images of a batch in the same proportion.
    Iterators are not read: these batches would be lost.
    """
    if not labels_are_rows(train):
        return False
    if is_arrays(train):
        return has_mixed_labels(to_array(train[1]))
    labels = [to_array(batch[1]) for batch in itertools.islice(train, BATCHES_WITH_MIXES)]
    return bool(labels) and has_mixed_labels(np.concatenate(labels))


def _check_labels_not_mixed(labels: Any) -> None:
    """Raises a ValueError before training if the images are mixed, which features would fix."""
    if has_mixed_labels(labels):
        raise ValueError(
            "`train` must have images that are not mixed, because their features are computed "
            "once; received labels that mix two classes, as of keras.layers.MixUp or CutMix. Each "
            "epoch would use the same mixes. To read the images in each epoch, use `fine_tune` "
            "with `options=None` or `FineTuneConfig(num_views=None)`, or `model.fit`."
        )


def _class_names_or_none(model: keras.Model) -> tuple[str, ...] | None:
    """Returns class names for the checkpoint of a training call; None if there are several."""
    try:
        return find_class_names(model)
    except ValueError:  # several lists
        return None


def _names_or_none(model: keras.Model, data: Any) -> tuple[str, ...] | None:
    """Returns the class names that weights can have as keys; None if there are several lists."""
    try:
        return known_class_names(model, data)
    except ValueError:  # several lists
        return None


def _describe_data(data: Any) -> dict[str, Any] | None:
    """Describes a training call's data: number of batches if known, shapes, and labels' hash.

    Reading another dataset would take time, and can change the order of its later epochs.
    """
    if data is None:
        return None
    if not is_arrays(data):
        return {"batches": count_batches(data)}
    labels = np.ascontiguousarray(to_array(data[1]))
    shapes = [list(each.shape) for each in (data[0], labels)]
    size = batch_size_of(data)
    return {
        "shapes": shapes,
        "batch_size": size,
        "labels": hashlib.sha256(labels.tobytes()).hexdigest(),
    }


def _flatten_settings(name: str, value: Any) -> dict[str, Any]:
    """Returns the entries of a training call's nested settings, for a message that names one.

    Names are left out: Keras numbers them in each process.
    """
    if not isinstance(value, dict) or not value:
        return {name: value}
    entries: dict[str, Any] = {}
    for key, each in value.items():
        if key != "name":
            entries |= _flatten_settings(f"{name}.{key}", each)
    return entries
