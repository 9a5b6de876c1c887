"""Curves by their points, epochs by their ticks, the best epoch by its star."""

import types

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.plotting import plot_history

LOG = {
    "accuracy": [0.5, 0.7, 0.9],
    "loss": [0.7, 0.5, 0.2],
    "val_accuracy": [0.5, 0.8, 0.6],
    "val_loss": [0.6, 0.7, 0.9],
}


def curves(ax):
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in ax.get_lines()
    }


def test_plot_history_shows_accuracy_and_loss_curves():
    accuracy, loss = plot_history(LOG).axes
    assert curves(accuracy)["training"] == ([1, 2, 3], LOG["accuracy"])
    assert curves(accuracy)["validation"] == ([1, 2, 3], LOG["val_accuracy"])
    assert curves(loss)["training"] == ([1, 2, 3], LOG["loss"])
    assert curves(loss)["validation"] == ([1, 2, 3], LOG["val_loss"])
    assert [ax.get_xlabel() for ax in (accuracy, loss)] == ["epoch", "epoch"]
    assert accuracy.get_ylabel() == "accuracy (fraction of images)"
    assert loss.get_ylabel() == "loss"


def test_best_epoch_has_highest_accuracy_or_lowest_loss():
    figure = plot_history(LOG)
    accuracy, loss = figure.axes
    assert curves(accuracy)["best on validation"] == ([2], [0.8])
    assert curves(loss)["best on validation"] == ([1], [0.6])
    assert accuracy.get_title() == "Accuracy\nbest: 0.800 in epoch 2"
    assert loss.get_title() == "Loss\nbest: 0.600 in epoch 1"
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["training", "validation", "best on validation"]


def test_best_epoch_is_first_of_tied_epochs():
    figure = plot_history({"accuracy": [0, 0, 0], "val_accuracy": [0.5, 0.7, 0.7]})
    assert figure.axes[0].get_title().endswith("in epoch 2")


def test_curves_have_distinct_line_styles_and_markers():
    training, validation, best = plot_history(LOG).axes[0].get_lines()
    assert training.get_linestyle() != validation.get_linestyle()
    assert len({line.get_marker() for line in (training, validation, best)}) == 3


def test_single_epoch_is_drawn_as_marker_at_one():
    ax = plot_history({key: values[:1] for key, values in LOG.items()}).axes[0]
    assert ax.get_lines()[0].get_marker() == "o"
    assert ax.get_lines()[0].get_markersize() >= 4
    assert list(ax.get_xticks()) == [1]
    assert ax.get_xlim() == (0.5, 1.5)


def test_history_without_validation_has_no_best_epoch_marker():
    figure = plot_history({"accuracy": [0.5, 0.6], "loss": [0.5, 0.4]})
    assert [list(curves(ax)) for ax in figure.axes] == [["training"], ["training"]]
    assert [ax.get_title() for ax in figure.axes] == ["Accuracy", "Loss"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["accuracy"], "accuracy"),
        (["acc"], "acc"),
        (["sparse_categorical_accuracy"], "sparse_categorical_accuracy"),
        (["binary_accuracy", "learning_rate"], "binary_accuracy"),
        (["sparse_top_k_categorical_accuracy", "categorical_accuracy"], "categorical_accuracy"),
        (["top_k_accuracy"], "top_k_accuracy"),
    ],
)
def test_plot_history_finds_accuracy_metric_by_name(names, chosen):
    log = {name: [n / 10] for n, name in enumerate(names)}
    (ax,) = plot_history(log).axes
    assert curves(ax)["training"] == ([1], log[chosen])


def test_keras_history_and_its_dict_give_same_curves():
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"])
    data = np.random.default_rng(0).random((8, 2)), np.array([0, 1] * 4)
    history = model.fit(*data, validation_data=data, epochs=2, verbose=0)
    drawn, again = plot_history(history), plot_history(history.history)
    assert [curves(ax) for ax in drawn.axes] == [curves(ax) for ax in again.axes]
    assert len(drawn.axes) == 2
    # A continued training, such as fine-tuning after the head, continues the epoch numbers.
    history = model.fit(*data, initial_epoch=2, epochs=4, verbose=0)
    assert curves(plot_history(history).axes[0])["training"][0] == [3, 4]


