"""Parts of image files: counted as decoders do, and bounded before Pillow reads them."""

import struct
import zlib

import pytest
from PIL import Image

from catdog_keras._image_files import file_parts
from catdog_keras._image_files.file_parts import has_too_many_parts
from catdog_keras._image_files.limits import TOO_MANY_PARTS
from catdog_keras.datasets._inspect_files import inspect_file
from tests.corpora.image_files import encoded, flat


def many_segments(count):
    whole = encoded("JPEG")
    return whole[:2] + b"\xff\xe5\0\3a" * count + whole[2:]


def many_chunks(count, name=b"abCd"):
    whole = encoded("PNG")
    chunk = struct.pack(">I4sI", 0, name, zlib.crc32(name))
    return whole[:33] + chunk * count + whole[33:]


def long_comment(count):
    whole = encoded("GIF", Image.new("P", (8, 8)))
    start = whole.index(b"\x2c")
    return whole[:start] + b"\x21\xfe" + b"\1a" * (count - 1) + b"\0" + whole[start:]


def many_strips(count, order="<", *, is_large=False):
    """An image one pixel wide, of which each row is a strip."""
    tags = [(256, 4, 1), (257, 4, count), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1)]
    begin = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if is_large else 42)
    offset, number = ("Q", "Q") if is_large else ("I", "H")
    place = 16 if is_large else 8
    begin += (
        struct.pack(order + "HHQ", 8, 0, place + 2 * count)
        if is_large
        else struct.pack(order + "I", place + 2 * count)
    )
    entries = [(tag, kind, 1, value) for tag, kind, value in tags]
    entries += [(273, 3, count, place), (278, 4, 1, 1)]
    directory = struct.pack(order + number, len(entries))
    for tag, kind, values, value in entries:
        short = kind == 3 and values == 1
        packed = struct.pack(order + ("H" if short else "I"), value).ljust(
            8 if is_large else 4, b"\0"
        )
        if is_large and not short:
            packed = struct.pack(order + "Q", value) if values > 1 else packed
        directory += struct.pack(order + "HH" + offset, tag, kind, values) + packed
    return begin + struct.pack(order + "H", place) * count + directory + bytes(8)


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (many_segments, "MAX_PARTS"),
        (many_chunks, "MAX_PARTS"),
        (lambda count: many_chunks(count, b"IDAT"), "MAX_PIXEL_PARTS"),
        (long_comment, "MAX_GIF_BLOCKS"),
        (many_strips, "MAX_PIXEL_PARTS"),
        (lambda count: many_strips(count, ">"), "MAX_PIXEL_PARTS"),
        (lambda count: many_strips(count, is_large=True), "MAX_PIXEL_PARTS"),
    ],
)
def test_number_of_parts_is_bounded(make, limit, monkeypatch):
    monkeypatch.setattr(file_parts, limit, 500)
    assert not has_too_many_parts(make(480))
    assert has_too_many_parts(make(501))


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (encoded("JPEG")[:2] + b"\xff" * 600 + encoded("JPEG")[2:], "MAX_PARTS"),
        (encoded("JPEG")[:2] + b"\xff\0" * 600 + encoded("JPEG")[2:], "MAX_PARTS"),
        (encoded("GIF")[:6] + bytes(600), "MAX_GIF_BLOCKS"),
        (b"II*\0" + struct.pack("<IH", 8, 600) + bytes(12 * 600), "MAX_PARTS"),
    ],
)
def test_bytes_and_entries_that_decoders_skip_count_as_parts(content, limit, monkeypatch):
    assert not has_too_many_parts(content)
    monkeypatch.setattr(file_parts, limit, 500)
    assert has_too_many_parts(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", many_segments(100_000)),
        ("a.png", many_chunks(100_000)),
        ("a.gif", long_comment(100_000)),
        ("a.tif", many_strips(300_000)),
    ],
)
def test_file_of_too_many_parts_is_bad_before_pillow_opens_it(tmp_path, name, content, monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    (tmp_path / name).write_bytes(content)
    found = inspect_file(str(tmp_path / name))
    assert (found.status, found.reason) == ("bad", TOO_MANY_PARTS)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_usual_file_has_few_parts(form, monkeypatch):
    monkeypatch.setattr(file_parts, "MAX_PARTS", 20)
    monkeypatch.setattr(file_parts, "MAX_PIXEL_PARTS", 20)
    monkeypatch.setattr(file_parts, "MAX_GIF_BLOCKS", 20)
    assert not has_too_many_parts(encoded(form, flat(size=(640, 480))))


@pytest.mark.parametrize("make", [many_segments, many_chunks, long_comment, many_strips])
def test_parts_of_cut_file_are_counted_without_error(make):
    content = make(30)
    for end in range(len(content)):
        assert has_too_many_parts(content[:end]) in (True, False)


def test_image_of_strips_of_one_row_is_good(tmp_path):
    (tmp_path / "a.tif").write_bytes(many_strips(2000))
    assert inspect_file(str(tmp_path / "a.tif")).status == "good"
