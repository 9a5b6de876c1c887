"""Dictionaries with masks and bounding boxes are transformed together with the images."""

import keras
import numpy as np
import pytest

from catdog_keras.layers import (
    AugmentationPipeline,
    Preprocessing,
    RandomAffine,
    RandomApply,
    RandomChoice,
    augmentation_preset,
)
from catdog_keras.layers._bounding_boxes import BOX_FORMATS
from tests.arrays import as_numpy

HEIGHT, WIDTH = 20, 30
BOX = (8, 5, 20, 11)  # left, top, right, bottom
BOXES = {"fill_mode": "constant", "bounding_box_format": "xyxy"}


def make_data(batch=2, box_format="xyxy"):
    """A bright rectangle, its mask and its bounding box."""
    left, top, right, bottom = BOX
    images = np.zeros((batch, HEIGHT, WIDTH, 3), "float32")
    masks = np.zeros((batch, HEIGHT, WIDTH, 1), "int32")
    images[:, top:bottom, left:right] = 200
    masks[:, top:bottom, left:right] = 3
    boxes = np.array([[BOX]] * batch, "float32")
    boxes = keras.utils.bounding_boxes.convert_format(boxes, "xyxy", box_format, HEIGHT, WIDTH)
    return {
        "images": images,
        "segmentation_masks": masks,
        "bounding_boxes": {"boxes": as_numpy(boxes), "labels": np.array([[7]] * batch)},
        "labels": np.arange(batch),
        "names": [f"image {number}" for number in range(batch)],
    }


def first(data):
    return {
        key: {k: v[0] for k, v in value.items()} if isinstance(value, dict) else value[0]
        for key, value in data.items()
    }


def bounds(mask):
    rows, columns = np.nonzero(mask[..., 0])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


TRANSFORMATIONS = {
    "rotation": {"rotation_degrees": (45, 45)},
    "half turn": {"rotation_degrees": (180, 180)},
    "zoom out": {"zoom": (0.4, 0.4)},
    "zoom in": {"zoom": (-0.3, -0.3)},
    "translation": {"translation": (0.1, 0.1)},
    "shear": {"shear_degrees": (20, 20)},
    "flip": {"flip": "horizontal_and_vertical"},
    "all": {"rotation_degrees": 20, "zoom": 0.2, "translation": 0.1, "shear_degrees": 10},
}


