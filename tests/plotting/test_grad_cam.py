"""What is drawn where: images, maps over them, the line, the scale, and what titles say."""

import keras
import numpy as np
import pytest
from matplotlib.contour import QuadContourSet

from catdog_keras import ClassNames, grad_cam
from catdog_keras.plotting import plot_grad_cam


def make_images(count=2, shape=(6, 8, 3)):
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype("uint8")


def single_peak_maps(count=2, shape=(6, 8)):
    """One strong place in each map, its neighbors at 0.4."""
    maps = np.zeros((count, *shape))
    maps[:, 1:4, 2:5] = 0.4
    maps[:, 2, 3] = 1
    return maps


def contour_vertices(ax):
    """The corners of the line drawn around the strong places."""
    contours = [artist for artist in ax.get_children() if isinstance(artist, QuadContourSet)]
    return [path.vertices for contour in contours for path in contour.get_paths()]


def test_plot_grad_cam_shows_each_image_next_to_its_map():
    images = make_images()
    figure = plot_grad_cam(images, single_peak_maps(), ["cat 93%", "dog 58%"])
    *rows, scale = figure.axes
    assert [ax.get_title("left") for ax in rows] == ["cat 93%", "dog 58%"]
    for ax, image in zip(rows, images, strict=True):
        plain, over = ax.images
        np.testing.assert_array_equal(plain.get_array(), image)
        assert over.get_extent()[0] > plain.get_extent()[1]
        assert over.get_extent()[2:] == plain.get_extent()[2:]
    label = "evidence for the class (1: maximum of each image)"
    assert scale.get_xlabel() == label
    assert scale.get_xlim() == (0, 1)


def test_map_lightness_increases_with_evidence_for_any_image():
    """In black and white as well: by lightness alone."""
    steps = np.linspace(0, 1, 8)
    images = np.array([0, 255], "uint8").repeat(48 * 3).reshape(2, 6, 8, 3)
    figure = plot_grad_cam(images, np.broadcast_to(steps, (2, 6, 8)), value_range=(0, 255))
    for ax in figure.axes[:2]:
        lightness = np.asarray(ax.images[1].get_array()) @ [0.299, 0.587, 0.114]
        assert (np.diff(lightness, axis=1) > 0.03).all()
        assert lightness.min() >= 0
        assert lightness.max() <= 1


def test_contour_surrounds_strongest_evidence():
    figure = plot_grad_cam(make_images(1), single_peak_maps(1))
    (ax, _) = figure.axes
    left, right, bottom, top = ax.images[1].get_extent()
    center = left + (right - left) * 3.5 / 8, top - (top - bottom) * 2.5 / 6
    found = contour_vertices(ax)
    assert len(found) == 2  # white on black
    for corners in found:
        np.testing.assert_allclose(corners.mean(axis=0), center, atol=0.03)
        assert np.ptp(corners[:, 0]) < 2 * (right - left) / 8


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_uniform_maps_have_no_contour(value):
    figure = plot_grad_cam(make_images(1), np.full((1, 6, 8), value))
    assert contour_vertices(figure.axes[0]) == []


def test_title_reports_map_without_evidence():
    maps = single_peak_maps()
    maps[0] = 0
    figure = plot_grad_cam(make_images(), maps, ["cat", "dog"])
    assert [ax.get_title("left") for ax in figure.axes[:2]] == [
        "cat: no evidence",
        "dog",
    ]


