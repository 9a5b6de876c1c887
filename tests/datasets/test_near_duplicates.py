"""Near-duplicates are found for any size and compression, and other images are kept separate."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from catdog_keras import scan_images
from catdog_keras.datasets import _match_hashes
from catdog_keras.datasets._components import Components, connected_components
from catdog_keras.datasets._match_hashes import (
    LEAST_CORRELATION,
    MOST_DIFFERENT_BITS,
    MOST_PAIRED,
    _share_a_band,
    _similar_hashes,
    has_similar,
    match_signatures,
)
from catdog_keras.datasets._perceptual_hash import Signature, signature_of
from catdog_keras.datasets.synthetic import draw_image

NOISE = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)


def pairs_of(signatures):
    return [(first, second) for first, second, _ in match_signatures(signatures)]


def close_pairs(values):
    """The pairs of hashes that are compared by their pixels, if none of them is joined."""
    hashes, components = np.array(values, dtype=np.uint64), Components(len(values))
    return {
        tuple(sorted((one, int(other))))
        for members, masks in _share_a_band(hashes)
        for one, others in _similar_hashes(hashes, members, masks, components)
        for other in others
    }


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


def test_perceptual_hash_matches_imagehash():
    """The values were computed with `imagehash.phash` 4.3.2."""
    generator = np.random.default_rng(0)
    expected = (0xF7482F430943DF16, 0xD4C3642E6C7B2DC1, 0xEC2D47AB82CA6B15, 0x8AFC722A81CD27BA)
    for number, value in enumerate(expected):
        pixels = generator.integers(0, 256, (40 + number, 64, 3), dtype=np.uint8)
        found = signature_of(Image.fromarray(pixels).convert("L"))
        assert (found.hash ^ value).bit_count() <= 1  # rounding may differ


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30, unique=True), st.integers(0, 2**32))
def test_similar_hashes_finds_all_pairs_within_hamming_distance(values, seed):
    generator = np.random.default_rng(seed)
    for value in values[:10]:  # neighbors at known distances
        bits = generator.choice(64, int(generator.integers(1, 12)), replace=False)
        values.append(value ^ sum(1 << int(bit) for bit in bits))
    pairs = {
        (first, second)
        for second, other in enumerate(values)
        for first, one in enumerate(values[:second])
        if (one ^ other).bit_count() <= MOST_DIFFERENT_BITS
    }
    assert close_pairs(values) == pairs
    found = has_similar(np.array(values, dtype=np.uint64))
    assert set(np.flatnonzero(found)) == {place for pair in pairs for place in pair}


def test_similar_hashes_finds_pair_whose_different_bits_are_spread_evenly():
    """The hardest pair: if the bands were as few as the bits, each band could hold one of them."""
    spread = np.arange(MOST_DIFFERENT_BITS) * 64 // MOST_DIFFERENT_BITS + 3
    other = sum(1 << int(bit) for bit in spread)
    assert other.bit_count() == MOST_DIFFERENT_BITS
    assert close_pairs([0, other]) == {(0, 1)}
    assert close_pairs([0, other ^ 1]) == set()


def test_match_signatures_requires_correlated_pixels_for_equal_hashes():
    same = Signature(5, NOISE)
    mixed = (NOISE * 0.5 + NOISE[::-1] * 0.5).astype(np.uint8)
    assert pairs_of([same, Signature(5, NOISE // 2), Signature(5, mixed)]) == [(0, 1)]


def test_match_signatures_compares_flat_images_by_their_gray():
    flat = [np.full((32, 32), gray, np.uint8) for gray in (100, 101, 150)]
    assert pairs_of([Signature(0, pixels) for pixels in flat]) == [(0, 1)]
    assert pairs_of([Signature(0, flat[0]), Signature(0, NOISE)]) == []


def test_match_signatures_links_equal_images_to_first_one():
    assert match_signatures([Signature(1, NOISE)] * 4) == [(0, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0)]
    assert match_signatures([]) == []


def frames(count, scenes, seed):
    """Noisy images of some scenes, with hashes that differ in up to twelve bits within a scene."""
    generator = np.random.default_rng(seed)
    bases = generator.integers(0, 200, (scenes, 32, 32)).astype(float)
    hashes = generator.integers(0, 2**63, scenes, dtype=np.uint64)
    signatures = []
    for _ in range(count):
        scene = int(generator.integers(scenes))
        noise = generator.normal(0, generator.uniform(5, 15), (32, 32))
        bits = generator.choice(64, int(generator.integers(7)), replace=False)
        pixels = np.clip(bases[scene] + noise, 0, 255).astype(np.uint8)
        signatures.append(
            Signature(int(hashes[scene]) ^ sum(1 << int(bit) for bit in bits), pixels)
        )
    return signatures


def all_pairs(signatures):
    """The pairs by definition, each compared alone."""
    vectors = [signature.pixels.ravel().astype(float) for signature in signatures]
    correlation = np.corrcoef(vectors)
    return {
        (first, second)
        for second, other in enumerate(signatures)
        for first, one in enumerate(signatures[:second])
        if (one.hash ^ other.hash).bit_count() <= MOST_DIFFERENT_BITS
        and correlation[first, second] >= LEAST_CORRELATION
    }


@given(
    st.integers(2, 150), st.integers(1, 4), st.integers(0, 2**32), st.sampled_from([1, 50, 10**6])
)
def test_match_signatures_connects_what_all_pairs_connect(count, scenes, seed, block):
    signatures = frames(count, scenes, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_match_hashes, "MOST_HASHES", block)
        links = match_signatures(signatures)
    expected = all_pairs(signatures)
    groups = connected_components(count, [(*pair, 1.0) for pair in expected])
    assert connected_components(count, links) == groups
    found = {(first, second) for first, second, _ in links}
    assert found <= expected
    for group in groups:
        pairs = {pair for pair in expected if pair[0] in group}
        assert len(group) > MOST_PAIRED or pairs <= found
    assert links == sorted(set(links))


@pytest.mark.parametrize("scenes", [1, 3])
def test_comparisons_of_nearly_identical_images_grow_linearly(scenes, monkeypatch):
    compared = []

    def count(*arguments):
        compared.append(len(arguments[-1]))
        return similarity(*arguments)

    similarity = _match_hashes._correlations
    monkeypatch.setattr(_match_hashes, "_correlations", count)
    totals = []
    for number in (400, 1600):
        compared.clear()
        links = match_signatures(frames(number, scenes, 0))
        assert len(connected_components(number, links)) == scenes
        totals.append(sum(compared))
        assert max(compared) <= _match_hashes.MOST_COMPARED
    assert totals[1] < 8 * totals[0]
    assert totals[1] < 1600 * 100


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_components_are_numbered_by_their_first_positions(edges):
    components = Components(10)
    for edge in edges:
        components.join(*edge)
    numbers = components.numbers().tolist()
    firsts = list(dict.fromkeys(numbers))
    assert firsts == list(range(len(firsts)))
    for place, number in enumerate(numbers):
        same = [other for other in range(10) if numbers[other] == number]
        assert components.sizes[components.leaders[place]] == len(same)
        assert len(same) == 1 or same in components.groups()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_connected_components_join_linked_positions(edges):
    groups = connected_components(10, [(*sorted(edge), 1.0) for edge in edges])
    reached = {place: {place} for place in range(10)}
    for _ in range(10):
        for one, other in edges:
            reached[one] |= reached[other]
            reached[other] |= reached[one]
    expected = {tuple(sorted(each)) for each in reached.values() if len(each) > 1}
    assert {tuple(group) for group in groups} == expected
    assert groups == sorted(groups)


@pytest.mark.parametrize("quality", [60, 95])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_signature_of_bright_resized_recompressed_copy_matches(quality, scale, tmp_path):
    original = draw_image("dog", 7)
    size = [round(side * scale) for side in original.size]
    copy = original.resize(size).point(lambda level: min(255, round(level * 1.1)))
    copy.save(tmp_path / "copy.jpg", quality=quality)
    with Image.open(tmp_path / "copy.jpg") as saved:
        signatures = [signature_of(image.convert("L")) for image in (original, saved)]
    others = [signature_of(draw_image("dog", number).convert("L")) for number in range(7)]
    assert pairs_of([*others, *signatures]) == [(7, 8)]
