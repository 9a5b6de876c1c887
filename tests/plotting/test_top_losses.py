"""Top losses: each text is above its own image, at any position in the dataset."""

from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from catdog_keras import load_cats_dogs, load_images
from catdog_keras.evaluation import Evaluation, ExampleLoss, evaluate_classifier
from catdog_keras.plotting import plot_top_losses
from tests.plotting.numbered_images import numbered_images

NAMES = ["cat", "dog"]


def shown(figure):
    """Returns the number of the first image in each axes."""
    return [int(ax.images[0].get_array()[0, 0, 0]) for ax in figure.axes]


def texts(figure):
    return [ax.get_title("left").splitlines() for ax in figure.axes]


def evaluation_with_errors_at(indices, labels, files=None):
    """An evaluation that is the more wrong about an image the earlier its index is named."""
    share = np.full(len(labels), 0.8)
    for rank, index in enumerate(indices):
        share[index] = 0.1 + 0.01 * rank
    rows = np.where(np.eye(2)[labels] == 1, share[:, None], 1 - share[:, None])
    return Evaluation(NAMES, labels, rows, files)


def test_titles_show_file_class_loss_and_prediction():
    data = numbered_images([0, 1, 1, 0, 1])
    files = [f"validation/dogs/{n}.jpg" for n in range(5)]
    losses = evaluation_with_errors_at([3, 1], data[1], files).top_losses(3)
    figure = plot_top_losses(losses, data)
    assert shown(figure) == [3, 1, 0]
    assert texts(figure) == [
        ["3.jpg", "cat, loss 2.30", "predicted with 90%:", "dog"],
        ["1.jpg", "dog, loss 2.21", "predicted with 89%:", "cat"],
        ["0.jpg", "cat, loss 0.22", "correct (80%)"],
    ]
    assert figure.get_suptitle() == "The 3 images with the highest loss (cross-entropy)"
    assert (
        plot_top_losses(losses[:1], data).get_suptitle()
        == "The image with the highest loss (cross-entropy)"
    )


def test_top_losses_of_a_split_need_neither_files_nor_data(drawn_synthetic):
    splits = load_cats_dogs(drawn_synthetic)
    model = keras.Sequential(
        [keras.Input((160, 160, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    )
    for split in ("validation", "test"):
        evaluation = evaluate_classifier(model, splits[split])
        names = [lines[0] for lines in texts(plot_top_losses(evaluation))]
        worst = [splits.files[split][each.index] for each in evaluation.top_losses()]
        assert names == [Path(file).name for file in worst]
    images = load_images(splits.files["test"][:4], class_names=splits.class_names)
    evaluation = evaluate_classifier(model, images.dataset, class_names=splits.class_names)
    assert len(plot_top_losses(evaluation).axes) == 4
    mapped = splits.test.map(lambda images, labels: (images, labels))
    evaluation = evaluate_classifier(model, mapped, class_names=splits.class_names)
    with pytest.raises(ValueError, match=r"received data=None, and image .* has no file"):
        plot_top_losses(evaluation)


def test_titles_show_image_index_without_files():
    data = numbered_images([0, 1])
    assert texts(plot_top_losses(evaluation_with_errors_at([1], data[1]).top_losses(1), data)) == [
        ["image 1", "dog, loss 2.30", "predicted with 90%:", "cat"]
    ]


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 12), st.integers(0, 99))
def test_plot_top_losses_finds_images_in_any_batch(count, batch, most, seed):
    labels = np.random.default_rng(seed).integers(0, 2, count)
    worst = np.random.default_rng(seed).permutation(count)[:most]
    images, _ = numbered_images(labels)
    batches = [(images[n : n + batch], labels[n : n + batch]) for n in range(0, count, batch)]
    losses = evaluation_with_errors_at(worst, labels).top_losses(len(worst))
    assert shown(plot_top_losses(losses, batches)) == worst.tolist()


def test_plot_top_losses_reads_no_more_batches_than_needed():
    def endless():
        yield numbered_images([0, 1])
        yield numbered_images([1, 0])
        pytest.fail("a batch too many")

    losses = evaluation_with_errors_at([0, 2], [0, 1, 1, 0]).top_losses(2)
    assert shown(plot_top_losses(losses, endless())) == [0, 0]


def test_plot_top_losses_accepts_one_hot_and_column_labels():
    images, labels = numbered_images([0, 1, 1])
    losses = evaluation_with_errors_at([2, 0], labels).top_losses(2)
    for written in (np.eye(2)[labels], labels[:, None]):
        assert shown(plot_top_losses(losses, (images, written))) == [2, 0]


def test_plot_top_losses_reads_files_of_the_evaluation(tmp_path):
    gray = Image.new("L", (30, 20), 50)
    turned = gray.getexif()
    turned[0x0112] = 6  # a quarter turn
    gray.save(tmp_path / "0.jpg", exif=turned)
    Image.new("RGBA", (30, 20), (0, 0, 0, 0)).save(tmp_path / "1.png")
    Image.fromarray(np.full((20, 3000), 200 * 257, "uint16")).save(tmp_path / "2.png")
    files = [str(tmp_path / name) for name in ("0.jpg", "1.png", "2.png")]
    evaluation = evaluation_with_errors_at([0, 1, 2], [0, 1, 0], files)
    figure = plot_top_losses(evaluation)
    assert shown(figure) == [50, 255, 200]
    shapes = [ax.images[0].get_array().shape for ax in figure.axes]
    assert shapes == [(30, 20, 3), (20, 30, 3), (4, 640, 3)]
    assert texts(figure)[0][0] == "0.jpg"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (None, "are not known; received data=None, and image 1 has no file. Pass the dataset that was evaluated, as in `plot_top_losses(evaluation, splits.test)`, or pass `files` to `evaluate_classifier`."),
        ("missing.jpg", "cannot be read; received data=None, and 'missing.jpg' could not be read as an image: No such file or directory. Pass the dataset that was evaluated, as in `plot_top_losses(evaluation, splits.test)`."),
        (__file__, f"cannot be read; received data=None, and {__file__!r} could not be read as an image: not an image in any known format. Pass the dataset that was evaluated, as in `plot_top_losses(evaluation, splits.test)`."),
    ],
)  # fmt: skip
def test_plot_top_losses_needs_data_without_readable_files(file, reason):
    with pytest.raises(ValueError, match="`data` must be given") as caught:
        plot_top_losses([ExampleLoss(1, file, "cat", "dog", 0.9, 2.3)])
    assert str(caught.value) == f"`data` must be given if files {reason}"


