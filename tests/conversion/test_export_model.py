"""Exported files predict what the model predicts, from images of any size, with their metadata."""

import errno
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import catdog_keras
from catdog_keras import ClassNames, ConvBlock, Preprocessing, _backend
from catdog_keras._write_files import writable_folder
from catdog_keras.conversion import (
    ExportMetadata,
    ExportMismatchError,
    _export_model,
    _export_report,
    export_model,
    read_metadata,
)
from catdog_keras.conversion._export_images import images_for_calibration, images_to_compare
from catdog_keras.conversion._formats import FORMATS, format_of_file
from catdog_keras.conversion._serving_model import Preparation, _Resize
from catdog_keras.evaluation._mcnemar import compare_correct

NAMES = ("cat", "dog 犬", "other")
SIZE = (20, 28)
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "savedmodel": ""}
IMAGE_SIZES = ((50, 37), (20, 28), (9, 64), (1, 1))
# Another process converts the model on other backends.
pytestmark = [pytest.mark.graph] + (
    [] if keras.backend.backend() == "tensorflow" else [pytest.mark.slow]
)


def small_model(names=NAMES, size=SIZE, outputs=None, activation=None):
    parts = [
        keras.Input((*size, 3)),
        catdog_keras.RandomAffine("horizontal"),
        Preprocessing("signed"),
        keras.layers.Conv2D(8, 3, strides=2, use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(6.0),
        ConvBlock(8),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(outputs or len(names), activation=activation),
        *([ClassNames(names)] if outputs is None else []),
    ]
    return keras.Sequential(parts)


@pytest.fixture(scope="module")
def model(disturb):
    """A small model whose weights and averages are not those of an initializer."""
    keras.utils.set_random_seed(0)
    return disturb(small_model())


@pytest.fixture(scope="module")
def images():
    """Images with smooth and sharp parts, of several sizes."""
    generator = np.random.default_rng(1)
    shapes = [(*sides, 3) for sides in IMAGE_SIZES]
    return [generator.integers(0, 256, shape, np.uint8) for shape in shapes]


@pytest.fixture(scope="module", params=SUFFIXES)
def exported(request, model, tmp_path_factory):
    """A file in each format, and the report of its export."""
    needs(request.param)
    path = tmp_path_factory.mktemp(request.param) / f"model{SUFFIXES[request.param]}"
    return path, export_model(model, path)


def needs(format_, quantize=None):
    try:
        FORMATS[format_].check_packages(quantize)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))


def expected(model, image, interpolation="bilinear"):
    """The probabilities by TensorFlow's resizing, Keras and NumPy."""
    resized = tf.image.resize(image, SIZE, interpolation).numpy()
    logits = keras.ops.convert_to_numpy(model(resized[None], training=False)).astype("float64")
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def run(path, image):
    """Runs a file as a program without this package does."""
    if path.suffix == ".onnx":
        import onnxruntime

        return onnxruntime.InferenceSession(path).run(["probabilities"], {"images": image[None]})[0]
    if path.suffix == ".tflite":
        from ai_edge_litert.interpreter import Interpreter

        predict = Interpreter(str(path)).get_signature_runner()
        return predict(images=image[None])["probabilities"]
    loaded = tf.saved_model.load(path)
    return loaded.signatures["serving_default"](images=tf.constant(image[None]))[
        "probabilities"
    ].numpy()


def test_file_takes_images_of_any_size_and_predicts_as_keras(exported, model, images):
    path, _ = exported
    for image in images:
        found = run(path, image)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected(model, image), rtol=0, atol=1e-5)
    rows = [expected(model, image)[0] for image in images]
    assert np.abs(np.diff(rows, axis=0)).max() > 0.01  # the images differ


def test_saved_model_is_a_layer_of_keras_and_has_its_endpoint(exported, model, images):
    path, report = exported
    if report.format != "savedmodel":
        return
    rows = expected(model, images[0])
    loaded = tf.saved_model.load(path)
    found = loaded.serve(tf.constant(images[0][None]))
    np.testing.assert_allclose(found.numpy(), rows, rtol=0, atol=1e-5)
    if keras.backend.backend() == "tensorflow":
        found = keras.layers.TFSMLayer(path)(images[0][None])
        np.testing.assert_allclose(found.numpy(), rows, rtol=0, atol=1e-5)


def test_file_takes_batches_of_any_size(exported, model, images):
    path, _ = exported
    batch = np.stack([images[0], images[0][::-1], 255 - images[0]])
    found = FORMATS[exported[1].format].load(path, 1)(batch)
    rows = np.concatenate([expected(model, image) for image in batch])
    np.testing.assert_allclose(found, rows, rtol=0, atol=1e-5)


