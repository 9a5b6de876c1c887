"""The stages of a fine-tuning run, with features or images as training data."""

import itertools
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._batches import count_batches
from catdog_keras._cloning import update_derived_state
from catdog_keras._compile import compile_like
from catdog_keras._image_errors import image_errors
from catdog_keras.training._callbacks import OF_LEARNING_RATE
from catdog_keras.training._checkpoint import Checkpoint
from catdog_keras.training._ema import ema_settings
from catdog_keras.training._epoch_keeper import EpochKeeper
from catdog_keras.training._feature_extractor import FeatureExtractor
from catdog_keras.training._feature_store import FeatureStore
from catdog_keras.training._fine_tune_config import FineTuneConfig
from catdog_keras.training._fit_data import as_fit_data
from catdog_keras.training._labeled_batches import empty_data_error
from catdog_keras.training._layerwise_adam import LayerwiseAdam, rate_factors
from catdog_keras.training._model_parts import ModelParts, split_at_trained
from catdog_keras.training._training_call import TrainingCall
from catdog_keras.training._training_state import (
    Arrays,
    StageProgress,
    TrainingState,
    assign_values,
    draw_seed,
    read_values,
    seeds_of,
)
from catdog_keras.training._unfreezing import unfreeze_from


def skip_epochs(data: Any, count: int) -> None:
    """Skips `count` epochs of a fine-tuning dataset, of which it reads at most two batches."""
    for _ in range(count):
        if isinstance(data, keras.utils.PyDataset):
            data.on_epoch_end()
        else:
            # `tf.data` counts an iterator as an epoch, datasets of this package two batches.
            for _ in itertools.islice(data, 2):
                pass


@dataclass(frozen=True)
class FineTuningStage:
    """A training stage: the backbone layers from index `first` are trained for `epochs`."""

    first: int
    epochs: int


