"""Scans of JPEG files: counted as decoders do, and bounded."""

import time

import pytest

from catdog_keras._image_files.jpeg_scans import MAX_SCANS, has_too_many_scans, scan_components
from catdog_keras._image_files.limits import (
    MAX_EXIF_SEGMENTS,
    TOO_MANY_EXIF_SEGMENTS,
    TOO_MANY_SCANS,
)
from catdog_keras.datasets._inspect_files import inspect_file
from tests.corpora.image_files import encoded, noise
from tests.corpora.jpeg_scans import AC, DC, jpeg, segment

LARGE = (7000, 7000)
HIDDEN = b"\xff\xda" * 400


@pytest.mark.parametrize(
    ("content", "components"),
    [
        (encoded("JPEG", noise()), [3]),
        (encoded("JPEG", noise().convert("L")), [1]),
        (encoded("JPEG", noise(), progressive=True), [3, 1, 1, 1, 1, 1, 3, 1, 1, 1]),
        (encoded("JPEG", noise(), restart_marker_blocks=1), [3]),
        (encoded("JPEG", noise(), comment=HIDDEN), [3]),
        (encoded("JPEG", noise()) + HIDDEN, [3]),
        (jpeg([DC, AC, AC]), [3, 1, 1]),
        (jpeg([DC, AC], data=b"\xff\xff"), [3, 1]),  # fill bytes in front of a marker
        (jpeg([DC, AC], data=b"\xff\x00\xda\xff\xd3"), [3, 1]),
        (b"\xff\xd8", []),
        (b"\xff\xd8\xff\xda", [0]),
    ],
)
def test_scan_components_counts_scans_as_decoders_do(content, components):
    assert scan_components(content) == components


@pytest.mark.parametrize(
    ("scans", "size", "too_many"),
    [
        (MAX_SCANS, (16, 16), False),
        (MAX_SCANS + 1, (16, 16), True),
        (100, LARGE, False),
        (103, LARGE, True),
    ],
)
def test_scans_are_bounded_by_number_and_visited_pixels(scans, size, too_many):
    content = jpeg([DC] + [AC] * (scans - 1), size)
    assert has_too_many_scans(content, size[0] * size[1]) is too_many


@pytest.mark.parametrize("after", ["image", "data"])
def test_run_of_fill_bytes_is_read_in_linear_time(after):
    """In quadratic time, these 200 kB would take minutes."""
    fill = b"\xff" * 200_000 + b"\0"
    whole = encoded("JPEG", noise())
    at = 2 if after == "image" else len(whole) - 2  # in front of the first or the last marker
    started = time.process_time()
    assert scan_components(whole[:at] + fill + whole[at:]) == [3]
    assert time.process_time() - started < 5


@pytest.mark.parametrize("hidden", ["comment", "trailing data"])
def test_hidden_scan_markers_do_not_make_an_image_bad(tmp_path, hidden):
    whole = encoded("JPEG", noise(), comment=HIDDEN if hidden == "comment" else b"")
    (tmp_path / "a.jpg").write_bytes(whole + (HIDDEN if hidden != "comment" else b""))
    assert inspect_file(str(tmp_path / "a.jpg")).status == "good"


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "two images.jpg"])
@pytest.mark.parametrize("frame", [0xC2, 0xCA])
def test_jpeg_with_thousands_of_scans_is_bad_before_decoding(tmp_path, name, frame):
    more = segment(0xE2, encoded("MPO")[4:80]) if name == "two images.jpg" else b""
    (tmp_path / name).write_bytes(jpeg([DC] + [AC] * 5000, LARGE, frame=frame, extra=more))
    found = inspect_file(str(tmp_path / name))
    assert (found.status, found.reason) == ("bad", TOO_MANY_SCANS)


def test_progressive_jpeg_with_the_most_scans_is_good(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg([DC] + [AC] * (MAX_SCANS - 1)))
    assert inspect_file(str(tmp_path / "a.jpg")).status == "good"


def test_jpeg_of_many_exif_segments_is_bad_before_pillow_joins_them(tmp_path):
    whole = encoded("JPEG", noise())
    for number, status in ((MAX_EXIF_SEGMENTS, "good"), (1_000_000, "bad")):
        more = segment(0xE1, b"Exif\0\0a") * number
        (tmp_path / "a.jpg").write_bytes(whole[:2] + more + whole[2:])
        found = inspect_file(str(tmp_path / "a.jpg"))
        assert (found.status, found.reason) == (
            status,
            "" if status == "good" else TOO_MANY_EXIF_SEGMENTS,
        )
