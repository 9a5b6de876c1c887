"""Every binding fact of the tutorial: archive, data, figure and network, one test each.

All expected values are literals from the tutorial. The images of the public archive are replaced by
tiny ones with the same folders, names and counts; `tests/real` checks the archive itself.
"""

import io
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import catdog_keras
from catdog_keras.datasets import _source as source

URL = "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip"
# Images per class folder, as in the public archive; a label as red, a number as green and blue.
FOLDERS = {
    "train/cats": (1000, 0),
    "train/dogs": (1000, 1),
    "validation/cats": (500, 0),
    "validation/dogs": (500, 1),
}


def tiny_image(label, number):
    """Returns a PNG file of 2 x 2 pixels that encodes a label and a number."""
    content = io.BytesIO()
    color = (200 * label, number // 256, number % 256)
    Image.new("RGB", (2, 2), color).save(content, "PNG", compress_level=0)
    return content.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive with the layout of the public one, and tiny images."""
    path = tmp_path_factory.mktemp("download") / "cats_and_dogs_filtered.zip"
    number = 0
    with zipfile.ZipFile(path, "w") as file:
        for folder, (count, label) in FOLDERS.items():
            for _ in range(count):
                name = f"cats_and_dogs_filtered/{folder}/{folder[-4:-1]}.{number}.png"
                file.writestr(name, tiny_image(label, number))
                number += 1
    return path


@pytest.fixture(scope="module")
def loaded(archive, tmp_path_factory):
    """The splits of `load_cats_dogs()` without any argument, and the URL that it downloads."""
    requested = []

    def fetch(url, directory):
        requested.append(url)
        return archive

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        patch.setattr(source, "fetch_archive", fetch)
        splits = catdog_keras.load_cats_dogs()
    return splits, requested


@pytest.fixture(scope="module")
def splits(loaded):
    """The splits of `load_cats_dogs()` without any argument."""
    return loaded[0]


@pytest.fixture(scope="module")
def model1():
    """The first network of the tutorial, with its default arguments."""
    return catdog_keras.build_model1()


def folders_of(files):
    """Returns how many files are in each folder, as {"train/cats": 1000}."""
    folders = ["/".join(Path(file).parts[-3:-1]) for file in files]
    return {folder: folders.count(folder) for folder in sorted(set(folders))}


def test_load_cats_dogs_requests_tutorial_url_and_reads_all_folders(loaded):
    splits, requested = loaded
    assert requested == [URL]
    assert source.CATS_DOGS_URL == URL
    assert folders_of(splits.files["train"]) == {"train/cats": 1000, "train/dogs": 1000}
    held_out = folders_of([*splits.files["validation"], *splits.files["test"]])
    assert held_out == {"validation/cats": 500, "validation/dogs": 500}
    assert len({file for files in splits.files.values() for file in files}) == 3000


def test_load_cats_dogs_defaults_to_160_pixels_and_batch_size_32(splits):
    for dataset in splits:
        images, labels = next(iter(dataset))
        assert tuple(images.shape) == (32, 160, 160, 3)
        assert tuple(labels.shape) == (32,)


def test_test_split_is_one_fifth_of_shuffled_validation_batches(splits):
    counts = {split: len(files) for split, files in splits.files.items()}
    assert counts == {"train": 2000, "validation": 808, "test": 192}
    # 32 batches of validation images, the last one not full: 32 // 5 is 6.
    assert (int(splits.test.cardinality()), int(splits.validation.cardinality())) == (6, 26)
    assert {Path(file).parts[-3] for file in splits.files["test"]} == {"validation"}
    assert {Path(file).parts[-3] for file in splits.files["train"]} == {"train"}
    assert set(splits.files["test"]).isdisjoint(splits.files["validation"])
    # In file order the first 192 images are all cats.
    assert 60 < splits.counts["test"]["cats"] < 132


def test_test_split_counts_batches_and_not_images(archive, tmp_path, monkeypatch):
    """1,000 images are 143 batches of 7; a fifth of them is 28 batches."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    splits = catdog_keras.load_cats_dogs(archive, batch_size=7)
    assert len(splits.files["test"]) == 196
    assert len(splits.files["validation"]) == 804


def test_labels_are_0_for_cats_and_1_for_dogs(splits):
    assert splits.class_names == ("cats", "dogs")
    for split, files in splits.files.items():
        in_dogs = [int(Path(file).parent.name == "dogs") for file in files]
        assert splits.labels[split].tolist() == in_dogs
    for dataset in splits:
        images, labels = next(iter(dataset))
        red = images.numpy()[:, 0, 0, 0]
        assert np.unique(red).tolist() == [0, 200]
        assert (red == 200).tolist() == (labels.numpy() == 1).tolist()


def test_training_set_is_balanced_with_50_percent_baseline(splits):
    assert splits.counts["train"] == {"cats": 1000, "dogs": 1000}
    assert catdog_keras.baseline_accuracy(splits.counts["train"]) == 0.5


def test_plot_images_shows_three_cats_above_three_dogs(splits):
    figure = catdog_keras.plot_images(splits.train, class_names=splits.class_names)
    figure.draw_without_rendering()
    cats, dogs = sorted(figure.axes, key=lambda ax: -ax.get_window_extent().y0)
    assert cats.get_window_extent().y0 > dogs.get_window_extent().y1
    assert [ax.get_title("left") for ax in (cats, dogs)] == ["cats", "dogs"]
    for ax, red in ((cats, 0), (dogs, 200)):
        assert [int(image.get_array()[0, 0, 0]) for image in ax.images] == [red] * 3


def parts_of(model):
    """Returns the Keras layers of model 1 after the input: a block becomes its three parts."""
    parts = []
    for layer in model.layers[1:]:
        block = isinstance(layer, catdog_keras.ConvBlock)
        parts += layer.layers if block else [layer]
    return parts


def test_model1_feature_layers_match_tutorial(model1):
    shapes = [layer.output.shape[1:] for layer in model1.layers[1:6]]
    assert shapes == [(79, 79, 64), (38, 38, 32), (18, 18, 32), (8, 8, 32), (2048,)]
    *parts, flatten = parts_of(model1)[:13]
    assert isinstance(flatten, keras.layers.Flatten)
    for block, filters in zip(model1.layers[1:5], (64, 32, 32, 32), strict=True):
        assert block.activation is keras.activations.relu
        assert block.convolution.filters == filters
    for convolution, normalization, pooling in zip(*[iter(parts)] * 3, strict=True):
        assert isinstance(convolution, keras.layers.Conv2D)
        assert (convolution.kernel_size, convolution.padding) == ((3, 3), "valid")
        assert isinstance(normalization, keras.layers.BatchNormalization)
        assert isinstance(pooling, keras.layers.MaxPooling2D)
        assert pooling.pool_size == (2, 2)


def test_model1_normalizes_after_activation():
    """Where every convolution is negative, ReLU leaves zeros, which are normalized to beta."""
    model = catdog_keras.build_model1((46, 46, 3))
    block = model.layers[1]
    block.convolution.kernel.assign(-np.ones((3, 3, 3, 64)))
    block.batch_normalization.beta.assign(np.arange(64) - 32.0)
    images = np.random.default_rng(0).uniform(1, 255, (2, 46, 46, 3))
    for training in (False, True):
        outputs = keras.ops.convert_to_numpy(block(images, training=training))
        assert (outputs == np.arange(64) - 32.0).all()


def test_model1_classifier_layers_match_tutorial(model1):
    relu, linear = keras.activations.relu, keras.activations.linear
    found = [
        ("dropout", layer.rate)
        if isinstance(layer, keras.layers.Dropout)
        else (type(layer).__name__, layer.units, layer.activation)
        for layer in parts_of(model1)[13:]
    ]
    assert found == [
        ("Dense", 128, relu),
        ("dropout", 0.2),
        ("Dense", 256, relu),
        ("dropout", 0.2),
        ("Dense", 256, relu),
        ("dropout", 0.2),
        ("Dense", 128, relu),
        ("Dense", 2, linear),
    ]


def test_model1_dense_parameter_counts_match_tutorial(model1):
    dense = [layer for layer in model1.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.count_params() for layer in dense] == [262_272, 33_024, 65_792, 32_896, 258]


def test_model1_block_parameter_counts_match_tutorial(model1):
    found = [
        (block.convolution.count_params(), block.batch_normalization.count_params())
        for block in model1.layers[1:5]
    ]
    assert found == [(1_792, 256), (18_464, 128), (9_248, 128), (9_248, 128)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_total_parameter_counts_match_tutorial(number):
    model = getattr(catdog_keras, f"build_model{number}")()

    def count(weights):
        return sum(int(np.prod(weight.shape)) for weight in weights)

    parts = model.weights, model.trainable_weights, model.non_trainable_weights
    assert tuple(map(count, parts)) == (433_634, 433_314, 320)
