"""Other people's tools over this package: as they would be used, on small drawn images."""

import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import catdog_keras as ck

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="once is enough: tools are of no backend"
)


@pytest.fixture(scope="module")
def splits(drawn_synthetic):
    """The splits of a small synthetic set, at the smallest size of the tutorial's networks."""
    del drawn_synthetic
    return ck.load_cats_dogs("synthetic", image_size=(46, 46), cache=True)


@pytest.fixture(scope="module")
def arrays(splits):
    """Sixty training images and their labels as arrays."""
    images, labels = zip(*splits.train.unbatch().take(60).as_numpy_iterator(), strict=True)
    return np.stack(images), np.array(labels)


def compiled(model, loss=keras.losses.SparseCategoricalCrossentropy):
    model.compile("adam", loss(from_logits=True), metrics=["accuracy"])
    return model


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # its own calls
def test_keras_tuner_grid_search_tries_every_image_size(splits, tmp_path):
    keras_tuner = pytest.importorskip("keras_tuner", reason="keras-tuner is not installed")

    class Sized(keras_tuner.HyperModel):
        def build(self, hp):
            side = hp.Choice("side", [46, 62])
            return compiled(ck.build_model1((side, side, 3), num_classes=2))

        def fit(self, hp, model, *args, **kwargs):
            side = hp.get("side")
            sized = ck.load_cats_dogs("synthetic", image_size=(side, side), cache=True)
            data = {"x": sized.train.take(1), "validation_data": sized.validation.take(1)}
            return model.fit(*args, **data, shuffle=False, **kwargs)

    tuner = keras_tuner.GridSearch(
        Sized(), objective="val_accuracy", directory=tmp_path, project_name="sides"
    )
    tuner.search(epochs=1, verbose=0)
    assert [t.message for t in tuner.oracle.trials.values() if t.message] == []
    tried = {trial.hyperparameters.get("side") for trial in tuner.oracle.trials.values()}
    assert tried == {46, 62}


def test_scikit_learn_cross_validates_model(arrays):
    from sklearn.model_selection import cross_val_score

    images, labels = arrays
    built = []

    def build(X, y):  # noqa: N803 - scikit-learn's names
        built.append((X.shape, y.shape))
        shaped = keras.layers.Reshape(images.shape[1:])  # it takes rows of numbers alone
        network = ck.build_model1(images.shape[1:], num_classes=y.shape[1])
        model = keras.Sequential([keras.Input(X.shape[1:]), shaped, network])
        return compiled(model, keras.losses.CategoricalCrossentropy)

    classifier = keras.wrappers.SKLearnClassifier(build, fit_kwargs={"epochs": 1, "verbose": 0})
    rows = images.reshape(len(images), -1)
    scores = cross_val_score(classifier, rows, labels, cv=3, error_score="raise")
    assert scores.shape == (3,)
    assert built == [((40, rows.shape[1]), (40, 2))] * 3  # a new model for each fold


def vision_transformer(models):
    return models.ViTBackbone((46, 46, 3), 23, 1, 2, 16, 16)


def residual_network(models):
    return models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(46, 46, 3),
    )


