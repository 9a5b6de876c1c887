"""Callbacks of `fit_head` and `fine_tune` find and change what those of `model.fit` do."""

import itertools
import warnings
from functools import partial

import keras
import numpy as np
import pytest

from catdog_keras import FineTuneConfig, fine_tune, fit_head
from tests.training.fine_tuning_cases import SHAPE, model

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.uniform(0, 255, (8, *SHAPE)).astype("float32")
LABELS = np.arange(8) % 2
STEPS = 2  # in an epoch
HOOKS = [
    f"on_{part}_{end}"
    for part in ("train", "epoch", "train_batch", "test", "test_batch")
    for end in ("begin", "end")
]
RATE = 1e-4  # of `FineTuneConfig`


class Batches(keras.utils.PyDataset):
    """Data that `fit` reads too."""

    def __len__(self):
        return STEPS

    def __getitem__(self, place):
        return IMAGES[place::STEPS], LABELS[place::STEPS]


FUNCTIONS = {
    "fit": keras.Model.fit,
    "fit_head": fit_head,
    "fine_tune": partial(fine_tune, unfreeze="conv1"),
    "whole": partial(fine_tune, unfreeze="conv1", options=FineTuneConfig(num_views=None)),
}
OWN = [name for name in FUNCTIONS if name != "fit"]


class At(keras.callbacks.Callback):
    """Calls a function with the model at each of some hooks."""

    def __init__(self, *hooks, call):
        super().__init__()
        for hook in hooks:
            setattr(self, hook, partial(self._call, hook, call))

    def _call(self, hook, call, *numbers, logs=None):
        call(self.model)


class Record(keras.callbacks.Callback):
    """Records what callbacks can observe, at each hook; what the model says, if it is asked."""

    def __init__(self, *, asks=False):
        super().__init__()
        self.asks = asks
        self.calls, self.weights, self.steps, self.rates = [], {}, {}, []
        for hook in HOOKS:
            setattr(self, hook, partial(self._record, hook))

    def _record(self, hook, *arguments, logs=None):
        numbers = [each for each in arguments if isinstance(each, int)]
        logs = logs or next((each for each in arguments if isinstance(each, dict)), {})
        self.calls.append((hook, *numbers, sorted(logs)))
        weights = self.model.layers[-1].get_weights()[0]
        self.weights.setdefault(hook, []).append(weights)
        self.steps.setdefault(hook, []).append(int(self.model.optimizer.iterations))
        if hook == "on_epoch_end":
            self.rates.append(float(self.model.optimizer.learning_rate))
        if hook == "on_epoch_end" and self.asks:
            self.predicted = self.model.predict(IMAGES, verbose=0)
            self.evaluated = self.model.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)


