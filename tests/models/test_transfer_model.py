"""Transfer models: frozen layers stay frozen, and inputs are scaled as the weights expect."""

import dataclasses
import inspect
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from catdog_keras import (
    BACKBONES,
    Preprocessing,
    RandomAffine,
    WeightsNotFoundError,
    build_model1,
    build_model2,
    build_model3,
    transfer_model,
)
from catdog_keras.models._backbone_names import find_backbone_name
from catdog_keras.models._backbones import _models_folder, build_backbone
from tests.arrays import copy_values

SMALL = (32, 32, 3)


def small_backbone():
    return keras.Sequential(
        [
            keras.Input(SMALL),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
        ],
        name="small",
    )


APPLICATIONS = [name for name, known in BACKBONES.items() if known.weights == "imagenet"]


def constructors():
    """Everything in `keras.applications` that builds a network without its classifier."""
    return {
        name
        for name, value in vars(keras.applications).items()
        if inspect.isfunction(value) and "include_top" in inspect.signature(value).parameters
    }


def test_backbones_contain_every_keras_application():
    assert len(constructors()) == 40
    built = [BACKBONES[name].builder.func.__name__ for name in APPLICATIONS]
    assert sorted(built) == sorted(constructors())
    assert list(BACKBONES) == sorted(BACKBONES)
    assert [name for name in BACKBONES if name not in APPLICATIONS] == ["synthetic_small"]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_backbone_rejects_images_below_minimum_size(name):
    if name == "nasnet_mobile" and keras.backend.backend() == "torch":
        pytest.skip("Keras has no NASNet of small images on PyTorch")
    known = BACKBONES[name]
    shape = (known.minimum_size, known.minimum_size - 1, 3)
    with pytest.raises(ValueError, match=f"at least {known.minimum_size}x{known.minimum_size}"):
        known.builder(weights=None, input_shape=shape)


# One for each kind of preprocessing; the slow tests build the others, in a minute.
FAST = ("mobilenet_v2", "mobilenet_v3_small", "synthetic_small", "vgg16")
# The smallest of each other family; the larger ones are built by the same functions.
SMALLEST = ("convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_b0", "inception_v3",
            "inception_resnet_v2", "mobilenet", "nasnet_mobile", "resnet50", "resnet50_v2",
            "xception")  # fmt: skip
OTHERS = [name for name in BACKBONES if name not in (*FAST, *SMALLEST)]


@pytest.mark.parametrize(
    "name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SMALLEST)]
)
def test_transfer_model_builds_backbone_of_each_family(name):
    if keras.backend.backend() != "tensorflow" and name not in ("mobilenet_v2", "synthetic_small"):
        pytest.skip("the table is the same under each backend")
    side = BACKBONES[name].minimum_size
    model = transfer_model(name, (side, side, 3), 3, weights=None)
    assert model.get_layer("dropout").input.shape == (None, BACKBONES[name].features)
    head = model.get_layer("logits")
    assert [w.path for w in model.trainable_variables] == [w.path for w in head.variables]
    assert model.count_params() - head.count_params() == BACKBONES[name].parameters
    if name in FAST:
        extremes = np.stack([np.zeros((side, side, 3)), np.full((side, side, 3), 255)])
        logits = keras.ops.convert_to_numpy(model(extremes))
        assert logits.shape == (2, 3)
        assert np.isfinite(logits).all()


@pytest.fixture
def no_random_values(monkeypatch):
    """Hundreds of millions of random weights take longer than the networks that have them."""
    for kind in (keras.initializers.VarianceScaling, keras.initializers.TruncatedNormal):
        monkeypatch.setattr(kind, "__call__", lambda self, *given, **_: keras.ops.zeros(*given))


