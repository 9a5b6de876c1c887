"""Fine-tuning: what is trained, what is not, and how fast."""

import keras
import numpy as np
import pytest

from catdog_keras import FineTuneConfig, fine_tune, transfer_model
from catdog_keras._batches import BATCH_SIZE
from catdog_keras.training._fine_tuning_loop import _lr_schedule
from catdog_keras.training._model_parts import split_at_trained
from catdog_keras.training._unfreezing import find_backbone, first_unfrozen, unfreeze_from
from tests.arrays import all_equal, copy_values
from tests.training.fine_tuning_cases import LAYERS, SHAPE, labeled_images, model


@pytest.mark.parametrize("views", [1, 2, None])
def test_fine_tune_changes_only_unfrozen_convolutions(views):
    tuned = model()
    inside = tuned.get_layer("small")
    before = {layer.name: copy_values(layer.weights) for layer in inside.layers}
    fine_tune(
        tuned, labeled_images(), epochs=2, unfreeze="conv1", options=FineTuneConfig(num_views=views)
    )
    after = {layer.name: copy_values(layer.weights) for layer in inside.layers}
    changed = {name for name in after if not all_equal(before[name], after[name])}
    assert changed == {"conv1", "conv2"}


def test_unfreeze_from_unfreezes_layers_by_name_or_fraction():
    inside = find_backbone(model())
    assert [layer.name for layer in inside.layers][1:] == LAYERS
    for unfreeze, trained in (
        (1, ["conv0", "conv1", "conv2"]),
        (0.6, ["conv1", "conv2"]),
        (0.3, ["conv2"]),
        (0.1, ["conv2"]),
        ("relu0", ["conv1", "conv2"]),
        ("conv2", ["conv2"]),
    ):
        unfreeze_from(inside, first_unfrozen(inside, unfreeze))
        found = [layer.name for layer in inside.layers if layer.trainable_variables]
        assert found == trained, unfreeze


def test_fine_tune_stages_unfreeze_in_sequence_and_share_epochs():
    tuned = model()
    inside = tuned.get_layer("small")
    seen = []

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return labeled_images(8)

        def on_epoch_begin(self):
            seen.append(sum(bool(layer.trainable_variables) for layer in inside.layers))

    history = fine_tune(
        tuned,
        Batches(),
        epochs=5,
        unfreeze=("conv2", 0.6, "conv0"),
        options=FineTuneConfig(num_views=None),
    )
    assert len(history.history["loss"]) == len(history.epoch) == 5
    assert seen == sorted(seen)
    assert set(seen) == {1, 2, 3}
    assert seen.count(2) == seen.count(3)


def test_cached_features_give_same_weights_as_whole_model():
    """One batch per epoch, no augmentation and no dropout: the order plays no part."""
    data, tuned = labeled_images(), []
    for views in (1, None):
        tuned.append(model(augmentation=None, dropout=0))
        options = FineTuneConfig(learning_rate=1e-3, num_views=views)
        fine_tune(tuned[-1], [data], epochs=4, unfreeze="conv1", options=options)
    moved = 0.0
    start = copy_values(model(augmentation=None, dropout=0).weights)
    for one, other, old in zip(*(copy_values(each.weights) for each in tuned), start, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
        moved = max(moved, np.abs(one - old).max())
    assert moved > 1e-3


def residual_backbone():
    """A convolution, and a residual block of two."""
    x = inputs = keras.Input(SHAPE)
    x = shortcut = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="inside1")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", name="inside2")(x)
    return keras.Model(inputs, keras.layers.Add(name="sum")([shortcut, x]), name="residual")


def test_split_at_trained_cuts_before_residual_block():
    backbone = residual_backbone()
    whole = transfer_model(backbone, SHAPE, preprocessing="signed", dropout=0)
    for unfreeze, cut, trained in (
        ("inside2", "stem", ["inside2", "logits"]),
        ("inside1", "stem", ["inside1", "inside2", "logits"]),
    ):
        unfreeze_from(backbone, first_unfrozen(backbone, unfreeze))
        parts = split_at_trained(whole, backbone)
        assert parts.backbone.layers[-1].name == cut
        names = [weight.path.split("/")[-2] for weight in parts.head.trainable_variables]
        assert list(dict.fromkeys(names)) == trained
        assert not parts.is_random
        images, _ = labeled_images(3)
        features = parts.backbone(parts.before(images))
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(parts.head(features)),
            keras.ops.convert_to_numpy(whole(images)),
            rtol=1e-4,
            atol=1e-5,
        )
    unfreeze_from(backbone, 0)
    assert split_at_trained(whole, backbone) is None  # nothing is frozen


