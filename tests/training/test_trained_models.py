"""Models that are not trained as `fit` trains them are refused, or trained as a whole."""

import keras
import numpy as np
import pytest

from catdog_keras import FineTuneConfig, find_learning_rate, fine_tune, fit_head
from tests.training.fine_tuning_cases import SHAPE, backbone, model

# Few random images: the sweep of learning rates may find no suggestion.
pytestmark = pytest.mark.filterwarnings("ignore:There is no suggested learning rate")

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.uniform(0, 255, (8, *SHAPE)).astype("float32")
LABELS = np.arange(8) % 2


def transfer(kind=keras.Model, size=SHAPE, **arguments):
    """A frozen backbone with a head, of a class of your own."""
    frozen = keras.Sequential([keras.Input(size), keras.layers.Conv2D(4, 3)], name="frozen")
    frozen.trainable = False
    inputs = keras.Input(size)
    x = frozen(inputs, training=False)
    if arguments.get("dropout"):
        x = keras.layers.Dropout(0.1)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return kind(inputs, keras.layers.Dense(2)(x))


class OwnStep(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


class OwnTest(keras.Model):
    def test_step(self, *arguments):
        return super().test_step(*arguments)


class OwnLoss(keras.Model):
    def compute_loss(self, *arguments, **options):
        return super().compute_loss(*arguments, **options) * 0 + 7


class OwnMetrics(keras.Model):
    def compute_metrics(self, *arguments, **options):
        return super().compute_metrics(*arguments, **options)


class OwnCall(keras.Model):
    def call(self, inputs, training=None):
        return super().call(inputs, training=training) * 2


class Inherited(OwnLoss):
    """Does not override anything, but its parent does."""


def replaced_on_the_instance(*arguments):
    made = keras.Model(*arguments)
    made.compute_loss = made.compute_loss
    return made


OWN = {
    OwnStep: "train_step",
    OwnTest: "test_step",
    OwnLoss: "compute_loss",
    OwnMetrics: "compute_metrics",
    OwnCall: "call",
    Inherited: "compute_loss",
    replaced_on_the_instance: "compute_loss",
}
FUNCTIONS = {
    fit_head: {"epochs": 1, "verbose": 0},
    fine_tune: {"epochs": 1, "verbose": 0},
    find_learning_rate: {"steps": 10},
}


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_class_with_its_own_training_method_is_rejected(function, kind):
    with pytest.raises(ValueError, match=f"does not override `{OWN[kind]}`.*with `fit`"):
        function(transfer(kind), (IMAGES, LABELS), **FUNCTIONS[function])


class Harmless(keras.Model):
    """Overrides what training does not use."""

    def predict_step(self, *arguments):
        return super().predict_step(*arguments)

    def summary(self, *arguments, **options):
        return super().summary(*arguments, **options)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_class_with_other_methods_is_trained(function):
    assert function(transfer(Harmless), (IMAGES, LABELS), **FUNCTIONS[function])


def test_backbone_with_its_own_call_is_fine_tuned_as_a_whole():
    class Doubled(keras.Model):
        def call(self, inputs, training=None):
            return super().call(inputs, training=training) * 2

    small = backbone()
    inputs = keras.Input(SHAPE)
    inner = Doubled(small.inputs[0], small.outputs[0], name="inner")
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(inner(inputs, training=False)))
    tuned = keras.Model(inputs, outputs)
    options = FineTuneConfig(learning_rate=1e-12)
    history = fine_tune(
        tuned, [(IMAGES, LABELS)], epochs=1, unfreeze="conv2", options=options, verbose=0
    )
    expected = tuned.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
    np.testing.assert_allclose(history.history["loss"][0], expected["loss"], rtol=1e-5)


def flat(*first, head=None):
    """A frozen backbone whose layers belong to the model itself."""
    inputs = keras.Input(SHAPE)
    x = inputs
    for layer in first:
        x = layer(x)
    x = keras.layers.Conv2D(4, 3, trainable=False, name="base")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, (head or keras.layers.Dense(2))(x))


def large_head():
    layers = keras.layers
    return keras.Sequential([keras.Input((4,)), layers.Dense(64, "relu"), layers.Dense(2)])


def normalization():
    layer = keras.layers.Normalization(mean=[0.0] * 3, variance=[1.0] * 3)
    return keras.Sequential([keras.Input(SHAPE), layer])


@pytest.mark.parametrize(
    "build",
    [
        lambda: flat(keras.Sequential([keras.layers.RandomFlip()])),
        lambda: flat(keras.Sequential([keras.layers.Rescaling(1 / 255)])),
        lambda: flat(normalization()),
        lambda: flat(head=keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])),
        lambda: flat(head=large_head()),
        flat,
    ],
)
def test_fine_tune_rejects_model_whose_nested_model_is_not_its_backbone(build):
    tuned = build()
    before = len(tuned.trainable_weights)
    with pytest.raises(ValueError, match="contains a backbone as a nested model"):
        fine_tune(tuned, (IMAGES, LABELS), epochs=1, unfreeze=1.0)
    assert len(tuned.trainable_weights) == before


