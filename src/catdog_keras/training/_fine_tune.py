"""Fine-tuning: trains the last layers of a pretrained backbone at a low learning rate."""

import itertools
import numbers
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import describe
from catdog_keras._compile import compile_if_needed
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.training._argument_names import FINE_TUNE_NAMES
from catdog_keras.training._callbacks import Callbacks, Verbose
from catdog_keras.training._class_weight import ClassWeight
from catdog_keras.training._fine_tune_config import FineTuneConfig
from catdog_keras.training._fine_tuning_loop import FineTuningRun, FineTuningStage
from catdog_keras.training._labeled_batches import check_repeatable
from catdog_keras.training._training_call import (
    check_epoch_arguments,
    check_training_call,
    starts_with_mixes,
)
from catdog_keras.training._unfreezing import check_unfrozen, find_backbone, first_unfrozen

Unfreeze = str | float | Sequence[str | float]


@suggests_arguments(FINE_TUNE_NAMES)
def fine_tune(
    model: keras.Model,
    train: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    batch_size: int | None = None,
    epochs: int = 10,
    unfreeze: Unfreeze = 0.3,
    options: FineTuneConfig | None = None,
    backup: str | os.PathLike[str] | None = None,
    callbacks: Callbacks = None,
    class_weight: ClassWeight = None,
    restore_best_weights: bool = True,
    initial_epoch: int = 0,
    validation_freq: int | list[int] = 1,
    verbose: Verbose = "auto",
) -> keras.callbacks.History:
    """Fine-tunes the last layers of a backbone, together with the head.

    Train the head first, with `fit_head`: an untrained head produces large gradients that damage
    the pretrained weights. The outputs of the frozen layers are computed once per image, up to a
    layer with a single output tensor, so that an epoch costs only the trained layers. The batch
    normalization of the backbone stays frozen: it runs in inference mode, and its moving averages
    and weights do not change.

    The data are checked as by `fit_head`. If nothing is cached, only the first batch is compared
    with the range that the model expects.

    With validation data the model ends with the weights of its best epoch, or with its initial
    weights if no epoch was better; see `restore_best_weights`. Afterwards the model is compiled
    with its previous loss and metrics and a new Adam optimizer at `options.learning_rate`, so that
    training can continue with `fit`.

    If the model is compiled with an optimizer with `use_ema=True`, Adam has the same moving
    averages: they are validated, and the model ends with them. Label smoothing is an argument of
    the loss. MixUp and CutMix are applied in the dataset; then nothing is cached, as with
    `FineTuneConfig(num_views=None)`.

    Args:
        model: A model that contains a backbone as a nested model, for example from
            `transfer_model`. A model that is not compiled is compiled with Adam,
            cross-entropy and accuracy.
        train: A dataset of batches, an array, or a tuple of arrays, as for `fit_head`.
        y: The labels if `train` is an array of images, as in `keras.Model.fit`.
        validation_data: A dataset or tuple of arrays like `train`.
        batch_size: Images in each batch of arrays, at least 1; None for 32. A dataset has its own
            batches.
        epochs: Number of epochs, of all stages together, including `initial_epoch`.
        unfreeze: The first backbone layer to unfreeze; it and all later layers are trained. Either
            its name, or the fraction of the layers to unfreeze, counted from the end, above 0 up to
            1, and at least the last layer with weights to train. A sequence of them trains in that
            many stages (gradual unfreezing), for example `(0.1, 0.3)`; no stage trains fewer layers
            than the one before. Each stage gets its share of the epochs and starts the
            learning-rate schedule again.
        options: Learning rates and other settings; None for `FineTuneConfig()`, with
            `num_views=None` if the labels of the first batch mix classes.
        backup: File in which the training state (checkpoint) is saved after each epoch. If it
            exists, the same call on the same model and data resumes from it, and the result is
            bit-identical to an uninterrupted run. This requires that the order of the dataset
            depends only on the epoch number, as for those of `load_image_folder`. The state of the
            epoch before is kept in a second file with the suffix `.previous`, which is used, with a
            warning, if the first one is damaged or missing. A checkpoint of other arguments,
            `compile` arguments, class names or numbers of batches is rejected, for arrays also of
            other labels; whether the images are the same is not checked. None saves nothing. To
            save the best model, use `keras.callbacks.ModelCheckpoint`.
        callbacks: As in `keras.Model.fit`; the callbacks get the whole model. They are used in each
            stage, with the epochs of the stage. The state of `EarlyStopping`, `ReduceLROnPlateau`
            and `ModelCheckpoint` is part of a checkpoint, that of other callbacks is not. With
            `LearningRateScheduler` or `ReduceLROnPlateau`, each stage starts at the learning rate
            of `options`, without warmup and decay; other callbacks that set the rate of
            `model.optimizer`, the optimizer of the stage, raise a TypeError. Callbacks must not
            freeze or unfreeze layers. Use `backup` instead of `BackupAndRestore`.
        class_weight: As in `keras.Model.fit`: a weight in the loss for each class index, or for
            each class name if the model or the dataset has the names. With `"balanced"` the weight
            of a class is n / (k * count), where n is the number of labels in `train`, k the number
            of classes among them, and count the number of labels of this class, as in scikit-learn.
            If nothing is cached, a dataset is read once more for this. Cannot be combined with
            sample weights.
        restore_best_weights: Whether the model ends with the weights of its best epoch on
            `validation_data`: the one with the highest accuracy, of these the one with the lowest
            loss, of these the earliest. The initial weights count as an epoch too. False, or no
            validation data, keeps the weights of the last epoch. An
            `EarlyStopping(restore_best_weights=True)` among the callbacks has precedence.
        initial_epoch: As in `keras.Model.fit`: the number of the first epoch, for example that of
            the epochs of `fit_head`. `epochs - initial_epoch` epochs are trained. Each stage counts
            from it.
        validation_freq: As in `keras.Model.fit`. The best epoch is one that is validated.
        verbose: As in `keras.Model.fit`: `"auto"`, 0 for no output, 1 for a progress bar, or 2 for
            one line per epoch.

    Returns:
        The `keras.callbacks.History` of all epochs, including those before an interruption.

    Raises:
        TypeError: If an argument has the wrong type, or another callback sets the learning rate.
        ValueError: If a value is out of range, the model has no backbone or weights that are not
            finite, its class overrides a method such as `train_step`, the data would have to be
            read more than once and cannot, or the checkpoint is damaged or was written by a call
            with other arguments.
        OSError: If the checkpoint cannot be written.

    See Also:
        `fit_head`: trains the head first.
        `FineTuneConfig`: learning rates and other settings.
        `plot_history`: plots the history that is returned.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.transfer_model("synthetic_small", (32, 32, 3))
        >>> data = np.zeros((4, 32, 32, 3)), np.array([0, 1, 1, 1])
        >>> head = catdog_keras.fit_head(model, data, epochs=1, verbose=0)
        >>> history = catdog_keras.fine_tune(model, data, epochs=1, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss']

        In two stages, which train 30% and then 60% of the layers, at a lower learning rate:

        >>> options = catdog_keras.FineTuneConfig(learning_rate=3e-5)
        >>> history = catdog_keras.fine_tune(
        ...     model, data, epochs=2, unfreeze=(0.3, 0.6), options=options, verbose=0
        ... )
        >>> len(history.history["loss"])
        2
    """
    backbone = find_backbone(model)
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
    count = call.epochs - initial_epoch
    firsts = [first_unfrozen(backbone, each) for each in _check_unfreeze(unfreeze, count)]
    if firsts != sorted(firsts, reverse=True):
        requirement = "one value, or one per stage that adds layers to the stage before"
        name = backbone.layers[min(firsts)].name
        remedy = f"unfreeze={name!r} trains this layer and all later ones."
        raise ValueError(describe("unfreeze", requirement, unfreeze, remedy))
    for first in firsts:
        check_unfrozen(backbone, first)
    if options is None:  # features of mixed images, computed once, would be the same mixes
        options = FineTuneConfig(num_views=None if starts_with_mixes(call.train) else 1)
    elif not isinstance(options, FineTuneConfig):
        raise TypeError(describe("options", "a FineTuneConfig or None", options))
    if len(firsts) > 1 or options.num_views is None:
        check_repeatable("train", train)
        check_repeatable("validation_data", validation_data)
    shares = _epochs_of_stages(count, len(firsts))
    stages = [FineTuningStage(first, share) for first, share in zip(firsts, shares, strict=True)]
    with _backend.strategy_scope(model):
        compile_if_needed(model, call.train)
        file = call.open_checkpoint(
            backup,
            "fine_tune",
            has_own_optimizer=True,
            unfreeze=firsts,
            options=asdict(options),
            initial_epoch=initial_epoch,
            validation_freq=validation_freq,
        )
        run = FineTuningRun(call, backbone, options, file, initial_epoch, validation_freq)
        return run.fit_stages(stages)


