"""A sweep leaves the model as it was, and finds where the loss falls."""

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras import LRFinderResult, find_learning_rate
from catdog_keras._range_check import RangeCheck
from catdog_keras.training import _find_learning_rate as sweeping
from catdog_keras.training._feature_extractor import FeatureExtractor
from catdog_keras.training._suggest_rate import suggest_rate
from tests.arrays import copy_values
from tests.training.fine_tuning_cases import model


def separable(count=64):
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 2
    return (generator.normal(size=(count, 4)) + 2 * labels[:, None]).astype("float32"), labels


def dense(**layer):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, **layer)])


# Sweeps of a few steps, whose losses need not fall.
any_curve = pytest.mark.filterwarnings("ignore:There is no suggested learning rate")


@any_curve
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
    before = copy_values([*tested.variables, *optimizer])
    sweep = find_learning_rate(tested, data, steps=12)
    after = copy_values([*tested.variables, *optimizer])
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


def test_suggest_rate_is_at_least_the_lowest_rate():
    falling_first = [*np.linspace(1, 0.2, 10), *np.linspace(0.2, 1, 30)]
    assert suggest_rate(np.logspace(-2, 0, 40).tolist(), falling_first) == pytest.approx(0.01)


@pytest.mark.parametrize(
    "curve",
    [
        np.linspace(0.3, 1, 40),  # rises from the start
        np.full(40, 0.3),
        np.linspace(0.3, 0.299, 40),  # falls by less than 1%
        [0.3, 0.2],
        *(0.3 + np.random.default_rng(seed).normal(scale=0.05, size=100) for seed in range(8)),
        *(np.exp(np.random.default_rng(seed).normal(size=30)) for seed in range(8)),
    ],
)
def test_suggest_rate_returns_none_when_the_loss_does_not_fall(curve):
    assert suggest_rate(np.logspace(-5, 0, len(curve)).tolist(), list(curve)) is None


@pytest.mark.parametrize("steps", [20, 100])
def test_suggest_rate_finds_a_fall_of_three_times_the_noise_of_a_batch(steps):
    fall = np.clip(np.linspace(-1, 1.5, steps), 0, 1)
    for seed in range(8):
        losses = 1 - 0.3 * fall + np.random.default_rng(seed).normal(scale=0.05, size=steps)
        assert suggest_rate(np.logspace(-5, 0, steps).tolist(), losses.tolist()) is not None, seed


def test_sweep_without_a_fall_warns_and_has_no_suggestion():
    images, _ = separable()
    labels = np.random.default_rng(0).integers(0, 2, len(images))
    with pytest.warns(UserWarning, match="no suggested learning rate: the loss does not fall"):
        sweep = find_learning_rate(dense(), (images, labels), max_lr=1e-5, steps=20)
    assert sweep.suggestion is None
    assert str(sweep) == (
        "There is no suggested learning rate: the loss does not fall between 1e-06 and 1e-05. The "
        "model may already be trained, may not learn from these images, or needs a lower `min_lr`."
    )


def frozen_backbone_and_data(**arguments):
    generator = np.random.default_rng(0)
    labels = np.arange(50) % 2
    images = generator.uniform(0, 255, (50, 8, 8, 3)) * (0.5 + labels[:, None, None, None] / 2)
    weights = generator.uniform(0, 1, 50)
    return model(**arguments), (images.astype("float32"), labels, weights.astype("float32"))


@any_curve
@pytest.mark.parametrize("compiled", [True, False])
def test_sweep_of_frozen_model_equals_the_sweep_of_all_its_layers(compiled, monkeypatch):
    # On PyTorch dropout uses a global random state, which differs between the sweeps.
    dropout = 0.0 if keras.backend.backend() == "torch" else 0.5
    tested, data = frozen_backbone_and_data(augmentation=None, dropout=dropout)
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        tested.compile(keras.optimizers.SGD(momentum=0.9), loss)
    arguments = {"min_lr": 1e-3, "steps": 15}
    cached = find_learning_rate(tested, data, **arguments)
    monkeypatch.setattr(sweeping, "_split_at_head_or_none", lambda _: None)
    whole = find_learning_rate(tested, data, **arguments)
    assert len(set(cached.losses)) == 15
    np.testing.assert_allclose(cached.losses, whole.losses, rtol=1e-4)
    assert cached.suggestion == whole.suggestion


@any_curve
def test_sweep_of_frozen_model_reads_each_image_once(monkeypatch):
    tested, data = frozen_backbone_and_data()
    counts = []
    compute = FeatureExtractor.compute

    def count(self, images, **options):
        counts.append(len(images))
        return compute(self, images, **options)

    monkeypatch.setattr(FeatureExtractor, "compute", count)
    batches = zip(*(np.split(part, [20, 40]) for part in data), strict=True)
    sweep = find_learning_rate(tested, batches, steps=12)  # `zip` can be read only once
    assert sum(counts) == 50
    assert len(sweep.losses) == 12


@any_curve
def test_sweep_of_frozen_model_reads_no_more_batches_than_steps():
    tested, (images, labels, _) = frozen_backbone_and_data()
    batches = iter([(images[:4], labels[:4])] * 11)
    find_learning_rate(tested, batches, steps=10, max_lr=0.1)
    assert len(list(batches)) == 1


def test_result_without_steps_or_suggestion_is_printed():
    empty = "There is no suggested learning rate: the sweep has no steps."
    assert str(LRFinderResult((), (), None)) == empty
    falls = "the loss does not fall between 0.1 and 0.2."
    assert falls in str(LRFinderResult((0.1, 0.2), (1.0, 2.0), None))


@given(st.lists(st.floats(0, 10), min_size=2, max_size=60))
def test_smoothed_stays_within_range_of_losses_and_rates(losses):
    rates = np.logspace(-6, 0, len(losses))
    middles, means = LRFinderResult(tuple(rates), tuple(losses), 1e-3).smoothed
    assert len(middles) == len(means) >= 1
    assert min(losses) - 1e-9 <= min(means) <= max(means) <= max(losses) + 1e-9
    assert all(rates[0] <= middle <= rates[-1] for middle in middles)
    assert middles == sorted(middles)


@any_curve
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


@any_curve
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
    batches = [(*separable(), None)] * 401
    kept = sweeping._sweep_losses(model, batches, RangeCheck(model))
    assert (len(kept) < 401) is ends


def test_find_learning_rate_rejects_images_that_are_not_finite():
    images, labels = separable(64)
    images[32:] = np.nan
    batches = [(images[:32], labels[:32]), (images[32:], labels[32:])]
    with pytest.raises(ValueError, match="`train` must hold finite pixels; received NaN"):
        find_learning_rate(dense(), batches)


def test_find_learning_rate_rejects_labels_that_the_loss_does_not_accept():
    images, labels = separable()
    compiled = dense()
    compiled.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for wrong, found in ((labels + 1, "Subtract 1"), (np.eye(2)[labels], "one-hot rows")):
        with pytest.raises(ValueError, match=f"`train` must contain labels .*{found}"):
            find_learning_rate(compiled, (images, wrong), steps=10)


@any_curve
def test_find_learning_rate_uses_the_loss_for_rows_of_labels():
    images, labels = separable()
    result = find_learning_rate(dense(), (images, np.eye(2, dtype="float32")[labels]), steps=20)
    assert np.isfinite(result.losses).all()