def test_plot_top_losses_does_not_decode_a_file_beyond_the_limits(tmp_path):
    file = str(tmp_path / "large.png")
    Image.new("1", (10_000, 5001)).save(file)
    with pytest.raises(ValueError, match="as an image: more than 50 megapixels"):
        plot_top_losses([ExampleLoss(1, file, "cat", "dog", 0.9, 2.3)])


def test_plot_top_losses_rejects_reordered_dataset():
    images, labels = numbered_images([0, 1, 0, 1])
    losses = evaluation_with_errors_at([0, 2], labels).top_losses(2)
    with pytest.raises(ValueError, match="in its order") as caught:
        plot_top_losses(losses, (images, labels[[0, 2, 1, 3]]))
    assert str(caught.value) == (
        "`data` must hold the images of the evaluation, in its order; received label 0 at index 0 "
        "and label 1 at index 2, where both are of class 'cat'. "
        "A dataset that is reshuffled in each epoch cannot be used."
    )


def test_images_keep_aspect_ratio_and_share_value_range():
    images = np.zeros((2, 2, 6, 3))
    images[0] = 0.5
    images[1] = 200
    figure = plot_top_losses(
        evaluation_with_errors_at([0, 1], [0, 1]).top_losses(2), (images, [0, 1])
    )
    assert shown(figure) == [0, 200]
    for ax in figure.axes:
        left, right, bottom, top = ax.images[0].get_extent()
        assert (right - left) / (top - bottom) == pytest.approx(3)
        assert ax.get_aspect() == 1
    figure = plot_top_losses(
        evaluation_with_errors_at([1], [0, 1]).top_losses(1), (images, [0, 1]), value_range=(0, 400)
    )
    assert shown(figure) == [128]


LOSSES = [ExampleLoss(5, None, "cat", "dog", 0.9, 2.3)]


@pytest.mark.parametrize(
    ("losses", "data", "keywords", "error", "message"),
    [
        ("cat.jpg", numbered_images([0]), {}, TypeError, "`losses` must be an Evaluation or a list of images with their losses; received losses='cat.jpg'."),
        ([], numbered_images([0]), {}, ValueError, "`losses` must be an Evaluation or a list of images with their losses, at least one; received losses=[]."),
        ([2.3], numbered_images([0]), {}, TypeError, "`losses[0]` must be a record with index, file, true_class, predicted_class, probability, loss; received losses[0]=2.3."),
        (LOSSES, numbered_images([0, 1]), {}, ValueError, "`data` must hold the images of the evaluation, in its order; received 2 images and none at index 5."),
        (LOSSES, 5, {}, TypeError, "`data` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received data=5."),
        (LOSSES, np.zeros((2, 4, 4, 3)), {}, TypeError, "`data` must be a dataset of batches (images, labels), or a pair of arrays (images, labels); received an array of shape (2, 4, 4, 3). Pass the labels with the images, as (images, labels)."),
        (LOSSES, (np.zeros((2, 4, 4, 3)), [0]), {}, ValueError, "`data` must hold one label per image, here 2; received labels of shape (1,)."),
        (LOSSES, numbered_images([0] * 6), {"value_range": (1, 0)}, ValueError, "`value_range` must be a pair (low, high) of finite numbers with low < high, or None; received value_range=(1, 0)."),
        (LOSSES, numbered_images([0] * 6), {"data_format": "NCHW"}, ValueError, "`data_format` must be one of 'channels_last', 'channels_first'; received data_format='NCHW'."),
    ],
)  # fmt: skip
def test_plot_top_losses_rejects_invalid_arguments(losses, data, keywords, error, message):
    with pytest.raises(error) as caught:
        plot_top_losses(losses, data, **keywords)
    assert str(caught.value) == message