def test_metadata_are_read_back(exported, model):
    path, _ = exported
    metadata = read_metadata(path)
    assert metadata.class_names == NAMES
    assert metadata.input_size == SIZE
    assert metadata.input_range == (0, 255)
    assert metadata.catdog_keras_version == catdog_keras.__version__
    assert metadata.quantize is None
    assert metadata.input_dtype == "uint8"
    assert len(metadata.source_sha256) == 64
    other = keras.models.clone_model(model)
    assert _export_model._source_digest(other, None) != metadata.source_sha256
    other.set_weights(model.get_weights())
    assert _export_model._source_digest(other, None) == metadata.source_sha256


def test_class_names_are_where_other_programs_read_them(exported):
    path, report = exported
    if report.format == "onnx":
        import onnxruntime

        found = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
        assert json.loads(found["class_names"]) == list(NAMES)
        assert json.loads(found["input_size"]) == list(SIZE)
        assert found["catdog_keras_version"] == catdog_keras.__version__
        assert len(found["source_sha256"]) == 64
    elif report.format == "litert":
        with zipfile.ZipFile(path) as archive:
            assert archive.read("labels.txt").decode().splitlines() == list(NAMES)
    else:
        loaded = tf.saved_model.load(path)
        assert list(loaded.signatures["serving_default"].structured_outputs) == ["probabilities"]
        outputs = loaded.signatures["with_class_names"](images=tf.zeros((2, 4, 5, 3), tf.uint8))
        assert outputs["class_names"].numpy().tolist() == [[n.encode() for n in NAMES]] * 2


def test_report_states_random_images_and_is_written_as_json(exported):
    path, report = exported
    assert report.path == str(path)
    assert report.image_source == "16 images, random images"
    assert report.same_top_class == report.images == 16
    assert report.max_probability_difference <= 1e-5
    assert report.tolerance == 1e-4
    assert report.comparison is report.accuracy is report.accuracy_interval is None
    written = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert written == json.loads(json.dumps(report.to_dict()))
    sizes = [each.stat().st_size for each in (path, *path.rglob("*")) if each.is_file()]
    assert written["size_bytes"] == sum(sizes)
    assert {
        *("format", "size_bytes", "same_top_class", "images", "max_probability_difference"),
        *("accuracy", "accuracy_interval", "milliseconds_per_image"),
        "keras_milliseconds_per_image",
    } <= set(written)
    assert written["milliseconds_per_image"] > 0


PREPARED = [{"interpolation": "nearest"}, {"crop_to_aspect_ratio": True}]
PREPARED += [
    {"pad_to_aspect_ratio": True},
    {"pad_to_aspect_ratio": True, "interpolation": "nearest"},
]


@pytest.mark.slow
@pytest.mark.parametrize("prepared", PREPARED, ids=str)
@pytest.mark.parametrize("format_", SUFFIXES)
def test_file_prepares_images_as_the_loader_does(format_, prepared, model, tmp_path):
    needs(format_)
    from PIL import Image

    generator = np.random.default_rng(3)
    arrays = [generator.integers(0, 256, (*s, 3), np.uint8) for s in ((50, 31), (33, 90), (2, 7))]
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    loaded = catdog_keras.load_images(tmp_path, image_size=SIZE, **prepared)
    rows = catdog_keras.predict_probabilities(model, loaded.dataset)
    path = tmp_path / f"model{SUFFIXES[format_]}"
    export_model(model, path, **prepared)
    found = np.concatenate([run(path, array) for array in arrays])
    np.testing.assert_allclose(found, rows, rtol=0, atol=1e-5)
    assert {name: getattr(read_metadata(path), name) for name in prepared} == prepared


FLOAT_INPUTS = [(name, None) for name in SUFFIXES]
FLOAT_INPUTS += [(name, how) for name in ("onnx", "litert") for how in ("int8", "float16")]