def train(function, callbacks, *, epochs=2, validated=False, eager=True, rate=0.1):
    """Trains a new model; `eager` is faster for a few steps."""
    trained = model(augmentation=None)
    trained.compile(
        keras.optimizers.SGD(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        run_eagerly=eager and keras.backend.backend() != "jax",
    )
    FUNCTIONS[function](
        trained,
        Batches(),
        epochs=epochs,
        callbacks=callbacks,
        validation_data=Batches() if validated else None,
        verbose=0,
    )
    return trained


@pytest.fixture(scope="module", params=FUNCTIONS)
def run(request):
    """Returns the name of the function, a record, and the model after the last epoch."""
    record = Record(asks=True)
    trained = train(request.param, [record], validated=True, eager=False)
    return request.param, record, trained


@pytest.fixture(scope="module")
def fitted():
    """A record of what `fit` calls, with which other trainings are compared."""
    record = Record()
    train("fit", [record], validated=True)
    return record


def test_hooks_parameters_and_logs_are_those_of_fit(run, fitted):
    name, record, _ = run
    if name == "fit_head":  # evaluates larger batches, which changes nothing else
        assert set(map(str, fitted.calls)) - set(map(str, record.calls)) <= {
            str((f"on_test_batch_{end}", 1, logs))
            for end, logs in (("begin", []), ("end", ["accuracy", "loss"]))
        }
    else:
        assert record.calls == fitted.calls
    assert record.params == fitted.params


def test_optimizer_in_callbacks_is_the_one_that_trains(run):
    _, record, _ = run
    assert record.steps["on_train_batch_end"] == [1, 2, 3, 4]
    assert record.steps["on_train_batch_begin"] == [0, 1, 2, 3]
    assert record.steps["on_epoch_end"] == [2, 4]


def test_learning_rate_in_callbacks_is_the_current_one(run):
    name, record, _ = run
    if name in ("fit", "fit_head"):
        assert record.rates == pytest.approx([0.1, 0.1])
    else:
        assert record.rates == pytest.approx([RATE / 2, 0], abs=1e-8)


def test_weights_in_callbacks_are_the_current_ones(run):
    _, record, _ = run
    after = record.weights["on_train_batch_end"]
    assert all((one != other).any() for one, other in itertools.pairwise(after[:-1]))
    for hook in ("on_epoch_end", "on_test_batch_end", "on_test_end"):
        for epoch, weights in enumerate(record.weights[hook][:: len(record.weights[hook]) // 2]):
            np.testing.assert_array_equal(weights, after[2 * epoch + 1])
    for before, weights in zip(record.weights["on_train_batch_begin"][1:], after, strict=False):
        np.testing.assert_array_equal(before, weights)


def test_predictions_in_callbacks_are_those_of_the_current_weights(run):
    _, record, trained = run
    kernel = record.weights["on_epoch_end"][-1]
    if (trained.layers[-1].get_weights()[0] == kernel).all():  # not an earlier epoch's
        np.testing.assert_allclose(record.predicted, trained.predict(IMAGES, verbose=0), atol=1e-5)
    assert set(record.evaluated) == {"accuracy", "loss"}


def test_learning_rate_set_by_callbacks_has_effect():
    """The hook that sets the rate of a step, and the rate."""
    plan = [
        ("on_train_begin", 0.0),
        ("on_train_batch_begin", 0.1),
        ("on_epoch_begin", 0.0),
        ("on_train_batch_end", 0.1),
        ("on_epoch_end", 0.0),
        ("on_train_batch_end", 0.1),
    ]
    changed, weights = [], []

    def plan_rate(hook, trained):
        step = len(changed)
        if step < len(plan) and plan[step][0] == hook:
            trained.optimizer.learning_rate = plan[step][1]

    def note(trained):
        weights.append(trained.layers[-1].get_weights()[0])
        if len(weights) > 1:
            changed.append(bool((weights[-1] != weights[-2]).any()))

    hooks = ("on_train_begin", "on_epoch_begin", "on_train_batch_begin")
    ends = ("on_train_batch_end", "on_epoch_end")
    callbacks = [
        At("on_train_begin", "on_train_batch_end", call=note),
        *(At(hook, call=partial(plan_rate, hook)) for hook in (*hooks, *ends)),
    ]
    train("fit_head", callbacks, epochs=3)
    assert changed == [rate > 0 for _, rate in plan]


def test_learning_rate_scheduler_sets_the_rate_of_fit_head():
    record = Record()
    schedule = keras.callbacks.LearningRateScheduler(lambda _, rate: rate / 2)
    train("fit_head", [schedule, record])
    assert record.rates == pytest.approx([0.05, 0.025])


@pytest.mark.parametrize("function", ["fine_tune", "whole"])
def test_callbacks_of_keras_set_the_rate_of_fine_tune(function):
    """The rate of `FineTuneConfig` is the first one, without warmup and decay."""
    record = Record()
    schedule = keras.callbacks.LearningRateScheduler(lambda _, rate: rate / 2)
    trained = train(function, [schedule, record], epochs=3)
    assert record.rates == pytest.approx([5e-5, 2.5e-5, 1.25e-5])
    assert float(trained.optimizer.learning_rate) == pytest.approx(1e-4)
    record = Record()
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=1e9)
    train(function, [plateau, record], epochs=3)
    assert record.rates == pytest.approx([1e-4, 1e-5, 1e-6])


@pytest.mark.parametrize("function", ["fine_tune", "whole"])
@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end"])
@pytest.mark.parametrize(
    "rate", [0.0, keras.optimizers.schedules.CosineDecay(0.1, 10)], ids=["number", "schedule"]
)
def test_fine_tune_rejects_learning_rate_set_by_callback(function, hook, rate):
    def change(trained):
        trained.optimizer.learning_rate = rate

    with pytest.raises(TypeError, match=r"`learning_rate` must .* `FineTuneConfig`"):
        train(function, At(hook, call=change))


def test_learning_rate_can_be_set_after_fine_tune():
    trained = train("fine_tune", None, epochs=1)
    trained.optimizer.learning_rate = 0.25
    assert float(trained.optimizer.learning_rate) == 0.25


@pytest.mark.parametrize("function", OWN)
def test_weights_set_by_callback_are_trained_further(function):
    values = []

    def change(trained):
        layer = trained.layers[-1]
        if not values:
            layer.set_weights([weights * 0 + 100 for weights in layer.get_weights()])
        values.append(layer.get_weights()[0])

    train(function, At("on_train_batch_end", call=change))
    assert len(values) == 2 * STEPS
    assert (values[-1] > 90).all()
    assert (values[-2] != values[0]).any()


def load_without_warning(file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keras.models.load_model(file)


@pytest.mark.parametrize("function", OWN)
def test_models_saved_by_callback_and_afterwards_load_without_warning(function, tmp_path):
    train(function, keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")).save(
        tmp_path / "end.keras"
    )
    for name, steps in (("1", STEPS), ("2", 2 * STEPS), ("end", None)):
        loaded = load_without_warning(tmp_path / f"{name}.keras")
        assert steps in (None, int(loaded.optimizer.iterations))
    steps = int(loaded.optimizer.iterations)
    loaded.fit(Batches(), verbose=0)
    assert int(loaded.optimizer.iterations) == steps + STEPS


@pytest.mark.parametrize("function", ["fit_head", "fine_tune"])
def test_model_of_mixed_precision_loads_without_warning(function, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        train(function, None, epochs=1).save(tmp_path / "model.keras")
        loaded = load_without_warning(tmp_path / "model.keras")
        loaded.fit(Batches(), verbose=0)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("function", ["fit_head", "fine_tune"])
@pytest.mark.parametrize(
    ("hook", "steps"),
    [
        ("on_train_begin", 1),
        ("on_epoch_begin", 1),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        ("on_test_end", 2),
        ("on_epoch_end", 2),
    ],
)
def test_stop_training_ends_training_where_fit_ends_it(function, hook, steps):
    def stop(trained):
        trained.stop_training = True

    record = Record()
    train(function, [record, At(hook, call=stop)], validated=hook == "on_test_end")
    assert record.steps["on_train_batch_end"] == list(range(1, steps + 1))
    assert len(record.steps["on_epoch_end"]) == len(record.steps["on_train_end"]) == 1


@pytest.mark.parametrize("hook", ["on_test_begin", "on_test_batch_end"])
def test_stop_evaluating_ends_each_evaluation_but_not_the_training(hook):
    def stop(trained):
        trained.stop_evaluating = True

    record = Record()
    train("whole", [record, At(hook, call=stop)], validated=True)
    assert sum(call[0] == "on_test_batch_end" for call in record.calls) == 2


@pytest.mark.parametrize("function", OWN)
@pytest.mark.parametrize(
    ("hook", "freezes"),
    [("on_train_begin", True), ("on_test_begin", False), ("on_epoch_end", True)],
)
def test_layers_frozen_or_unfrozen_by_callback_are_rejected(function, hook, freezes):
    def change(trained):
        backbone = max(trained.layers, key=lambda each: each.count_params())
        for layer in [trained.layers[-1]] if freezes else [backbone, *backbone.layers]:
            layer.trainable = not freezes

    with pytest.raises(ValueError, match="`callbacks` must not freeze or unfreeze layers"):
        train(function, At(hook, call=change), validated=hook == "on_test_begin")


@pytest.mark.parametrize("function", ["fit_head", "fine_tune"])
def test_single_callback_and_nested_lists_are_accepted_as_by_fit(function):
    records = [Record() for _ in range(4)]
    some = keras.callbacks.CallbackList([records[3]])
    for given in (records[0], [[records[1]], (records[2],), some]):
        train(function, given, epochs=1)
    assert records[0].calls
    assert all(record.calls == records[0].calls for record in records)


@pytest.mark.parametrize("function", ["fit_head", "fine_tune"])
@pytest.mark.parametrize(
    "given",
    [
        "abc",
        [None],
        keras.callbacks.EarlyStopping,
        [keras.callbacks.TerminateOnNaN(), "abc"],
        print,
        7,
        {"stop": keras.callbacks.EarlyStopping},
        iter([keras.callbacks.TerminateOnNaN()]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_callbacks_of_other_types_are_rejected(function, given):
    with pytest.raises(TypeError, match=r"`callbacks` must be a Keras callback"):
        train(function, given)