def _check_unfreeze(value: Any, epochs: int) -> Sequence[str | float]:
    """Returns `fine_tune(unfreeze=)` as one name or fraction per stage; raises if not valid."""
    requirement = (
        "the name of a layer, a fraction above 0 up to 1, or a sequence of at most as many of them "
        "as epochs"
    )
    stages = value if isinstance(value, list | tuple) else (value,)
    for stage in stages:
        if isinstance(stage, bool) or not isinstance(stage, str | numbers.Real):
            raise TypeError(describe("unfreeze", requirement, value))
    fractions = [stage for stage in stages if not isinstance(stage, str)]
    if not 1 <= len(stages) <= epochs or not all(0 < each <= 1 for each in fractions):
        counts = [each for each in fractions if each > 1]
        remedy = (
            f"For the last {counts[0]} layers of a backbone: {counts[0]} / len(backbone.layers)."
            if counts
            else ""
        )
        raise ValueError(describe("unfreeze", requirement, value, remedy))
    return stages


def _epochs_of_stages(epochs: int, stages: int) -> list[int]:
    """Splits the epochs over the stages of `fine_tune` as evenly as possible."""
    ends = [epochs * number // stages for number in range(stages + 1)]
    return [end - begin for begin, end in itertools.pairwise(ends)]
