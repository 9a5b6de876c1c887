"""Good, nonstandard and bad files: named, with the reason, and decoded by the stated rules."""

import io
import os
import re
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from catdog_keras._image_files.decode_pillow import decode_pillow
from catdog_keras._image_files.decode_tensorflow import decode_small
from catdog_keras._image_files.png_chunks import without_large_text
from catdog_keras.datasets._inspect_files import inspect_file
from catdog_keras.datasets._scan_images import scan_images
from tests.corpora.image_files import encoded, noise, png, png_header

RED = (200, 30, 40)


def _flat(mode="RGB", color=RED, size=(6, 4)):
    return Image.new(mode, size, color)


def _save_exif_rotated(path):
    image = Image.fromarray(np.arange(72, dtype=np.uint8).reshape(4, 6, 3))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)


NONSTANDARD = {
    "turned.png": (_save_exif_rotated, "rotated by its EXIF orientation"),
    "palette.png": (lambda path: _flat().quantize().save(path), "palette"),
    "palette.bmp": (lambda path: _flat().quantize().save(path), "palette"),
    "deep.png": (
        lambda path: Image.fromarray(np.full((4, 6), 51400, np.uint16)).save(path),
        "16 bit",
    ),
    "deep.tif": (
        lambda path: Image.fromarray(np.full((4, 6), 51400, np.uint16)).save(path),
        "16 bit",
    ),
    "clear.png": (lambda path: _flat("RGBA", (*RED, 0)).save(path), "transparency"),
    "print.jpg": (lambda path: _flat().convert("CMYK").save(path), "CMYK colors"),
    "moving.gif": (
        lambda path: _flat().save(path, save_all=True, append_images=[_flat(color=(0, 0, 255))]),
        "palette, several frames, the first is used",
    ),
    "png.jpg": (lambda path: _flat().save(path, "PNG"), "content is PNG"),
}


def _save_sparse(path):
    path.touch()
    os.truncate(path, 600_000_000)  # takes no space on the disk


def _save_truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-2000])


BAD = {
    "empty.jpg": (lambda path: path.write_bytes(b""), "empty file"),
    "sparse.jpg": (_save_sparse, "larger than 500 MB"),
    "text.jpg": (
        lambda path: path.write_bytes(b"<html>log in</html>"),
        "not an image in any known format",
    ),
    "short.jpg": (_save_truncated, "could not be decoded: image file is truncated"),
    "huge.png": (
        lambda path: Image.new("1", (10_000, 5_001)).save(path),
        "more than 50 megapixels",
    ),
    "measured.tif": (
        lambda path: Image.fromarray(np.full((4, 6), 0.5, np.float32)).save(path),
        "32-bit floating-point samples, which have no defined white level",
    ),
    "counted.tif": (
        lambda path: Image.fromarray(np.full((4, 6), 2**20, np.int32)).save(path),
        "32-bit signed samples, which have no defined white level",
    ),
    "pipe.png": (os.mkfifo, "not a regular file"),
    "dangling.png": (lambda path: path.symlink_to("nowhere"), "cannot be read: No such file"),
}


@pytest.mark.parametrize("name", NONSTANDARD)
def test_inspect_file_reports_nonstandard_image_with_reason(tmp_path, name):
    make, reason = NONSTANDARD[name]
    make(tmp_path / name)
    found = inspect_file(str(tmp_path / name))
    assert (found.status, found.reason, found.plain) == ("nonstandard", reason, False)


@pytest.mark.parametrize("name", BAD)
def test_inspect_file_reports_bad_file_with_reason(tmp_path, name):
    make, reason = BAD[name]
    make(tmp_path / name)
    found = inspect_file(str(tmp_path / name))
    assert found.status == "bad"
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("name", "mode", "plain"),
    [
        ("a.jpg", "RGB", True),
        ("a.jpeg", "L", True),
        ("a.PNG", "RGB", True),
        ("a.bmp", "RGB", False),
    ],
)
def test_inspect_file_reports_good_image(tmp_path, name, mode, plain):
    _flat().convert(mode).save(tmp_path / name)
    found = inspect_file(str(tmp_path / name))
    assert (found.status, found.reason, found.plain) == ("good", "", plain)


