"""Options with the names of Keras's `image_dataset_from_directory` give its images and labels."""

import functools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings, strategies as st
from PIL import Image

from catdog_keras import (
    count_labels,
    evaluate_classifier,
    load_cats_dogs,
    load_image_folder,
    load_images,
    load_manifest,
)
from catdog_keras._backend.resizing import _resize_with_pad
from catdog_keras.datasets._options import INTERPOLATIONS

SIZES = ((40, 61), (33, 33), (90, 20), (7, 50))  # of the files, (height, width)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of JPEG and PNG images of several shapes, smooth so that JPEG keeps them."""
    root = tmp_path_factory.mktemp("photos")
    for phase, name in enumerate("ab"):
        (root / name).mkdir()
        for number, (height, width) in enumerate(SIZES * 2):
            rows, columns = np.mgrid[:height, :width]
            waves = [
                np.sin(rows / (5 + n) + number + 9 * phase) * np.cos(columns / (4 + n))
                for n in range(3)
            ]
            pixels = np.rint(127.5 + 127.5 * np.stack(waves, axis=-1)).astype(np.uint8)
            ending = "jpg" if number % 2 else "png"
            Image.fromarray(pixels).save(root / name / f"{number}.{ending}", quality=95)
    return root


def arrays(dataset):
    images, labels = zip(*dataset, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def read_both(photos, image_size, **options):
    """Returns our images and labels, and those of Keras."""
    ours = load_images(photos, class_names=["a", "b"], image_size=image_size, **options)
    theirs = keras.utils.image_dataset_from_directory(
        photos, image_size=image_size, shuffle=False, verbose=False, **options
    )
    assert list(theirs.file_paths) == list(ours.files)
    return arrays(ours.dataset), arrays(theirs)


SHAPES = {"crop": {"crop_to_aspect_ratio": True}, "pad": {"pad_to_aspect_ratio": True}, "": {}}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("image_size", [24, (12, 40), (50, 9)])
def test_images_are_those_of_keras_for_each_aspect_ratio(photos, image_size, shape):
    (images, _), (expected, _) = read_both(photos, image_size, **SHAPES[shape])
    assert np.abs(images - expected).max() <= 0.01  # of 255


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])  # decoded by TensorFlow, and by Pillow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("image_size", [1, 32])
def test_thin_images_keep_at_least_one_pixel(tmp_path, image_size, shape, mode):
    for name, size in (("wide", (4000, 20)), ("high", (20, 4000))):
        (tmp_path / name).mkdir()
        Image.new("RGB", size, "white").convert(mode).save(tmp_path / name / "0.jpg")
    loaded = load_images(
        tmp_path, class_names=["high", "wide"], image_size=image_size, **SHAPES[shape]
    )
    (high, wide), _ = arrays(loaded.dataset)
    np.testing.assert_array_equal(high, wide.swapaxes(0, 1))
    white = (wide > 250).all(axis=(1, 2))
    assert white.sum() == (1 if shape == "pad" else image_size)


@given(st.tuples(*[st.integers(1, 40)] * 2), st.tuples(*[st.integers(1, 40)] * 2))
@settings(deadline=None, max_examples=30)
def test_padded_images_are_those_of_tensorflow(found, target):
    image = np.random.default_rng(0).integers(0, 256, (*found, 3), np.uint8)
    try:
        expected = tf.image.resize_with_pad(image, *target)
    except tf.errors.InvalidArgumentError:  # a side of 0 pixels
        assume(False)
    np.testing.assert_array_equal(_resize_with_pad(image, target, "bilinear"), expected)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
def test_images_are_those_of_keras_for_each_interpolation(photos, interpolation, color_mode):
    options = {"interpolation": interpolation, "color_mode": color_mode}
    (images, _), (expected, _) = read_both(photos, (24, 30), **options)
    assert images.dtype == np.float32
    assert 0 <= images.min() < images.max() <= 255
    assert np.abs(images - np.clip(expected, 0, 255)).max() <= 0.01


def test_bicubic_would_leave_the_range_without_a_limit(photos):
    _, (expected, _) = read_both(photos, (90, 90), interpolation="bicubic")
    assert expected.min() < 0 or expected.max() > 255


