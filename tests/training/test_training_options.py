"""Options that both training functions share: arrays, weights of classes, the best epoch, EMA."""

import functools
import inspect

import keras
import numpy as np
import pytest

from catdog_keras import FineTuneConfig, fine_tune, fit_head, transfer_model
from catdog_keras._mixing import has_mixed_labels
from catdog_keras.training._class_weight import balanced_weights
from catdog_keras.training._fine_tuning_loop import FineTuningRun
from tests.arrays import copy_values
from tests.training.fine_tuning_cases import SHAPE, model

CONFIG = FineTuneConfig(learning_rate=1e-2, patience=None)
TRAINERS = {
    "fit_head": fit_head,
    "fine_tune": functools.partial(fine_tune, unfreeze="conv2", options=CONFIG),
    "whole": functools.partial(
        fine_tune,
        unfreeze="conv2",
        options=FineTuneConfig(learning_rate=1e-2, patience=None, num_views=None),
    ),
}
every_trainer = pytest.mark.parametrize(
    "train",
    [
        pytest.param(train, id=name, marks=[pytest.mark.slow] if name == "whole" else [])
        for name, train in TRAINERS.items()
    ],
)
LOGITS = {"from_logits": True}


@functools.cache
def untrained():
    """One model for all tests of arguments that are rejected before the training."""
    return fresh()


def make_images(count=24, ones=12):
    generator = np.random.default_rng(0)
    labels = np.array([1] * ones + [0] * (count - ones))
    images = generator.uniform(0, 255, (count, *SHAPE))
    images[..., 0] = images[..., 0] / 2 + 100 * labels[:, None, None]
    order = generator.permutation(count)
    return images[order].astype("float32"), labels[order]


def fresh(optimizer="adam", loss=None, metrics=("accuracy",), **arguments):
    built = model(augmentation=None, dropout=0.0, **arguments)
    loss = keras.losses.SparseCategoricalCrossentropy(**LOGITS) if loss is None else loss
    built.compile(optimizer, loss, metrics=list(metrics))
    return built


def assert_close(ones, others, **options):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, **options)


def test_training_functions_share_their_arguments():
    own = {"num_views", "dtype", "cache", "unfreeze", "options"}
    head, tuning = (inspect.signature(each).parameters for each in (fit_head, fine_tune))
    shared = [name for name in head if name not in own]
    assert shared == [name for name in tuning if name not in own]
    keras_names = {"callbacks", "class_weight", "epochs", "initial_epoch", "validation_data"}
    assert keras_names | {"restore_best_weights", "validation_freq", "verbose"} <= set(shared)
    for name in shared:
        assert head[name] == tuning[name]


@every_trainer
@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_tuples_of_arrays_give_the_losses_of_batches(train, weighted):
    images, labels = make_images(40)
    weights = [np.linspace(0, 1, 40, dtype="float32")] if weighted else []
    arrays = (images, labels, *weights)
    batches = [tuple(part[place : place + 32] for part in arrays) for place in (0, 32)]

    def history(data):
        return train(fresh(), data, validation_data=data, epochs=2, verbose=0).history

    expected, found = history(batches), history(arrays)
    assert expected.keys() == found.keys() >= {"val_loss", "val_accuracy"}
    for name, curve in expected.items():
        np.testing.assert_allclose(found[name], curve, rtol=1e-5)


def test_balanced_weights_are_those_of_scikit_learn():
    assert balanced_weights(np.array([0, 0, 0, 1])) == {0: pytest.approx(2 / 3), 1: 2.0}
    assert balanced_weights(np.array([[2.0], [5.0]])) == {2: 1.0, 5: 1.0}  # absent classes: none
    rows = np.eye(3)[[0, 0, 1, 2, 2, 2]]
    assert balanced_weights(rows) == {0: 1.0, 1: 2.0, 2: pytest.approx(2 / 3)}