def test_validation_points_are_drawn_at_validated_epochs():
    log = {"accuracy": [0.1] * 7, "val_accuracy": [0.1, 0.3, 0.2]}
    ax = plot_history(log).axes[0]
    assert curves(ax)["validation"] == ([2, 4, 6], [0.1, 0.3, 0.2])
    assert ax.get_title().endswith("best: 0.300 in epoch 4")


def test_nan_validation_values_are_omitted():
    log = {"loss": [0.5, 0.4, 0.3], "val_loss": [np.nan, 0.4, np.nan]}
    (ax,) = plot_history(log).axes
    assert curves(ax)["validation"] == ([2], [0.4])
    assert curves(ax)["best on validation"] == ([2], [0.4])


@given(st.integers(1, 3000), st.integers(0, 500))
def test_ticks_are_integer_epochs_from_first_to_last(count, start):
    history = types.SimpleNamespace(
        history={"loss": [0.5] * count}, epoch=list(range(start, start + count))
    )
    (ax,) = plot_history(history).axes
    ticks = list(ax.get_xticks())
    assert ticks[0] == start + 1
    assert ticks[-1] == start + count
    assert all(tick == int(tick) for tick in ticks)
    assert len(ticks) <= 8
    gaps = np.diff(ticks)
    assert len(gaps) == 0 or min(gaps) > 0.3 * max(gaps)
    assert all(label.get_text().isdigit() for label in ax.get_xticklabels())


def test_title_counts_non_finite_epochs():
    log = {"accuracy": [0.5, 0.6, 0.7], "loss": [0.5, np.nan, np.inf], "val_loss": [0.4, 0.3, 0.2]}
    accuracy, loss = plot_history(log).axes
    assert accuracy.get_title() == "Accuracy"
    assert loss.get_title() == "Loss\nbest: 0.200 in epoch 3\nnot finite in 2 of 3 epochs"
    assert len(loss.get_yticks())
    (lost,) = plot_history({"loss": [np.nan]}).axes
    assert lost.get_title() == "Loss\nnot finite in 1 of 1 epochs"
    assert len(lost.get_yticks()) == 0


@pytest.mark.parametrize(
    "losses",
    [[1e308, -1e308, 0.5], [0.5, -1e308, 1e305], [-1e307] * 3, [0.5, 10**400, -(10**400)]],
)
def test_values_that_cannot_be_drawn_count_as_infinite(losses):
    figure = plot_history({"loss": losses, "val_loss": losses[::-1]})
    figure.canvas.draw()
    title = figure.axes[0].get_title()
    assert f"not finite in {3 - losses.count(0.5)} of 3 epochs" in title
    assert ("best: 0.500" in title) == (0.5 in losses)


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        ([1, 2], TypeError, "`history` must be a keras.callbacks.History, or its dict or data frame of one number per epoch and metric, or a list of them; received history=1."),
        ({}, ValueError, "`history` must be the record of at least one epoch; received history={}."),
        ({"loss": []}, ValueError, "`history` must be the record of at least one epoch; received history={'loss': []}."),
        ({1: [0.5]}, TypeError, "`history` must be a dict with names of metrics as keys; received history={1: [0.5]}."),
        ({b"loss": [1, 2]}, TypeError, "`history` must be a dict with names of metrics as keys; received history={b'loss': [1, 2]}."),
        ({"loss": 0.5}, TypeError, "`history['loss']` must be a list with one number per epoch; received history['loss']=0.5."),
        ({"loss": ["low"]}, TypeError, "`history['loss']` must be a list with one number per epoch; received history['loss']=['low']."),
        ({"auc": [0.5], "val_loss": [1]}, ValueError, "`history` must be a record with \"loss\" or a metric with \"acc\" in its name; received the names ['auc', 'val_loss']."),
        ({"loss": [1] * 11, "val_loss": [1, 2]}, ValueError, "`history['val_loss']` must hold one number per epoch, here 11; received 2. Use NaN for an epoch without a value."),
        ({"loss": [1] * 3, "val_loss": []}, ValueError, "`history['val_loss']` must hold one number per epoch, here 3; received 0. Use NaN for an epoch without a value."),
    ],
)  # fmt: skip
def test_plot_history_rejects_invalid_history(history, error, message):
    with pytest.raises(error) as caught:
        plot_history(history)
    assert str(caught.value) == message