@pytest.mark.parametrize(("format_", "quantize"), FLOAT_INPUTS)
def test_file_takes_float_images_on_request(format_, quantize, model, images, tmp_path):
    needs(format_, quantize)
    generator = np.random.default_rng(2)
    calibration = [generator.integers(0, 256, (20, 28, 3), np.uint8) for _ in range(16)]
    data = calibration if quantize == "int8" else None
    options = {"quantize": quantize, "calibration_data": data}
    path, usual = (tmp_path / f"{name}{SUFFIXES[format_]}" for name in ("float", "usual"))
    export_model(model, path, input_dtype="float32", **options)
    export_model(model, usual, **options)
    assert read_metadata(path).input_dtype == "float32"
    for image in images:
        floats = image.astype(np.float32)
        np.testing.assert_allclose(run(path, floats), run(usual, image), rtol=0, atol=1e-6)
        floats[0, 0] = 12.5
        if quantize is None:  # values are not rounded
            found = run(path, floats)
            np.testing.assert_allclose(found, expected(model, floats), rtol=0, atol=1e-5)
    with pytest.raises(Exception, match=r"(?i)uint8|dtype|type"):  # each runtime has its own error
        run(path, images[0])


def test_last_layer_decides_on_logits_without_a_run(monkeypatch):
    seen = []

    def predict(name, model, batch):
        seen.append(batch.shape)
        return model(batch)

    monkeypatch.setattr(_export_model, "predict_batch", predict)
    assert _export_model._determine_from_logits(small_model(), SIZE)
    assert not _export_model._determine_from_logits(small_model(activation="softmax"), SIZE)
    assert not seen
    unknown = keras.Sequential([small_model(), keras.layers.Lambda(keras.ops.softmax)])
    assert not _export_model._determine_from_logits(unknown, SIZE)
    assert seen == [(8, *SIZE, 3)]


@pytest.mark.parametrize("ending", ["logits", "sigmoid", "softmax"])
def test_outputs_of_other_forms_become_probabilities(ending, images, disturb, tmp_path):
    outputs, activation = {
        "logits": (1, None),
        "sigmoid": (1, "sigmoid"),
        "softmax": (3, "softmax"),
    }[ending]
    names = ("cat", "dog", "other")[: max(outputs, 2)]
    model = disturb(small_model(outputs=outputs, activation=activation))
    path = tmp_path / "model"
    from_logits = ending == "logits"
    export_model(model, path, class_names=names, from_logits=from_logits)
    resized = tf.image.resize(images[0], SIZE).numpy()[None]
    rows = catdog_keras.predict_probabilities(model, resized, from_logits=from_logits)
    np.testing.assert_allclose(run(path, images[0]), rows, rtol=0, atol=1e-5)


