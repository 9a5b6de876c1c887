"""Near-duplicates are found for any size and compression, and other images are kept separate."""

import numpy as np
from hypothesis import given, strategies as st
from PIL import Image

from catdog_keras import scan_images
from catdog_keras.datasets._near_duplicates import (
    MOST_DIFFERENT_BITS,
    _connect,
    _perceptual_hash,
)
from catdog_keras.datasets._validate import inspect_file
from catdog_keras.datasets.synthetic import draw_image


def test_scan_images_groups_recompressed_and_resized_copies(tmp_path):
    for number in range(6):
        draw_image("cat", number).save(tmp_path / f"{number}.png")
    original = draw_image("cat", 2)
    original.save(tmp_path / "a_compressed.jpg", quality=60)
    original.resize((original.width // 2, original.height // 2)).save(tmp_path / "b_small.png")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    report = scan_images(tmp_path, near_duplicates=True)
    alike = [str(tmp_path / name) for name in ("2.png", "a_compressed.jpg", "b_small.png")]
    assert report.near_duplicates == [alike]
    assert report.duplicates == []
    assert str(report).splitlines()[-1] == "like " + ", ".join(alike)
    assert scan_images(tmp_path).near_duplicates == []


def test_perceptual_hash_matches_imagehash(tmp_path):
    """The values were computed with `imagehash.phash` 4.3.2."""
    generator = np.random.default_rng(0)
    expected = (0xF7482F430943DF16, 0xD4C3642E6C7B2DC1, 0xEC2D47AB82CA6B15, 0x8AFC722A81CD27BA)
    for number, value in enumerate(expected):
        file = tmp_path / f"{number}.png"
        pixels = generator.integers(0, 256, (40 + number, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
        assert (
            _perceptual_hash(inspect_file(str(file))) ^ value
        ).bit_count() <= 1  # rounding may differ


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(0, 2**32))
def test_connect_finds_all_pairs_within_hamming_distance(values, seed):
    generator = np.random.default_rng(seed)
    for value in values[:10]:  # neighbors at known distances
        bits = generator.choice(64, int(generator.integers(0, 7)), replace=False)
        values.append(value ^ sum(1 << int(bit) for bit in bits))
    leaders = _connect(np.array(values, dtype=np.uint64))
    components = list(range(len(values)))
    for _ in values:
        for first, one in enumerate(values):
            for second, other in enumerate(values):
                if (one ^ other).bit_count() <= MOST_DIFFERENT_BITS:
                    components[second] = min(components[first], components[second])
    assert leaders == components


def test_connect_finds_pair_whose_different_bits_are_spread_evenly():
    """The hardest pair: if the bands were as few as the bits, each band could hold one of them."""
    spread = np.arange(MOST_DIFFERENT_BITS) * 64 // MOST_DIFFERENT_BITS + 3
    other = sum(1 << int(bit) for bit in spread)
    assert other.bit_count() == MOST_DIFFERENT_BITS
    assert _connect(np.array([0, other], dtype=np.uint64)) == [0, 0]
    assert _connect(np.array([0, other ^ 1], dtype=np.uint64)) == [0, 1]
