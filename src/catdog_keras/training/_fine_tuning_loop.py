"""The stages of a fine-tuning run, with features or images as training data."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._batches import BATCH_SIZE, Array, count_batches, is_arrays
from catdog_keras._checks import describe
from catdog_keras._compile import compile_if_needed, compile_like
from catdog_keras.diagnostics._label_checks import require_labels
from catdog_keras.training._callbacks import Verbose, callbacks_for_part
from catdog_keras.training._checkpoint import Checkpoint
from catdog_keras.training._config import FineTuneConfig
from catdog_keras.training._epoch_keeper import EpochKeeper
from catdog_keras.training._feature_store import FeatureStore
from catdog_keras.training._features import (
    FeatureBatches,
    FeatureExtractor,
    FeatureIndex,
    collect,
    draw_seed,
)
from catdog_keras.training._labeled_batches import check_repeatable, empty, read_labeled
from catdog_keras.training._optimizer import LayerwiseAdam
from catdog_keras.training._split_model import (
    HeadSplit,
    rate_factors,
    split_at_trained,
    unfreeze_from,
)
from catdog_keras.training._training_state import Progress, State, assign, seeds_of, values


class _ImageStore:
    """Images, with the interface of a feature store."""

    def __init__(self, images: Array) -> None:
        self._images = images

    def __getitem__(self, places: list[int]) -> Array:
        return self._images[places]


def as_fit_data(name: str, data: Any, model: keras.Model, seed: Any) -> Any:
    """Returns a dataset for `fit`: `data` unchanged, or batches of its arrays.

    Arrays are shuffled by `seed`; None keeps their order.
    """
    if not isinstance(data, tuple | list):
        return data
    if len(model.inputs) != 1:  # `read_labeled` reads images and labels alone
        requirement = "a dataset other than a tuple or list for a model with several inputs"
        raise ValueError(describe(name, requirement, type(data).__name__))
    batches = list(read_labeled(name, data, tuple(model.input_shape[1:])))
    if not batches:
        raise empty(name)
    shapes = sorted({images.shape[1:] for images, _, _ in batches})
    if len(shapes) > 1:
        listed = ", ".join(map(str, shapes))
        remedy = "Resize them, or pass a dataset that is not a list."
        raise ValueError(describe(name, "a list of images of one size", listed, remedy))
    images, labels = (np.concatenate(parts) for parts in list(zip(*batches, strict=True))[:2])
    given = [batch[2] for batch in batches if batch[2] is not None]
    size = BATCH_SIZE if is_arrays(data) else len(batches[0][0])
    collected = FeatureIndex(
        [[place] for place in range(len(images))],
        labels,
        np.concatenate(given) if given else None,
        size,
    )
    return FeatureBatches(_ImageStore(images), collected, seed)


def skip_epochs(data: Any, count: int) -> None:
    """Advances a dataset by `count` epochs, of which it reads at most the first two batches."""
    for _ in range(count):
        if isinstance(data, keras.utils.PyDataset):
            data.on_epoch_end()
        else:
            # `tf.data` counts an iterator as an epoch, datasets of this package two batches.
            for _ in itertools.islice(data, 2):
                pass


@dataclass(frozen=True)
class Stage:
    """A training stage: the backbone layers from index `first` are trained for `epochs`."""

    first: int
    epochs: int


@dataclass(frozen=True)
class Run:
    """The arguments of one call of `fine_tune`."""

    model: keras.Model
    backbone: keras.Model
    train: Any
    validation: Any
    options: FineTuneConfig
    checkpoint: Checkpoint | None
    callbacks: list[keras.callbacks.Callback]
    class_weight: Mapping[int, float] | None
    verbose: Verbose

    def fit_stages(self, stages: list[Stage]) -> keras.callbacks.History:
        """Trains all stages; resumes from the checkpoint if it exists."""
        state = None
        if self.checkpoint is not None:
            state = self.checkpoint.read(self.model, self.callbacks)
        compile_if_needed(self.model)
        if state is None:
            state = State(Progress(draw_seed()))
        else:
            assign(self.model.variables, state.variables)
        progress = state.progress
        for number, stage in enumerate(stages):
            unfreeze_from(self.backbone, stage.first)
            if number == len(progress.epochs):
                progress.begin_stage()
                state.seeds = values(seeds_of(self.model))
                state.optimizer, state.callback_weights = [], []
            self._stage(number, stage.epochs, state)
            if state.best and number == len(progress.epochs) - 1:
                assign(self.model.weights, state.best)
        optimizer = self._optimizer(self.model, self.options.learning_rate)
        compile_like(self.model, self.model, optimizer)
        # A saved model would otherwise be loaded with a warning about missing optimizer variables.
        self.model.optimizer.build(self.model.trainable_variables)
        return history_of(self.model, progress)

    def _stage(self, number: int, epochs: int, state: State) -> None:
        """Trains one stage, or the rest of it."""
        parts = None
        if self.options.num_views is not None and not _backend.requires_tf_data(self.model):
            parts = split_at_trained(self.model, self.backbone)
        if parts is None:
            check_repeatable("train", self.train)
            check_repeatable("validation_data", self.validation)
            whole = keras.Model(self.model.inputs, self.model.outputs)
            seed = [state.progress.seed, number]
            train = as_fit_data("train", self.train, self.model, seed)
            validation = as_fit_data("validation_data", self.validation, self.model, None)
            self._fit(whole, (train, validation), number, epochs, state)
        elif state.progress.is_over(number):
            skip_epochs(self.train, 1)  # the pass in which the features were computed
        else:
            self._fit_parts(parts, number, epochs, state)

    def _fit_parts(self, parts: HeadSplit, number: int, epochs: int, state: State) -> None:
        """Computes the outputs of the frozen layers, and trains the layers after them."""
        extractor = FeatureExtractor(parts, self.options.dtype)
        store = FeatureStore(extractor.feature_shape)
        views = self.options.num_views if parts.is_random else 1
        # Augmentation uses the seeds of the start of the stage, training those of the checkpoint.
        now = values(seeds_of(self.model))
        assign(seeds_of(self.model), state.seeds)

        def extract(name: str, data: Any, num_views: Any) -> FeatureIndex:
            index = collect(name, data, extractor, store, num_views=num_views, keyed=False)
            require_labels(name, index.labels, self.model)
            return index

        try:
            data = FeatureBatches(
                store, extract("train", self.train, views), [state.progress.seed, number]
            )
            validation = None
            if self.validation is not None:
                validation_index = extract("validation_data", self.validation, 1)
                validation = FeatureBatches(store, validation_index)
            if state.progress.epochs[number]:
                assign(seeds_of(self.model), now)
            self._fit(parts.head, (data, validation), number, epochs, state)
        finally:
            store.close()

    def _fit(
        self, part: keras.Model, data: tuple[Any, Any], number: int, epochs: int, state: State
    ) -> None:
        """Trains a part of the model, which shares its weights, to the end of a stage."""
        train, validation = data
        done = state.progress.epochs[number]
        if state.progress.is_over(number):
            epochs = done  # `fit` must only repeat the reads of the interrupted run
        batches = count_batches(train)
        if batches is None:
            batches = sum(1 for _ in train)
        if not batches:
            raise empty("train")
        compile_like(
            part, self.model, self._optimizer(part, _lr_schedule(self.options, epochs * batches))
        )
        part.optimizer.build(part.trainable_variables)
        compile_like(self.model, self.model, part.optimizer)  # for callbacks
        if state.optimizer and not state.progress.is_over(number):
            if self.checkpoint is not None:
                self.checkpoint.check_optimizer(state.optimizer, part.optimizer.variables)
            assign(part.optimizer.variables, state.optimizer)
        skip_epochs(train, done)
        keeper = EpochKeeper(
            self.model,
            part,
            state,
            epochs,
            self._save,
            callbacks=self.callbacks,
            keep_best=True,
            patience=self.options.patience,
        )
        if validation is not None and state.progress.best is None:
            # Evaluating `part` itself would change its training.
            evaluator = keras.Model(part.inputs, part.outputs)
            compile_like(evaluator, self.model, keras.optimizers.SGD())
            initial_metrics = evaluator.evaluate(validation, verbose=0, return_dict=True)
            keeper.keep_if_best({f"val_{name}": value for name, value in initial_metrics.items()})
        # The callbacks of the user see the metrics of an epoch before its checkpoint is written.
        callbacks = [*self.callbacks, keeper]
        part.fit(
            train,
            validation_data=validation,
            initial_epoch=done,
            epochs=epochs,
            callbacks=callbacks_for_part(
                self.model,
                part,
                callbacks,
                train=train,
                verbose=self.verbose,
                epochs=epochs,
                steps=batches,
            ),
            class_weight=self.class_weight,
            shuffle=False,  # the dataset reshuffles on its own
            verbose=self.verbose,
        )

    def _save(self, state: State) -> None:
        if self.checkpoint is not None and _backend.is_first_process():
            self.checkpoint.write(state)

    def _optimizer(self, part: keras.Model, rates: Any) -> keras.Optimizer:
        factors = rate_factors(part, self.backbone, self.options.min_lr_factor)
        return LayerwiseAdam(factors, learning_rate=rates)


def _lr_schedule(options: FineTuneConfig, steps: int) -> Any:
    """Returns the learning-rate schedule: linear warmup from 0, then cosine decay to 0."""
    warmup = int(options.warmup * steps)
    if warmup == 0:
        return keras.optimizers.schedules.CosineDecay(options.learning_rate, max(steps, 1))
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=options.learning_rate, warmup_steps=warmup
    )


def history_of(
    model: keras.Model, progress: Progress, initial_epoch: int = 0
) -> keras.callbacks.History:
    """Returns the history of all epochs, including those before an interruption."""
    history = keras.callbacks.History()
    history.set_model(model)
    history.epoch = list(range(initial_epoch, sum(progress.epochs)))
    history.history = progress.history
    return history