def test_accuracy_ties_are_broken_by_lowest_loss():
    log = {"loss": [1, 1, 1, 1], "val_loss": [0.4, 0.2, 0.3, 0.1]}
    log |= {"accuracy": [0.5] * 4, "val_accuracy": [0.9, 0.9, 0.9, 0.8]}
    accuracy, loss = plot_history(log).axes
    assert accuracy.get_title() == "Accuracy\nbest: 0.900 in epoch 2"
    assert loss.get_title() == "Loss\nbest: 0.100 in epoch 4"
    log["val_loss"] = [np.nan, np.nan, np.nan, 0.1]
    assert plot_history(log).axes[0].get_title() == "Accuracy\nbest: 0.900 in epoch 1"


def test_records_of_a_list_follow_one_another():
    first = {"accuracy": [0.5, 0.6], "val_accuracy": [0.4, 0.5], "loss": [0.9, 0.8]}
    second = {"loss": [0.7, 0.6, 0.5], "accuracy": [0.7, 0.8, 0.9]}
    figure = plot_history([first, second])
    train, validation, boundary = figure.axes[0].lines[:3]
    assert list(train.get_xdata()) == [1, 2, 3, 4, 5]
    assert list(train.get_ydata()) == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert list(validation.get_xdata()) == [1, 2]
    assert list(boundary.get_xdata()) == [2.5, 2.5]


@pytest.mark.parametrize(
    ("start", "epochs"), [(0, [1, 2, 3, 4]), (2, [1, 2, 3, 4]), (5, [1, 2, 6, 7])]
)
def test_record_that_resumed_keeps_its_epochs(start, epochs):
    second = types.SimpleNamespace(epoch=[start, start + 1], history={"loss": [0.7, 0.6]})
    figure = plot_history([{"loss": [0.9, 0.8]}, second])
    assert list(figure.axes[0].lines[0].get_xdata()) == epochs


def test_empty_list_of_records_is_rejected():
    with pytest.raises(ValueError, match="`history` must be a list of at least one record"):
        plot_history([])


def test_data_frame_is_plotted_as_its_dict():
    pandas = pytest.importorskip("pandas")
    log = {"accuracy": [0.5, 0.8], "loss": [0.7, 0.4], "val_loss": [0.6, 0.5]}
    figure = plot_history(pandas.DataFrame(log))
    assert [ax.get_title().splitlines()[0] for ax in figure.axes] == ["Accuracy", "Loss"]
    for ax, expected in zip(figure.axes, plot_history(log).axes, strict=True):
        for line, other in zip(ax.lines, expected.lines, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), other.get_xydata())


@pytest.mark.parametrize(("first", "expected"), [(0, [1, 2, 3]), (4, [5, 6, 7])])
def test_epochs_of_a_csv_logger_file_are_not_a_metric(first, expected, tmp_path):
    pandas = pytest.importorskip("pandas")
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    logger.set_model(keras.Sequential())
    logger.on_train_begin()
    for epoch, loss in enumerate((0.7, 0.5, 0.6)):
        logger.on_epoch_end(first + epoch, {"loss": loss, "val_loss": loss})
    logger.on_train_end()
    figure = plot_history(pandas.read_csv(tmp_path / "log.csv"))
    (ax,) = figure.axes
    assert ax.lines[0].get_xdata().tolist() == expected
    assert ax.lines[0].get_ydata().tolist() == [0.7, 0.5, 0.6]
    assert f"best: 0.500 in epoch {expected[1]}" in ax.get_title()