@pytest.mark.parametrize("make", [vision_transformer, residual_network])
def test_keras_hub_backbone_stays_frozen_in_fit_head_and_reloads(make, splits, tmp_path):
    keras_hub = pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    backbone = make(keras_hub.models)
    model = ck.transfer_model(
        backbone, (46, 46, 3), preprocessing="signed", class_names=splits.class_names
    )
    before = [np.array(weight) for weight in backbone.weights]
    history = ck.fit_head(
        model, splits.train, validation_data=splits.validation, epochs=2, verbose=0
    )
    assert len(history.history["val_accuracy"]) == 2
    after = [np.array(weight) for weight in backbone.weights]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    model.save(tmp_path / "model.keras")
    # Its configs do not say that it was frozen, so the optimizer would not fit.
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert ck.get_class_names(loaded) == splits.class_names
    images, _ = next(iter(splits.test))
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weights", ["pretrained", None])
def test_keras_hub_preset_is_built_by_name_with_its_scaling(weights, tmp_path):
    keras_hub = pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    saved = vision_transformer(keras_hub.models)
    saved.save_to_preset(tmp_path)
    scaling = {"scale": [1 / 127.5] * 3, "offset": [-1.0] * 3}
    converter = keras_hub.layers.ViTImageConverter(image_size=(46, 46), **scaling)
    converter.save_to_preset(tmp_path)
    model = ck.transfer_model(f"keras_hub:{tmp_path}", (46, 46, 3), weights=weights)
    assert ck.infer_input_range(model) == (0.0, 255.0)
    assert [layer.name for layer in model.layers][1] == "preprocessing"
    pairs = zip(model.layers[2].get_weights(), saved.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs) is (weights is not None)
    assert [w.path for w in model.trainable_weights] == [
        w.path for w in model.get_layer("logits").weights
    ]
    with pytest.raises(ValueError, match=r"`input_shape` must be \(46, 46, 3\)"):
        ck.transfer_model(f"keras_hub:{tmp_path}", (64, 64, 3), weights=weights)


def test_unknown_keras_hub_preset_is_rejected_with_similar_names(tmp_path):
    pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    with pytest.raises(ValueError, match="Did you mean 'keras_hub:dinov2_small'"):
        ck.transfer_model("keras_hub:dinov2_smal")
    with pytest.raises(ck.WeightsNotFoundError, match="could not be loaded as an image backbone"):
        ck.transfer_model(f"keras_hub:{tmp_path}")  # an empty folder


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # its own calls
def test_code_blocks_of_other_tools_page_run(drawn_synthetic, tmp_path, monkeypatch):
    """The blocks that need more than this package; tests/test_docs.py runs the others."""
    pytest.importorskip("keras_tuner", reason="keras-tuner is not installed")
    keras_hub = pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    pytest.importorskip("torch", reason="PyTorch is not installed")
    shutil.copytree(drawn_synthetic, tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    asked = []

    def small_vit_from_preset(preset):
        asked.append(preset)
        return keras_hub.models.ViTBackbone((224, 224, 3), 56, 1, 2, 16, 16)

    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", small_vit_from_preset)
    page = Path(__file__).parents[2] / "docs" / "how-to" / "other-tools.md"
    found = re.findall(r"^```py\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 3
    names = {"__name__": "__page__"}
    for block in found:
        exec(compile(block, str(page), "exec"), names)
    assert asked == ["vit_base_patch16_224_imagenet"]
    images, labels = next(iter(names["loader"]))
    assert (tuple(images.shape), len(labels)) == ((32, 3, 160, 160), 32)
    assert names["tuner"].get_best_hyperparameters()[0].get("side") in {96, 128, 160}


def test_pytorch_data_loader_reads_training_split(splits):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from PIL import Image

    class Files(torch.utils.data.Dataset):
        def __len__(self):
            return len(splits.files["train"])

        def __getitem__(self, index):
            with Image.open(splits.files["train"][index]) as image:
                pixels = np.asarray(image.convert("RGB").resize((46, 46)))
            return torch.from_numpy(pixels.copy()).permute(2, 0, 1), splits.labels["train"][index]

    generator = torch.Generator().manual_seed(0)
    loader = torch.utils.data.DataLoader(Files(), 32, shuffle=True, generator=generator)
    images, labels = zip(*loader, strict=True)
    assert torch.cat(images).shape == (len(splits.files["train"]), 3, 46, 46)
    counted = np.bincount(torch.cat(labels).numpy()).tolist()
    assert dict(zip(splits.class_names, counted, strict=True)) == splits.counts["train"]
    folders = [Path(file).parent.name for file in splits.files["train"]]
    assert folders == [splits.class_names[label] for label in splits.labels["train"]]
