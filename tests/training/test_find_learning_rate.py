"""A sweep leaves the model as it was, and finds where the loss falls."""

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras import LRFinderResult, find_learning_rate
from catdog_keras._range_check import RangeCheck
from catdog_keras.training._find_learning_rate import _losses as record_losses, suggest_rate
from tests.training.fine_tuning_cases import model


def separable(count=64):
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 2
    return (generator.normal(size=(count, 4)) + 2 * labels[:, None]).astype("float32"), labels


def dense(**layer):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, **layer)])


def values(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


@pytest.mark.parametrize("compiled", [True, False])
def test_find_learning_rate_restores_model_and_optimizer(compiled):
    tested = model()
    data = np.random.default_rng(0).uniform(0, 255, (40, 8, 8, 3)), np.arange(40) % 2
    optimizer = []
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        tested.compile("sgd", loss, metrics=["accuracy"])
        tested.fit(*data, verbose=0)
        optimizer = tested.optimizer.variables
    before = values([*tested.variables, *optimizer])
    sweep = find_learning_rate(tested, data, steps=12)
    after = values([*tested.variables, *optimizer])
    assert all(np.array_equal(was, now) for was, now in zip(before, after, strict=True))
    assert tested.compiled is compiled
    assert len(set(sweep.losses)) > 1


def test_rates_increase_geometrically_until_loss_diverges():
    tested = dense()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tested.compile("sgd", loss)
    sweep = find_learning_rate(tested, separable(), min_lr=1e-5, max_lr=1e3, steps=80)
    assert sweep.rates[0] == 1e-5
    assert len(sweep.rates) == len(sweep.losses) < 80
    factors = np.diff(np.log(sweep.rates))
    np.testing.assert_allclose(factors, factors[0])
    assert 1e-3 < sweep.suggestion < sweep.rates[-1] / 10


def test_training_with_suggested_rate_exceeds_90_percent_accuracy():
    tested, data = dense(), separable()
    sweep = find_learning_rate(tested, data, steps=60)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tested.compile(keras.optimizers.Adam(sweep.suggestion), loss, metrics=["accuracy"])
    tested.fit(*data, epochs=20, verbose=0)
    assert tested.evaluate(*data, verbose=0)[1] > 0.9


def noisy_losses(count, lowest_at, seed):
    """Losses that fall, then rise, from batches of which each is easier or harder than the next."""
    places = np.linspace(0, 1, count)
    curve = 0.6 + 0.4 * np.abs(places - lowest_at)
    return curve + np.random.default_rng(seed).normal(scale=0.1, size=count)


def test_suggest_rate_ignores_single_low_loss():
    rates = np.logspace(-6, 0, 100)
    for seed in range(20):
        losses = noisy_losses(100, 0.7, seed)
        losses[0] = 0.3
        suggestion = suggest_rate(rates.tolist(), losses.tolist())
        assert 10 ** (-6 + 6 * 0.7 - 1 - 1.2) < suggestion < 10 ** (-6 + 6 * 0.7 - 1 + 1.2), seed


def test_suggest_rate_returns_lowest_rate_when_loss_only_increases():
    rising = np.linspace(0.3, 1, 40).tolist()
    assert suggest_rate(np.logspace(-5, 0, 40).tolist(), rising) == pytest.approx(1e-5)


@given(st.lists(st.floats(0, 10), min_size=2, max_size=60))
def test_smoothed_stays_within_range_of_losses_and_rates(losses):
    rates = np.logspace(-6, 0, len(losses))
    middles, means = LRFinderResult(tuple(rates), tuple(losses), 1e-3).smoothed
    assert len(middles) == len(means) >= 1
    assert min(losses) - 1e-9 <= min(means) <= max(means) <= max(losses) + 1e-9
    assert all(rates[0] <= middle <= rates[-1] for middle in middles)
    assert middles == sorted(middles)


def test_find_learning_rate_is_reproducible():
    tested = dense()
    one, other = (find_learning_rate(tested, separable(), steps=10) for _ in range(2))
    assert isinstance(one, LRFinderResult)
    assert one == other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_lr": 1e-7}, "`max_lr` must be above `min_lr`, 1e-06; received max_lr=1e-07."),
        ({"steps": 9}, "`steps` must be an integer of at least 10; received steps=9."),
        ({"min_lr": 0}, "`min_lr` must be a number from 1e-12 to 1000; received min_lr=0."),
    ],
)
def test_find_learning_rate_rejects_invalid_arguments(arguments, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        find_learning_rate(dense(), separable(), **arguments)
    assert str(caught.value) == message


def test_find_learning_rate_raises_when_first_loss_is_not_finite():
    model = dense()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(ValueError, match="`min_lr` must be a rate at which the loss is finite"):
        find_learning_rate(model, separable())


def test_rates_go_from_min_lr_to_max_lr():
    sweep = find_learning_rate(dense(), separable(), min_lr=1e-6, max_lr=1e-4, steps=11)
    np.testing.assert_allclose(sweep.rates, np.logspace(-6, -4, 11))


class ScriptedModel:
    """Stands for a compiled model whose batches have the given losses."""

    input_shape = (None, 4)
    compiled = False  # its labels are not checked

    def __init__(self, losses):
        self.losses = list(losses)

    def reset_metrics(self):
        pass

    def train_on_batch(self, *_, return_dict):
        return {"loss": self.losses.pop(0)}


@pytest.mark.parametrize(("factor", "ends"), [(3.8, False), (4.2, True)])
def test_sweep_ends_when_running_mean_exceeds_four_times_its_minimum(factor, ends):
    # The running mean starts at 10 and approaches `factor` times 10 from below.
    losses = [10.0, *[10.0 * factor] * 400]
    model = ScriptedModel(losses)
    kept = record_losses(model, [separable()] * 401, 401, RangeCheck(model))
    assert (len(kept) < 401) is ends


def test_find_learning_rate_rejects_images_that_are_not_finite():
    images, labels = separable(64)
    images[32:] = np.nan
    batches = [(images[:32], labels[:32]), (images[32:], labels[32:])]
    with pytest.raises(ValueError, match="`train` must hold finite pixels; received NaN"):
        find_learning_rate(dense(), batches)


def test_find_learning_rate_rejects_labels_that_the_loss_does_not_accept():
    images, labels = separable()
    for wrong, found in ((labels + 1, "Subtract 1"), (np.eye(2)[labels], "one-hot rows")):
        with pytest.raises(ValueError, match=f"`train` must contain labels .*{found}"):
            find_learning_rate(dense(), (images, wrong), steps=10)