def test_fine_tune_unfreezes_backbone_that_is_smaller_than_its_head():
    small = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(4, 3)], name="small")
    small.trainable = False
    inputs = keras.Input(SHAPE)
    x = keras.layers.GlobalAveragePooling2D()(small(inputs, training=False))
    tuned = keras.Model(inputs, large_head()(x))
    fine_tune(tuned, (IMAGES, LABELS), epochs=1, unfreeze=1.0, verbose=0)
    assert len(small.trainable_weights) == 2


@pytest.mark.parametrize("unfreeze", ["norm2", "add2", ("add2", "conv1")])
def test_fine_tune_rejects_layers_without_weights_to_train(unfreeze):
    with pytest.raises(ValueError, match=r"`unfreeze` must be .* weights to train is 'conv2'\."):
        fine_tune(model(), (IMAGES, LABELS), epochs=2, unfreeze=unfreeze)


ANY = (None, None, 3)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_models_of_any_input_size_are_trained_on_batches_of_several_sizes(function):
    batches = [(np.zeros((2, size, size, 3), "float32"), np.array([0, 1])) for size in (8, 12)]
    data = batches
    if function is fine_tune:  # it concatenates a list

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, place):
                return batches[place]

        data = Batches()
    assert function(transfer(size=ANY), data, **FUNCTIONS[function])


def test_features_of_several_image_sizes_are_those_of_each_size():
    trained = transfer(size=ANY)
    images = [GENERATOR.uniform(0, 1, (1, size, size, 3)).astype("f") for size in (8, 12, 8, 16)]
    data = [(image, np.array([place % 2])) for place, image in enumerate(images)]
    trained.compile(
        keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    found = fit_head(trained, data, epochs=1, verbose=0).history["loss"][0]
    expected = np.mean([trained.evaluate(*batch, verbose=0) for batch in data])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_features_without_fixed_size_are_rejected_by_fit_head_and_not_cached_by_fine_tune():
    with pytest.raises(ValueError, match=r"features of a fixed size.*\(None, None, None, 4\)"):
        fit_head(transfer(size=ANY, dropout=True), (IMAGES, LABELS), epochs=1)
    trained = transfer(size=ANY, dropout=True)
    assert fine_tune(trained, (IMAGES, LABELS), epochs=1, verbose=0).history["loss"]


def test_fine_tune_rejects_list_of_images_of_several_sizes():
    batches = [(np.zeros((2, size, size, 3), "float32"), np.array([0, 1])) for size in (8, 12)]
    with pytest.raises(ValueError, match=r"`train` must be a list of images of one size"):
        fine_tune(transfer(size=ANY), batches, epochs=1, verbose=0)


class Backup(keras.callbacks.BackupAndRestore):
    """A subclass has the same effect."""


@pytest.mark.parametrize("function", [fit_head, fine_tune])
@pytest.mark.parametrize("kind", [keras.callbacks.BackupAndRestore, Backup])
def test_backup_callback_is_rejected_in_favor_of_checkpoint(function, kind, tmp_path):
    callbacks = [keras.callbacks.TerminateOnNaN(), kind(str(tmp_path / "backup"))]
    with pytest.raises(TypeError, match=r"`callbacks` must be .* Pass `backup` instead\."):
        function(model(), (IMAGES, LABELS), epochs=1, callbacks=callbacks)


def test_callback_that_replaces_the_optimizer_raises():
    class Replace(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer = keras.optimizers.SGD()

    with pytest.raises(ValueError, match="`callbacks` must not replace the optimizer"):
        fit_head(transfer(), (IMAGES, LABELS), epochs=2, callbacks=Replace(), verbose=0)


@pytest.mark.parametrize("train", [fit_head, fine_tune])
@pytest.mark.parametrize("one_hot", [False, True])
def test_callback_finds_direction_of_accuracy_as_in_fit(train, one_hot, tmp_path):
    labels = keras.ops.one_hot(LABELS, 2) if one_hot else LABELS
    kind = keras.losses.CategoricalCrossentropy if one_hot else None
    trained = model()
    if kind is not None:
        trained.compile("adam", kind(from_logits=True), metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=3)
    save = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", "val_accuracy", save_best_only=True, save_weights_only=True
    )
    data = (IMAGES, np.asarray(labels))
    train(trained, data, validation_data=data, epochs=1, callbacks=[stop, save], verbose=0)
    assert stop.monitor_op is save.monitor_op is keras.ops.greater
    assert np.isfinite(stop.best)
    found = trained.evaluate(*data, verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(stop.best, abs=1e-6) or train is fine_tune