@pytest.mark.parametrize("reverse", [False, True])
def test_trained_variables_of_part_and_model_have_the_same_order(reverse):
    """Both share an optimizer, which a file stores in this order."""
    stem = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same", name="stem")(stem)
    for block in range(2):
        names = [f"branch{block}{letter}" for letter in "abc"]
        branches = [keras.layers.Conv2D(4, 3, padding="same", name=name)(x) for name in names]
        branches[0] = keras.layers.Conv2D(4, 1, name=f"deep{block}")(branches[0])
        x = keras.layers.Concatenate()(branches[::-1] if reverse else branches)
    backbone = keras.Model(stem, x, name="branches")
    whole = transfer_model(backbone, SHAPE, preprocessing="signed")
    unfreeze_from(backbone, first_unfrozen(backbone, "branch0a"))
    part = split_at_trained(whole, backbone).head
    assert list(map(id, part.trainable_variables)) == list(map(id, whole.trainable_variables))
    assert len(part.trainable_variables) == 2 * len(("a", "b", "c", "deep")) * 2 + 2


def test_fine_tune_learning_rate_increases_with_depth():
    tuned = model(augmentation=None)
    start = copy_values(tuned.get_layer("small").weights)
    fine_tune(
        tuned,
        labeled_images(),
        epochs=1,
        unfreeze=1.0,
        options=FineTuneConfig(learning_rate=1e-2, min_lr_factor=1e-3, warmup=0),
    )
    names = [weight.path for weight in tuned.get_layer("small").weights]
    moved = {
        path: np.abs(now - old).max()
        for path, now, old in zip(
            names, copy_values(tuned.get_layer("small").weights), start, strict=True
        )
    }
    kernels = [moved[path] for path in names if path.endswith("kernel")]
    # Adam's first step is the rate itself, whatever the gradient: 1e-2 times .001, .01 and .1.
    np.testing.assert_allclose(kernels, [1e-5, 1e-4, 1e-3], rtol=0.02)


