"""Training the head on features equals training the whole model, and changes nothing else."""

import functools

import keras
import numpy as np
import pytest

from catdog_keras import RandomAffine, _backend, fine_tune, fit_head, transfer_model
from catdog_keras._compile import compile_if_needed
from catdog_keras.training import _feature_store as feature_store
from catdog_keras.training._feature_batches import FeatureBatches, FeatureIndex
from catdog_keras.training._feature_extractor import BATCH_SIZE, FeatureExtractor
from catdog_keras.training._model_parts import split_at_head

SHAPE = (8, 8, 3)
COUNT = 40


def backbone(shape=SHAPE, seed=0):
    """A small network whose normalization does something."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(6, 3), keras.layers.BatchNormalization(), keras.layers.ReLU()]
    model = keras.Sequential([keras.Input(shape), *layers], name="small")
    generator = np.random.default_rng(seed)
    for variable in model.layers[1].weights:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return model


def small_model(num_classes=2, **arguments):
    arguments = {"preprocessing": "signed", "dropout": 0.0} | arguments
    return transfer_model(backbone(), SHAPE, num_classes, **arguments)


def make_images(count=COUNT, num_classes=2, shape=SHAPE):
    generator = np.random.default_rng(7)
    images = generator.uniform(0, 255, (count, *shape)).astype("float32")
    return images, (np.arange(count) % num_classes).astype("int32")


def batches(size, count=COUNT):
    images, labels = make_images(count)
    return [(images[i : i + size], labels[i : i + size]) for i in range(0, count, size)]


def train(model, data=None, **arguments):
    data = make_images() if data is None else data
    return fit_head(model, data, **({"epochs": 2, "verbose": 0} | arguments)).history


def values(variables):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables if "seed" not in v.path]


def count_computed_images(monkeypatch, rows=None):
    """Counts the images that the backbone sees, by whether they are augmented.

    Features are appended to `rows`.
    """
    counts = {False: 0, True: 0}
    compute = FeatureExtractor.compute

    def counting(self, images, *, augmented):
        counts[augmented] += len(images)
        features = compute(self, images, augmented=augmented)
        if rows is not None:
            rows.extend(features)
        return features

    monkeypatch.setattr(FeatureExtractor, "compute", counting)
    return counts


def test_fit_head_matches_fit_of_whole_model():
    # One batch per epoch and no dropout leave nothing to chance but the rounding of folding.
    data = batches(COUNT)
    whole, head = small_model(), small_model()
    head.set_weights(whole.get_weights())
    compile_if_needed(whole, data[0])
    expected = whole.fit(*data[0], batch_size=COUNT, epochs=5, verbose=0).history
    found = train(head, data, epochs=5, validation_data=data)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)
    np.testing.assert_allclose(found["accuracy"], expected["accuracy"], rtol=1e-6)
    for one, other in zip(values(head.weights), values(whole.weights), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    judged = head.evaluate(*data[0], verbose=0, return_dict=True)
    np.testing.assert_allclose(judged["loss"], found["val_loss"][-1], rtol=1e-4)


def test_fit_head_changes_head_but_not_backbone():
    model = small_model(augmentation=RandomAffine("horizontal"))
    before = values(model.get_layer("small").variables)
    head = values(model.get_layer("logits").variables)
    train(model, num_views=2)
    for was, now in zip(before, values(model.get_layer("small").variables), strict=True):
        np.testing.assert_array_equal(now, was)
    assert all(
        (was != now).any()
        for was, now in zip(head, values(model.get_layer("logits").variables), strict=True)
    )


@pytest.mark.parametrize("unfreeze", [0.4, 1.0])
def test_fit_head_after_fine_tune_trains_the_head_alone(unfreeze):
    model = small_model()
    fine_tune(model, make_images(), epochs=1, unfreeze=unfreeze, verbose=0)
    tuned = values(model.get_layer("small").variables)
    head = values(model.get_layer("logits").variables)
    losses = train(model, epochs=3)["loss"]
    for was, now in zip(tuned, values(model.get_layer("small").variables), strict=True):
        np.testing.assert_array_equal(now, was)
    assert (head[0] != values(model.get_layer("logits").variables)[0]).any()
    assert losses[-1] < losses[0]
    assert [each.name for each in model.layers if each.trainable_weights] == ["logits"]
    assert model.fit(*make_images(), epochs=1, verbose=0).history["loss"][0] < losses[0]
    fine_tune(model, make_images(), epochs=1, unfreeze=unfreeze, verbose=0)
    assert (tuned[0] != values(model.get_layer("small").variables)[0]).any()


def test_fit_head_trains_the_head_after_layers_were_frozen():
    model = small_model()
    model.get_layer("small").trainable = True
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(*make_images(), epochs=1, verbose=0)
    model.get_layer("small").trainable = False
    losses = train(model, epochs=3)["loss"]
    assert losses[-1] < losses[0]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert int(model.optimizer.iterations) == 6  # of the head alone


def test_fit_head_is_reproducible_with_same_seed():
    def run(seed):
        turn = RandomAffine("horizontal", zoom=0.2, seed=seed)
        model = small_model(dropout=0.3, augmentation=turn)
        keras.utils.set_random_seed(seed)
        history = train(model, batches(20), num_views=3, cache=False)
        return history["loss"], values(model.weights)[-2]

    (loss, weights), (same_loss, same_weights), (other_loss, _) = run(1), run(1), run(2)
    assert loss == same_loss
    np.testing.assert_array_equal(weights, same_weights)
    assert loss != other_loss


def test_second_fit_head_call_computes_only_uncached_features(monkeypatch):
    def train(model, data, **arguments):
        fit_head(model, data, **{"epochs": 1, "verbose": 0, "cache": True, **arguments})

    counts = count_computed_images(monkeypatch)
    model = small_model()
    images, labels = make_images()
    train(model, (images, labels), validation_data=(images[:4], labels[:4]))
    assert counts == {False: COUNT, True: 0}
    train(model, (images[::-1].copy(), labels[::-1].copy()))  # in another order
    assert counts[False] == COUNT
    changed = images.copy()
    changed[3, 0, 0, 0] += 1
    train(model, (changed, labels))
    assert counts[False] == COUNT + 1
    kernel = model.get_layer("small").layers[0].kernel
    kernel.assign(keras.ops.convert_to_numpy(kernel) * 1.5)
    train(model, (images, labels))
    assert counts[False] == 2 * COUNT + 1
    train(model, (images, labels), cache=False)
    assert counts[False] == 3 * COUNT + 1


def test_cached_features_give_same_losses():
    model = small_model()
    start = model.get_weights()
    losses = []
    for cache in (True, True, False):  # computed, read again, and computed without a cache
        model.set_weights(start)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        keras.utils.set_random_seed(3)
        losses.append(train(model, batches(20), cache=cache)["loss"])
    assert losses[0] == losses[1] == losses[2]


def test_cache_folder_is_reused_only_for_same_model_and_dtype(monkeypatch, tmp_path):
    counts = count_computed_images(monkeypatch)
    expected = train(small_model(), cache=tmp_path / "features")
    assert train(small_model(), cache=tmp_path / "features") == expected
    assert counts[False] == COUNT
    train(small_model(preprocessing="unit"), cache=tmp_path / "features")
    assert counts[False] == 2 * COUNT
    train(small_model(), cache=str(tmp_path / "features"), dtype="bfloat16")
    assert counts[False] == 3 * COUNT


def test_damaged_cache_records_are_recomputed(monkeypatch, tmp_path):
    expected = train(small_model(), cache=tmp_path)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 255  # the last record is damaged, and before that the tenth is
    content[10 * len(content) // COUNT - 1] ^= 255
    file.write_bytes(content[: -len(content) // COUNT // 2] + content[-1:])
    counts = count_computed_images(monkeypatch)
    assert train(small_model(), cache=tmp_path) == expected
    assert counts[False] == 2
    assert train(small_model(), cache=tmp_path) == expected
    assert counts[False] == 2


def test_fit_head_raises_when_cache_folder_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="`cache` must be a readable and writable folder"):
        train(small_model(), cache=tmp_path / "file" / "folder")


def test_features_beyond_memory_limit_are_cached_in_temporary_file(monkeypatch):
    model = small_model()
    keras.utils.set_random_seed(1)
    expected = train(model, batches(20), validation_data=batches(20), cache=True)
    monkeypatch.setattr(feature_store, "MEMORY_BYTES", 10 * 6 * 4)  # ten images of six features
    counts = count_computed_images(monkeypatch)
    model = small_model()
    keras.utils.set_random_seed(1)
    assert train(model, batches(20), validation_data=batches(20), cache=True) == expected
    assert counts[False] == COUNT
    train(model, batches(20), epochs=1, cache=True)
    assert counts[False] == COUNT + COUNT - 10  # the file was deleted after the first call


def test_num_views_computes_distinct_augmented_views(monkeypatch):
    rows = []
    counts = count_computed_images(monkeypatch, rows)
    model = small_model(augmentation=RandomAffine("horizontal", rotation_degrees=30))
    train(model, num_views=3, epochs=1)
    assert counts == {False: COUNT, True: 2 * COUNT}
    assert len({row.tobytes() for row in rows}) == 3 * COUNT


def test_feature_batches_yield_each_image_once_per_epoch_in_random_view():
    store = feature_store.FeatureStore((2,))
    keys = [[bytes([image, view]) for view in range(3)] for image in range(COUNT)]
    for key in [key for views in keys for key in views]:
        store.add([key], np.array([list(key)], np.float32))
    data = FeatureIndex(keys, np.arange(COUNT), None, batch_size=7)
    batches = FeatureBatches(store, data, seed=0)
    views = set()
    for _ in range(6):
        rows, labels = map(np.concatenate, zip(*(batches[i] for i in range(6)), strict=True))
        assert sorted(labels) == list(range(COUNT))
        assert (labels != np.arange(COUNT)).any()
        np.testing.assert_array_equal(rows[:, 0], labels)
        views |= {tuple(row) for row in rows.astype(int).tolist()}
        batches.on_epoch_end()
    assert len(views) > 2 * COUNT  # six epochs draw most of the 120 views


def test_fit_head_ignores_augmentation_with_one_view():
    plain, augmented = small_model(), small_model(augmentation=RandomAffine("vertical", zoom=0.5))
    augmented.set_weights(plain.get_weights())
    found, expected = train(augmented, batches(COUNT)), train(plain, batches(COUNT))
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-6)


@pytest.mark.parametrize("num_classes", [1, 7])
def test_fit_head_reduces_loss_with_1_or_7_classes(num_classes):
    images, labels = make_images(num_classes=max(num_classes, 2))
    history = train(small_model(num_classes), (images, labels), epochs=3)
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]
    assert 0 <= history["accuracy"][-1] <= 1


def test_single_logit_accuracy_uses_threshold_zero():
    model = small_model(1)
    model.get_layer("logits").set_weights([np.zeros((6, 1)), np.array([0.3])])
    labels = np.ones(COUNT, "int32")
    labels[0] = 0
    history = train(model, (make_images()[0], labels), epochs=1)
    # With a threshold of 0.5 it would be 1 / COUNT.
    np.testing.assert_allclose(history["accuracy"], [1 - 1 / COUNT], rtol=1e-6)


def test_grayscale_model_accepts_grayscale_and_rejects_rgb_images():
    shape = (8, 8, 1)
    model = transfer_model(backbone(shape), shape, preprocessing="unit")
    assert np.isfinite(train(model, make_images(shape=shape))["loss"]).all()
    with pytest.raises(ValueError, match=r"images of shape \(batch, 8, 8, 1\).*number of channels"):
        train(model)


@functools.cache
def float32_losses(epochs):
    return train(small_model(), batches(20), epochs=epochs)["loss"]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_fit_head_with_mixed_precision_matches_float32_losses(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = small_model()
    finally:
        keras.config.set_dtype_policy(before)
    found = train(model, batches(20), epochs=3)
    np.testing.assert_allclose(found["loss"], float32_losses(3), rtol=0.05)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}


def test_bfloat16_features_give_losses_close_to_float32():
    expected = train(small_model(), batches(COUNT))["loss"]
    found = train(small_model(), batches(COUNT), dtype="bfloat16")["loss"]
    assert found != expected
    np.testing.assert_allclose(found, expected, rtol=0.02)


class _Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return batches(8)[index]


def as_tf_data():
    from tensorflow.data import Dataset

    return Dataset.from_tensor_slices(make_images()).batch(8)


def test_fit_head_history_is_equal_for_all_data_types():
    def run(data):
        model = small_model()
        keras.utils.set_random_seed(5)
        return train(model, data, epochs=1)

    expected = run(batches(8))
    for data in (as_tf_data(), _Sequence(), iter(batches(8))):
        assert run(data) == expected, type(data)


def test_fit_head_applies_sample_weights():
    images, labels = make_images()
    weights = np.where(np.arange(COUNT) < 20, 1.0, 0.0).astype("float32")
    weighted = train(small_model(), [(images, labels, weights)], epochs=1)["loss"][0]
    half = train(small_model(), [(images[:20], labels[:20])], epochs=1)["loss"][0]
    np.testing.assert_allclose(2 * weighted, half, rtol=1e-4)  # Keras divides by all images


@pytest.mark.graph
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts traces of TensorFlow")
@pytest.mark.parametrize("metrics", [[], ["accuracy"]])
def test_tensorflow_traces_first_step_once(metrics):
    calls = []

    def loss(labels, logits):
        calls.append(logits)
        return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)

    model = small_model()
    model.compile("adam", loss, metrics=metrics)
    train(model)
    assert len(calls) == 1


def test_fit_head_keeps_optimizer_and_metrics_of_compiled_model():
    model = small_model()
    optimizer = keras.optimizers.SGD(0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["sparse_categorical_crossentropy"])
    before = values(model.trainable_variables)
    history = train(model, batches(8))
    assert set(history) == {"loss", "sparse_categorical_crossentropy"}
    assert model.optimizer is optimizer
    assert int(optimizer.iterations) == 10
    for was, now in zip(before, values(model.trainable_variables), strict=True):
        np.testing.assert_array_equal(now, was)  # a rate of zero is a rate of zero


def test_callbacks_receive_whole_model_and_can_stop_training(tmp_path):
    model = small_model()

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert self.model is model
            self.model.stop_training = epoch == 1

    callbacks = [
        Stop(),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
    ]
    history = fit_head(model, make_images(), epochs=9, callbacks=callbacks, verbose=0)
    assert history.epoch == [0, 1]
    assert history.model is model
    saved = keras.saving.load_model(tmp_path / "2.keras")
    for expected, found in zip(model.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def custom_functional_model():
    """A model as the public tutorials build it, with Keras's own layers and operations."""
    inputs = keras.Input(SHAPE)
    turned = keras.Sequential([keras.layers.RandomFlip("horizontal")])(inputs)
    frozen = backbone()
    frozen.trainable = False
    x = frozen(turned / 127.5 - 1, training=False)
    x = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Dense(5, "relu")(x)))