@pytest.mark.slow
@pytest.mark.usefixtures("no_random_values")
@pytest.mark.parametrize("name", OTHERS)
def test_larger_backbone_has_the_stated_parameters_and_features(name):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the table is the same under each backend")
    known = BACKBONES[name]
    backbone = build_backbone(name, (known.minimum_size, known.minimum_size, 3), None)
    assert backbone.output.shape[-1] == known.features
    assert backbone.count_params() == known.parameters


def test_facts_name_the_size_of_the_published_weights():
    # Of networks that are quick to build with their classifier.
    for name in ("mobilenet_v2", "efficientnet_b1", "mobilenet_v3_small"):
        network = BACKBONES[name].builder.func(weights=None)
        sides = {BACKBONES[name].image_size, None}  # MobileNetV3 takes every size
        assert network.input_shape[1] in sides


def test_published_accuracies_are_those_of_all_networks_of_keras():
    for name, known in BACKBONES.items():
        assert (known.top1 is None) is (name == "synthetic_small")
        assert known.top1 is None or 60 < known.top1 < 90


def test_names_of_keras_are_known_spellings():
    for name in APPLICATIONS:
        network = BACKBONES[name].builder.func.__name__
        for spelling in (network, network.lower(), name.upper(), name.replace("_", "-")):
            assert find_backbone_name(spelling, BACKBONES) == name


def test_alpha_scales_the_filters_of_a_mobilenet():
    whole, half = (
        transfer_model("MobileNetV2", SMALL, weights=None, alpha=alpha) for alpha in (None, 0.5)
    )
    ratio = half.count_params() / whole.count_params()
    assert 0.2 < ratio < 0.4
    expected = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=SMALL, alpha=0.5
    )
    assert half.layers[2].count_params() == expected.count_params()


def module_of(constructor):
    """The public module of `keras.applications` with a constructor and its `preprocess_input`."""
    if constructor.startswith("MobileNetV3"):  # which its module does not export
        return keras.applications.mobilenet_v3
    (module,) = {
        value.preprocess_input: value
        for value in vars(keras.applications).values()
        if inspect.ismodule(value) and hasattr(value, constructor)
    }.values()  # ResNet50 is in two modules, with the same preprocessing
    return module


@pytest.mark.parametrize("name", APPLICATIONS)
def test_backbone_preprocessing_matches_keras_applications(name):
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3)).astype("float32")
    expected = module_of(BACKBONES[name].builder.func.__name__).preprocess_input(images.copy())
    scheme = BACKBONES[name].preprocessing
    prepared = images if scheme is None else Preprocessing(scheme)(images)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(prepared), expected, rtol=1e-6, atol=1e-5)


def test_fit_does_not_change_frozen_backbone():
    backbone = small_backbone()
    model = transfer_model(backbone, SMALL)
    before = copy_values(backbone.variables)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).uniform(0, 255, (8, *SMALL))
    model.fit(images, np.arange(8) % 2, epochs=2, verbose=0)
    weights = [w for w in backbone.variables if "seed" not in w.path]
    assert len(weights) == 6
    for was, now, variable in zip(
        before, copy_values(backbone.variables), backbone.variables, strict=True
    ):
        if "seed" not in variable.path:
            np.testing.assert_array_equal(was, now)


def test_batch_norm_of_frozen_backbone_uses_moving_statistics():
    model = transfer_model(small_backbone(), SMALL, dropout=0)
    normalization = model.get_layer("small").layers[1]
    images = np.random.default_rng(0).uniform(0, 255, (4, *SMALL)).astype("float32")
    inputs = normalization(images[..., :1].repeat(4, axis=-1), training=True)
    np.testing.assert_allclose(  # untouched averages: mean 0 and variance 1
        keras.ops.convert_to_numpy(inputs),
        images[..., :1].repeat(4, axis=-1) / np.sqrt(1.001),
        rtol=1e-5,
    )