def test_mixed_precision_model_is_exported_in_float32(images, disturb, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = small_model()
    finally:
        keras.config.set_dtype_policy("float32")
    disturb(mixed)
    path = tmp_path / "model"
    assert export_model(mixed, path).model_dtype == "mixed_bfloat16"
    plain = small_model()
    plain.set_weights(mixed.get_weights())
    for image in images:
        np.testing.assert_allclose(run(path, image), expected(plain, image), rtol=0, atol=1e-5)


def test_batch_normalization_and_augmentation_are_not_in_the_file(model, tmp_path):
    needs("onnx")
    import onnx

    path = tmp_path / "model.onnx"
    export_model(model, path)
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert kinds.count("BatchNormalization") == 1  # after the activation of the block
    assert kinds.count("Conv") == 2
    assert kinds.count("Resize") == 1
    assert not any("Random" in kind for kind in kinds)


def test_accuracy_is_compared_on_labeled_images(model, images, tmp_path):
    right = [int(expected(model, image).argmax()) for image in images]
    labeled = list(zip(images, [right[0], right[1], (right[2] + 1) % 3, right[3]], strict=True))
    report = export_model(model, tmp_path / "model", check_data=labeled)
    assert report.accuracy == 0.75
    low, high = report.accuracy_interval
    assert (round(low, 3), round(high, 3)) == (0.301, 0.954)  # Wilson, 3 of 4
    compared = report.comparison
    assert (compared.both_correct, compared.neither_correct) == (3, 1)
    assert compared.p_value == 1
    assert "0.750 [0.301, 0.954]" in str(report)
    assert report.image_source == "4 images, check_data"


def test_file_that_predicts_differently_is_kept_under_another_name(
    model, images, tmp_path, monkeypatch
):
    path = tmp_path / "model"
    export_model(model, path)
    before = {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}
    record = (tmp_path / "model.json").read_bytes()

    class Wrong(type(FORMATS["savedmodel"])):
        def load(self, place, threads):
            run_file = super().load(place, threads)
            return lambda batch: run_file(batch) + (2e-4 if batch.shape[1] == 50 else 0)

    monkeypatch.setitem(FORMATS, "savedmodel", Wrong())
    words = r"1 image of 4.*0\.0002; at most 0\.0001 is allowed.*images: 0\."
    with pytest.raises(ExportMismatchError, match=words) as raised:
        export_model(model, path, check_data=images)
    assert raised.value.report.path == str(tmp_path / "model.rejected")
    assert raised.value.report.differing_images == (0,)
    assert {each: each.read_bytes() for each in path.rglob("*") if each.is_file()} == before
    assert (tmp_path / "model.json").read_bytes() == record
    assert read_metadata(tmp_path / "model.rejected").class_names == NAMES
    written = json.loads((tmp_path / "model.rejected.json").read_text())
    assert written["within_tolerance"] is False
    assert {each.name for each in tmp_path.iterdir()} == {
        *("model", "model.json", "model.rejected", "model.rejected.json")
    }


def test_failed_export_leaves_old_file_and_nothing_else(model, tmp_path, monkeypatch):
    path = tmp_path / "new" / "model"
    for folder in (path.parent, None):
        monkeypatch.setattr(_export_model, "convert_to_file", failing)
        with pytest.raises(ValueError, match="stopped"):
            export_model(model, path)
        assert not path.parent.exists() or folder is None
        monkeypatch.undo()
        if folder is not None:
            export_model(model, path)
            before = {each.relative_to(tmp_path) for each in tmp_path.rglob("*")}
    assert {each.relative_to(tmp_path) for each in tmp_path.rglob("*")} == before


def failing(_, path, *__, **___):
    (path / "saved_model.pb").write_bytes(b"half")
    raise ValueError("stopped")


@pytest.mark.parametrize("quantize", ["float16", "int8"])
@pytest.mark.parametrize("format_", ["onnx", "litert"])
@pytest.mark.slow
def test_quantized_file_is_smaller_and_predicts_nearly_the_same(
    format_, quantize, disturb, tmp_path
):
    needs(format_, quantize)
    keras.utils.set_random_seed(0)
    convolutions = [keras.layers.Conv2D(n, 3, 2, activation="relu") for n in (32, 128, 128)]
    layers = [keras.Input((64, 64, 3)), Preprocessing("signed"), *convolutions]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3), ClassNames(NAMES)]
    model = disturb(keras.Sequential(layers))
    generator = np.random.default_rng(0)
    images = [
        generator.integers(0, 256, (5 + n, 5, 3), np.uint8).repeat(9, 0).repeat(9, 1)
        for n in range(32)
    ]
    plain = export_model(model, tmp_path / f"plain{SUFFIXES[format_]}")
    options = {"calibration_data": images[:16]} if quantize == "int8" else {}
    path = tmp_path / f"model{SUFFIXES[format_]}"
    report = export_model(model, path, quantize=quantize, check_data=images[16:], **options)
    assert report.size_bytes / plain.size_bytes < {"float16": 0.55, "int8": 0.27}[quantize]
    assert report.max_probability_difference < {"float16": 1e-2, "int8": 0.1}[quantize]
    assert report.max_probability_difference > plain.max_probability_difference
    assert read_metadata(path).quantize == quantize
    source = {"float16": None, "int8": "16 images, calibration_data"}[quantize]
    assert report.calibration_source == source
    assert report.within_tolerance
    if (format_, quantize) == ("onnx", "int8"):
        check_quantized_tensors(path)


def check_quantized_tensors(path):
    """Weights have 7 bits, so that no processor saturates, and short names."""
    import onnx

    graph = onnx.load(path).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kernels = [array for array in tensors.values() if array.dtype == np.int8 and array.ndim == 4]
    assert [np.abs(kernel.astype(int)).max() for kernel in kernels] == [64, 64, 64]
    assert all(name.isdigit() for name in tensors)


class Custom(keras.layers.Layer):
    """Computes a function that only TensorFlow has."""

    def call(self, inputs):
        return tf.reduce_mean(tf.image.rgb_to_hsv(inputs), axis=(1, 2))[:, :2]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a layer of TensorFlow")
