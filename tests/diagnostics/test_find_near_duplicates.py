"""Copies are found by hash and, with features, by alignment; other images are kept separate."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from PIL import Image

from catdog_keras.datasets.synthetic import draw_image
from catdog_keras.diagnostics import DataFinding, NearDuplicatePair, find_near_duplicates
from catdog_keras.diagnostics._align_images import (
    NONE,
    _alignment_of_map,
    align_thumbnails,
    index_image,
)
from catdog_keras.diagnostics._find_near_duplicates import _describe_group as describe_group
from catdog_keras.diagnostics._measure_images import measure_pixels

DRAWN = [draw_image("cat" if number % 2 else "dog", number) for number in range(8)]
ARRAYS = [np.asarray(image) for image in DRAWN]


def thumbnail(image):
    return measure_pixels(np.asarray(image), None).thumbnail


def aligned(one, other):
    first, second = thumbnail(one), thumbnail(other)
    return align_thumbnails(first, second, index_image(first), index_image(second))


def crop(image, left, top, share=0.8):
    width, height = round(image.width * share), round(image.height * share)
    x, y = round((image.width - width) * left), round((image.height - height) * top)
    return image.crop((x, y, x + width, y + height))


def features_of(number_of_images, copies):
    """Features in which each copy is next to its original."""
    rows = np.random.default_rng(0).normal(0, 1, (number_of_images, 32))
    for copy, original in copies.items():
        rows[copy] = rows[original] + 0.1 * rows[copy]
    return rows


def test_hash_finds_resized_recompressed_and_bright_copies(tmp_path):
    paths = []
    for number, image in enumerate(DRAWN):
        image.save(tmp_path / f"{number}.png")
        paths.append(tmp_path / f"{number}.png")
    DRAWN[3].resize((90, 70)).save(tmp_path / "small.jpg", quality=60)
    DRAWN[5].point(lambda level: min(255, round(1.1 * level))).save(tmp_path / "bright.png")
    paths += [tmp_path / "small.jpg", tmp_path / "bright.png"]
    found = find_near_duplicates(paths)
    assert [(pair.first, pair.second, pair.found_by) for pair in found.pairs] == [
        (3, 8, "hash"),
        (5, 9, "hash"),
    ]
    assert found.groups == ((3, 8), (5, 9))
    assert found.num_images == 10
    scores = [finding.score for finding in found.findings]
    assert scores == sorted(scores, reverse=True)
    assert found.findings[0].kind == "near_duplicate"
    assert {finding.files for finding in found.findings} == {
        (str(paths[3]), str(paths[8])),
        (str(paths[5]), str(paths[9])),
    }


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda image: crop(image, 0.2, 0.9), "cropped"),
        (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "mirrored"),
        (lambda image: image.rotate(5, Image.Resampling.BILINEAR), "rotated"),
    ],
)
def test_features_find_copy_that_hash_does_not(change, text):
    images = [*ARRAYS, np.asarray(change(DRAWN[2]))]
    assert find_near_duplicates(images).pairs == ()
    found = find_near_duplicates(images, features=features_of(9, {8: 2}), files=list("abcdefghi"))
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.found_by) == (2, 8, "features")
    assert pair.mirrored == (text == "mirrored")
    assert pair.scale == pytest.approx(0.8 if text == "cropped" else 1, abs=0.03)
    assert pair.degrees == pytest.approx(5 if text == "rotated" else 0, abs=1)
    (finding,) = found.findings
    assert isinstance(finding, DataFinding)
    assert (finding.indices, finding.files) == ((2, 8), ("c", "i"))
    assert f"({text})" in finding.text


def test_features_alone_do_not_make_different_images_duplicates():
    features = np.ones((8, 4)) + np.random.default_rng(0).normal(0, 1e-3, (8, 4))
    assert find_near_duplicates(ARRAYS, features=features).findings == ()


@settings(max_examples=15)
@given(
    number=st.integers(0, 7),
    left=st.floats(0, 1),
    top=st.floats(0, 1),
    mirror=st.booleans(),
    order=st.booleans(),
)
def test_align_finds_crop_at_any_place(number, left, top, mirror, order):
    image = DRAWN[number]
    copy = crop(image, left, top)
    # A region without structure could be anywhere.
    assume(np.asarray(copy.convert("L")).std() > 15)
    if mirror:
        copy = copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    found = aligned(copy, image) if order else aligned(image, copy)
    assert found.correlation > 0.88
    assert found.mirrored == mirror
    assert min(found.scale, 1 / found.scale) == pytest.approx(0.8, abs=0.03)


def test_align_rejects_different_and_flat_images():
    for one, other in itertools.pairwise(DRAWN):
        assert aligned(one, other).correlation < 0.88
    flat = Image.new("RGB", (80, 80), "gray")
    assert aligned(flat, DRAWN[0]) == aligned(flat, flat) == NONE


@pytest.mark.parametrize("numbers", [(103, 2170), (37, 80), (2094, 2007)])
def test_different_drawings_of_one_shape_are_not_near_duplicates(numbers):
    """Their gray levels correlate as highly as those of a copy, but not their gradients."""
    images = [np.asarray(draw_image("dog", number)) for number in numbers]
    found = aligned(*map(Image.fromarray, images))
    assert found.correlation > 0.88
    assert found.detail < 0.71
    features = features_of(9, {8: 2})
    images = [*ARRAYS[:2], images[0], *ARRAYS[3:], images[1]]
    assert find_near_duplicates(images, features=features).pairs == ()


@given(st.floats(-80, 80), st.floats(0.4, 2.5))
def test_only_small_rotations_and_moderate_scales_are_plausible(degrees, scale):
    sine, cosine = np.sin(np.radians(degrees)) * scale, np.cos(np.radians(degrees)) * scale
    found = _alignment_of_map(
        np.array([[cosine, -sine, 0.1], [sine, cosine, 0]]), 0.9, mirrored=True
    )
    assume(min(abs(abs(degrees) - 15), abs(scale - 0.65), abs(scale - 1 / 0.65)) > 1e-3)
    if abs(degrees) > 15 or not 0.65 < scale < 1 / 0.65:
        assert found == NONE
    else:
        assert found[:4] == pytest.approx((0.9, True, scale, degrees))


def test_mirroring_by_affine_map_is_not_plausible():
    assert _alignment_of_map(np.array([[1.0, 0, 0], [0, -1, 0]]), 0.9, mirrored=False) == NONE


@given(st.permutations(range(8)))
@settings(max_examples=5)
def test_groups_do_not_depend_on_order_of_images(order):
    images = [*ARRAYS[:6], ARRAYS[2] // 2, ARRAYS[4][::2, ::2]]
    found = find_near_duplicates([images[place] for place in order])
    groups = {frozenset(order[place] for place in group) for group in found.groups}
    assert groups == {frozenset({2, 6}), frozenset({4, 7})}


def test_single_image_has_no_duplicates():
    found = find_near_duplicates(ARRAYS[:1], features=np.ones((1, 3)))
    assert (found.findings, found.pairs, found.groups, found.num_images) == ((), (), (), 1)


@pytest.mark.parametrize(
    ("score", "shown"), [(0.9999, "0.99"), (1.0, "1.00"), (0.957, "0.95"), (0.29, "0.29")]
)
def test_correlation_is_rounded_down(score, shown):
    finding = describe_group((0, 1), [NearDuplicatePair(0, 1, score, "hash")], ())
    assert f"correlation at least {shown}." in finding.text


def test_gray_arrays_are_accepted():
    gray = [np.asarray(image.convert("L")) for image in DRAWN[:2]]
    assert find_near_duplicates([*gray, gray[1][:, :, None]]).groups == ((1, 2),)


NOT_FINITE = np.full((8, 2), np.nan)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([],), ValueError, ["`images`", "none"]),
        (("a.jpg",), TypeError, ["`images`", "a.jpg"]),
        (([3, 4],), TypeError, ["`images[0]`", "3"]),
        (([np.zeros((4, 4, 3))],), TypeError, ["`images[0]`", "float64", "astype"]),
        (([np.zeros((4, 4, 4), np.uint8)],), ValueError, ["`images[0]`", "(4, 4, 4)"]),
        ((ARRAYS, np.ones((7, 2))), ValueError, ["`features`", "8", "(7, 2)"]),
        ((ARRAYS, np.ones(8)), ValueError, ["`features`", "(8,)"]),
        ((ARRAYS, NOT_FINITE), ValueError, ["`features`", "NaN", "8 rows"]),
        ((ARRAYS, np.full((8, 2), 1e38)), ValueError, ["`features`", "1e+15", "1e+38"]),
        ((ARRAYS, np.full((8, 2), 1e300)), ValueError, ["`features`", "infinity"]),
        ((ARRAYS, [["a"]] * 8), TypeError, ["`features`", "dtype"]),
        ((ARRAYS, None, ["a.jpg"]), ValueError, ["`files`", "8", "1 path"]),
        ((ARRAYS, None, "a.jpg"), TypeError, ["`files`", "a.jpg"]),
    ],
)
def test_invalid_argument_raises(arguments, error, words):
    names = ("images", "features", "files")
    images, *rest = arguments
    with pytest.raises(error) as raised:
        find_near_duplicates(images, **dict(zip(names[1:], rest, strict=False)))
    assert all(word in str(raised.value) for word in words)


def test_file_that_is_not_an_image_raises_with_its_path(tmp_path):
    DRAWN[0].save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"`images\[1\]`.*b\.jpg.*not an image in any known"):
        find_near_duplicates([tmp_path / "a.png", tmp_path / "b.jpg"])
    with pytest.raises(ValueError, match=r"`images\[0\]`.*missing\.jpg.*No such file"):
        find_near_duplicates([str(tmp_path / "missing.jpg")])