def test_transfer_model_adds_no_pooling_to_rank_2_features():
    backbone = keras.Sequential([keras.Input(SMALL), keras.layers.Flatten(), keras.layers.Dense(5)])
    names = [layer.name for layer in transfer_model(backbone, SMALL).layers]
    assert "pooling" not in names


def test_transfer_model_orders_augmentation_preprocessing_backbone():
    model = transfer_model(
        small_backbone(),
        SMALL,
        augmentation=RandomAffine("horizontal", name="turn"),
        preprocessing="unit",
    )
    names = [layer.name for layer in model.layers]
    assert names == ["images", "turn", "preprocessing", "small", "pooling", "dropout", "logits"]


def test_transfer_model_takes_names_of_presets_and_none():
    names = {}
    for augmentation in ("medium", None):
        model = transfer_model(small_backbone(), SMALL, augmentation=augmentation)
        names[augmentation] = [layer.name for layer in model.layers]
    assert names["medium"] == ["images", "augmentation", *names[None][1:]]
    with pytest.raises(ValueError, match=r"`augmentation` must be .* 'strong', or None"):
        transfer_model(small_backbone(), SMALL, augmentation="weak")


def test_max_pooling_returns_maximum_over_all_positions():
    backbone = keras.Sequential([keras.Input(SMALL), keras.layers.Rescaling(1.0)])
    model = transfer_model(backbone, SMALL, pooling="max")
    pooled = keras.Model(model.input, model.get_layer("pooling").output)
    images = np.random.default_rng(0).uniform(0, 255, (2, *SMALL)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(pooled(images)), images.max(axis=(1, 2)), rtol=1e-6
    )


def test_average_pooling_supports_rank_3_features():
    layers = [keras.Input(SMALL), keras.layers.Reshape((32 * 32, 3))]
    model = transfer_model(keras.Sequential(layers), SMALL, pooling="avg")
    pooled = keras.Model(model.input, model.get_layer("pooling").output)
    images = np.random.default_rng(0).uniform(0, 255, (2, *SMALL)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(pooled(images)), images.mean(axis=(1, 2)), rtol=1e-5
    )


def test_transfer_model_accepts_backbone_with_dict_input():
    images = keras.Input(SMALL, name="images")
    backbone = keras.Model({"images": images}, keras.layers.Conv2D(4, 3)(images))
    assert transfer_model(backbone, SMALL)(np.zeros((1, *SMALL))).shape == (1, 2)


