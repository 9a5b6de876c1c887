"""Which images are shown where, in which range of values, and what is said of missing ones."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure
from matplotlib.text import Text

from catdog_keras.plotting import plot_images
from catdog_keras.plotting._image_arrays import find_display_range
from tests.plotting.numbered_images import numbered_images, shown_numbers

NAMES = ["cats", "dogs"]


def titles(figure):
    return [ax.get_title("left") for ax in figure.axes]


def test_plot_images_shows_first_three_images_of_each_class():
    figure = plot_images(numbered_images([1, 0, 0, 1, 0, 0, 1, 1]), class_names=NAMES)
    assert shown_numbers(figure) == [[1, 2, 4], [0, 3, 6]]
    assert titles(figure) == ["cats", "dogs"]


class Named(list):
    """A dataset with class names, as of `keras.utils.image_dataset_from_directory`."""

    class_names = NAMES


def test_plot_images_reads_class_names_of_dataset_and_training_images_of_splits():
    dataset = Named([numbered_images([1, 0, 0])])
    splits = SimpleNamespace(train=dataset, validation=None, class_names=("cats", "dogs"))
    for data in (dataset, splits):
        figure = plot_images(data)
        assert shown_numbers(figure) == [[1, 2], [0]]
        assert titles(figure) == ["cats: 2 found in 3 images", "dogs: 1 found in 3 images"]
    assert titles(plot_images(dataset, class_names=["Katze", "Hund"], per_class=1)) == [
        "Katze",
        "Hund",
    ]
    assert titles(plot_images(list(dataset), per_class=1)) == ["class 0", "class 1"]
    images, _ = dataset[0]
    with pytest.raises(TypeError, match=r"`y` must be given .* Pass the labels: data, y\."):
        plot_images(images)


def test_missing_images_leave_gaps_and_are_reported_in_titles():
    figure = plot_images(numbered_images([0, 0, 0, 0, 1]), class_names=["cats", "dogs", "foxes"])
    assert shown_numbers(figure) == [[0, 1, 2], [4], []]
    assert titles(figure) == [
        "cats",
        "dogs: 1 found in 5 images",
        "foxes: none found in 5 images",
    ]
    widths = {ax.get_xlim() for ax in figure.axes}
    assert len(widths) == 1  # an empty row is as wide as a full one


def test_plot_images_reads_batches_until_all_classes_are_complete():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield numbered_images([0, 0, 1])

    figure = plot_images(endless(), class_names=NAMES, per_class=2)
    assert len(taken) == 2
    assert shown_numbers(figure) == [[0, 1], [2, 2]]


def test_plot_images_stops_after_max_batches():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield numbered_images([0, 0])

    assert titles(plot_images(endless(), class_names=NAMES)) == [
        "cats",
        "dogs: none found in 64 images",
    ]
    assert len(taken) == 32
    assert len(shown_numbers(plot_images(endless(), class_names=NAMES, max_batches=1))[0]) == 2
    assert len(taken) == 33


class Numbered(keras.utils.PyDataset):
    """One batch; it never raises IndexError."""

    def __getitem__(self, index):
        return numbered_images([0, 1])

    def __len__(self):
        return 1


def test_plot_images_accepts_tf_datasets_pydatasets_and_tensors():
    import tensorflow as tf

    images, labels = numbered_images([0, 1, 1])
    for dataset in (
        tf.data.Dataset.from_tensor_slices((images, labels)).batch(2),
        tf.data.Dataset.from_tensor_slices((images, np.eye(2)[labels])).batch(2),
        [(images[:2], labels[:2, None]), (images[2:], labels[2:, None])],
    ):
        assert shown_numbers(plot_images(dataset, class_names=NAMES)) == [[0], [1, 2]]
    assert titles(plot_images(Numbered(), class_names=NAMES))[0] == "cats: 1 found in 2 images"
    tensors = keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(labels)
    assert shown_numbers(plot_images(tensors, class_names=NAMES)) == [[0], [1, 2]]


@given(
    st.integers(1, 4).flatmap(
        lambda classes: st.tuples(
            st.just(classes), st.lists(st.integers(0, classes - 1), min_size=1, max_size=10)
        )
    ),
    st.integers(1, 4),
)
def test_plot_images_shows_up_to_per_class_images_of_each_class(classes_and_labels, per_class):
    classes, labels = classes_and_labels
    names = [f"class {n}" for n in range(classes)]
    figure = plot_images(numbered_images(labels), class_names=names, per_class=per_class)
    wanted = [[n for n, y in enumerate(labels) if y == c][:per_class] for c in range(classes)]
    assert shown_numbers(figure) == wanted
    for title, name, row in zip(titles(figure), names, wanted, strict=True):
        assert title.startswith(name)
        assert (title == name) == (len(row) == per_class)


GRADIENT = np.linspace(0, 1, 12).reshape(1, 2, 2, 3)


@pytest.mark.parametrize(
    ("images", "low", "high"),
    [
        (GRADIENT, 0, 1),
        (GRADIENT * 2 - 1, -1, 1),
        (GRADIENT * 255, 0, 255),
        (GRADIENT * 4.2 - 2, -2, 2.2),  # standardised
        (GRADIENT * 10, 0, 10),
        (GRADIENT * 20 - 10, -10, 10),
        (GRADIENT * 265 - 5, 0, 255),  # overshot by cubic interpolation
        (np.rint(GRADIENT * 255).astype("uint8"), 0, 255),
        (np.rint(GRADIENT).astype("uint8"), 0, 255),  # dark, but bytes
        (np.rint(GRADIENT * 255).astype("int64"), 0, 255),
        (GRADIENT > 0.5, 0, 1),
        (GRADIENT * 65535, 0, 65535),
        (GRADIENT * 275 - 124, -124, 151),  # centerd as for Caffe
        (GRADIENT * 0, 0, 1),
        (GRADIENT.astype("float16"), 0, 1),
    ],
)
def test_value_range_is_inferred_from_images(images, low, high):
    assert find_display_range(list(images)) == pytest.approx((low, high))
    figure = plot_images((images, [0]), class_names=["cat"], per_class=1)
    values = np.clip((images[0].astype(float) - low) / (high - low), 0, 1)
    assert np.array_equal(figure.axes[0].images[0].get_array(), np.rint(255 * values))


@given(hnp.arrays("float32", (2, 3, 3, 3), elements=st.floats(width=32)))
def test_plot_images_accepts_any_float_values(images):
    """NaN and infinities included."""
    low, high = find_display_range(list(images))
    assert np.isfinite([low, high]).all()
    plot_images((images, [0, 0]), class_names=["cat"])


def test_nan_is_black_and_infinities_are_clipped_to_range():
    values = np.array([np.nan, -np.inf, np.inf, 0.2, 1.0]).reshape(1, 1, 5, 1)
    figure = plot_images((values, [0]), class_names=["cat"], per_class=1)
    assert figure.axes[0].images[0].get_array()[0, :, 0].tolist() == [0, 0, 255, 51, 255]


def test_titles_fit_within_their_axes():
    names = [f"{n} of forty classes with names that are far too long for a row" for n in range(40)]
    images, labels = numbered_images(range(20))
    figure = plot_images((images, labels), class_names=names, figure=Figure(figsize=(6, 9), dpi=60))
    figure.draw_without_rendering()
    for ax in figure.axes:
        (title,) = (t for t in ax.findobj(Text) if t.get_text() == ax.get_title("left"))
        assert title.get_window_extent().x1 <= ax.get_window_extent().x1 + 1


def test_value_range_is_shared_by_all_images():
    """A dark image stays dark next to a bright one."""
    figure = plot_images((np.array([0.2, 200.0]).reshape(2, 1, 1, 1), [0, 1]), class_names=NAMES)
    assert shown_numbers(figure) == [[0], [200]]


def test_value_range_argument_sets_range():
    images = np.array([50.0, 100.0]).reshape(2, 1, 1, 1)
    figure = plot_images((images, [0, 1]), class_names=NAMES, value_range=(50, 100))
    assert shown_numbers(figure) == [[0], [255]]


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channel_axis_is_inferred_first_or_last(axis, channels):
    images = np.random.default_rng(0).random((1, 8, 10, channels))
    moved = np.moveaxis(images, -1, axis)
    (image,) = plot_images((moved, [0]), class_names=["cat"], per_class=1).axes[0].images
    colors = images[0, ..., :3] if channels > 1 else images[0].repeat(3, axis=-1)
    assert np.array_equal(image.get_array(), np.rint(255 * colors))


def test_grayscale_images_need_no_channel_axis():
    (image,) = plot_images((np.eye(8)[None], [0]), class_names=["cat"], per_class=1).axes[0].images
    assert np.array_equal(image.get_array()[..., 1], 255 * np.eye(8))


def test_ambiguous_shape_uses_default_or_given_data_format():
    images = np.random.default_rng(0).random((1, 3, 7, 3))
    for data_format, expected in ((None, "last"), ("channels_first", "first")):
        figure = plot_images(
            (images, [0]), class_names=["cat"], per_class=1, data_format=data_format
        )
        shape = figure.axes[0].images[0].get_array().shape
        assert shape == ((3, 7, 3) if expected == "last" else (7, 3, 3))


def test_images_keep_aspect_ratio_and_orientation():
    images = np.zeros((1, 2, 6, 3))
    images[0, 0] = 1.0  # white above
    figure = plot_images((images, [0]), class_names=["cat"], per_class=1)
    (image,) = figure.axes[0].images
    left, right, bottom, top = image.get_extent()
    assert (right - left) / (top - bottom) == pytest.approx(3)
    assert top > bottom
    assert image.origin == "upper"
    assert figure.axes[0].get_aspect() == 1
    assert image.get_array()[0].min() == 255


def test_many_classes_use_several_columns_in_reading_order():
    names = [f"class {n}" for n in range(40)]
    figure = plot_images(numbered_images(list(range(40)) * 3), class_names=names)
    figure.draw_without_rendering()
    corners = [ax.get_window_extent() for ax in figure.axes]
    places = [(round(-box.y1), round(box.x0)) for box in corners]
    assert places == sorted(places)
    assert len({column for _, column in places}) > 1
    width, height = figure.get_size_inches()
    assert height < 1.5 * width


@pytest.mark.parametrize(
    ("data", "keywords", "error", "message"),
    [
        (5, {}, TypeError, "`data` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received data=5."),
        ([], {}, ValueError, "`data` must hold at least one image; received none."),
        ([np.zeros((2, 4, 4, 3))], {}, ValueError, "`data` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received a batch that is of type ndarray."),
        ((np.zeros((2, 4)), [0, 1]), {}, ValueError, "`data` must hold images of shape (batch, height, width, channels), (batch, channels, height, width) or (batch, height, width); received shape (2, 4)."),
        ((np.zeros((2, 4, 4, 3)), [0]), {}, ValueError, "`data` must hold one label per image, here 2; received labels of shape (1,)."),
        ((np.zeros((1, 4, 4, 3)), [2]), {}, ValueError, "`labels` must be class indices from 0 to 1, one for each class name; received labels=2."),
        ((np.zeros((1, 4, 4, 3)), [-1]), {}, ValueError, "`labels` must be class indices from 0 to 1, one for each class name; received labels=-1."),
        ((np.zeros((1, 8, 8, 2)), [0]), {}, ValueError, "`data` must hold images with 1, 3 or 4 channels; received an image of shape (8, 8, 2) in data_format='channels_last'."),
        ((np.zeros((1, 8, 8, 3)), [0]), {"data_format": "channels_first"}, ValueError, "`data` must hold images with 1, 3 or 4 channels; received an image of shape (8, 8, 3) in data_format='channels_first'."),
        (numbered_images([0]), {"data_format": "NCHW"}, ValueError, "`data_format` must be one of 'channels_last', 'channels_first'; received data_format='NCHW'."),
        (numbered_images([0]), {"per_class": 0}, ValueError, "`per_class` must be an integer of at least 1; received per_class=0."),
        (numbered_images([0]), {"max_batches": 1.5}, TypeError, "`max_batches` must be an integer of at least 1; received max_batches=1.5."),
        (numbered_images([0]), {"value_range": (0, 10**400)}, ValueError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=(0, " + "1" + "0" * 400 + ")."),
        (numbered_images([0]), {"value_range": 255}, TypeError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=255."),
        (numbered_images([0]), {"value_range": ("0", 1)}, TypeError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=('0', 1)."),
        (numbered_images([0]), {"value_range": (1, 0)}, ValueError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=(1, 0)."),
        (numbered_images([0]), {"class_names": "cat"}, TypeError, "`class_names` must be a list of distinct class names; received class_names='cat'."),
        (numbered_images([0]), {"class_names": ["cat", 2]}, TypeError, "`class_names` must be a list of distinct class names; received class_names=['cat', 2]."),
        (numbered_images([0]), {"class_names": ["cat", "cat"]}, ValueError, "`class_names` must be a list of distinct class names; received class_names=['cat', 'cat']."),
    ],
)  # fmt: skip
def test_plot_images_rejects_invalid_arguments(data, keywords, error, message):
    with pytest.raises(error) as caught:
        plot_images(data, **{"class_names": NAMES, **keywords})
    assert str(caught.value) == message


def test_sample_weights_are_accepted_in_batches_and_arrays():
    images, labels = numbered_images([0, 1, 0])
    weights = np.ones(3)
    for data in ([(images, labels, weights)], (images, labels, weights)):
        assert shown_numbers(plot_images(data, class_names=NAMES)) == [[0, 2], [1]]


def test_py_dataset_is_accepted():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            images, labels = numbered_images([0, 1, 0])
            return images + np.uint8(10 * index), labels

    assert shown_numbers(plot_images(Batches(), class_names=NAMES)) == [[0, 2, 10], [1, 11]]


def test_plot_images_takes_images_and_labels_as_two_arguments():
    images, labels = np.zeros((3, 4, 4, 3)), [0, 2, 2]
    figure = plot_images(images, labels)
    assert [ax.get_title("left") for ax in figure.axes] == [
        "class 0: 1 found in 3 images",
        "class 1: none found in 3 images",
        "class 2: 2 found in 3 images",
    ]
    figure = plot_images(images, np.eye(2)[[0, 1, 1]], class_names=["cat", "dog"])
    assert figure.axes[0].get_title("left") == "cat: 1 found in 3 images"


def test_plot_images_says_how_to_pass_class_names():
    with pytest.raises(TypeError, match=r"`y` must be labels .*: `class_names=...`"):
        plot_images((np.zeros((2, 4, 4, 3)), [0, 1]), ["cat", "dog"])


def test_classes_of_a_dataset_without_names_are_numbered_up_to_the_highest_label():
    images = np.zeros((4, 4, 4, 3))
    batches = iter([(images, [0, 0, 0, 0]), (images, [0, 3, 3, 0])])
    figure = plot_images(batches, per_class=1)
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes]
    shown = [each.get_text() for each in figure.findobj(Text) if "class" in each.get_text()]
    assert [text.split("\n")[0][:7] for text in shown] == [
        "class 0",
        "class 1",
        "class 2",
        "class 3",
    ], titles
    with pytest.raises(ValueError, match="labels below 10,000 where there are no class names"):
        plot_images([(images, [0, 10**9, 1, 2])])
