"""An interrupted training resumes from its checkpoint with a bit-identical result."""

import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from catdog_keras import fine_tune, fit_head
from catdog_keras.training import _checkpoint as checkpoint
from tests.arrays import all_equal, copy_values
from tests.interruption import InterruptionError, interrupt
from tests.training.fine_tuning_cases import (
    SHAPE,
    interrupted_replace,
    labeled_images,
    make_callbacks,
    model,
    run,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of training and validation images in two classes."""
    from PIL import Image

    root = tmp_path_factory.mktemp("images")
    images, labels = labeled_images(72)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = root / ("train" if number < 40 else "validation") / f"class{label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.astype("uint8")).save(place / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def uninterrupted(folder):
    """Runs a case without a checkpoint: the expected bits depend on the seed alone."""
    known = {}

    def get(case):
        if case not in known:
            known[case] = run(case, None, folder)
        return known[case]

    return get


def test_interrupted_run_resumes_with_bit_identical_result(
    folder, uninterrupted, tmp_path, monkeypatch
):
    expected, history = uninterrupted("head")
    file = tmp_path / "state"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted_replace(3, "after", interrupt))
        with pytest.raises(InterruptionError):
            run("head", file, folder)
    assert file.exists()
    found, resumed = run("head", file, folder)
    assert resumed.history == history.history
    assert resumed.epoch == history.epoch
    assert all_equal(copy_values(found.variables), copy_values(expected.variables))
    assert {each.name for each in tmp_path.iterdir()} == {"state", "state.previous"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The checkpoint .* cannot be used. It does not exist")
@pytest.mark.parametrize(
    ("case", "epoch", "moment"),
    [
        ("kept", 1, "after"),
        ("kept", 2, "between"),
        ("num_views", 1, "after"),
        ("num_views", 3, "before"),
        ("whole", 1, "after"),
        ("whole", 3, "before"),
        ("stages", 2, "between"),
        ("stages", 3, "before"),
        ("head", 2, "between"),
        ("head", 3, "before"),
    ],
)
def test_killed_run_resumes_with_bit_identical_result(
    case, epoch, moment, folder, uninterrupted, tmp_path, forked, monkeypatch
):
    expected, history = uninterrupted(case)
    file = tmp_path / "state"
    program = "tests.training.fine_tuning_cases"
    killed = forked.run("-m", program, case, file, epoch, moment, folder)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert file.exists() is (moment != "between")
    write, written = checkpoint.Checkpoint.write, []
    monkeypatch.setattr(
        checkpoint.Checkpoint, "write", lambda *given: written.append(1) or write(*given)
    )
    found, resumed = run(case, file, folder)
    # It does not begin again, which would give the same bits.
    assert len(written) == len(history.epoch) - (epoch if moment == "after" else epoch - 1)
    assert resumed.history == history.history
    assert resumed.epoch == history.epoch
    assert all_equal(copy_values(found.variables), copy_values(expected.variables))
    assert {each.name for each in tmp_path.iterdir()} == {"state", "state.previous"}
    again, _ = run(case, file, folder)  # there is nothing left to do
    assert all_equal(copy_values(again.weights), copy_values(expected.weights))


def test_callbacks_that_stop_a_run_keep_their_state(tmp_path, monkeypatch):
    """Without it, early stopping would count from 0 again, and train for more epochs."""

    def train(file):
        trained = model()
        history = fit_head(
            trained,
            labeled_images(),
            validation_data=labeled_images(12),
            epochs=9,
            backup=file,
            callbacks=make_callbacks(["EarlyStopping"]),
            verbose=0,
        )
        return history, copy_values(trained.weights)

    history, expected = train(None)
    assert len(history.epoch) == 4
    file = tmp_path / "state"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted_replace(3, "after", interrupt))
        with pytest.raises(InterruptionError):
            train(file)
    for _ in range(2):  # the second call finds a complete training
        resumed, found = train(file)
        assert resumed.history == history.history
        assert all_equal(found, expected)


@pytest.mark.parametrize("function", [fit_head, fine_tune])
def test_checkpoint_of_other_arguments_is_rejected(function, tmp_path):
    file = tmp_path / "state"
    function(model(), labeled_images(8), epochs=1, backup=file, verbose=0)
    with pytest.raises(ValueError, match=r"epochs was 1, is 2\. Delete it, and 'state.previous'"):
        function(model(), labeled_images(8), epochs=2, backup=file, verbose=0)
    other = fine_tune if function is fit_head else fit_head
    with pytest.raises(ValueError, match=f"function was '{function.__name__}'"):
        other(model(), labeled_images(8), epochs=1, backup=file, verbose=0)


@pytest.mark.parametrize("function", [fit_head, fine_tune])
def test_checkpoint_in_missing_folder_raises_before_training(function, tmp_path):
    with pytest.raises(FileNotFoundError, match="`backup` must be a file in an existing folder"):
        function(model(), labeled_images(8), epochs=1, backup=tmp_path / "no" / "state")


@pytest.mark.parametrize("function", [fit_head, fine_tune])
def test_class_weight_of_numpy_numbers_is_a_part_of_the_checkpoint(function, tmp_path):
    weights = dict(zip(np.arange(2), np.array([1, 2], "float32"), strict=True))
    arguments = {"epochs": 1, "backup": tmp_path / "state", "verbose": 0}
    function(model(), labeled_images(8), class_weight=weights, **arguments)
    function(model(), labeled_images(8), class_weight={0: 1, 1: 2}, **arguments)
    with pytest.raises(ValueError, match=r"class_weight was \[\[0, 1\.0\], \[1, 2\.0\]\], is None"):
        function(model(), labeled_images(8), **arguments)


@pytest.mark.parametrize("function", [fit_head, fine_tune])
@pytest.mark.parametrize("weights", [[1, 2], "equal"])
def test_class_weight_of_another_type_is_rejected(function, weights):
    error = ValueError if isinstance(weights, str) else TypeError
    with pytest.raises(error, match=r"`class_weight` must be a dict .* 'balanced' or None"):
        function(model(), labeled_images(8), epochs=1, class_weight=weights, verbose=0)


@pytest.mark.parametrize("function", [fit_head, fine_tune])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"cat": 1, "dog": 2}, "class indices from 0 to 1.*Replace class names by their indices"),
        ({0: 1, 2: 3}, "class indices from 0 to 1"),
        ({-1: 1}, "class indices from 0 to 1"),
        ({True: 1}, "class indices from 0 to 1"),
        ({1: -0.5}, r"`class_weight\[1\]` must be a number from 0 to 1e\+09"),
        ({1: float("nan")}, r"`class_weight\[1\]` must be a number from 0 to 1e\+09"),
        ({1: 1e300}, r"`class_weight\[1\]` must be a number from 0 to 1e\+09; received .*1e\+300"),
    ],
)
def test_class_weight_that_would_be_ignored_or_is_invalid_is_rejected(function, weights, message):
    with pytest.raises(ValueError, match=message):
        function(model(), labeled_images(8), epochs=1, class_weight=weights, verbose=0)


def train_with_checkpoint(function, file, rate=0.1, ignored=None, names=("a", "b"), **arguments):
    trained = model(class_names=list(names))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored)
    trained.compile(keras.optimizers.SGD(rate), loss, metrics=["accuracy"])
    arguments = {"train": labeled_images(8), "epochs": 1, "verbose": 0, **arguments}
    return function(trained, backup=file, **arguments).history


@pytest.fixture(scope="module", params=[fit_head, fine_tune])
def finished(request, tmp_path_factory):
    """A function, the checkpoint of its complete training, which errors keep, and the history."""
    file = tmp_path_factory.mktemp("finished") / "state"
    first = train_with_checkpoint(request.param, file)
    assert train_with_checkpoint(request.param, file) == first
    return request.param, file, first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.5}, r"compile\.optimizer\.config\.learning_rate was 0\.1.*, is 0\.5"),
        ({"ignored": 5}, r"compile\.loss\.config\.ignore_class was None, is 5"),
        ({"names": ["b", "a"]}, r"class_names was \['a', 'b'\], is \['b', 'a'\]"),
        ({"validation_data": labeled_images(4)}, "validation_data was None, is"),
        ({"train": (labeled_images(8)[0], 1 - labeled_images(8)[1])}, "train was .*, is"),
        ({"train": labeled_images(6)}, r"train was \{'shapes': \[\[8, 8, 8, 3\], \[8\]\]"),
        ({"train": [labeled_images(4)] * 3}, "train was .*, is {'batches': 3}"),
    ],
    ids=["optimizer", "loss", "class names", "validation", "labels", "images", "batches"],
)
def test_checkpoint_of_another_training_is_rejected(finished, change, message):
    function, file, first = finished
    if function is fine_tune and "rate" in change:
        # It replaces the optimizer.
        assert train_with_checkpoint(function, file, **change) == first
        return
    with pytest.raises(ValueError, match=f"written with other arguments: .*{message}"):
        train_with_checkpoint(function, file, **change)


@pytest.mark.parametrize("train", [fit_head, fine_tune])
def test_resumed_model_has_the_normalization_of_the_checkpoint(train, tmp_path):
    images, labels = labeled_images(8)

    def build(adapted):
        first = keras.layers.Normalization()
        if adapted:
            first.adapt(images)
        layers = [keras.Input(SHAPE), first, keras.layers.Conv2D(2, 3)]
        backbone = keras.Sequential(layers, name="backbone")
        backbone.trainable = False
        inputs = keras.Input(SHAPE)
        pooled = keras.layers.GlobalAveragePooling2D()(backbone(inputs))
        return keras.Model(inputs, keras.layers.Dense(2)(pooled), name="net")

    data = [(images, labels)]
    outputs = []
    for adapted in (True, False):
        trained = build(adapted)
        train(trained, data, epochs=1, backup=tmp_path / "state")
        outputs.append(keras.ops.convert_to_numpy(trained(images)))
    np.testing.assert_array_equal(*outputs)