def test_transfer_model_rejects_backbone_with_multiple_outputs():
    images = keras.Input(SMALL)
    levels = {name: keras.layers.Conv2D(4, 3)(images) for name in ("P3", "P4")}
    with pytest.raises(ValueError, match="one tensor of features") as caught:
        transfer_model(keras.Model(images, levels, name="pyramid"), SMALL)
    assert str(caught.value) == (
        "`backbone` must return one tensor of features of rank 2, 3 or 4; received 'pyramid', "
        "whose outputs are in the form dict. Select one output: `keras.Model(backbone.input, ...)`."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "mobilenet_v9"}, "`backbone` must be a name from BACKBONES; received backbone='mobilenet_v9'. Did you mean 'mobilenet_v2', 'mobilenet' or 'mobilenet_v3_small'? `catdog-keras backbones` lists the names."),
        ({"backbone": "EfficentNetB0"}, "`backbone` must be a name from BACKBONES; received backbone='EfficentNetB0'. Did you mean 'efficientnet_b0', 'efficientnet_v2_b0' or 'efficientnet_b7'? `catdog-keras backbones` lists the names."),
        ({"backbone": "vgg"}, "`backbone` must be a name from BACKBONES; received backbone='vgg'. Did you mean 'vgg19' or 'vgg16'? `catdog-keras backbones` lists the names."),
        ({"backbone": "yolo"}, "`backbone` must be a name from BACKBONES; received backbone='yolo'. If it is a preset of KerasHub, pass 'keras_hub:yolo'. `catdog-keras backbones` lists the names."),
        ({"backbone": "resnet50", "alpha": 1.0}, "`alpha` must be None for 'resnet50', whose width is fixed; MobileNets have several; received alpha=1.0."),
        ({"alpha": 0.6, "weights": "imagenet"}, "`alpha` must be one of 0.35, 0.5, 0.75, 1.0, 1.3, 1.4 for the pretrained weights of 'mobilenet_v2'; received alpha=0.6. Other widths need weights=None."),
        ({"backbone": small_backbone(), "alpha": 0.5}, "`alpha` must be None if `backbone` is a model; received alpha=0.5."),
        ({"alpha": 0}, "`alpha` must be a number from 0.1 to 4; received alpha=0."),
        ({"input_shape": (16, 16, 3)}, "`input_shape` must be at least (32, 32, 3) for 'mobilenet_v2', with 3 channels; received input_shape=(16, 16, 3). Keras's image data format is 'channels_last'."),
        ({"input_shape": (32, 32, 1)}, "`input_shape` must be at least (32, 32, 3) for 'mobilenet_v2', with 3 channels; received input_shape=(32, 32, 1). Keras's image data format is 'channels_last'."),
        ({"preprocessing": "unit"}, "`preprocessing` must be None for a named backbone, whose preprocessing is known; received preprocessing='unit'."),
        ({"pooling": "sum"}, "`pooling` must be one of 'avg', 'max'; received pooling='sum'."),
        ({"num_classes": 4, "class_names": ["cat", "dog", "fox"]}, "`num_classes` must be 3, the number of `class_names`, or the default; received num_classes=4."),
        ({"class_names": ["cat", "cat"]}, "`class_names` must be a list of distinct class names; received class_names=['cat', 'cat']."),
        ({"dropout": 1.5}, "`dropout` must be a number from 0 to 1; received dropout=1.5."),
        ({"weights": "synthetic"}, '`weights` must be "imagenet", "pretrained" or None for \'mobilenet_v2\'; received weights=\'synthetic\'. To use the weights \'synthetic\', pass backbone=\'synthetic_small\'.'),
        ({"backbone": "synthetic_small", "weights": "imagenet"}, '`weights` must be "synthetic", "pretrained" or None for \'synthetic_small\'; received weights=\'imagenet\'. To use the weights \'imagenet\', pass backbone=\'mobilenet_v2\'.'),
        ({"weights": "nowhere.h5"}, '`weights` must be "pretrained", "imagenet", None or the path of a weights file; received weights=\'nowhere.h5\', and there is no such file.'),
        ({"weights": "resnet50"}, '`weights` must be "pretrained", "imagenet", None or the path of a weights file; received weights=\'resnet50\', and there is no such file. To choose a network, pass its name as `backbone`.'),
    ],
)  # fmt: skip
def test_transfer_model_rejects_invalid_arguments(arguments, message):
    with pytest.raises((ValueError, OSError)) as caught:
        transfer_model(**{"input_shape": SMALL, "weights": None, **arguments})
    assert str(caught.value) == message


def test_transfer_model_rejects_backbone_of_wrong_type():
    with pytest.raises(TypeError) as caught:
        transfer_model(3)
    assert str(caught.value) == (
        "`backbone` must be a name from BACKBONES or a keras.Model; received backbone=3."
    )


def test_keras_hub_preset_names_the_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)  # its import then fails
    with pytest.raises(ValueError, match=r"`backbone` must be .*`pip install keras-hub`"):
        transfer_model("keras_hub:dinov2_small")
    with pytest.raises(ValueError, match=r'`weights` must be "pretrained" or None for a KerasHub'):
        transfer_model("keras_hub:dinov2_small", weights="imagenet")
    with pytest.raises(ValueError, match="`alpha` must be None for a KerasHub preset"):
        transfer_model("keras_hub:dinov2_small", alpha=0.5)