@every_trainer
@pytest.mark.parametrize(
    "labels_as",
    [
        "indices",
        pytest.param("one_hot", marks=pytest.mark.slow),
        pytest.param("tf_data", marks=pytest.mark.slow),
    ],
)
def test_balanced_class_weight_equals_the_weights_of_the_formula(train, labels_as):
    images, labels = make_images(24, ones=6)
    expected = {0: 24 / (2 * 18), 1: 24 / (2 * 6)}
    loss, data = None, (images, labels)
    if labels_as == "one_hot":
        loss, data = keras.losses.CategoricalCrossentropy(**LOGITS), (images, np.eye(2)[labels])
    if labels_as == "tf_data":
        tf = pytest.importorskip("tensorflow")
        data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(10)

    def trained(class_weight):
        built = fresh("sgd", loss)
        train(built, data, epochs=2, verbose=0, class_weight=class_weight)
        return copy_values(built.trainable_variables)

    found = trained("balanced")
    assert_close(found, trained(expected), atol=1e-6)
    with pytest.raises(AssertionError):
        assert_close(found, trained(None), atol=1e-6)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0}])
def test_class_weight_with_sample_weights_is_rejected(class_weight):
    images, labels = make_images()
    data = (images, labels, labels)
    with pytest.raises(ValueError, match="`class_weight` must be None if `train` contains sample"):
        fit_head(untrained(), data, epochs=1, class_weight=class_weight, verbose=0)


class _Scores(keras.callbacks.Callback):
    """Replaces the validation metrics, and records the weights of each epoch."""

    def __init__(self, accuracies, losses):
        super().__init__()
        self.accuracies, self.losses, self.weights = accuracies, losses, []

    def on_epoch_end(self, epoch, logs):
        logs["val_accuracy"], logs["val_loss"] = self.accuracies[epoch], self.losses[epoch]
        self.weights.append(copy_values(self.model.weights))


@every_trainer
@pytest.mark.parametrize(
    ("accuracies", "losses", "best"),
    [
        ([2.0, 3.0, 2.0], [0.1, 0.9, 0.1], 1),  # the highest accuracy
        ([2.0, 2.0, 2.0], [0.3, 0.2, 0.4], 1),  # of these the lowest loss
        ([2.0, 2.0, 2.0], [0.2, 0.2, 0.2], 0),  # of these the earliest
        pytest.param([2.0, 2.0, 2.0], [float("nan"), 0.2, 0.3], 1, marks=pytest.mark.slow),
        ([9.0, 2.0, 2.0], [float("nan"), 0.2, 0.3], 1),  # NaN predicts the first class
        pytest.param([9.0, 2.0, 2.0], [float("inf"), 0.2, 0.3], 1, marks=pytest.mark.slow),
    ],
)
def test_best_weights_are_restored_by_default(train, accuracies, losses, best, capsys):
    built, scores = fresh(), _Scores(accuracies, losses)
    data = make_images()
    train(built, data, validation_data=data, epochs=3, callbacks=scores, verbose=2)
    assert_close(copy_values(built.weights), scores.weights[best], rtol=0, atol=0)
    line = f"Restoring model weights from the end of the best epoch: {best + 1}."
    assert line in capsys.readouterr().out