@pytest.mark.parametrize("arguments", TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
def test_boxes_and_masks_follow_the_images(arguments):
    outputs = RandomAffine(**arguments, **BOXES, seed=0)(make_data())
    images, masks = as_numpy(outputs["images"]), as_numpy(outputs["segmentation_masks"])
    assert masks.dtype == "int32"
    assert set(np.unique(masks)) == {0, 3}
    # A pixel of the mask is set if its center is inside; the image is blended there.
    assert (images[..., :1][masks > 0] > 45).all()
    assert (images[..., :1][masks == 0] < 120).all()
    assert as_numpy(outputs["bounding_boxes"]["labels"]).tolist() == [[7], [7]]
    for mask, (box,) in zip(masks, as_numpy(outputs["bounding_boxes"]["boxes"]), strict=True):
        np.testing.assert_allclose(bounds(mask), box, atol=0.8)


@pytest.mark.parametrize("arguments", TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
@pytest.mark.parametrize("box", [(8, 8, 20, 8), (8, 5, 8, 11), (8, 8, 8, 8)])
@pytest.mark.parametrize("box_format", ["xyxy", "rel_center_xywh"])
def test_box_without_area_stays_without_area_and_gets_the_label_minus_1(box_format, box, arguments):
    convert = keras.utils.bounding_boxes.convert_format
    data, sides = make_data(box_format=box_format), (HEIGHT, WIDTH)
    given = np.array([[BOX, box]] * 2, "float32")
    labels = np.array([[7, 4]] * 2)
    data["bounding_boxes"] = {"boxes": convert(given, "xyxy", box_format, *sides), "labels": labels}
    layer = RandomAffine(**arguments, **{**BOXES, "bounding_box_format": box_format}, seed=0)
    outputs = layer(data)["bounding_boxes"]
    left, top, right, bottom = np.moveaxis(
        as_numpy(convert(outputs["boxes"], box_format, "xyxy", *sides)), -1, 0
    )
    areas = (right - left) * (bottom - top)
    assert as_numpy(outputs["labels"]).tolist() == [[7, -1]] * 2
    assert (areas[:, 0] > 1).all()
    np.testing.assert_allclose(areas[:, 1], 0, atol=1e-6)


def test_dictionary_is_not_modified_and_other_entries_are_returned_unchanged():
    data, expected = make_data(), make_data()
    outputs = RandomAffine(rotation_degrees=(90, 90), **BOXES)(data)
    assert list(outputs) == list(data)
    assert outputs["labels"] is data["labels"]
    assert outputs["names"] is data["names"]
    for key in ("images", "segmentation_masks"):
        np.testing.assert_array_equal(data[key], expected[key])
        assert (as_numpy(outputs[key]) != expected[key]).any()
    for key, values in expected["bounding_boxes"].items():
        np.testing.assert_array_equal(data["bounding_boxes"][key], values)


@pytest.mark.parametrize("box_format", [name for name in BOX_FORMATS if name])
def test_every_box_format_describes_the_same_box(box_format):
    expected = RandomAffine(rotation_degrees=(20, 20), **BOXES)(make_data())
    layer = RandomAffine(rotation_degrees=(20, 20), bounding_box_format=box_format)
    outputs = layer(make_data(box_format=box_format))
    boxes = keras.utils.bounding_boxes.convert_format(
        outputs["bounding_boxes"]["boxes"], box_format, "xyxy", HEIGHT, WIDTH
    )
    np.testing.assert_allclose(
        as_numpy(boxes), as_numpy(expected["bounding_boxes"]["boxes"]), atol=1e-3
    )


def keras_layers():
    """Keras's layers with the transformation of ours, and by how far their boxes are off."""
    options = {"fill_mode": "constant", "bounding_box_format": "xyxy"}
    layers = keras.layers
    yield (
        {"translation": (0.2, 0.2)},
        layers.RandomTranslation((0.2, 0.2), (0.2, 0.2), **options),
        1e-3,
    )
    # Keras rotates boxes about the center of the pixels, half a pixel beside that of the edges.
    yield {"rotation_degrees": (36, 36)}, layers.RandomRotation((0.1, 0.1), **options), 1.0
    yield {"zoom": (0.3, 0.3)}, layers.RandomZoom((0.3, 0.3), **options), 0.5


@pytest.mark.parametrize(("arguments", "theirs", "tolerance"), list(keras_layers()))
def test_outputs_match_those_of_keras_layers(arguments, theirs, tolerance):
    data = {key: value for key, value in make_data().items() if key != "names"}
    expected = theirs(data)
    outputs = RandomAffine(**arguments, **BOXES)(make_data())
    np.testing.assert_allclose(as_numpy(outputs["images"]), as_numpy(expected["images"]), atol=5e-3)
    masks = [as_numpy(each["segmentation_masks"]) for each in (outputs, expected)]
    # On PyTorch, Keras's RandomRotation fills masks of one channel with zeros.
    if keras.backend.backend() != "torch" or "rotation_degrees" not in arguments:
        assert (masks[0] == masks[1]).mean() > 0.99  # ties may be rounded otherwise
    boxes = [as_numpy(each["bounding_boxes"]["boxes"]) for each in (outputs, expected)]
    np.testing.assert_allclose(*boxes, atol=tolerance)
    labels = [as_numpy(each["bounding_boxes"]["labels"]) for each in (outputs, expected)]
    np.testing.assert_array_equal(*labels)


def test_flipped_boxes_match_keras_random_flip():
    data = make_data(batch=8)
    expected = keras.layers.RandomFlip("horizontal", bounding_box_format="xyxy", seed=0)(
        {k: v for k, v in make_data(batch=8).items() if k != "names"}
    )
    theirs = as_numpy(expected["bounding_boxes"]["boxes"])
    flipped = np.abs(theirs[:, 0, 0] - BOX[0]) > 1
    assert 0 < flipped.sum() < 8
    layer = RandomAffine(bounding_box_format="xyxy")
    drawn = {**layer.get_random_transformation(8), "flip_horizontal": flipped.astype("float32")}
    boxes = layer.transform_bounding_boxes(data["bounding_boxes"], drawn, (HEIGHT, WIDTH))
    np.testing.assert_allclose(as_numpy(boxes["boxes"]), theirs, atol=1e-4)
    masks = layer.transform_segmentation_masks(data["segmentation_masks"], drawn)
    np.testing.assert_array_equal(as_numpy(masks), as_numpy(expected["segmentation_masks"]))


def test_boxes_are_clipped_and_lose_their_label_outside():
    for shift, box, label in (
        ((0.5, 0.5), (23, 15, 30, 20), 7),
        ((0.9, 0.9), (30, 20, 30, 20), -1),
    ):
        outputs = RandomAffine(translation=shift, **BOXES)(make_data(1))["bounding_boxes"]
        np.testing.assert_allclose(as_numpy(outputs["boxes"])[0, 0], box, atol=1e-3)
        assert as_numpy(outputs["labels"]).tolist() == [[label]]


def test_single_image_is_transformed_like_a_batch_of_one():
    layers = [RandomAffine("horizontal", 30, **BOXES, seed=3) for _ in range(2)]
    expected = layers[0](make_data(1))
    one = first(make_data(1))
    one["bounding_boxes"] = {key: value.tolist() for key, value in one["bounding_boxes"].items()}
    outputs = layers[1](one)
    for key in ("images", "segmentation_masks"):
        np.testing.assert_allclose(as_numpy(outputs[key]), as_numpy(expected[key])[0], atol=1e-3)
    for key in ("boxes", "labels"):
        np.testing.assert_allclose(
            as_numpy(outputs["bounding_boxes"][key]), as_numpy(expected["bounding_boxes"][key])[0]
        )


def test_channels_first_matches_channels_last():
    expected = RandomAffine(rotation_degrees=(30, 30), **BOXES)(make_data())
    data = make_data()
    for key in ("images", "segmentation_masks"):
        data[key] = data[key].transpose(0, 3, 1, 2)
    layer = RandomAffine(rotation_degrees=(30, 30), **BOXES, data_format="channels_first")
    outputs = layer(data)
    for key in ("images", "segmentation_masks"):
        found = as_numpy(outputs[key]).transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(found, as_numpy(expected[key]))
    np.testing.assert_array_equal(
        as_numpy(outputs["bounding_boxes"]["boxes"]), as_numpy(expected["bounding_boxes"]["boxes"])
    )


def test_half_precision_does_not_round_boxes():
    arguments = {"rotation_degrees": (20, 20), "bounding_box_format": "xyxy"}
    expected = RandomAffine(**arguments)(make_data())["bounding_boxes"]["boxes"]
    outputs = RandomAffine(**arguments, dtype="mixed_float16")(make_data())
    assert keras.backend.standardize_dtype(outputs["images"].dtype) == "float16"
    assert keras.backend.standardize_dtype(outputs["segmentation_masks"].dtype) == "int32"
    boxes = outputs["bounding_boxes"]["boxes"]
    assert keras.backend.standardize_dtype(boxes.dtype) == "float32"
    np.testing.assert_array_equal(as_numpy(boxes), as_numpy(expected))


def test_masks_of_another_size_follow_the_images():
    data = make_data()
    data["segmentation_masks"] = data["segmentation_masks"].repeat(2, 1).repeat(2, 2)
    masks = as_numpy(RandomAffine(rotation_degrees=(180, 180))(
        {k: data[k] for k in ("images", "segmentation_masks")}
    )["segmentation_masks"])  # fmt: skip
    np.testing.assert_array_equal(masks, data["segmentation_masks"][:, ::-1, ::-1])


@pytest.mark.parametrize(
    ("parameters", "axes"),
    [({"rotation_degrees": (40, 40)}, (1, 2)), ({"shear_degrees": (35, 35)}, (2, 1))],
)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("down", "across"), [(4, 1), (1, 3), (2, 2)])
def test_masks_of_another_aspect_ratio_follow_the_images(
    parameters, axes, data_format, down, across
):
    size = 96
    mask = np.zeros((1, size, size, 1), "float32")
    mask[:, 40:56, 12:84] = 1  # a bar
    mask = mask.transpose(0, *axes, 3)
    layer = RandomAffine(**parameters, fill_mode="constant", data_format=data_format)
    order = (0, 3, 1, 2) if data_format == "channels_first" else (0, 1, 2, 3)
    outputs = layer(
        {
            "images": mask.repeat(3, 3).transpose(order),
            "segmentation_masks": mask[:, down // 2 :: down, across // 2 :: across].transpose(
                order
            ),
        }
    )
    place = np.argsort(order)
    images = as_numpy(outputs["images"]).transpose(place)[0, ..., 0] > 0.5
    masks = as_numpy(outputs["segmentation_masks"]).transpose(place)[0, ..., 0] > 0
    masks = masks.repeat(down, 0).repeat(across, 1)
    assert (images & masks).sum() / (images | masks).sum() > 0.8


def test_masks_are_filled_with_the_number_for_images_or_with_zero():
    data = {k: make_data()[k] for k in ("images", "segmentation_masks")}
    for fill_value, expected in ((9, 9), ((1, 2, 3), 0)):
        layer = RandomAffine(translation=(0.5, 0.5), fill_mode="constant", fill_value=fill_value)
        outputs = layer(data)
        assert as_numpy(outputs["segmentation_masks"])[0, 0, 0, 0] == expected
        assert np.allclose(as_numpy(outputs["images"])[0, 0, 0], fill_value)


def wrappers():
    affine = RandomAffine(rotation_degrees=(90, 90), **BOXES)
    color = keras.layers.RandomBrightness((0.1, 0.1), bounding_box_format="xyxy")
    flip = keras.layers.RandomFlip("horizontal", bounding_box_format="xyxy", seed=0)
    yield "apply", RandomApply(affine, 0.5, seed=1)
    yield "choice", RandomChoice([affine, keras.layers.Identity(), color], seed=1)
    yield "pipeline", AugmentationPipeline([flip, keras.Sequential([affine, color])])
    yield "preset", augmentation_preset("strong", bounding_box_format="xyxy", seed=0)


WRAPPERS = dict(wrappers())


def check_consistent(outputs, count):
    masks, images = as_numpy(outputs["segmentation_masks"]), as_numpy(outputs["images"])
    assert masks.dtype == "int32"
    boxes = as_numpy(outputs["bounding_boxes"]["boxes"])
    labels = as_numpy(outputs["bounding_boxes"]["labels"])
    assert len(images) == len(masks) == len(boxes) == len(labels) == count
    assert labels.dtype.kind == "i"
    for mask, (box,) in zip(masks, boxes, strict=True):
        np.testing.assert_allclose(bounds(mask), box, atol=1.2)
    return len({tuple(box.ravel().round(2)) for box in boxes})


# The preset mirrors the edges of the image, and with them the rectangle.
@pytest.mark.parametrize("kind", ["apply", "choice", "pipeline"])
def test_wrappers_transform_images_masks_and_boxes_alike(kind):
    data = make_data(12)
    data.pop("names")
    assert check_consistent(WRAPPERS[kind](data), 12) > 1
    one = WRAPPERS[kind](first(make_data(1)))
    assert one["images"].shape == (HEIGHT, WIDTH, 3)
    assert tuple(one["bounding_boxes"]["boxes"].shape) == (1, 4)


# Tracing each map takes long: one wrapper stands for all where the batch matters.
@pytest.mark.parametrize(
    ("kind", "batch_size"),
    [("apply", None), ("apply", 6), ("choice", 6), ("pipeline", None), ("preset", 6)],
)
def test_tf_data_map_transforms_dictionaries(kind, batch_size):
    import tensorflow as tf

    if kind == "pipeline" and keras.backend.backend() != "tensorflow":
        pytest.skip("Keras's RandomFlip fails in a map with boxes and masks on other backends")
    dataset = tf.data.Dataset.from_tensor_slices(make_data(12))
    mapped = dataset if batch_size is None else dataset.batch(batch_size)
    mapped = mapped.map(WRAPPERS[kind])
    mapped = mapped.batch(12) if batch_size is None else mapped.unbatch().batch(12)
    (outputs,) = mapped.as_numpy_iterator()
    assert outputs["names"][3] == b"image 3"
    assert outputs["labels"].tolist() == list(range(12))
    if kind != "preset":
        assert check_consistent(outputs, 12) > 1


def test_tf_data_map_accepts_ragged_boxes():
    import tensorflow as tf

    boxes = tf.ragged.constant([[BOX, BOX], [BOX]], ragged_rank=1, dtype="float32")
    data = {k: make_data()[k] for k in ("images",)}
    data["bounding_boxes"] = {"boxes": boxes, "labels": tf.ragged.constant([[1, 2], [3]])}
    layer = RandomAffine(translation=(0.1, 0.1), **BOXES)
    outputs = [layer(data)["bounding_boxes"]]
    outputs += [each["bounding_boxes"] for each in tf.data.Dataset.from_tensors(data).map(layer)]
    for each in outputs:
        assert np.asarray(each["labels"]).tolist() == [[1, 2], [3, -1]]
        assert np.asarray(each["boxes"]).shape == (2, 2, 4)


def test_inference_returns_dictionary_with_unchanged_entries():
    data = make_data()
    outputs = RandomAffine(rotation_degrees=90, **BOXES)(data, training=False)
    for key in ("images", "segmentation_masks"):
        np.testing.assert_array_equal(as_numpy(outputs[key]), data[key])
    np.testing.assert_array_equal(
        as_numpy(outputs["bounding_boxes"]["boxes"]), data["bounding_boxes"]["boxes"]
    )


def test_functional_model_takes_dictionaries():
    inputs = {
        "images": keras.Input((HEIGHT, WIDTH, 3), name="images"),
        "segmentation_masks": keras.Input((HEIGHT, WIDTH, 1), dtype="int32", name="segmentation_masks"),
    }  # fmt: skip
    for layer in (RandomAffine("vertical", 30, seed=0), RandomApply("light", 1.0)):
        model = keras.Model(inputs, layer(inputs))
        assert model.output["segmentation_masks"].dtype == "int32"
        data = {key: make_data()[key] for key in inputs}
        outputs = model.predict(data, verbose=0)
        for key in inputs:
            np.testing.assert_array_equal(outputs[key], data[key])
        model(data, training=True)


class OnlyImages(keras.layers.Layer):
    def call(self, inputs):
        return keras.ops.flip(inputs, 1)


def test_layers_that_take_only_images_are_applied_or_rejected():
    data = {k: make_data()[k] for k in ("images", "labels")}
    outputs = AugmentationPipeline([OnlyImages()])(data)
    np.testing.assert_array_equal(as_numpy(outputs["images"]), data["images"][:, ::-1])
    masked = {k: make_data()[k] for k in ("images", "segmentation_masks")}
    scaled = AugmentationPipeline([Preprocessing("unit"), keras.layers.GaussianNoise(0.1)])(masked)
    assert as_numpy(scaled["images"]).max() < 2
    np.testing.assert_array_equal(
        as_numpy(scaled["segmentation_masks"]), masked["segmentation_masks"]
    )
    with pytest.raises(TypeError, match="'mine' takes only images"):
        RandomApply(OnlyImages(name="mine"))(masked)


KERAS_LAYERS = {
    "ContrastLimitedAdaptiveHistogramEqualization": (),
    "RandomContrast": (0.3,),
    "RandomElasticTransform": (1.0,),
    "RandomErasing": (1.0,),
    "RandomFlip": (),
    "RandomGrayscale": (1.0,),
}
MOVES_PIXELS = ("RandomElasticTransform", "RandomErasing", "RandomFlip")


@pytest.mark.parametrize("name", KERAS_LAYERS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_wrapped_keras_layers_take_masks_of_any_dtype(name, dtype):
    layer = getattr(keras.layers, name)(*KERAS_LAYERS[name])
    data = {k: make_data()[k] for k in ("images", "segmentation_masks")}
    data["segmentation_masks"] = data["segmentation_masks"].astype(dtype)
    for wrapper in (
        RandomApply(layer, rate=1),
        RandomChoice([layer]),
        AugmentationPipeline([layer]),
    ):
        outputs = wrapper(data)
        masks = as_numpy(outputs["segmentation_masks"])
        assert masks.dtype == dtype
        assert set(np.unique(masks)) <= {0, 3}
        if name not in MOVES_PIXELS:
            np.testing.assert_array_equal(masks, data["segmentation_masks"])
    if name == "RandomGrayscale":
        images = as_numpy(outputs["images"])
        np.testing.assert_allclose(images, images[..., :1].repeat(3, -1), rtol=1e-5)


@pytest.mark.parametrize("name", ["RandomBrightness", "RandomContrast", "RandomErasing"])
def test_wrapped_keras_layers_that_move_nothing_need_no_box_format(name):
    data = {k: make_data()[k] for k in ("images", "bounding_boxes")}
    outputs = RandomApply(getattr(keras.layers, name)(0.3), rate=1)(data)
    for key, value in data["bounding_boxes"].items():
        np.testing.assert_array_equal(as_numpy(outputs["bounding_boxes"][key]), value)


def test_aug_mix_takes_images_and_rejects_masks():
    data = make_data()
    layer = RandomApply(keras.layers.AugMix((0, 255), name="mix"), rate=1)
    assert as_numpy(layer({k: data[k] for k in ("images", "labels")})["images"]).max() <= 255
    with pytest.raises(TypeError, match=r"'mix' would average class indices of masks\. Augment"):
        layer({k: data[k] for k in ("images", "segmentation_masks")})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": [1]}, TypeError, "`inputs` must be one tensor of images, or a dictionary"),
        ({"segmentation_masks": np.zeros((2, HEIGHT, WIDTH))}, ValueError, r"`segmentation_masks` must be of 4 axes.*masks\[..., None\]"),
        ({"bounding_boxes": np.zeros((2, 1, 4))}, TypeError, "`bounding_boxes` must be a dictionary with the keys 'boxes' and 'labels'"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 1, 4))}}, ValueError, "'boxes' and 'labels'"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 4)), "labels": np.zeros((2, 1))}}, ValueError, r"`bounding_boxes\['boxes'\]` must be of shape \(batch, boxes, 4\)"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 1, 5)), "labels": np.zeros((2, 1))}}, ValueError, r"\(batch, boxes, 4\)"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros(2)}}, ValueError, r"`bounding_boxes\['labels'\]` must be of 2 axes"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 3, 4)), "labels": np.zeros((2, 1))}}, ValueError, r"`bounding_boxes\['labels'\]` must be one label for each box, of shape \(2, 3\); received bounding_boxes\['labels'\]=\(2, 1\)"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros((2, 3, 5))}}, ValueError, r"one label for each box, of shape \(2, 1\)"),
        ({"bounding_boxes": {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros((1, 1))}}, ValueError, r"one label for each box, of shape \(2, 1\)"),
        ({"bounding_boxes": {"boxes": np.zeros((1, 1, 4)), "labels": np.zeros((1, 1))}}, ValueError, r"`bounding_boxes\['boxes'\]` must be of 2 images, as 'images'; received bounding_boxes\['boxes'\]=1"),
        ({"segmentation_masks": np.zeros((1, HEIGHT, WIDTH, 1))}, ValueError, "`segmentation_masks` must be of 2 images, as 'images'; received segmentation_masks=1"),
    ],
)  # fmt: skip
def test_invalid_entries_raise(change, error, message):
    with pytest.raises(error, match=message):
        RandomAffine(**BOXES)({**make_data(), **change})


def test_missing_images_or_box_format_raises():
    with pytest.raises(ValueError, match="a dictionary with the key 'images'"):
        RandomAffine()({"labels": np.zeros(2)})
    for training in (True, False):
        with pytest.raises(ValueError, match="`bounding_box_format` must be the format"):
            RandomAffine()(make_data(), training=training)