def test_fine_tuned_model_stays_compiled_and_resumes_after_loading(tmp_path):
    tuned = model(augmentation=None, dropout=0)
    tuned.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fine_tune(tuned, labeled_images(), epochs=1, unfreeze="conv1")
    assert float(keras.ops.convert_to_numpy(tuned.optimizer.learning_rate)) == pytest.approx(1e-4)
    data = labeled_images()
    tuned.fit(*data, epochs=1, shuffle=False, verbose=0)
    assert set(tuned.evaluate(*data, verbose=0, return_dict=True)) == {"loss"}
    tuned.save(tmp_path / "tuned.keras")
    loaded = keras.saving.load_model(tmp_path / "tuned.keras")
    assert loaded.optimizer.factors == tuned.optimizer.factors
    assert min(loaded.optimizer.factors) == pytest.approx(0.1)
    assert all_equal(
        copy_values(tuned.optimizer.variables), copy_values(loaded.optimizer.variables)
    )
    before = copy_values(loaded.weights)
    for each in (tuned, loaded):
        each.fit(*data, epochs=1, shuffle=False, verbose=0)
    assert not all_equal(before, copy_values(loaded.weights))
    for one, other in zip(copy_values(tuned.weights), copy_values(loaded.weights), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("opposite", [False, True])
def test_early_stopping_ends_training_and_restores_best_weights(opposite):
    tuned = model(augmentation=None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tuned.compile("adam", loss, metrics=["accuracy"])
    train, (images, labels) = labeled_images(), labeled_images()
    # With the opposite of what is trained, the weights of the begin are soon the best.
    validation = (images, 1 - labels) if opposite else (images, labels)
    begin = tuned.evaluate(*validation, verbose=0, return_dict=True)
    history = fine_tune(
        tuned,
        train,
        validation_data=validation,
        epochs=8,
        unfreeze="conv1",
        options=FineTuneConfig(patience=3, learning_rate=1e-2),
        verbose=0,
    )
    log = history.history
    epochs = len(log["loss"])
    accuracies, losses = ([begin[name], *log[f"val_{name}"]] for name in ("accuracy", "loss"))
    scores = [(a, -b) for a, b in zip(accuracies, losses, strict=True)]
    best = scores.index(max(scores))
    assert epochs == min(best + 3, 8)
    judged = tuned.evaluate(*validation, verbose=0, return_dict=True)
    assert judged["loss"] == pytest.approx(losses[best], rel=1e-4)


def test_fine_tune_restores_initial_weights_when_no_epoch_improves():
    tuned = model(augmentation=None)
    images, _ = labeled_images()
    said = tuned.predict(images, verbose=0).argmax(axis=1)
    before = copy_values(tuned.weights)
    history = fine_tune(
        tuned,
        (images, 1 - said),  # away from the validation labels
        validation_data=(images, said),
        epochs=20,
        unfreeze="conv1",
        options=FineTuneConfig(learning_rate=1e-2, patience=2),
    )
    assert len(history.epoch) == 2
    assert all_equal(copy_values(tuned.weights), before)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_fine_tune_in_16_bits_is_finite_and_restores_from_checkpoint(policy, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        tuned, again = model(), model()
    finally:
        keras.config.set_dtype_policy(before)
    for each in (tuned, again):
        file = tmp_path / "state"
        history = fine_tune(each, labeled_images(), epochs=2, unfreeze="conv1", backup=file)
        assert np.isfinite(history.history["loss"]).all()
    assert all_equal(copy_values(tuned.weights), copy_values(again.weights))


PART = "the name of a layer, a fraction above 0 up to 1, or a sequence of at most as many of them as epochs"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unfreeze": 0.0}, f"`unfreeze` must be {PART}; received unfreeze=0.0."),
        ({"unfreeze": 20}, f"`unfreeze` must be {PART}; received unfreeze=20. For the last 20 layers of a backbone: 20 / len(backbone.layers)."),
        ({"unfreeze": (0.1, 0.2)}, f"`unfreeze` must be {PART}; received unfreeze=(0.1, 0.2)."),
        ({"unfreeze": ()}, f"`unfreeze` must be {PART}; received unfreeze=()."),
        ({"unfreeze": None}, f"`unfreeze` must be {PART}; received unfreeze=None."),
        ({"unfreeze": "conv9"}, "`unfreeze` must be the name of a layer of 'small', or a fraction of its layers; received unfreeze='conv9'. Its last layers are 'conv2', 'norm2', 'add2'; 1.0 is all of them."),
        ({"unfreeze": ["conv1", "conv2"], "epochs": 2}, "`unfreeze` must be one value, or one per stage that adds layers to the stage before; received unfreeze=['conv1', 'conv2']. unfreeze='conv1' trains this layer and all later ones."),
        ({"unfreeze": (0.9, 0.2), "epochs": 2}, "`unfreeze` must be one value, or one per stage that adds layers to the stage before; received unfreeze=(0.9, 0.2). unfreeze='conv0' trains this layer and all later ones."),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1; received epochs=0."),
        ({"options": 3}, "`options` must be a FineTuneConfig or None; received options=3."),
    ],
)  # fmt: skip
def test_fine_tune_rejects_invalid_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        fine_tune(model(), labeled_images(8), **{"epochs": 1, **arguments})
    assert str(caught.value) == message


def test_fraction_unfreezes_the_last_layer_with_weights_of_a_small_backbone():
    layers = [
        keras.layers.Conv2D(4, 3),
        keras.layers.ReLU(),
        keras.layers.Conv2D(4, 3, name="last"),
    ]
    rest = [keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()]
    small = transfer_model(keras.Sequential([keras.Input(SHAPE), *layers, *rest]), num_classes=2)
    fine_tune(small, labeled_images(8), epochs=1, verbose=0)  # 0.3 of the layers have no weights
    backbone = next(each for each in small.layers if isinstance(each, keras.Sequential))
    assert [each.name for each in backbone.layers if each.trainable_weights] == ["last"]


def test_fine_tune_rejects_out_of_range_labels():
    images, _ = labeled_images(8)
    with pytest.raises(
        ValueError, match=r"`train` must contain labels that the loss of .* A label is 9"
    ):
        fine_tune(model(), (images, np.full(8, 9)), epochs=1, unfreeze="conv2")


def test_fine_tune_config_rejects_invalid_values():
    with pytest.raises(ValueError, match=r"`warmup` must be a number from 0 to 0\.9; received war"):
        FineTuneConfig(warmup=1)
    with pytest.raises(
        ValueError, match="`num_views` must be an integer from 1 to 255; received num"
    ):
        FineTuneConfig(num_views=0)


def test_fine_tune_rejects_model_without_backbone():
    plain = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(
        ValueError, match="must be a model that contains a backbone as a nested mod"
    ):
        fine_tune(plain, labeled_images(8), epochs=1)


@pytest.mark.parametrize("num_views", [1, None])
def test_fine_tune_callbacks_receive_whole_model_and_can_stop_training(num_views):
    tuned, seen = model(), []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model is tuned, epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

    options = FineTuneConfig(num_views=num_views)
    history = fine_tune(
        tuned, labeled_images(), epochs=5, unfreeze="conv1", callbacks=[Stop()], options=options
    )
    assert seen == [(True, epoch, ["accuracy", "loss"]) for epoch in range(2)]
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("num_views", [1, None])
def test_fine_tune_class_weight_equals_sample_weights(num_views):
    def losses(data, **arguments):
        options = FineTuneConfig(num_views=num_views, learning_rate=1e-2)
        tuned = model(augmentation=None)
        fine_tune(tuned, data, epochs=2, unfreeze="conv1", options=options, verbose=0, **arguments)
        return copy_values(tuned.weights)

    images, labels = labeled_images()
    expected = losses((images, labels, np.where(labels == 0, 3.0, 0.5)))
    found = losses((images, labels), class_weight={0: 3.0, 1: 0.5})
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert not all_equal(found, losses((images, labels)))


def test_fine_tune_verbose_controls_output(capsys):
    fine_tune(model(), labeled_images(), epochs=2, unfreeze="conv2", verbose=0)
    assert capsys.readouterr().out == ""
    fine_tune(model(), labeled_images(), epochs=2, unfreeze="conv2", verbose=2)
    assert "Epoch 2/2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "steps"),
    [([labeled_images(4)] * 3, 3), (labeled_images(BATCH_SIZE + 4), 2)],
    ids=["batches", "arrays"],
)
def test_fine_tune_keeps_batch_size_of_batches_and_divides_arrays(data, steps):
    taken = []
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: taken.append(batch)
    )
    options = FineTuneConfig(num_views=None)
    fine_tune(model(), data, epochs=1, unfreeze="conv2", options=options, callbacks=[count])
    assert len(taken) == steps


def test_model_that_calls_its_backbone_twice_is_not_split():
    """One input, but the features of two calls: caching those of the first would be wrong."""
    backbone = residual_backbone()
    inputs = keras.Input(SHAPE)
    calls = [backbone(inputs), backbone(keras.layers.Rescaling(-1.0)(inputs))]
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(calls))
    twice = keras.Model(inputs, keras.layers.Dense(2)(pooled))
    unfreeze_from(backbone, first_unfrozen(backbone, "inside2"))
    assert split_at_trained(twice, backbone) is None


def test_learning_rate_rises_from_0_during_warmup_and_decays_to_0():
    def rates(warmup):
        schedule = _lr_schedule(FineTuneConfig(learning_rate=1e-3, warmup=warmup), 10)
        return [float(schedule(step)) for step in (0, 4, 10)]

    assert rates(0.4) == pytest.approx([0, 1e-3, 0], abs=1e-9)
    assert rates(0.0) == pytest.approx([1e-3, 1e-3 * (1 + np.cos(0.4 * np.pi)) / 2, 0], abs=1e-9)