def test_channels_first_images_are_shown_as_channels_last():
    images = make_images()
    for data_format in (None, "channels_first"):
        figure = plot_grad_cam(
            images.transpose(0, 3, 1, 2), single_peak_maps(), data_format=data_format
        )
        np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), images[1])


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((make_images()[0, 0], single_peak_maps()), {}, ValueError, "`images` must be at least one image, of shape (batch, height, width, channels), (batch, channels, height, width) or (batch, height, width); received shape (8, 3)."),
        ((make_images(0), single_peak_maps(0)), {}, ValueError, "`images` must be at least one image, of shape (batch, height, width, channels), (batch, channels, height, width) or (batch, height, width); received shape (0, 6, 8, 3)."),
        ((make_images(), single_peak_maps(1)), {}, ValueError, "`maps` must be one map per image, of shape (2, height, width); received shape (1, 6, 8) and dtype float64."),
        ((make_images(), single_peak_maps()[0]), {}, ValueError, "`maps` must be one map per image, of shape (2, height, width); received shape (6, 8) and dtype float64."),
        ((make_images(), single_peak_maps(2, (6, 6))), {}, ValueError, "`maps` must be of the height and width of the images, here (6, 8); received maps of (6, 6)."),
        ((make_images(), 2 * single_peak_maps()), {}, ValueError, "`maps` must hold numbers from 0 to 1; received values from 0 to 2."),
        ((make_images(), np.nan * single_peak_maps()), {}, ValueError, "`maps` must hold numbers from 0 to 1; received values from nan to nan."),
        ((make_images(), single_peak_maps(), "cat"), {}, TypeError, "`titles` must be a list with a title for each image, or None; received titles='cat'."),
        ((make_images(), single_peak_maps(), ["cat", 5]), {}, TypeError, "`titles` must be a list with a title for each image, or None; received titles=['cat', 5]."),
        ((make_images(), single_peak_maps(), ["cat"]), {}, ValueError, "`titles` must hold one title per image, here 2; received 1."),
        ((make_images(), single_peak_maps()), {"data_format": "NCHW"}, ValueError, "`data_format` must be one of 'channels_last', 'channels_first'; received data_format='NCHW'."),
        ((make_images(), single_peak_maps()), {"value_range": (1, 0)}, ValueError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=(1, 0)."),
    ],
)  # fmt: skip
def test_plot_grad_cam_rejects_invalid_arguments(arguments, keywords, error, message):
    with pytest.raises(error) as caught:
        plot_grad_cam(*arguments, **keywords)
    assert str(caught.value) == message


def classifier(*last):
    """Class 1 for bright images, with a probability of 98%."""
    pooled = [keras.layers.Conv2D(1, 1), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((6, 8, 3)), *pooled, keras.layers.Dense(2), *last])
    weights = [np.full((1, 1, 3, 1), 1 / 3), np.zeros(1), [[-2.0, 2.0]], np.zeros(2)]
    model.set_weights([np.asarray(weight, "float32") for weight in weights])
    return model


def titles_of(figure):
    return [ax.get_title("left") for ax in figure.axes if ax.get_title("left")]


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ({}, ["dog 98%", "dog 98%"]),
        ({"class_index": 0}, ["cat 2%: no evidence"] * 2),
        ({"class_index": [1, 0]}, ["dog 98%", "cat 2%: no evidence"]),
        ({"titles": ["one", "two"]}, ["one", "two"]),
    ],
)
def test_plot_grad_cam_of_a_model_computes_maps_and_titles(arguments, titles):
    images, model = np.ones((2, 6, 8, 3), "float32"), classifier(ClassNames(["cat", "dog"]))
    figure = plot_grad_cam(model, images, **arguments)
    assert titles_of(figure) == titles
    expected = plot_grad_cam(images, grad_cam(model, images, arguments.get("class_index")))
    for drawn, ax in zip(figure.axes[:2], expected.axes[:2], strict=True):
        for one, other in zip(drawn.images, ax.images, strict=True):
            np.testing.assert_array_equal(one.get_array(), other.get_array())


def test_plot_grad_cam_names_classes_by_their_index_without_names():
    images = np.ones((1, 6, 8, 3), "float32")
    assert titles_of(plot_grad_cam(images, model=classifier())) == ["class 1 98%"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: plot_grad_cam(x), "`maps` must be given without a model; received maps=None. With a model, it is the first argument"),
        (lambda m, x: plot_grad_cam(x, x[..., 0], class_index=1), "`class_index` must be None without a model; received class_index=1."),
        (lambda m, x: plot_grad_cam(x, x[..., 0], layer="a"), "`layer` must be None without a model; received layer='a'."),
        (lambda m, x: plot_grad_cam(x, x[..., 0], model=m), "`maps` must be None with a model, which computes them; received an array"),
        (lambda m, x: plot_grad_cam(m, x, model=m), "`model` must be None if the model is the first argument; received model=<Sequential"),
        (lambda m, x: plot_grad_cam(m, x[0]), "`images` must be at least one image, of shape (batch, 6, 8, 3); received shape (6, 8, 3). Make a batch"),
    ],
)  # fmt: skip
def test_plot_grad_cam_says_how_models_and_maps_are_combined(call, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared below
        call(classifier(), np.ones((1, 6, 8, 3), "float32"))
    assert str(caught.value).startswith(message)


def test_images_of_a_labeled_batch_are_explained():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(2, 3, activation="relu", kernel_initializer="ones"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    images = np.random.default_rng(0).uniform(0, 1, (2, 8, 8, 3)).astype("float32")
    alone, labeled = (
        [ax.get_title("left") for ax in plot_grad_cam(model, given).figure.axes]
        for given in (images, (images, np.array([0, 1])))
    )
    assert labeled == alone
