"""Each problem gives exactly one finding, and correct pipelines give none."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import (
    AugmentationPipeline,
    ConvBlock,
    Preprocessing,
    RandomAffine,
    RandomApply,
    build_model1,
    build_model2,
    build_model3,
    check_pipeline,
    transfer_model,
)
from catdog_keras.diagnostics._pipeline_report import FINDINGS

ON_TENSORFLOW = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="what networks want is the same everywhere"
)
SHAPE = (16, 16, 3)
LABELS = np.array([0, 1, 1, 0])


def make_images(high=255.0, low=0.0, shape=SHAPE, count=4):
    return np.random.default_rng(0).uniform(low, high, (count, *shape)).astype("float32")


def network(*front, outputs=2, activation=None, shape=SHAPE):
    return keras.Sequential(
        [
            keras.Input(shape),
            *front,
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(outputs, activation=activation),
        ],
        name="net",
    )


def scaling(*front, **arguments):
    return network(layers.Rescaling(1 / 255, name="scale"), *front, **arguments)


def compiled(model, loss):
    model.compile("sgd", loss)
    return model


def binary():
    return keras.losses.BinaryCrossentropy(from_logits=True)


def sparse(from_logits=True):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def names(images, model, labels=LABELS, **options):
    return check_pipeline([(images, labels)], model, **options).names


TORCH, CAFFE = Preprocessing("imagenet_torch"), Preprocessing("imagenet_caffe")


def preprocessed_images(layer):
    return keras.ops.convert_to_numpy(layer(make_images()))


@functools.cache
def application_model(name="MobileNetV2"):
    constructor = getattr(keras.applications, name)
    return constructor(include_top=False, pooling="avg", weights=None, input_shape=(32, 32, 3))


@pytest.mark.parametrize(
    ("make", "images", "expected"),
    [
        (scaling, make_images(1.0), "scaled_twice"),
        (scaling, make_images(1.0, -1.0), "scaled_twice"),
        (scaling, preprocessed_images(TORCH), "scaled_twice"),
        (scaling, preprocessed_images(CAFFE), "scaled_twice"),
        (scaling, make_images(1 / 255), "scaled_twice"),
        (network, make_images(1 / 255), "scaled_twice"),
        (network, make_images(1 / 127.5) - 1, "scaled_twice"),
        (lambda: scaling(layers.Rescaling(1 / 255)), make_images(), "scaled_twice"),
        (network, make_images(), "never_scaled"),
        (network, make_images().astype("uint8"), "never_scaled"),
        (network, make_images(2.9).astype("uint8"), "never_scaled"),
        (scaling, make_images(2.6, -1.7), "scaled_twice"),
        (lambda: network(layers.Rescaling(2.0, offset=-1)), make_images(), "never_scaled"),
        (lambda: network(layers.Rescaling(2.0, offset=-1)), make_images(1.0, -1.0), "wrong_range"),
        (scaling, make_images(65535.0), "wrong_range"),
        (scaling, np.full((4, *SHAPE), np.nan), "not_finite"),
        (scaling, make_images(shape=(16, 17, 3)), "wrong_shape"),
        (scaling, make_images(shape=(16, 16, 1)), "wrong_shape"),
        (scaling, make_images(shape=(3, 16, 16)), "wrong_shape"),
        (scaling, make_images()[0], "not_batched"),
        (scaling, make_images(count=0), "no_images"),
        (lambda: scaling(layers.RandomBrightness(0.1)), make_images(), "augmentation_range"),
        (
            lambda: network(layers.RandAugment(value_range=(0, 1)), layers.Rescaling(1 / 255)),
            make_images(),
            "augmentation_range",
        ),
        (
            lambda: scaling(layers.Pipeline([layers.RandomContrast(0.1)])),
            make_images(),
            "augmentation_range",
        ),
        (
            lambda: scaling(RandomApply(AugmentationPipeline([layers.RandomContrast(0.1)]))),
            make_images(),
            "augmentation_range",
        ),
        (
            lambda: scaling(keras.Sequential([layers.RandomHue(0.1)])),
            make_images(),
            "augmentation_range",
        ),
    ],
)
def test_invalid_images_are_reported(make, images, expected):
    assert names(images, make()) == (expected,)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (make_images(shape=(32, 32, 3)), ("never_scaled",)),
        (make_images(1.0, shape=(32, 32, 3)), ("wrong_range",)),
        (make_images(1.0, -1.0, shape=(32, 32, 3)), ()),
    ],
)
@ON_TENSORFLOW
def test_keras_application_requires_its_training_range(image, expected):
    assert names(image, application_model()) == expected


@ON_TENSORFLOW
def test_keras_application_after_wrong_rescaling_is_reported():
    images = keras.Input((32, 32, 3))
    model = keras.Model(
        images, application_model("VGG16")(layers.Rescaling(1 / 255, name="mine")(images))
    )
    report = check_pipeline([(make_images(shape=(32, 32, 3)), LABELS)], model)
    assert str(report) == (
        "1 finding in 4 images and the model:\n"
        "  wrong_range: The model scales in 'mine', which makes [0, 1] of [0, 255]; 'vgg16' was "
        "trained on [-123.7, 151.1]. Remove these layers. Put "
        'catdog_keras.Preprocessing("imagenet_caffe") in front of the network.'
    )


@pytest.mark.parametrize(
    ("make", "labels", "options", "expected"),
    [
        (lambda: scaling(), [0, 1, -1, 1], {}, "labels_outside"),
        (lambda: scaling(), [0.5, 1, 0, 1], {}, "labels_outside"),
        (lambda: compiled(scaling(outputs=1), binary()), [0.5, 1, 0, 1.5], {}, "labels_outside"),
        (lambda: compiled(scaling(outputs=1), binary()), [0.5, 1, 0, np.nan], {}, "labels_outside"),
        (lambda: scaling(), [1, 2, 2, 1], {}, "labels_outside"),
        (lambda: scaling(), [0, 7, 1, 1], {}, "labels_outside"),
        (lambda: scaling(outputs=4), [0, 3, 1, 1], {"class_names": ["a", "b"]}, "labels_outside"),
        (lambda: scaling(outputs=3), np.eye(2)[LABELS], {}, "labels_outside"),
        (lambda: scaling(), [0, 1, 2, 2], {}, "too_few_outputs"),
        (lambda: scaling(), np.eye(3)[LABELS], {}, "too_few_outputs"),
        (lambda: scaling(), LABELS, {"class_names": ["a", "b", "c"]}, "too_few_outputs"),
        (lambda: compiled(scaling(outputs=1), sparse()), LABELS, {}, "too_few_outputs"),
        (lambda: compiled(scaling(), sparse()), np.eye(2)[LABELS], {}, "one_hot_labels"),
        (
            lambda: compiled(
                scaling(outputs=1, activation="sigmoid"), keras.losses.BinaryCrossentropy()
            ),
            np.eye(2)[LABELS],
            {},
            "one_hot_labels",
        ),
        (
            lambda: compiled(scaling(activation="softmax"), "categorical_crossentropy"),
            LABELS,
            {},
            "integer_labels",
        ),
        (
            lambda: compiled(scaling(), keras.losses.BinaryCrossentropy(from_logits=True)),
            LABELS,
            {},
            "integer_labels",
        ),
        (lambda: compiled(scaling(activation="softmax"), sparse()), LABELS, {}, "from_logits"),
        (lambda: compiled(scaling(), sparse(from_logits=False)), LABELS, {}, "from_logits"),
        (lambda: compiled(scaling(), "sparse_categorical_crossentropy"), LABELS, {}, "from_logits"),
        (
            lambda: compiled(build_model1((46, 46, 3)), "sparse_categorical_crossentropy"),
            LABELS,
            {},
            "from_logits",
        ),
        (
            lambda: compiled(keras.Sequential([scaling(), layers.Softmax()]), sparse()),
            LABELS,
            {},
            "from_logits",
        ),
        (
            lambda: compiled(
                scaling(outputs=1, activation="sigmoid"),
                keras.losses.BinaryCrossentropy(from_logits=True),
            ),
            LABELS,
            {},
            "from_logits",
        ),
    ],
)
def test_wrong_labels_outputs_and_losses_are_reported(make, labels, options, expected):
    model = make()
    shape = model.inputs[0].shape[1:]
    assert names(make_images(shape=shape), model, np.asarray(labels), **options) == (expected,)


def test_every_finding_has_a_case_and_is_in_the_docstring():
    tests = test_invalid_images_are_reported, test_wrong_labels_outputs_and_losses_are_reported
    cases = {case[-1] for test in tests for case in test.pytestmark[0].args[1]}
    separate = {"no_labels", "not_images", "labels_not_numbers", "unequal_lengths"}
    separate |= {"identical_images", "single_class", "class_order"}
    assert {*FINDINGS} == cases | separate
    for name in FINDINGS:
        assert f"`{name}`" in check_pipeline.__doc__


@pytest.mark.parametrize("labels", [[0, 1], [], [[0, 1, 0]]])
def test_batch_without_one_label_per_image_is_reported(labels):
    batch = (make_images(count=3), np.array(labels))
    (finding,) = [
        each for each in check_pipeline([batch], scaling()).findings if "lengths" in each.name
    ]
    assert f"(3, 16, 16, 3) and labels of shape {batch[1].shape}" in finding.problem


def test_dataset_of_empty_batches_is_reported():
    batch = (make_images(count=3)[:0], np.array([]))
    assert check_pipeline([batch], scaling()).names == ("no_images",)


def test_dataset_without_labels_is_reported():
    assert check_pipeline([make_images()], scaling()).names == ("no_labels",)


def test_array_without_labels_is_read_as_batches_of_images():
    report = check_pipeline(make_images(count=40), scaling(), batches=1)
    assert report.names == ("no_labels",)
    assert "in 32 images" in str(report)


RIGHT = {
    "model1": lambda: build_model1((46, 46, 3)),
    "model2": lambda: build_model2((46, 46, 3)),
    "model3": lambda: build_model3((46, 46, 3)),
    "model3, more augmentation": lambda: build_model3(
        (46, 46, 3), augmentation=keras.Sequential([RandomAffine(), layers.RandomBrightness(0.1)])
    ),
    "transfer": lambda: transfer_model("synthetic_small", (46, 46, 3), weights=None),
    "rescaling": lambda: scaling(
        layers.RandomBrightness(0.1, value_range=(0, 1)), shape=(46, 46, 3)
    ),
}
GIVEN = {
    "floats": make_images(shape=(46, 46, 3)),
    "bytes": make_images(shape=(46, 46, 3)).astype("uint8"),
    "integers": make_images(shape=(46, 46, 3)).astype("int64"),
    "dark": make_images(12.0, shape=(46, 46, 3)),
    "bright": make_images(255.0, 240.0, shape=(46, 46, 3)),
    "one": make_images(shape=(46, 46, 3), count=1),
    "grey": np.repeat(make_images(shape=(46, 46, 1)), 3, axis=-1),
    "black and white": np.rint(make_images(1.0, shape=(46, 46, 3))) * 255,
    "black": np.zeros((2, 46, 46, 3), "float32"),
    "black bytes": np.zeros((2, 46, 46, 3), "uint8"),
    "cubic": make_images(262.0, -9.0, shape=(46, 46, 3)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_correct_pipelines_have_no_findings_and_print_nothing(name, capsys):
    model = compiled(RIGHT[name](), sparse())
    for kind, images in GIVEN.items():
        report = check_pipeline([(images, LABELS[: len(images)])], model, class_names=["a", "b"])
        assert not report, (kind, str(report))
        assert str(report) == (f"No problems found in {len(images)} images and the model.")
        report.raise_findings()
    assert capsys.readouterr().out == ""


def test_dark_8bit_images_are_not_reported_as_scaled_twice():
    model = network(layers.Rescaling(2.0, offset=-1))
    assert names(np.rint(make_images(1.0)) / 255, model) == ()
    assert names(make_images(1.0) / 255, model) == ("scaled_twice",)


def test_images_of_only_zeros_and_ones_are_not_reported():
    assert names(np.rint(make_images(1.0)), scaling()) == ()


def test_model_with_early_batch_norm_needs_no_rescaling():
    assert names(make_images(), network(layers.Conv2D(4, 1), layers.BatchNormalization())) == ()
    assert names(make_images(), network(ConvBlock(4, pool_size=1))) == ()
    plain = network(ConvBlock(4, pool_size=None, normalization=None))
    assert names(make_images(), plain) == ("never_scaled",)


def test_labels_that_start_at_1_get_remedy_to_subtract_1():
    (finding,) = check_pipeline([(make_images(), LABELS + 1)], scaling())
    assert finding.remedy == "Subtract 1 from the labels."


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v2",
        "vgg16",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("resnet", "densenet", "efficientnet")),
    ],
)
@ON_TENSORFLOW
def test_keras_application_with_its_preprocessing_has_no_findings(name):
    module = getattr(keras.applications, name)
    constructor = {
        "resnet": "ResNet50",
        "densenet": "DenseNet121",
        "efficientnet": "EfficientNetB0",
    }
    model = application_model(
        constructor.get(name, {"mobilenet_v2": "MobileNetV2", "vgg16": "VGG16"}.get(name))
    )
    for high in (255.0, 60.0):
        images = np.concatenate([np.zeros((1, 32, 32, 3)), make_images(high, shape=(32, 32, 3))])
        images = module.preprocess_input(images.astype("float32"))
        assert names(images, model, np.zeros(5)) == ()


def test_matching_labels_and_losses_have_no_findings():
    one_hot = np.eye(2)[LABELS]
    categorical = keras.losses.CategoricalCrossentropy(from_logits=True)
    sigmoid = {"outputs": 1, "activation": "sigmoid"}
    for model, labels in (
        (compiled(scaling(), categorical), one_hot),
        (compiled(scaling(), categorical), 0.9 * one_hot + 0.05),  # smoothed, or mixed
        (compiled(scaling(outputs=1), binary()), 0.9 * LABELS + 0.05),
        (compiled(scaling(**sigmoid), "binary_crossentropy"), LABELS),
        (compiled(scaling(**sigmoid), "binary_crossentropy"), LABELS[:, None].astype("float32")),
        (compiled(scaling(activation="softmax"), "sparse_categorical_crossentropy"), LABELS),
        (compiled(scaling(), lambda true, predicted: predicted), LABELS),
        (compiled(scaling(outputs=5), sparse()), LABELS),
        (scaling(outputs=1), LABELS),
    ):
        assert names(make_images(), model, labels) == ()


def test_check_pipeline_accepts_any_dataset_and_limits_batches():
    import tensorflow as tf

    taken = []

    def endless():
        while True:
            taken.append(1)
            yield make_images(), LABELS, np.ones(4)

    assert check_pipeline(endless(), scaling()).num_images == 16
    assert len(taken) == 4
    dataset = tf.data.Dataset.from_tensor_slices((make_images(count=5), np.zeros(5, "int32")))
    assert check_pipeline(dataset.batch(2).repeat(), scaling(), batches=3).num_images == 5
    assert check_pipeline(dataset, scaling()).names == ("not_batched",)
    tensors = keras.ops.convert_to_tensor(make_images()), keras.ops.convert_to_tensor(LABELS)
    assert not check_pipeline([tensors], scaling())


def test_multiple_findings_are_reported_together_with_remedies():
    model = compiled(scaling(outputs=2, activation="softmax"), sparse())
    report = check_pipeline([(make_images(1.0), [0, 1, 2, 2])], model)
    assert report.names == ("scaled_twice", "too_few_outputs", "from_logits")
    assert [finding.name for finding in report] == list(report.names)
    lines = str(report).splitlines()
    assert lines[0] == "3 findings in 4 images and the model:"
    assert lines[2] == (
        "  too_few_outputs: The labels go up to 2, and the model has 2 outputs. "
        "Build the model with num_classes=3."
    )
    with pytest.raises(ValueError, match="3 findings in 4 images") as caught:
        report.raise_findings()
    assert str(caught.value) == str(report)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": 3}, TypeError, "`model` must be a keras.Model; received model=3."),
        ({"dataset": 3}, TypeError, "`dataset` must be an iterable of batches (images, labels); received dataset=3."),
        ({"batches": 0}, ValueError, "`batches` must be an integer of at least 1; received batches=0."),
        ({"class_names": "cat"}, TypeError, "`class_names` must be a list of distinct class names; received class_names='cat'."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(arguments, error, message):
    with pytest.raises(error) as caught:
        check_pipeline(**{"dataset": [(make_images(), LABELS)], "model": scaling(), **arguments})
    assert str(caught.value) == message


def test_findings_state_image_size_and_labels_of_model():
    model = scaling(shape=(16, 12, 3), outputs=4)
    labels = np.array([0, -1, 2, 1])
    report = check_pipeline([(make_images(), labels)], model)
    remedies = {finding.name: finding.remedy for finding in report}
    assert "image_size=(16, 12)," in remedies["wrong_shape"]
    assert "from 0 to 3:" in remedies["labels_outside"]


def test_findings_cannot_be_changed():
    (finding,) = check_pipeline([(make_images(), LABELS)], network())
    with pytest.raises(dataclasses.FrozenInstanceError):
        finding.name = "other"


def test_sigmoid_for_each_class_with_a_categorical_loss_is_found():
    model = compiled(scaling(activation="sigmoid"), sparse(from_logits=False))
    report = check_pipeline([(make_images(), LABELS)], model)
    assert report.names == ("from_logits",)
    assert "softmax" in report.findings[0].remedy


TEXT = np.array(["a", "b", "b", "a"])


@pytest.mark.parametrize(
    ("batch", "expected", "shown"),
    [
        (lambda x: ({"image": x}, LABELS), ("not_images",), "a dict with 'image'"),
        (lambda x: ((x, x), LABELS), ("not_images",), "a tuple of 2 arrays"),
        (lambda x: (None, LABELS), ("not_images",), "type NoneType"),
        (lambda x: ([[1, 2], [3]], LABELS), ("not_images",), "type list"),
        (lambda x: (x, TEXT), ("labels_not_numbers",), "text"),
        (lambda x: (x, TEXT.astype("S1")), ("labels_not_numbers",), "text"),
        (lambda x: (x, list(TEXT)), ("labels_not_numbers",), "text"),
        (lambda x: (x, {"label": LABELS}), ("labels_not_numbers",), "a dict with 'label'"),
        (lambda x: (x, [LABELS, LABELS]), ("labels_not_numbers",), "a list of 2 arrays"),
        (lambda x: (x, LABELS * 1j), ("labels_not_numbers",), "type ndarray"),
        (lambda x: ({"image": x}, TEXT), ("not_images", "labels_not_numbers"), "text"),
    ],
)
def test_batches_that_are_not_arrays_of_numbers_are_findings(batch, expected, shown):
    report = check_pipeline([batch(make_images())] * 2, scaling())
    assert report.names == expected
    assert shown in report.findings[-1].problem


def test_text_labels_of_tf_data_are_a_finding():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((make_images(), TEXT)).batch(2)
    assert check_pipeline(dataset, scaling()).names == ("labels_not_numbers",)


def test_arrays_are_checked_like_batches():
    assert check_pipeline((make_images(), LABELS), scaling()).names == ()


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        (np.zeros((8, *SHAPE), "uint8"), np.arange(8) % 2, ("identical_images",)),
        (np.repeat(make_images(count=1), 8, axis=0), np.arange(8) % 2, ("identical_images",)),
        (make_images(count=32), np.zeros(32), ("single_class",)),
        (make_images(count=32), np.eye(2)[[1] * 32], ("single_class",)),
        (make_images(count=8), np.zeros(8), ()),
        (make_images(count=32), np.arange(32) == 7, ()),
    ],
)
def test_images_and_labels_without_differences_are_reported(images, labels, expected):
    assert names(images, scaling(), labels) == expected
