"""Each image next to its own views, with one value range."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from catdog_keras.plotting import plot_augmentation, plot_confusion_matrix
from tests.plotting.numbered_images import consecutive_images, shown_numbers


def test_plot_augmentation_shows_each_image_before_its_views():
    figure = plot_augmentation(
        consecutive_images(0),
        [consecutive_images(10), consecutive_images(20), consecutive_images(30)],
    )
    assert shown_numbers(figure) == [[0, 10, 20, 30], [1, 11, 21, 31]]
    assert [ax.get_title("left") for ax in figure.axes] == ["image | 3 views of it", ""]
    assert shown_numbers(
        plot_augmentation(consecutive_images(0), np.stack([consecutive_images(10)]))
    ) == [
        [0, 10],
        [1, 11],
    ]
    one = plot_augmentation(consecutive_images(0), [consecutive_images(10)])
    assert one.axes[0].get_title("left") == "image | 1 view of it"


class AddInTraining(keras.layers.Layer):
    """Adds 10 in training, and 0 in inference."""

    def call(self, inputs, training=False):
        return inputs + 10.0 * training


@pytest.mark.parametrize(
    "layer",
    [
        AddInTraining(),
        keras.Sequential([AddInTraining()]),
        keras.layers.Rescaling(1.0, offset=10.0),  # its `call` has no `training`
        lambda images: images + 10,
    ],
)
def test_plot_augmentation_calls_layer_in_training_mode(layer):
    images = consecutive_images(0).astype("float32")
    figure = plot_augmentation(images, layer, value_range=(0, 255))
    assert shown_numbers(figure) == [[0, *[10] * 5], [1, *[11] * 5]]
    assert figure.axes[0].get_title("left") == "image | 5 views of it"


def test_separator_line_is_between_image_and_views():
    with plt.style.context("dark_background"):
        figure = plot_augmentation(consecutive_images(0), [consecutive_images(10)] * 3)
    for ax in figure.axes:
        (line,) = ax.get_lines()
        lefts = [image.get_extent()[:2] for image in ax.images]
        assert lefts[0][1] < line.get_xdata()[0] == line.get_xdata()[1] < lefts[1][0]
        assert line.get_color() == "white"


def test_images_and_views_share_one_value_range():
    images = np.linspace(0, 255, 48, dtype="float32").reshape(1, 4, 4, 3)
    figure = plot_augmentation(images, [np.clip(images, 0, 1)])
    first, cut = figure.axes[0].images
    assert first.get_array().max() == 255
    assert cut.get_array().max() <= 1
    given = plot_augmentation(images, [images], value_range=(0, 510))
    assert given.axes[0].images[0].get_array().max() == 128


def test_plot_augmentation_accepts_views_of_different_size():
    figure = plot_augmentation(consecutive_images(0), [consecutive_images(10, shape=(8, 4, 3))])
    assert shown_numbers(figure) == [[0, 10], [1, 11]]


@pytest.mark.parametrize(
    ("images", "views", "keywords", "error", "message"),
    [
        (np.zeros((4, 4)), [], {}, ValueError, "`images` must be at least one image, of shape (batch, height, width, channels), (batch, channels, height, width) or (batch, height, width); received shape (4, 4)."),
        (consecutive_images(0), 5, {}, TypeError, "`views` must be an augmentation layer, or a list of arrays, each with a view of every image; received views=5."),
        (consecutive_images(0), [], {}, ValueError, "`views` must be an augmentation layer, or a list of arrays, each with a view of every image, at least one; received views=[]."),
        (consecutive_images(0), consecutive_images(1), {}, ValueError, "`views` must be arrays of 2 images of 3 axes, as `images`; received an array of shape (4, 6, 3)."),
        (consecutive_images(0), [consecutive_images(0, 3)], {}, ValueError, "`views` must be arrays of 2 images of 3 axes, as `images`; received an array of shape (3, 4, 6, 3)."),
        (consecutive_images(0), [consecutive_images(0)], {"data_format": "NCHW"}, ValueError, "`data_format` must be one of 'channels_last', 'channels_first'; received data_format='NCHW'."),
        (consecutive_images(0), [consecutive_images(0)], {"value_range": (1, 0)}, ValueError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=(1, 0)."),
    ],
)  # fmt: skip
def test_plot_augmentation_rejects_invalid_arguments(images, views, keywords, error, message):
    with pytest.raises(error) as caught:
        plot_augmentation(images, views, **keywords)
    assert str(caught.value) == message


def test_plot_augmentation_draws_a_preset_by_its_name():
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    figure = plot_augmentation(images, "light")  # flips only
    assert figure.axes[0].get_title("left") == "image | 5 views of it"
    for ax in figure.axes:
        original, *views = [drawn.get_array() for drawn in ax.images]
        assert len(views) == 5
        flipped = original[:, ::-1]
        assert all((view == original).all() or (view == flipped).all() for view in views)


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.eye(2), np.array([[0], [1]])])
def test_images_of_a_labeled_batch_are_drawn(labels):
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3))
    expected, found = (
        [[drawn.get_array().tolist() for drawn in ax.images] for ax in figure.axes]
        for figure in (
            plot_augmentation(images, [images]),
            plot_augmentation((images, labels), [images]),
        )
    )
    assert found == expected


def test_unknown_preset_is_answered_with_those_that_exist():
    with pytest.raises(ValueError, match="`views` must be one of 'light', 'medium', 'strong'"):
        plot_augmentation(consecutive_images(0), "medum")


def test_axes_of_a_plot_are_saved_like_a_figure(tmp_path):
    plot_confusion_matrix(np.eye(2, dtype=int), ["a", "b"]).savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