@pytest.mark.parametrize("format_", ["onnx", "litert"])
def test_operation_that_runtime_lacks_is_an_error_with_the_layer(format_, tmp_path):
    needs(format_)
    model = keras.Sequential([keras.Input((*SIZE, 3)), Custom(name="hue")])
    with pytest.raises(ValueError, match=rf"{format_} has; received .*'hue' \(Custom\)"):
        export_model(
            model,
            tmp_path / f"model{SUFFIXES[format_]}",
            class_names=["few", "many"],
            from_logits=True,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("last", "is_logits"),
    [
        (keras.layers.Softmax(), False),
        (keras.layers.Lambda(keras.ops.softmax), False),
        (keras.layers.Rescaling(3.0), True),
    ],
)
def test_logits_and_probabilities_are_told_apart(last, is_logits, tmp_path):
    layers = [keras.Input((*SIZE, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    model = keras.Sequential([*layers, last])
    export_model(model, tmp_path / "saved", class_names=["few", "many"])
    images = np.random.default_rng(0).integers(0, 256, (4, *SIZE, 3), np.uint8)
    found = np.asarray(format_of_file(tmp_path / "saved").load(tmp_path / "saved", 1)(images))
    outputs = model(images.astype(np.float32))
    expected = keras.ops.softmax(outputs) if is_logits else outputs
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(expected), atol=1e-5)


@pytest.mark.parametrize("quantize", [None, "int8", "float16"])
def test_axes_of_any_size_have_names_in_onnx_files(model, quantize, tmp_path):
    needs("onnx", quantize)
    import onnxruntime

    images = list(np.random.default_rng(0).integers(0, 256, (16, *SIZE, 3), np.uint8))
    calibration = images if quantize == "int8" else None
    path = tmp_path / "model.onnx"
    export_model(model, path, quantize=quantize, calibration_data=calibration)
    session = onnxruntime.InferenceSession(path)
    ((images,), (probabilities,)) = (session.get_inputs(), session.get_outputs())
    assert images.shape == ["batch", "height", "width", 3]
    assert probabilities.shape == ["batch", len(NAMES)]


@pytest.mark.parametrize("outputs", [1, 3])
def test_model_without_class_names_is_exported_with_their_indices(tmp_path, outputs):
    names = tuple("012"[: max(outputs, 2)])
    with pytest.warns(UserWarning, match=f"names its classes 0 to {names[-1]}. Pass their names"):
        export_model(small_model(outputs=outputs), tmp_path / "model")
    assert read_metadata(tmp_path / "model").class_names == names


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("/a/b: No space left on device [Op:X]"),
    ],
)
def test_full_disk_is_not_reported_as_a_fault_of_the_model(model, tmp_path, monkeypatch, error):
    def write(*_):
        raise error

    monkeypatch.setattr(_backend, "write_saved_model", write)
    with pytest.raises(OSError, match=r"`path` must be a writable file; .* No space left on dev"):
        export_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_export_that_is_killed_leaves_no_report_of_another_model(model, tmp_path, monkeypatch):
    export_model(model, tmp_path / "model")
    assert (tmp_path / "model.json").exists()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_export_model, "publish_files", killed)
    with pytest.raises(KeyboardInterrupt):
        export_model(model, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["model.tflite", "model"])