def test_inspect_file_reports_invalid_utf8_file_name(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    _flat().save(path)
    assert inspect_file(path).reason == "its name is not valid UTF-8"


def test_locale_without_utf8_is_the_reason_for_a_name_without_text(tmp_path):
    path = str(tmp_path / "kätz.png".encode().decode("ascii", "surrogateescape"))
    _flat().save(path)
    assert inspect_file(path).reason.endswith("set PYTHONUTF8=1 or a UTF-8 locale")


def test_decode_pillow_converts_nonstandard_images_to_rgb(tmp_path):
    for name, (make, _) in NONSTANDARD.items():
        make(tmp_path / name)
    upright = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(
        decode_pillow((tmp_path / "turned.png").read_bytes()), np.rot90(upright, -1)
    )
    assert (decode_pillow((tmp_path / "deep.png").read_bytes()) == 200).all()
    assert (decode_pillow((tmp_path / "deep.tif").read_bytes()) == 200).all()
    assert (decode_pillow((tmp_path / "clear.png").read_bytes()) == 255).all()
    for name in ("palette.png", "palette.bmp", "print.jpg", "moving.gif", "png.jpg"):
        pixels = decode_pillow((tmp_path / name).read_bytes())
        assert pixels.shape == (4, 6, 3)
        assert np.abs(pixels.astype(int) - RED).max() <= 3, name  # JPEG's loss, in print.jpg


def test_scan_images_reports_all_findings_and_modifies_no_file(tmp_path):
    _flat().save(tmp_path / "good.png")
    _flat().save(tmp_path / "same.png")
    for name, (make, _) in {**NONSTANDARD, **BAD}.items():
        make(tmp_path / name)
    before = sorted((p.name, p.lstat().st_mtime_ns) for p in tmp_path.iterdir())
    report = scan_images(tmp_path)
    assert before == sorted((p.name, p.lstat().st_mtime_ns) for p in tmp_path.iterdir())
    assert {os.path.basename(p.path) for p in report.nonstandard} == set(NONSTANDARD)
    assert {os.path.basename(p.path) for p in report.bad} == set(BAD)
    assert sorted(report.duplicates[0])[0].endswith("good.png")
    lines = report.to_text(all_files=True).splitlines()
    assert (
        lines[0] == f"2 good, {len(NONSTANDARD)} nonstandard, {len(BAD)} bad, 1 set of duplicates"
    )
    for name in (*NONSTANDARD, *BAD):
        assert any(re.search(rf"^(nonstandard|bad ) .*{re.escape(name)}: ", line) for line in lines)


def test_scan_images_raises_when_folder_does_not_exist(tmp_path):
    with pytest.raises(NotADirectoryError, match="`directory` must be a folder; received"):
        scan_images(tmp_path / "nowhere")


def test_scan_images_raises_when_folder_has_no_image_files(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match="`directory` must be a folder with files that end in"):
        scan_images(tmp_path)


def test_16_bit_samples_are_divided_by_257_and_rounded(tmp_path):
    samples = [0x007F, 0x0081, 0x00FF, 0xFF7D, 0xFF7F, 0xFFFF]
    rows = [b"\0" + struct.pack(">3H", *samples[start : start + 3]) for start in (0, 3)]
    pixels = decode_pillow(png(png_header(1, 2, 16, 2), b"".join(rows)))
    assert pixels.ravel().tolist() == [0, 1, 1, 254, 255, 255]


def test_postscript_file_is_bad_and_does_not_start_ghostscript(tmp_path, monkeypatch):
    """Pillow hands PostScript to `gs`, which it looks for in PATH, whatever the file is called."""
    started = tmp_path / "started"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {started}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    _flat().save(tmp_path / "drawing.jpg", "EPS")
    assert inspect_file(str(tmp_path / "drawing.jpg")).status == "bad"
    assert not started.exists()


def test_scan_report_escapes_control_characters_in_file_names(tmp_path):
    for name in ("\x1b[31mred.jpg", "a.jpg: fine\nbad  b.jpg", os.fsdecode(b"caf\xe9.jpg")):
        (tmp_path / name).write_bytes(b"no image")
    printed = str(scan_images(tmp_path))
    assert len(printed.splitlines()) == 5  # the counts, three files, one set of duplicates
    assert printed.replace("\n", "").isprintable()
    assert r"\x1b[31mred.jpg" in printed
    assert r"a.jpg: fine\nbad  b.jpg" in printed


def test_report_lists_five_nonstandard_files_with_the_same_reason(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    for number in range(8):
        _flat().save(tmp_path / f"{number}.jpg", exif=turned, quality=90 - number)
    _flat().convert("P").save(tmp_path / "palette.png")
    reason = "rotated by its EXIF orientation"
    rest = ["nonstandard and 3 more: " + reason]
    palette = ["nonstandard " + str(tmp_path / "palette.png") + ": palette"]
    lines = [f"nonstandard {tmp_path / f'{number}.jpg'}: {reason}" for number in range(8)]
    report = scan_images(tmp_path)
    assert str(report).splitlines()[1:] == [*lines[:5], *rest, *palette]
    assert report.to_text(all_files=True).splitlines()[1:] == [*lines, *palette]


def test_scan_images_counts_ignored_files_by_extension(tmp_path):
    _flat().save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("")
    report = scan_images(tmp_path)
    assert report.ignored == [str(tmp_path / "notes.txt")]
    assert str(report).endswith(
        "ignored files without a supported image extension: 1 file (1 .txt)"
    )


def test_scan_images_reports_unreadable_folder_as_bad(tmp_path, monkeypatch):
    _flat().save(tmp_path / "a.png")
    locked = tmp_path / "locked"
    locked.mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).rstrip("/") == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (bad,) = scan_images(tmp_path).bad
    assert (bad.path, bad.reason) == (str(locked), "a folder that cannot be read")


@pytest.mark.parametrize("directory", [None, 5, b"x"])
def test_scan_images_raises_when_directory_is_not_a_path(directory):
    with pytest.raises(TypeError, match="`directory` must be a path; received directory="):
        scan_images(directory)


def test_exact_duplicates_are_not_repeated_in_near_duplicates(tmp_path):
    noise().resize((64, 64)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    noise().resize((128, 128)).save(tmp_path / "c.png")
    report = scan_images(tmp_path, near_duplicates=True)
    a, b, c = (str(tmp_path / f"{name}.png") for name in "abc")
    assert (report.duplicates, report.near_duplicates) == ([[a, b]], [[a, c]])


def test_error_of_the_kernel_is_the_reason_without_names_of_operations(tmp_path):
    file = tmp_path / "image.jpg"
    Image.new("RGB", (64, 64)).save(file)
    with pytest.raises(ValueError, match="Invalid JPEG data") as raised:
        decode_small(file.read_bytes()[:200], "JPEG", 64 * 64)
    assert "{{" not in str(raised.value)
    assert "[Op:" not in str(raised.value)
    _, size = decode_small(file.read_bytes(), "JPEG", 64 * 64)
    assert size == (64, 64)


def test_orientation_in_text_is_kept_where_other_text_is_too_large():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 2**21, zip=True)
    info.add_text("Raw profile type exif", "orientation", zip=True)
    info.add_itxt("XML:com.adobe.xmp", "y" * 2**21, zip=True)
    info.add_text("Comment", "x", zip=True)
    small = without_large_text(encoded("PNG", pnginfo=info))
    with Image.open(io.BytesIO(small)) as image:
        image.load()
        assert image.text == {"Raw profile type exif": "orientation"}
    assert without_large_text(small) is small


def _orientation_entry(kind, count, value, more=b""):
    """An EXIF block with one entry, the orientation, of any type."""
    head = b"II*\0" + struct.pack("<IHHHI", 8, 1, 0x0112, kind, count)
    return head + value + bytes(4) + more


SHORT, BYTE, ASCII, RATIONAL, UNDEFINED, FLOAT = 3, 1, 2, 5, 7, 11
UNREADABLE_EXIF = {
    "byte": _orientation_entry(BYTE, 1, b"\6\0\0\0"),
    "text": _orientation_entry(ASCII, 4, b"top\0"),
    "empty text": _orientation_entry(ASCII, 1, bytes(4)),
    "undefined": _orientation_entry(UNDEFINED, 4, b"\6\0\0\0"),
    "zero by zero": _orientation_entry(RATIONAL, 1, struct.pack("<I", 26), bytes(8)),
    "infinite": _orientation_entry(FLOAT, 1, struct.pack("<f", float("inf"))),
    "not a number": _orientation_entry(FLOAT, 1, struct.pack("<f", float("nan"))),
    "no value": _orientation_entry(SHORT, 0, bytes(4)),
    "nine": _orientation_entry(SHORT, 1, b"\x09\0\0\0"),
    "cut header": b"II*",
    "text instead of a directory": b"garbage!garbage!",
    "zeros": bytes(64),
    "directory beyond the end": b"II*\0" + struct.pack("<I", 5000),
    "large directory": b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 0),
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("block", UNREADABLE_EXIF)
def test_image_with_unreadable_orientation_is_good_and_decoded_as_stored(tmp_path, form, block):
    image = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    exact = {"lossless": True} if form == "WEBP" else {}
    (tmp_path / "a").write_bytes(encoded(form, image, **exact))
    plain = decode_pillow((tmp_path / "a").read_bytes())
    content = encoded(form, image, exif=b"Exif\0\0" + UNREADABLE_EXIF[block], **exact)
    file = tmp_path / f"a.{form.lower()}"
    file.write_bytes(content)
    found = inspect_file(str(file))
    assert (found.status, found.reason) == ("good", "")
    assert np.array_equal(decode_pillow(content), plain)


def test_png_with_damaged_exif_text_is_good(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", "\nexif\n 10\nzzzz", zip=True)
    (tmp_path / "a.png").write_bytes(encoded("PNG", pnginfo=info))
    assert inspect_file(str(tmp_path / "a.png")).status == "good"