def custom_sequential_model():
    frozen = backbone()
    frozen.trainable = False
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Rescaling(1 / 255),
            frozen,
            keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)]),
        ]
    )


class _Subclassed(keras.Model):
    """A backbone that is not a graph of layers."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.convolution = keras.layers.Conv2D(4, 3)

    def call(self, inputs):
        return self.convolution(inputs)


@pytest.mark.parametrize(
    "build",
    [
        custom_functional_model,
        custom_sequential_model,
        lambda: transfer_model(_Subclassed(), SHAPE),
    ],
)
def test_fit_head_supports_custom_models(build):
    model = build()
    frozen = values(v for layer in model.layers if not layer.trainable for v in layer.variables)
    assert frozen
    options = {"validation_data": batches(COUNT), "restore_best_weights": False}
    history = train(model, batches(20), **options)
    judged = model.evaluate(*make_images(), verbose=0, return_dict=True)
    np.testing.assert_allclose(judged["loss"], history["val_loss"][-1], rtol=1e-4)
    after = values(v for layer in model.layers if not layer.trainable for v in layer.variables)
    for was, now in zip(frozen, after, strict=True):
        np.testing.assert_array_equal(now, was)


class _Unfaithful(keras.layers.Conv2D):
    """A layer whose own constructor refuses its config."""

    def get_config(self):
        return {**super().get_config(), "patch_size": 3}


def test_backbone_layer_with_invalid_config_trains_but_rejects_dtype():
    frozen = keras.Sequential([keras.Input(SHAPE), _Unfaithful(4, 3)])
    model = transfer_model(frozen, SHAPE)
    history = train(model, batches(8), validation_data=batches(8))
    judged = model.evaluate(*make_images(), verbose=0, return_dict=True)
    np.testing.assert_allclose(judged["loss"], history["val_loss"][-1], rtol=1e-5)
    with pytest.raises(ValueError, match="`dtype` must be None for a backbone with layers that"):
        train(model, dtype="bfloat16")


def test_split_at_head_returns_preprocessing_backbone_and_head():
    split = split_at_head(
        small_model(dropout=0.2, augmentation=RandomAffine("horizontal", name="turn"))
    )
    assert [layer.name for layer in split.head.layers[1:]] == ["dropout", "logits"]
    assert split.backbone.output_shape == (None, 6)
    assert [layer.name for layer in split.before.layers[1:]] == ["turn", "preprocessing"]
    assert split.is_random


def branching_model():
    inputs = keras.Input(SHAPE)
    frozen = backbone()
    frozen.trainable = False
    flat = keras.layers.Flatten()
    return keras.Model(
        inputs, keras.layers.Dense(2)(flat(frozen(inputs))) + keras.layers.Dense(2)(flat(inputs))
    )


def model_with_unfrozen_backbone():
    model = small_model()
    model.get_layer("small").trainable = True
    return model


def fully_frozen_model():
    model = small_model()
    model.trainable = False
    return model


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (
            model_with_unfrozen_backbone,
            "No layer before 'small', the first trained layer, is frozen. To train the head "
            "alone, set `model.get_layer('small').trainable = False`; to train more layers, use "
            "`fine_tune` or `model.fit`.",
        ),
        (fully_frozen_model, "All of its weights are frozen."),
    ],
)
def test_fit_head_rejects_model_without_frozen_backbone_and_head(build, found):
    model = build()
    with pytest.raises(ValueError, match="a frozen backbone") as caught:
        train(model)
    assert str(caught.value) == (
        f"`model` must be a frozen backbone with a head to train after it; received model={model!r}. "
        f"{found} `transfer_model` builds such models."
    )


def test_fit_head_rejects_multiple_tensors_from_frozen_layers():
    with pytest.raises(ValueError, match="More than one tensor connects its frozen layers"):
        train(branching_model())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "`epochs` must be an integer of at least 1; received epochs=0."),
        ({"num_views": 0}, ValueError, "`num_views` must be an integer from 1 to 255; received num_views=0."),
        ({"num_views": 2}, ValueError, "`num_views` must be 1 for a model without augmentation before its backbone; received num_views=2."),
        ({"cache": 3}, TypeError, "`cache` must be True, False or the path of a folder; received cache=3."),
        ({"dtype": "float13"}, ValueError, "`dtype` must be a dtype or a policy, such as 'mixed_bfloat16', or None; received dtype='float13'."),
        ({"steps_per_epoch": 3}, TypeError, "`steps_per_epoch` is not an argument of fit_head. Use `train.take(steps)` of a `tf.data.Dataset`."),
        ({"data": "cats"}, TypeError, "`train` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received train='cats'."),
        ({"data": []}, ValueError, "`train` must hold at least one image; received an empty dataset."),
        ({"data": [np.zeros((2, *SHAPE))]}, ValueError, "`train` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received a batch that is of type ndarray."),
        ({"data": [(np.zeros((2, 9, 8, 3)), [0, 1])]}, ValueError, "`train` must hold images of shape (batch, 8, 8, 3), the input shape of the model; received shape (2, 9, 8, 3). Load the images with image_size=(8, 8), or build the model for these images."),
        ({"data": [(np.zeros((2, *SHAPE)), [0])]}, ValueError, "`train` must have a label for each image; received 2 images and labels of shape (1,)."),
        ({"data": [(np.zeros((3, *SHAPE)), [0, 5, 1])]}, ValueError, "`train` must contain labels that the loss of 'transfer_small' accepts. A label is 5, and the model's classes go from 0 to 1. Build the model with num_classes=6, or check the label."),
        ({"data": [(np.zeros((2, *SHAPE)), np.eye(3))]}, ValueError, "`train` must have a label for each image;"),
        ({"data": [(np.zeros((3, *SHAPE)), np.eye(3))]}, ValueError, "`train` must contain labels that the loss of 'transfer_small' accepts."),
        ({"backup": "best.keras"}, ValueError, "`backup` must be a file for the training state, not for a model; received backup='best.keras'. Choose another ending. `model.save` saves the model."),
        ({"validation_data": [(np.zeros((2, *SHAPE)), [0, -1])]}, ValueError, "`validation_data` must contain labels that the loss of 'transfer_small' accepts. A label is -1,"),
        ({"validation_data": 3}, TypeError, "`validation_data` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received validation_data=3."),
    ],
)  # fmt: skip
def test_fit_head_rejects_invalid_arguments(arguments, error, message):
    with pytest.raises(error) as caught:
        train(small_model(), **arguments)
    assert str(caught.value).startswith(message)


def custom_loss(truth, logits):
    return keras.ops.mean(logits, axis=-1) * truth


def test_custom_loss_accepts_arbitrary_labels():
    model = small_model()
    model.compile("sgd", custom_loss)
    assert len(train(model, [(np.zeros((2, *SHAPE)), [7.5, -2.0])])["loss"]) == 2


def rows_as_dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(rows_as_arrays()).batch(4)


def rows_as_arrays():
    images, labels = make_images()
    return images, np.eye(2, dtype="float32")[labels]


class RowsInBatches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        images, rows = rows_as_arrays()
        return images[index * 6 : index * 6 + 6], rows[index * 6 : index * 6 + 6]


@pytest.mark.parametrize(
    "make", [rows_as_arrays, rows_as_dataset, RowsInBatches, lambda: [rows_as_arrays()]]
)
def test_model_is_compiled_with_the_loss_for_rows_of_labels(make):
    model = small_model()
    train(model, make(), validation_data=make(), epochs=1)
    assert isinstance(model.loss, keras.losses.CategoricalCrossentropy)


def test_binary_loss_accepts_probabilities_as_labels():
    """As MixUp makes of `label_mode="binary"`, and as distillation needs."""
    model = small_model(1)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    images, _ = make_images(2)
    assert len(train(model, [(images, [[0.25], [0.8]])], epochs=1)["loss"]) == 1
    with pytest.raises(ValueError, match=r"A label is 1\.5, which is not a class"):
        train(model, [(images, [0.25, 1.5])])


def test_fit_head_rejects_infinite_dataset():
    data = as_tf_data().repeat()
    with pytest.raises(ValueError, match=r"`train` must be finite; received train=.*`repeat\(\)`"):
        train(small_model(), data)


def test_backbone_predicts_with_single_batch_size(monkeypatch):
    sizes = set()
    predict = keras.Model.predict_on_batch
    monkeypatch.setattr(
        keras.Model,
        "predict_on_batch",
        lambda self, x: sizes.add(len(x)) or predict(self, x),
    )
    train(small_model(), batches(7), validation_data=batches(3))
    assert sizes == {BATCH_SIZE}


def test_fit_head_trains_whole_model_when_devices_share_batches(monkeypatch):
    monkeypatch.setattr(_backend, "requires_tf_data", lambda _: True)
    model = small_model()
    with pytest.warns(UserWarning, match="`num_views`, `dtype` and `cache` have no effect") as seen:
        history = fit_head(model, as_tf_data(), epochs=1, dtype="bfloat16", verbose=0)
    # NumPy may warn of Keras's conversion of PyTorch tensors, too.
    ours = [each for each in seen if "`num_views`" in str(each.message)]
    assert [each.filename for each in ours] == [__file__]
    assert list(history.history) == ["accuracy", "loss"]
    assert history.model is model
