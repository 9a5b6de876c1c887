"""A sweep leaves the model as it was, and finds where the loss falls."""

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras import LRFinderResult, find_learning_rate
from catdog_keras.training._find_learning_rate import suggest_rate
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
def test_model_and_optimizer_end_as_they_were(compiled):
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


def test_rates_rise_by_a_constant_factor_and_the_sweep_ends_where_the_loss_diverges():
    tested = dense()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tested.compile("sgd", loss)
    sweep = find_learning_rate(tested, separable(), min_lr=1e-5, max_lr=1e3, steps=80)
    assert sweep.rates[0] == 1e-5
    assert len(sweep.rates) == len(sweep.losses) < 80
    factors = np.diff(np.log(sweep.rates))
    np.testing.assert_allclose(factors, factors[0])
    assert 1e-3 < sweep.suggestion < sweep.rates[-1] / 10


def test_the_suggestion_is_a_rate_to_train_with():
    tested, data = dense(), separable()
    sweep = find_learning_rate(tested, data, steps=60)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tested.compile(keras.optimizers.Adam(sweep.suggestion), loss, metrics=["accuracy"])
    tested.fit(*data, epochs=20, verbose=0)
    assert tested.evaluate(*data, verbose=0)[1] > 0.9


def noisy(count, lowest_at, seed):
    """Losses that fall, then rise, from batches of which each is easier or harder than the next."""
    places = np.linspace(0, 1, count)
    curve = 0.6 + 0.4 * np.abs(places - lowest_at)
    return curve + np.random.default_rng(seed).normal(scale=0.1, size=count)


def test_suggest_rate_of_one_easy_batch_ignores_it():
    rates = np.logspace(-6, 0, 100)
    for seed in range(20):
        losses = noisy(100, 0.7, seed)
        losses[0] = 0.3
        suggestion = suggest_rate(rates.tolist(), losses.tolist())
        assert 10 ** (-6 + 6 * 0.7 - 1 - 1.2) < suggestion < 10 ** (-6 + 6 * 0.7 - 1 + 1.2), seed


def test_the_suggestion_is_a_rate_of_the_sweep():
    rising = np.linspace(0.3, 1, 40).tolist()
    assert suggest_rate(np.logspace(-5, 0, 40).tolist(), rising) == pytest.approx(1e-5)


@given(st.lists(st.floats(0, 10), min_size=2, max_size=60))
def test_smoothed_losses_lie_within_the_losses_and_their_rates_within_the_rates(losses):
    rates = np.logspace(-6, 0, len(losses))
    middles, means = LRFinderResult(tuple(rates), tuple(losses), 1e-3).smoothed
    assert len(middles) == len(means) >= 1
    assert min(losses) - 1e-9 <= min(means) <= max(means) <= max(losses) + 1e-9
    assert all(rates[0] <= middle <= rates[-1] for middle in middles)
    assert middles == sorted(middles)


def test_two_sweeps_are_equal():
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
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        find_learning_rate(dense(), separable(), **arguments)
    assert str(caught.value) == message


def test_a_loss_that_is_not_finite_from_the_start_is_named():
    images, labels = separable()
    with pytest.raises(ValueError, match="`min_lr` must be a rate at which the loss is finite"):
        find_learning_rate(dense(), (images * np.nan, labels))