@dataclass(frozen=True)
class FineTuningRun:
    """The arguments of one call of `fine_tune`."""

    call: TrainingCall
    backbone: keras.Model
    options: FineTuneConfig
    checkpoint: Checkpoint | None
    initial_epoch: int
    validation_freq: int | list[int]

    def fit_stages(self, stages: list[FineTuningStage]) -> keras.callbacks.History:
        """Trains all stages; resumes from the checkpoint if it exists."""
        model, state = self.call.model, None
        if self.checkpoint is not None:
            state = self.checkpoint.read(model, self.call.callbacks)
        if state is None:
            state = TrainingState(StageProgress(draw_seed()))
        else:
            assign_values(model.variables, state.variables)
            update_derived_state(model)
        progress = state.progress
        for number, stage in enumerate(stages):
            unfreeze_from(self.backbone, stage.first)
            if number == len(progress.epochs):
                progress.begin_stage()
                state.seeds = read_values(seeds_of(model))
                state.optimizer, state.callback_weights = [], []
            self._stage(number, stage.epochs, state)
            if state.best and number == len(progress.epochs) - 1:
                assign_values(model.weights, state.best)
        self.call.restore_best(model.weights, state, self.initial_epoch)
        compile_like(model, model, self._optimizer(model, self.options.learning_rate))
        # A saved model would otherwise be loaded with a warning about missing optimizer variables.
        model.optimizer.build(model.trainable_variables)
        first = self.initial_epoch
        return history_of(model, progress, first, first + sum(progress.epochs))

    def _stage(self, number: int, epochs: int, state: TrainingState) -> None:
        """Trains one stage, or the rest of it."""
        call, parts = self.call, None
        if self.options.num_views is not None and not _backend.requires_tf_data(call.model):
            parts = split_at_trained(call.model, self.backbone)
        if parts is None:
            call.check_images_for_whole_model()
            whole = keras.Model(call.model.inputs, call.model.outputs)
            seed = [state.progress.seed, number]
            train = as_fit_data("train", call.train, call.model, seed)
            validation = as_fit_data("validation_data", call.validation_data, call.model, None)
            self._fit(whole, (train, validation), number, epochs, state)
        elif state.progress.is_over(number):
            skip_epochs(call.train, 1)  # the pass in which the features were computed
        else:
            self._fit_parts(parts, number, epochs, state)

    def _fit_parts(self, parts: ModelParts, number: int, epochs: int, state: TrainingState) -> None:
        """Computes the outputs of the frozen layers, and trains the layers after them."""
        extractor = FeatureExtractor(parts, self.options.dtype)
        store = FeatureStore(extractor.feature_shape)
        num_views = self.options.num_views if parts.is_random else None
        try:
            data = self.call.compute_features(
                extractor,
                store,
                state,
                num_views=num_views or 1,
                seed=[state.progress.seed, number],
                keyed=False,
                is_resumed=state.progress.epochs[number] > 0,
            )
            self._fit(parts.head, data, number, epochs, state)
        finally:
            store.close()

    def _fit(
        self,
        part: keras.Model,
        data: tuple[Any, Any],
        number: int,
        epochs: int,
        state: TrainingState,
    ) -> None:
        """Trains a part of the model, which shares its weights, to the end of a stage."""
        train, validation = data
        done, is_over = state.progress.epochs[number], state.progress.is_over(number)
        if is_over:
            epochs = done  # `fit` must only repeat the reads of the interrupted run
        steps = count_batches(train)
        if steps is None:
            steps = sum(1 for _ in train)
        if not steps:
            raise empty_data_error("train")
        self._compile(part, epochs * steps, [] if is_over else state.optimizer)
        skip_epochs(train, done)
        keeper = EpochKeeper(
            self.call.model,
            part,
            state,
            epochs,
            self._save if self.checkpoint is not None else None,
            callbacks=self.call.callbacks,
            kept=self.call.model.weights if self.call.restores_best else None,
            patience=self.options.patience,
            first_epoch=self.initial_epoch,
        )
        if validation is not None and state.progress.best is None:
            keeper.keep_if_best(self._evaluate(part, validation), is_trained=False)
        before = read_values(part.trainable_variables) if is_over else None
        self.call.fit(
            part,
            train,
            # The callbacks of the user get the metrics of an epoch before its checkpoint exists.
            callbacks=[*self.call.callbacks, keeper],
            epochs=self.initial_epoch + epochs,
            steps=steps,
            validation_data=validation,
            validation_freq=self.validation_freq,
            initial_epoch=self.initial_epoch + done,
        )
        if before is not None:  # `fit` has assigned moving averages of an optimizer without steps
            assign_values(part.trainable_variables, before)

    def _compile(self, part: keras.Model, steps: int, restored: Arrays) -> None:
        """Compiles a part and the model with one optimizer, which callbacks find in the model."""
        is_set = any(isinstance(each, OF_LEARNING_RATE) for each in self.call.callbacks)
        rates = self.options.learning_rate if is_set else _lr_schedule(self.options, steps)
        optimizer = self._optimizer(part, rates)
        compile_like(part, self.call.model, optimizer)
        part.optimizer.build(part.trainable_variables)
        compile_like(self.call.model, self.call.model, part.optimizer)
        if restored:
            if self.checkpoint is not None:
                self.checkpoint.check_optimizer(restored, part.optimizer.variables)
            assign_values(part.optimizer.variables, restored)

    def _evaluate(self, part: keras.Model, validation: Any) -> dict[str, Any]:
        """Returns the validation metrics before the training, with the names that `fit` uses."""
        # Evaluating `part` itself would change its training.
        evaluator = keras.Model(part.inputs, part.outputs)
        compile_like(evaluator, self.call.model, keras.optimizers.SGD())
        with image_errors():
            metrics = evaluator.evaluate(validation, verbose=0, return_dict=True)
        return {f"val_{name}": value for name, value in metrics.items()}

    def _save(self, state: TrainingState) -> None:
        if self.checkpoint is not None and _backend.is_first_process():
            self.checkpoint.write(state)

    def _optimizer(self, part: keras.Model, rates: Any) -> keras.Optimizer:
        factors = rate_factors(part, self.backbone, self.options.min_lr_factor)
        return LayerwiseAdam(
            factors, learning_rate=rates, **ema_settings(self.call.model.optimizer)
        )


def _lr_schedule(options: FineTuneConfig, steps: int) -> Any:
    """Returns the learning-rate schedule of fine-tuning: linear warmup, then cosine decay to 0."""
    warmup = int(options.warmup * steps)
    if warmup == 0:
        return keras.optimizers.schedules.CosineDecay(options.learning_rate, max(steps, 1))
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=options.learning_rate, warmup_steps=warmup
    )


def history_of(
    model: keras.Model, progress: StageProgress, first_epoch: int, end: int
) -> keras.callbacks.History:
    """Returns the fine-tuning history up to the epoch `end`, with that before an interruption."""
    history = keras.callbacks.History()
    history.set_model(model)
    history.epoch = list(range(first_epoch, end))
    history.history = progress.history
    return history