class _Diverge(keras.callbacks.Callback):
    """Sets a weight to NaN from an epoch on, as a training that diverges."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            bias = self.model.trainable_variables[-1]
            bias.assign(keras.ops.full(bias.shape, float("nan")))


@every_trainer
def test_weights_of_a_training_that_diverges_are_those_of_the_best_finite_epoch(train):
    built, (images, labels) = fresh(), make_images()
    with pytest.warns(UserWarning, match="has diverged: its loss is nan from epoch 2 on"):
        train(
            built,
            (images, np.zeros_like(labels)),  # NaN predicts this class
            validation_data=(images, np.zeros_like(labels)),
            epochs=3,
            callbacks=[_Diverge()],
            verbose=0,
        )
    assert all(np.isfinite(value).all() for value in copy_values(built.weights))


@every_trainer
@pytest.mark.parametrize("by_callback", [False, True])
def test_last_or_chosen_weights_are_kept_if_asked(train, by_callback, capsys):
    data, scores = make_images(), _Scores([9.0, 8.0, 7.0], [0.1, 0.0, 0.2])
    stop = keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True)
    built = fresh()
    train(
        built,
        data,
        validation_data=data,
        epochs=3,
        callbacks=[scores, stop] if by_callback else [scores],
        restore_best_weights=by_callback,
        verbose=0,
    )
    assert_close(
        copy_values(built.weights), scores.weights[1 if by_callback else 2], rtol=0, atol=0
    )
    assert capsys.readouterr().out == ""


@every_trainer
def test_initial_epoch_and_validation_freq_are_those_of_fit(train):
    epochs = []
    record = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: epochs.append(epoch))
    data = make_images()
    options = {"initial_epoch": 3, "validation_freq": 2, "callbacks": record, "verbose": 0}
    history = train(fresh(), data, validation_data=data, epochs=6, **options)
    assert history.epoch == epochs == [3, 4, 5]
    assert len(history.history["loss"]) == 3
    assert len(history.history["val_loss"]) == 2  # of the 4th and the 6th epoch


@every_trainer
@pytest.mark.parametrize("initial_epoch", [2, -1])
def test_initial_epoch_is_below_epochs(train, initial_epoch):
    with pytest.raises(ValueError, match="`initial_epoch` must be an integer from 0 to 1"):
        train(untrained(), make_images(), epochs=2, initial_epoch=initial_epoch, verbose=0)


@every_trainer
@pytest.mark.parametrize(
    ("frequency", "message"),
    [
        (0, "`validation_freq` must be an integer of at least 1; received validation_freq=0"),
        (1.5, "`validation_freq` must be an integer of at least 1"),
        ((1, 2), "`validation_freq` must be an integer of at least 1"),
        ([1, 0], r"`validation_freq\[1\]` must be an integer of at least 1"),
    ],
)
def test_validation_freq_that_fit_does_not_take_is_rejected(train, frequency, message):
    data = make_images()
    with pytest.raises((TypeError, ValueError), match=message):
        train(
            untrained(), data, validation_data=data, epochs=2, validation_freq=frequency, verbose=0
        )


def test_validation_freq_takes_the_epochs_to_validate():
    data = make_images()
    options = {"validation_freq": [1, 3], "restore_best_weights": False, "verbose": 0}
    history = fit_head(fresh(), data, validation_data=data, epochs=3, **options)
    assert len(history.history["val_loss"]) == 2


@every_trainer
def test_sample_weights_of_two_columns_are_rejected(train):
    images, labels = make_images()
    message = r"`train` must hold one sample weight per image; received weights of shape \(\d+, 2\)"
    with pytest.raises(ValueError, match=message):
        train(fresh(), (images, labels, np.ones((len(labels), 2))), epochs=1, verbose=0)
    train(fresh(), (images, labels, np.ones((len(labels), 1))), epochs=1, verbose=0)


def test_best_epoch_of_a_resumed_run_is_restored(tmp_path):
    data, file = make_images(), tmp_path / "state"

    def run():
        scores = _Scores([3.0, 4.0, 2.0], [0.1, 0.2, 0.3])
        built = fresh()
        options = {"epochs": 3, "backup": file, "verbose": 0, "callbacks": scores}
        fit_head(built, data, validation_data=data, **options)
        return built, scores

    first, scores = run()
    again, nothing = run()  # the training is complete
    assert not nothing.weights
    for built in (first, again):
        assert_close(copy_values(built.weights), scores.weights[1], rtol=0, atol=0)


@every_trainer
def test_moving_averages_are_validated_and_kept(train):
    optimizer = keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.5)
    data, built = make_images(), fresh(optimizer)
    history = train(built, data, validation_data=data, epochs=3, verbose=0).history
    score = max(zip(history["val_accuracy"], [-each for each in history["val_loss"]], strict=True))
    found = built.evaluate(*data, verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(score[0])
    assert found["loss"] == pytest.approx(-score[1], rel=1e-3)
    assert built.optimizer.use_ema
    assert built.optimizer.ema_momentum == 0.5
    plain = fresh(keras.optimizers.Adam(1e-2))
    train(plain, data, epochs=3, verbose=0)
    with pytest.raises(AssertionError):
        assert_close(copy_values(built.weights), copy_values(plain.weights), atol=1e-5)


def test_moving_averages_of_fit_head_are_those_of_fit():
    # One batch of all images, so that both see the same batches.
    data = make_images()
    ended = []
    for fit in ("head", "whole"):
        built = fresh(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9))
        if fit == "head":
            fit_head(built, data, epochs=4, verbose=0)
        else:
            built.fit(*data, epochs=4, verbose=0)
        ended.append(copy_values(built.trainable_variables))
    assert_close(*ended, rtol=1e-3, atol=1e-5)


def test_stages_with_moving_averages_resume_identically(tmp_path):
    data = make_images()

    def run(file, epochs_until_error=None):
        built = fresh(keras.optimizers.Adam(use_ema=True, ema_momentum=0.5))
        stop = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: raise_at(epoch))
        begun = []

        def raise_at(epoch):
            begun.append(epoch)
            if len(begun) == epochs_until_error:
                raise InterruptedError

        options = {"unfreeze": ("conv2", "conv1"), "epochs": 4, "verbose": 0, "options": CONFIG}
        fine_tune(built, data, backup=file, callbacks=stop, **options)
        return copy_values(built.weights)

    expected = run(None)
    with pytest.raises(InterruptedError):
        run(tmp_path / "state", 4)  # in the second stage
    assert_close(run(tmp_path / "state"), expected, rtol=0, atol=0)


@every_trainer
def test_swap_of_moving_averages_that_do_not_exist_is_rejected(train):
    swap = keras.callbacks.SwapEMAWeights()
    with pytest.raises(ValueError, match=r"`callbacks` must be .*`use_ema=True`"):
        train(untrained(), make_images(), epochs=1, callbacks=swap, verbose=0)


@every_trainer
def test_own_swap_of_moving_averages_is_accepted_but_not_with_checkpoint(train, tmp_path):
    optimizer = keras.optimizers.Adam(use_ema=True, ema_momentum=0.5)
    data = make_images()
    histories = []
    for swap in ([], [keras.callbacks.SwapEMAWeights()]):
        built = fresh(optimizer.from_config(optimizer.get_config()))
        options = {"validation_data": data, "epochs": 2, "verbose": 0, "callbacks": swap}
        histories.append(train(built, data, **options).history)
    assert histories[0] == histories[1]
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    with pytest.raises(ValueError, match="swapped weights"):
        train(built, data, epochs=1, callbacks=swap, backup=tmp_path / "state", verbose=0)


def one_hot_dataset(mix=None):
    tf = pytest.importorskip("tensorflow")
    images, labels = make_images(48, ones=24)
    rows = np.eye(2, dtype="float32")[labels]
    data = tf.data.Dataset.from_tensor_slices((images, rows)).batch(16)
    if mix is None:
        return data
    return data.map(lambda x, y: mix({"images": x, "labels": y})).map(
        lambda batch: (batch["images"], batch["labels"])
    )


@pytest.mark.parametrize("kind", [keras.layers.MixUp, keras.layers.CutMix])
def test_fine_tune_trains_on_mixes_that_differ_in_each_epoch(kind):
    loss = keras.losses.CategoricalCrossentropy(**LOGITS, label_smoothing=0.1)
    data = one_hot_dataset(kind(seed=0))
    tuned = fresh(loss=loss)
    history = TRAINERS["whole"](
        tuned, data, validation_data=one_hot_dataset(), epochs=2, verbose=0
    ).history
    assert np.isfinite(history["loss"]).all()
    seen = [np.concatenate([np.array(images) for images, _ in data]) for _ in range(2)]
    assert not np.array_equal(*seen)


@pytest.mark.parametrize("options", [{}, {"options": FineTuneConfig(patience=None)}])
@pytest.mark.parametrize("kind", [keras.layers.MixUp, keras.layers.CutMix])
def test_mixes_are_rejected_if_features_are_computed_once(options, kind):
    loss = keras.losses.CategoricalCrossentropy(**LOGITS)
    train = fine_tune if options else fit_head
    with pytest.raises(ValueError, match=r"`train` must have images that are not mixed.*num_views"):
        train(fresh(loss=loss), one_hot_dataset(kind(seed=0)), epochs=1, verbose=0, **options)


@pytest.mark.parametrize("kind", [keras.layers.MixUp, keras.layers.CutMix, None])
def test_fine_tune_caches_nothing_of_mixed_images_by_default(kind, monkeypatch):
    cached = []
    original = FineTuningRun._fit_parts
    monkeypatch.setattr(
        FineTuningRun, "_fit_parts", lambda self, *args: cached.append(1) or original(self, *args)
    )
    loss = keras.losses.CategoricalCrossentropy(**LOGITS)
    data = one_hot_dataset(None if kind is None else kind(seed=0))
    history = fine_tune(fresh(loss=loss), data, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert cached == ([1] if kind is None else [])


@pytest.mark.parametrize("train", [fit_head, TRAINERS["fine_tune"]])
def test_label_smoothing_of_the_loss_is_applied(train):
    images, labels = make_images()
    data, losses = (images, np.eye(2)[labels]), []
    for smoothing in (0.0, 0.4):
        loss = keras.losses.CategoricalCrossentropy(**LOGITS, label_smoothing=smoothing)
        built = fresh(loss=loss)
        losses.append(built.evaluate(*data, verbose=0, return_dict=True)["loss"])
        # The first loss of a single batch is that of the initial weights.
        history = train(built, data, epochs=1, verbose=0).history
        assert history["loss"][0] == pytest.approx(losses[-1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize(
    ("labels", "mixed"),
    [
        (np.array([0, 1, 1]), False),
        (np.eye(3), False),
        (np.array([[0.95, 0.05], [0.05, 0.95], [0.95, 0.05]]), False),  # smoothed
        (np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]), False),  # of a teacher
        (np.array([[0.9, 0.1], [0.3, 0.7]]), False),  # of a teacher
        (np.array([[0.9, 0.1], [0.3, 0.7], [1.0, 0.0]]), True),
        (np.array([[0.9, 0.1, 0.0], [0.0, 0.3, 0.7]]), True),
    ],
)
def test_mixed_labels_are_recognized(labels, mixed):
    assert has_mixed_labels(labels) is mixed


@pytest.mark.parametrize("wrap", [False, True])
def test_mixing_layers_in_a_model_are_rejected(wrap):
    layer = keras.layers.MixUp()
    augmentation = keras.Sequential([layer]) if wrap else layer
    with pytest.raises(ValueError, match=r"`augmentation` must be without layers that mix.*MixUp"):
        transfer_model("synthetic_small", (32, 32, 3), augmentation=augmentation)


def test_mixing_layers_in_an_own_model_are_rejected():
    frozen = model(augmentation=None)
    frozen.trainable = False
    layers = [keras.Input(SHAPE), keras.layers.CutMix(), frozen, keras.layers.Dense(2)]
    own = keras.Sequential(layers)
    with pytest.raises(ValueError, match=r"`model` must be without layers that mix.*CutMix"):
        fit_head(own, make_images(), epochs=1, verbose=0)


@every_trainer
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_rejected(train, value):
    built = fresh()
    weight = built.weights[-1]
    weight.assign(np.full(weight.shape, value))
    with pytest.raises(ValueError, match="`model` must be a model with finite weights") as raised:
        train(built, make_images(), epochs=1, verbose=0)
    assert repr(weight.path) in str(raised.value)


@every_trainer
@pytest.mark.parametrize("named", ["model", "dataset"])
def test_class_weight_by_name_equals_that_by_index(train, named):
    data, names = make_images(16, ones=8), ("cats", "dogs")
    arguments = {"class_names": names} if named == "model" else {}
    if named == "dataset":
        data = NamedBatches(data, names)

    def trained(class_weight):
        built = fresh("sgd", **arguments)
        train(built, data, epochs=1, verbose=0, class_weight=class_weight)
        return copy_values(built.trainable_variables)

    found = trained({"dogs": 3.0, "cats": 0.5})
    assert_close(found, trained({0: 0.5, 1: 3.0}), atol=1e-6)
    with pytest.raises(AssertionError):
        assert_close(found, trained({0: 3.0, 1: 0.5}), atol=1e-6)
    message = r"class names, 'cats', 'dogs'; received .* 'dog' is not one of them\."
    with pytest.raises(ValueError, match=message):
        trained({"cats": 1.0, "dog": 2.0})


class NamedBatches(keras.utils.PyDataset):
    """One batch, with class names."""

    def __init__(self, batch, class_names):
        super().__init__()
        self.batch, self.class_names = batch, class_names

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


def test_checkpoint_is_the_same_for_weights_by_name_and_by_index(tmp_path):
    arguments = {"epochs": 1, "backup": tmp_path / "state", "verbose": 0}
    data, names = make_images(8, ones=4), ["cats", "dogs"]
    fit_head(fresh(class_names=names), data, class_weight={"dogs": 2, "cats": 1}, **arguments)
    fit_head(fresh(class_names=names), data, class_weight={0: 1, 1: 2}, **arguments)
    with pytest.raises(ValueError, match=r"class_weight was \[\[0, 1\.0\], \[1, 2\.0\]\], is None"):
        fit_head(fresh(class_names=names), data, **arguments)