@functools.cache
def read_both_labels(photos, label_mode):
    return read_both(photos, 8, label_mode=label_mode)


@pytest.mark.parametrize("label_mode", ["int", "categorical", "binary"])
@pytest.mark.parametrize("cache", [False, True, "decoded"])
def test_labels_are_those_of_keras(photos, tmp_path, label_mode, cache):
    (_, labels), (_, expected) = read_both_labels(photos, label_mode)
    np.testing.assert_array_equal(labels, expected, strict=True)
    splits = load_image_folder(
        photos,
        image_size=8,
        label_mode=label_mode,
        cache=tmp_path / cache if isinstance(cache, str) else cache,
        test_fraction=0,
    )
    for split, dataset in (("train", splits.train), ("validation", splits.validation)):
        for _ in range(2):
            _, found = arrays(dataset)
            assert (found.dtype, found.shape[1:]) == (expected.dtype, expected.shape[1:])
            indices = found if found.ndim == 1 else found[:, -1]
            assert sorted(indices.tolist()) == sorted(splits.labels[split].tolist())
        assert splits.labels[split].dtype == np.int32
        assert count_labels(dataset) == splits.counts[split]


@pytest.mark.parametrize("label_mode", ["categorical", "binary"])
def test_evaluation_accepts_each_label_mode(photos, label_mode):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    ints = load_images(photos, class_names=["a", "b"], image_size=8)
    other = load_images(photos, class_names=["a", "b"], image_size=8, label_mode=label_mode)
    evaluations = [
        evaluate_classifier(model, each.dataset, class_names=["a", "b"]) for each in (ints, other)
    ]
    assert evaluations[0].to_dict() == evaluations[1].to_dict()


def test_binary_labels_require_two_classes(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 6, "b": 6, "c": 6})
    for load in (load_image_folder, lambda path, **o: load_images(path, class_names="abc", **o)):
        with pytest.raises((ValueError, TypeError), match=r"label_mode|class_names"):
            load(tmp_path, label_mode="binary")
    with pytest.raises(ValueError, match=r"must be 'int' or 'categorical'.*there are 3\."):
        load_image_folder(tmp_path, label_mode="binary")


PREPARATION = {"crop_to_aspect_ratio": True, "interpolation": "bicubic", "color_mode": "grayscale"}


@pytest.mark.parametrize("cache", [True, "decoded"])
def test_cached_images_are_the_rounded_ones(photos, tmp_path, cache):
    """The cache folder is shared by loaders with other options."""
    cache = tmp_path / cache if isinstance(cache, str) else cache
    for options in ({}, PREPARATION, {"pad_to_aspect_ratio": True}):
        both = [
            load_image_folder(photos, image_size=(12, 14), cache=use, shuffle=False, **options)
            for use in (False, cache)
        ]
        expected, found = (arrays(splits.train)[0] for splits in both)
        np.testing.assert_array_equal(found, np.rint(expected))


def test_transparent_image_keeps_its_alpha_in_rgba_only(tmp_path):
    pixels = np.zeros((6, 8, 4), np.uint8)
    pixels[..., 0], pixels[:, :4, 3] = 200, 255
    Image.fromarray(pixels).save(tmp_path / "half.png")
    Image.fromarray(pixels[..., :3]).save(tmp_path / "opaque.jpg", quality=100)
    files = [tmp_path / "half.png", tmp_path / "opaque.jpg"]
    rgba, rgb, gray = (
        next(iter(load_images(files, image_size=(6, 8), color_mode=mode).dataset)).numpy()
        for mode in ("rgba", "rgb", "grayscale")
    )
    np.testing.assert_array_equal(rgba[0], pixels)
    assert (rgba[1, ..., 3] == 255).all()
    assert rgb[0, 0, 7].tolist() == [255, 255, 255]
    assert gray.shape == (2, 6, 8, 1)
    assert gray[0, 0, :, 0].tolist() == [60] * 4 + [255] * 4  # ITU-R 601