def test_transfer_model_loads_weights_from_file(tmp_path):
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=SMALL)
    path = tmp_path / "mine.weights.h5"
    source.save_weights(path)
    backbone = transfer_model(input_shape=SMALL, weights=path).layers[2]
    for expected, loaded in zip(source.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, expected)


def test_transfer_model_rejects_invalid_or_mismatched_weights_file(tmp_path):
    other, text = tmp_path / "other.weights.h5", tmp_path / "text.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save_weights(other)
    text.write_text("no weights")
    for path in (other, text):
        with pytest.raises(WeightsNotFoundError) as caught:
            transfer_model("synthetic_small", SMALL, weights=path)
        assert str(caught.value).startswith(
            f"The file '{path}' does not hold the weights of 'synthetic_small' without its top layer: "
        )


WEIGHTS_160 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5"


@pytest.fixture
def weights_error_message(monkeypatch, tmp_path):
    """Returns the error of `transfer_model` where `build` takes the place of MobileNetV2."""

    def run(build):
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        backbone = dataclasses.replace(BACKBONES["mobilenet_v2"], builder=lambda **_: build())
        monkeypatch.setitem(BACKBONES, "mobilenet_v2", backbone)
        with pytest.raises(WeightsNotFoundError) as caught:
            transfer_model()
        return str(caught.value)

    return run


def damaged_weights(folder):
    """Cuts the end of a weights file that has the name of MobileNetV2's."""
    path = folder / "models" / WEIGHTS_160
    path.parent.mkdir()
    network = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
    network.save_weights(folder / "whole.weights.h5")
    path.write_bytes((folder / "whole.weights.h5").read_bytes()[:-2000])
    return network, path


def test_transfer_model_reports_path_of_damaged_weights_file(tmp_path, weights_error_message):
    network, path = damaged_weights(tmp_path)
    message = weights_error_message(lambda: network.load_weights(path))
    assert f"cannot be read; damaged file: {path}. Delete it" in message


def test_transfer_model_reports_fixes_for_failed_weights_download(tmp_path, weights_error_message):
    address = f"https://127.0.0.1:9/{WEIGHTS_160}"  # where nothing listens
    message = weights_error_message(
        lambda: keras.utils.get_file(WEIGHTS_160, address, cache_dir=tmp_path)
    )
    assert f"could not be downloaded: URL fetch failure on {address}" in message
    assert f"Put the file {WEIGHTS_160} into {str(tmp_path / 'models')!r}" in message
    assert "set KERAS_HOME" in message
    assert "weights=None" in message
    assert issubclass(WeightsNotFoundError, OSError)


def test_transfer_model_reports_a_keras_home_that_cannot_be_used(tmp_path, weights_error_message):
    (tmp_path / "models").write_text("a regular file")
    message = weights_error_message(
        lambda: (tmp_path / "models" / WEIGHTS_160).write_bytes(b"downloaded")
    )
    assert f"cannot be read from or saved to {str(tmp_path / 'models')!r}: [Errno 20]" in message
    assert "Set KERAS_HOME to a folder that you can write to" in message
    assert "weights=None" in message


def _message_without_network(home):
    program = (
        "import catdog_keras\n"
        "try: catdog_keras.transfer_model()\n"
        "except catdog_keras.WeightsNotFoundError as error: print('MESSAGE', error)"
    )
    # An address on which nothing listens simulates a missing network.
    environment = {**os.environ, "KERAS_HOME": str(home), "https_proxy": "http://127.0.0.1:9"}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    return ran.stdout.split("MESSAGE ")[1]


@pytest.mark.slow  # Keras reads KERAS_HOME once, so a new process is required
def test_mobilenet_reports_damaged_weights_file_in_new_process(tmp_path):
    _, path = damaged_weights(tmp_path)
    message = _message_without_network(tmp_path)
    assert f"cannot be read; damaged file: {path}. Delete it" in message