def test_another_path_of_the_same_folder_is_exported_at_the_same_time(name, model, tmp_path):
    needs("litert")
    with writable_folder(tmp_path, "output"), writable_folder(tmp_path / "other", "output"):
        export_model(model, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {name, f"{name}.json"}


@pytest.mark.parametrize("link", [False, True])
def test_second_export_to_the_same_folder_is_rejected(link, model, tmp_path, monkeypatch):
    target = path = tmp_path / "model"
    if link:
        path = tmp_path / "link"
        path.symlink_to(target)
    convert, rejected = _export_model.convert_to_file, []

    def export_again(*arguments, **settings):
        words = f"`path` must be a folder to which no other run is writing; received path='{target}"
        with pytest.raises(OSError, match=re.escape(words)):
            export_model(model, path)
        rejected.append(path)
        convert(*arguments, **settings)

    monkeypatch.setattr(_export_model, "convert_to_file", export_again)
    export_model(model, path)
    assert rejected == [path]
    assert read_metadata(path).class_names == NAMES


def two_inputs():
    first, second = keras.Input((*SIZE, 3)), keras.Input((*SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(first + second)
    return keras.Model([first, second], ClassNames(["a", "b"])(keras.layers.Dense(2)(pooled)))


def of_unit_range():
    layers = [keras.Input((*SIZE, 3)), keras.layers.Rescaling(2.0, -1.0), keras.layers.Conv2D(2, 3)]
    return keras.Sequential([*layers, keras.layers.GlobalMaxPooling2D(), ClassNames(["a", "b"])])


WRONG_MODELS = {
    "two inputs": (two_inputs, "must have one input"),
    "gray images": (
        lambda: keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]),
        r"\(batch, height, width, 3\)",
    ),
    "another range": (of_unit_range, r"\[0, 255\]"),
    "any size": (
        lambda: small_model(size=(None, None)),
        "`image_size` is required, because .* any size: pass the size of the training images",
    ),
    "not a model": (lambda: "model.keras", "a keras.Model"),
}


@pytest.mark.parametrize("kind", WRONG_MODELS)
def test_wrong_model_is_rejected_before_any_work(kind, tmp_path):
    build, words = WRONG_MODELS[kind]
    with pytest.raises((TypeError, ValueError), match=words):
        export_model(build(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


WRONG_ARGUMENTS = {
    "suffix": ("model.h5", {}, "extension of a format"),
    "suffix of another format": ("model.onnx", {"format": "litert"}, r"ends in '\.tflite'"),
    "suffix of a file": ("model.onnx", {"format": "savedmodel"}, "a folder"),
    "unknown format": ("model", {"format": "coreml"}, "one of 'onnx', 'litert', 'savedmodel'"),
    "unknown quantization": ("model.onnx", {"quantize": "int4"}, "one of 'int8', 'float16'"),
    "quantized SavedModel": (
        "model",
        {"quantize": "int8"},
        "`quantize` must be omitted for format='savedmodel'",
    ),
    "no calibration": ("model.onnx", {"quantize": "int8"}, "at least 16 images"),
    "few images": (
        "model.onnx",
        {"quantize": "int8", "calibration_data": [np.zeros((4, 4, 3), np.uint8)] * 3},
        "at least 16 images.*received 3 images",
    ),
    "calibration of float32": (
        "model.onnx",
        {"calibration_data": []},
        "omitted without quantize='int8'",
    ),
    "batch": (
        "model",
        {"check_data": np.zeros((1, 1, 2, 4, 4, 3), np.uint8)},
        "images of shape",
    ),
    "scaled images": ("model", {"check_data": [np.full((4, 4, 3), 0.5)]}, "must be images in"),
    "no images": ("model", {"check_data": []}, "at least one image"),
    "label out of range": (
        "model",
        {"check_data": [(np.zeros((4, 4, 3), np.uint8), label) for label in (0, 3)]},
        "labels from 0 to 2.*received the label 3 at 1",
    ),
    "negative label": (
        "model",
        {"check_data": [(np.zeros((4, 4, 3), np.uint8), -1)]},
        "received the label -1 at 0",
    ),
    "some labels": (
        "model",
        {"check_data": [(np.zeros((4, 4, 3), np.uint8), 0), np.zeros((4, 4, 3), np.uint8)]},
        "all have a label, or none of them; received one without a label at 1",
    ),
    "line break in a name": (
        "model.tflite",
        {"class_names": ["a", "b\nc", "d"]},
        r"names without line breaks.*received the name 'b\\nc'",
    ),
    "wrong classes": ("model", {"class_names": ["a", "b"]}, "one value per class, here 2"),
    "probabilities": ("model", {"interpolation": "lanczos3"}, "'bilinear'"),
    "dtype": (
        "model",
        {"input_dtype": "float16"},
        "`input_dtype` must be one of 'uint8', 'float32'",
    ),
    "two aspect ratios": (
        "model",
        {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
        "`pad_to_aspect_ratio` must be False",
    ),
    "another size": ("model", {"image_size": 32}, "input size of the model"),
}


@pytest.mark.parametrize("kind", WRONG_ARGUMENTS)
def test_wrong_argument_is_rejected_before_any_work(kind, model, tmp_path, monkeypatch):
    monkeypatch.setattr(_export_model, "convert_to_file", None)
    name, options, words = WRONG_ARGUMENTS[kind]
    with pytest.raises((TypeError, ValueError), match=words):
        export_model(model, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_missing_package_is_named_with_the_command_that_installs_it(model, tmp_path, monkeypatch):
    from catdog_keras.conversion._formats import _format

    monkeypatch.setattr(_format, "find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(
        ModuleNotFoundError, match=r"onnx is missing.*Install it: `pip install onnx`"
    ):
        export_model(model, tmp_path / "model.onnx")


@pytest.mark.parametrize("content", ["a file", "another folder"])
def test_something_else_at_the_path_is_not_replaced(content, model, tmp_path):
    path = tmp_path / "model"
    if content == "a file":
        path.write_bytes(b"mine")
    else:
        path.mkdir()
        (path / "mine.txt").touch()
    with pytest.raises((OSError, ValueError), match=r"a (new )?folder"):
        export_model(model, path)
    assert path.is_file() or [each.name for each in path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", [None, b"", b"PK", b"\0\0\0\0TFL3"])
def test_metadata_of_other_files_are_an_error(content, tmp_path):
    path = tmp_path / "model.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((FileNotFoundError, ValueError), match="`path` must be"):
        read_metadata(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "files"),  # each file takes a process that imports TensorFlow
    [("jax", ["model", "other?"]), ("torch", ["model.tflite"])],
)
def test_model_on_another_backend_is_exported_by_a_process_of_tensorflow(backend, files, tmp_path):
    pytest.importorskip(backend)
    program = Path(__file__).with_name("export_elsewhere.py")
    done = subprocess.run(
        [sys.executable, program, str(tmp_path), *files],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {each.name for each in tmp_path.iterdir() if each.suffix != ".json"}
    assert found == {name for name in files if not name.endswith("?")}


def test_tolerances_are_those_that_are_documented():
    assert _export_report.TOLERANCES == {None: 1e-4, "float16": 1e-2, "int8": None}


@pytest.mark.parametrize("quantize", [None, "int8", "float16"])
def test_metadata_are_read_from_strings_and_from_json(quantize):
    metadata = ExportMetadata(
        class_names=("cat, 1", "null"),
        input_size=(64, 48),
        input_range=(0, 255),
        interpolation="nearest",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=True,
        quantize=quantize,
        catdog_keras_version="1.0",
        source_sha256="0" * 64,
    )
    assert ExportMetadata.from_strings(metadata.to_strings()) == metadata
    assert ExportMetadata.from_json(metadata.to_json()) == metadata


def adapted():
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(1).uniform(20, 250, (4, 8, 8, 3)))
    return layer


# What Keras's export to ONNX does not convert, not exactly, or as in training.
LAYERS = {
    "crop that changes the size": lambda: [
        Preprocessing("signed"),
        keras.layers.RandomCrop(12, 20),
    ],
    "adapted Normalization": lambda: [adapted()],
    "Normalization of constants": lambda: [
        keras.layers.Normalization(mean=[90.0, 99.0, 120.0], variance=[400.0, 500.0, 900.0])
    ],
    "exact GELU": lambda: [Preprocessing("signed"), ConvBlock(8, activation="gelu")],
    "grouped convolution": lambda: [
        Preprocessing("signed"),
        keras.layers.Conv2D(8, 3, groups=1),
        keras.layers.Conv2D(8, 3, groups=4),
    ],
    "nearest pixels": lambda: [
        Preprocessing("signed"),
        keras.layers.Resizing(37, 83, interpolation="nearest"),
    ],
}


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_with_special_conversion_predict_as_keras_in_onnx(kind, disturb, images, tmp_path):
    needs("onnx")
    ends = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3), ClassNames(NAMES)]
    front = [keras.Input((*SIZE, 3)), *LAYERS[kind](), keras.layers.Conv2D(8, 3)]
    model = disturb(keras.Sequential([*front, *ends]))
    report = export_model(model, tmp_path / "model.onnx", check_data=images)
    assert report.max_probability_difference < 1e-5
    for image in images:
        np.testing.assert_allclose(
            run(tmp_path / "model.onnx", image), expected(model, image), rtol=0, atol=1e-5
        )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converted by TensorFlow")
@pytest.mark.parametrize("size", [(37, 83), (160, 160)])
def test_nearest_pixels_are_those_of_tensorflow_in_onnx(size, tmp_path):
    needs("onnx")
    resize = _Resize(Preparation(size, "nearest"))
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, {"probabilities": resize(inputs)})
    FORMATS["onnx"].write(model, tmp_path / "model.onnx", NAMES)
    load = FORMATS["onnx"].load(tmp_path / "model.onnx", 1)
    generator = np.random.default_rng(0)
    for _ in range(60):
        image = generator.integers(0, 256, (*generator.integers(1, 250, 2), 3), np.uint8)
        resized = tf.image.resize(image[None], size, "nearest").numpy()
        np.testing.assert_array_equal(load(image[None]), resized)


OTHER_FILES = ["model.json", "model.rejected.json", "model.rejected"]


@pytest.mark.parametrize("name", OTHER_FILES)
def test_other_file_next_to_the_path_is_not_replaced(name, model, tmp_path):
    other = tmp_path / name
    other.write_text('{"splits": {}, "path": "images"}')
    with pytest.raises(ValueError, match=f"{name}' exists and is not from an earlier export"):
        export_model(model, tmp_path / "model")
    assert other.read_text() == '{"splits": {}, "path": "images"}'
    assert list(tmp_path.iterdir()) == [other]


def test_report_states_calibration_mixed_precision_and_images_of_the_training():
    values = {"format": "onnx", "size_bytes": 5, "image_source": "2 images", "images": 2}
    values |= {"quantize": "int8", "path": "", "same_top_class": 2, "tolerance": None}
    values |= {"milliseconds_per_image": 1.0, "keras_milliseconds_per_image": 1.0, "threads": 1}
    values |= {"max_probability_difference": 0.0, "differing_images": ()}
    compared = compare_correct(("exported", "Keras"), np.ones(2, bool), np.ones(2, bool))
    plain = _export_report.ExportReport(**values, comparison=compared)
    assert "difference to Keras  +0.0 points" in str(plain)
    assert not {"optimistic", "calibration", "float32 instead"} & set(str(plain).split())
    given = {"calibration_source": "9 images, x", "model_dtype": "mixed_bfloat16"}
    full = _export_report.ExportReport(**values, **given, trained_on=2, comparison=compared)
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in str(full).splitlines())
    assert lines["calibration"] == "9 images, x"
    assert lines["Keras model"] == "in float32 instead of mixed_bfloat16"
    assert lines["accuracy"].endswith(", optimistic: the model was trained on these images")
    assert full.to_dict().items() >= {**given, "trained_on": 2}.items()


def test_rejected_float16_file_states_what_to_do(model, tmp_path, monkeypatch):
    needs("onnx")
    monkeypatch.setitem(_export_report.TOLERANCES, "float16", -1.0)
    with pytest.raises(ExportMismatchError, match="float32, by omitting `quantize`, or with quan"):
        export_model(model, tmp_path / "model.onnx", quantize="float16")


# One backbone for each kind of operations; weights and names of Keras are not needed.
BACKBONES = [
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "mobilenet_v3_small",
    "nasnet_mobile",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_named_backbone_predicts_as_keras_in_onnx(name, images, tmp_path):
    needs("onnx")
    model = catdog_keras.transfer_model(name, (64, 64, 3), 3, weights=None)
    options = {"class_names": NAMES, "check_data": images}
    report = export_model(model, tmp_path / "model.onnx", **options)
    assert report.max_probability_difference < 1e-5


def test_operation_of_a_keras_layer_that_onnx_lacks_is_named_with_the_layer(tmp_path):
    needs("onnx")
    front = [keras.Input((*SIZE, 3)), keras.layers.Discretization([20.0, 90.0], name="bins")]
    ends = [keras.layers.Rescaling(1.0), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*front, *ends, ClassNames(NAMES)])
    with pytest.raises(ValueError, match="TensorFlow: Bucketize of the layer 'bins'"):
        export_model(model, tmp_path / "model.onnx")


def test_calibration_images_are_resized_when_they_are_read():
    """Photographs at their own sizes would take gigabytes together."""
    images = (np.full((50, 40 + number, 3), number, np.uint8) for number in range(20))
    found = images_for_calibration("int8", images, Preparation((8, 6)))
    assert [(each.shape, each.dtype, each.max()) for each in found] == [
        ((8, 6, 3), np.uint8, number) for number in range(20)
    ]
    assert found.source == "20 images, calibration_data"


def as_batches(images, labels):
    return [(images[:20], labels[:20]), (images[20:], labels[20:])]


@pytest.mark.parametrize(
    "make",
    [
        as_batches,
        lambda images, labels: (images, labels),
        lambda images, labels: (images, np.eye(3)[labels]),
        lambda images, labels: as_batches(np.clip(images + 0.2, 0, 255), labels[:, None]),
        lambda images, labels: tf.data.Dataset.from_tensor_slices((images, labels)).batch(7),
        lambda images, labels: list(zip(images, labels, strict=True)),
    ],
    ids=["batches", "arrays", "rows", "floats", "dataset", "pairs"],
)
def test_batches_of_a_training_are_read_as_their_images(make):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 8, 9, 3), np.uint8)
    labels = np.arange(30) % 3
    found = list(images_to_compare(make(images, labels), (8, 8), 3))
    np.testing.assert_array_equal([image for image, _ in found], images)
    assert [label for _, label in found] == labels.tolist()
    assert {image.dtype for image, _ in found} == {np.dtype("uint8")}


def test_soft_labels_of_a_batch_are_not_rounded():
    images = np.full((2, 8, 8, 3), 200, np.uint8)
    for labels in ([0.5, 1.0], [[0.9, 0.1, 0.0], [0.0, 1.0, 0.0]]):
        with pytest.raises((TypeError, ValueError), match="check_data"):
            list(images_to_compare([(images, np.array(labels))], (8, 8), 3))


def test_scaled_images_are_not_rounded_to_black():
    images = np.random.default_rng(0).uniform(0, 1, (4, 8, 8, 3))
    with pytest.raises(ValueError, match=r"`check_data` must be images in \[0, 255\]; received an"):
        list(images_to_compare(images, (8, 8), 3))