@pytest.mark.parametrize("mode", ["P", "LA", "CMYK", "I;16", "1"])
@pytest.mark.parametrize("color_mode", ["rgb", "grayscale", "rgba"])
def test_every_kind_of_file_has_the_channels_of_the_color_mode(tmp_path, mode, color_mode):
    ramp = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    image = Image.fromarray(ramp.astype(np.uint16) * 257) if mode == "I;16" else None
    image = image or Image.fromarray(ramp).convert(mode)
    file = tmp_path / f"image.{'tif' if mode == 'CMYK' else 'png'}"
    image.save(file)
    (images,) = load_images(file, image_size=(6, 8), color_mode=color_mode).dataset
    channels = {"rgb": 3, "grayscale": 1, "rgba": 4}[color_mode]
    assert images.shape == (1, 6, 8, channels)
    if mode != "1":
        assert np.abs(images[0, ..., 0] - ramp).max() <= 3  # the palette has fewer grays


def test_manifest_restores_recorded_preparation(photos, tmp_path):
    splits = load_image_folder(photos, image_size=(12, 14), **PREPARATION, shuffle=False)
    splits.save_manifest(tmp_path / "split.json")
    recorded = json.loads((tmp_path / "split.json").read_text())["preparation"]
    assert recorded == {"image_size": [12, 14], "pad_to_aspect_ratio": False, **PREPARATION}
    again = load_manifest(tmp_path / "split.json", photos, shuffle=False)
    np.testing.assert_array_equal(arrays(again.train)[0], arrays(splits.train)[0])
    other = load_manifest(
        tmp_path / "split.json", photos, image_size=9, color_mode="rgb", pad_to_aspect_ratio=True
    )
    assert other.options.image_size == (9, 9)
    assert other.options.preparation == {
        "image_size": [9, 9],
        "color_mode": "rgb",
        "interpolation": "bicubic",
        "crop_to_aspect_ratio": False,
        "pad_to_aspect_ratio": True,
    }


@pytest.mark.parametrize(
    "preparation",
    [3, {"size": 3}, {"image_size": [0, 1]}, {"image_size": "8"}, {"interpolation": "cubic"}],
)
def test_manifest_with_invalid_preparation_raises(photos, tmp_path, preparation):
    file = tmp_path / "split.json"
    load_image_folder(photos, image_size=8).save_manifest(file)
    file.write_text(json.dumps({**json.loads(file.read_text()), "preparation": preparation}))
    with pytest.raises(ValueError, match="Its preparation is"):
        load_manifest(file, photos)


def test_manifest_without_preparation_has_the_defaults(photos, tmp_path):
    file = tmp_path / "split.json"
    load_image_folder(photos, image_size=8).save_manifest(file)
    content = json.loads(file.read_text())
    del content["preparation"], content["label_source"]
    file.write_text(json.dumps(content))
    assert load_manifest(file, photos).options.image_size == (160, 160)


def test_links_to_folders_are_followed_unless_follow_links_is_false(tmp_path, make_folder):
    make_folder(tmp_path / "images", {"a": 6, "b": 6, "more": 5})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "images" / "more").rename(tmp_path / "elsewhere" / "more")
    (tmp_path / "images" / "a" / "linked").symlink_to(tmp_path / "elsewhere" / "more")
    followed = load_image_folder(tmp_path / "images", image_size=4)
    assert sum(len(files) for files in followed.files.values()) == 17
    with pytest.warns(UserWarning, match="Skipped 1 folder .* or links to folders .* not followed"):
        splits = load_image_folder(tmp_path / "images", image_size=4, follow_links=False)
    assert sum(len(files) for files in splits.files.values()) == 12
    assert splits.scan.skipped == [str(tmp_path / "images" / "a" / "linked")]
    with pytest.raises(TypeError, match="`follow_links` must be True or False"):
        load_image_folder(tmp_path / "images", follow_links=1)


def test_load_cats_dogs_has_the_same_options(cats_dogs):
    splits = load_cats_dogs(
        cats_dogs, image_size=6, batch_size=4, label_mode="categorical", **PREPARATION
    )
    images, labels = next(iter(splits.test))
    assert (images.shape, labels.shape) == ((4, 6, 6, 1), (4, 2))
    assert Path(splits.files["test"][0]).parent.name == splits.class_names[int(labels[0, 1])]