@pytest.mark.slow
def test_mobilenet_reports_missing_weights_without_network(tmp_path):
    message = _message_without_network(tmp_path)
    assert WEIGHTS_160 in message
    assert str(tmp_path / "models") in message


def test_user_without_home_folder_finds_weights_where_keras_puts_them(no_home):
    assert _models_folder() == Path("/tmp/.keras/models")


def test_relative_keras_home_gives_absolute_folder_of_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", "keras")
    assert _models_folder() == tmp_path / "keras" / "models"


@pytest.mark.slow  # Keras reads KERAS_HOME once, so a new process is required
@pytest.mark.parametrize("home", ["~/keras", "keras", ""])
def test_keras_and_the_command_use_one_home(home, tmp_path):
    program = (
        "import sys\n"
        "from catdog_keras.cli.frameworks import import_frameworks\n"
        "import_frameworks()\n"
        "import keras\n"
        "from catdog_keras._keras_home import create_keras_home\n"
        "from catdog_keras.models._backbones import _models_folder\n"
        "create_keras_home()\n"
        "file = keras.utils.get_file('a', f'file://{sys.executable}', cache_subdir='models')\n"
        "assert file == str(_models_folder() / 'a'), (file, _models_folder())\n"
    )
    environment = {**os.environ, "KERAS_HOME": home, "HOME": str(tmp_path / "user")}
    (tmp_path / "user").mkdir()
    (tmp_path / "work").mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path / "work", check=False
    )
    assert ended.returncode == 0
    assert {path.name for path in (tmp_path / "work").iterdir()} <= {"keras"}


def test_building_a_pretrained_backbone_creates_the_keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", "~/a/keras")
    build_backbone("synthetic_small", (32, 32, 3), "synthetic")
    assert (tmp_path / "a" / "keras").is_dir()


@pytest.fixture
def channels_first():
    """Makes channels first the image data format of Keras for a test."""
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.usefixtures("channels_first")
def test_named_backbone_takes_shape_in_image_data_format():
    model = transfer_model("synthetic_small", (3, 64, 32), weights=None)
    assert model.input_shape == (None, 3, 64, 32)
    for shape in [(64, 64, 3), (3, 16, 64), (1, 64, 64)]:
        with pytest.raises(ValueError, match=r"at least \(3, 32, 32\).*'channels_first'"):
            transfer_model("synthetic_small", shape, weights=None)


@pytest.mark.usefixtures("channels_first")
@pytest.mark.parametrize("shape", [(32, 32, 3), (3, 64, 32), (3, 32, 32)])
def test_shape_of_images_is_compared_with_that_of_the_backbone(shape):
    backbone = keras.Sequential([keras.Input((3, 32, None)), keras.layers.Identity()], name="own")
    if shape == (3, 32, 32):
        assert transfer_model(backbone, shape).input_shape == (None, *shape)
        return
    with pytest.raises(
        ValueError, match=r"`input_shape` .*\(3, 32, None\).*'own'.*'channels_first'"
    ):
        transfer_model(backbone, shape)


@pytest.mark.usefixtures("channels_first")
@pytest.mark.parametrize("build", [build_model1, build_model2, build_model3])
def test_shape_in_another_data_format_is_named_as_the_cause(build):
    expected = (
        r"\(channels, height, width\).*received input_shape=\(160, 160, 3\).*'channels_first'"
    )
    with pytest.raises(ValueError, match=expected):
        build()


def test_default_shape_is_that_of_a_backbone_for_images_of_one_size():
    def backbone(*shape):
        return keras.Sequential([keras.Input(shape), keras.layers.Identity()])

    assert transfer_model(backbone(32, 48, 3)).input_shape == (None, 32, 48, 3)
    assert transfer_model(backbone(None, None, 3)).input_shape == (None, 160, 160, 3)
    assert transfer_model("synthetic_small", weights=None).input_shape == (None, 160, 160, 3)
