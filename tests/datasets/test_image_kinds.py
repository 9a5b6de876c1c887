"""Each kind of image file under each `on_bad`: named with its reason, or read by its rule."""

import os
import warnings

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_image_folder, scan_images
from catdog_keras._image_files.decode_pillow import decode_gray
from catdog_keras.datasets._inspect_files import inspect_file
from catdog_keras.datasets.synthetic import draw_image
from tests.corpora.image_files import encoded, noise
from tests.corpora.image_kinds import BAD, GOOD, KINDS, NONSTANDARD

TINY = {"image_size": (16, 24), "batch_size": 6, "shuffle": False}


@pytest.fixture
def write_kinds(tmp_path, make_folder):
    """Writes files of the given kinds into one class of a small folder; returns both."""

    def write(names):
        layout = {
            f"{split}/{label}": 3 for split in ("train", "validation", "test") for label in "ab"
        }
        root = make_folder(tmp_path / "images", layout)
        files = {name: root / "train" / "a" / name for name in names}
        for name, file in files.items():
            KINDS[name].write(file)
        return root, {name: str(file) for name, file in files.items()}

    return write


def _printable(name):
    return name.encode(errors="backslashreplace").decode()


def _all_images(dataset):
    return np.concatenate([images for images, _ in dataset])


@pytest.mark.parametrize("mode", ["skip", "raise"])
def test_readable_images_are_classified_and_decoded_as_expected(write_kinds, mode):
    root, files = write_kinds([*GOOD, *NONSTANDARD])
    splits = load_image_folder(root, **TINY, on_bad=mode)
    found = {p.path: (p.status, p.reason) for p in (*splits.scan.good, *splits.scan.nonstandard)}
    assert {name: found[file] for name, file in files.items()} == {
        name: KINDS[name][1:3] for name in files
    }
    decoded = dict(zip(splits.files["train"], _all_images(splits.train), strict=True))
    wrong = {}
    for name, file in files.items():
        shown = decoded[file]
        if name.startswith("turned"):  # the upper half, where it is upright
            assert np.abs(shown[8:]).max() < 12
            shown = shown[:8]
        if np.abs(shown - KINDS[name].color).max() >= 6:
            wrong[name] = shown[0, 0]
    assert wrong == {}


def _expected_line(files, name):
    return f"\n  {_printable(files[name])}: {KINDS[name].reason}"


def test_unreadable_files_are_skipped_and_reported_with_reason(write_kinds):
    root, files = write_kinds(BAD)
    count = 18 + len(BAD)
    with pytest.warns(
        UserWarning, match=f"{len(BAD)} of {count} files could not be read"
    ) as warned:
        splits = load_image_folder(root, **TINY)
    (first,) = (name for name in BAD if files[name] == splits.scan.bad[0].path)
    assert _expected_line(files, first) in str(warned[0].message)
    reasons = {image.path: image.reason for image in splits.scan.bad}
    assert set(reasons) == set(files.values())
    for name, file in files.items():
        assert reasons[file].startswith(KINDS[name].reason)
        assert os.path.lexists(file)
    assert len(_all_images(splits.train)) == 6


@pytest.mark.parametrize("name", BAD, ids=_printable)
def test_unreadable_file_raises_with_path_and_reason(write_kinds, name):
    root, files = write_kinds([name])
    with pytest.raises(ValueError, match="1 of 19 files could not be read as images") as caught:
        load_image_folder(root, **TINY, on_bad="raise")
    assert _expected_line(files, name) in str(caught.value)
    assert os.path.lexists(files[name])


def test_scan_report_lists_each_nonstandard_and_bad_file_once(tmp_path):
    for name, kind in KINDS.items():
        folder = tmp_path / "images" / kind.status
        folder.mkdir(parents=True, exist_ok=True)
        kind.write(folder / name)
    report = scan_images(tmp_path / "images")
    assert [len(part) for part in (report.good, report.nonstandard, report.bad)] == [
        len(GOOD),
        len(NONSTANDARD),
        len(BAD),
    ]
    printed = report.to_text(all_files=True)
    for name in (*NONSTANDARD, *BAD):
        assert printed.count(f"/{_printable(name)}: ") == 1


@pytest.mark.parametrize("form", ["jpg", "png"])
def test_damaged_images_that_pass_scan_decode_during_epoch(tmp_path, make_folder, form):
    """Files damaged at random places: those classified as good or nonstandard are read in each epoch."""
    generator = np.random.default_rng(7)
    whole = [encoded("JPEG", noise()), encoded("JPEG", noise(), progressive=True)]
    if form == "png":
        whole = [encoded("PNG"), encoded("PNG", noise())]
    layout = {f"{split}/{label}": 2 for split in ("train", "val", "test") for label in "ab"}
    root = make_folder(tmp_path, layout)
    for number in range(150):
        content = bytearray(whole[number % 2])
        at = int(generator.integers(len(content)))
        if number % 3:
            content[at] ^= int(generator.integers(1, 256))
        else:
            del content[at : at + int(generator.integers(1, 40))]
        (root / "train" / "a" / f"damaged.{number}.{form}").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is bad
        splits = load_image_folder(root, **{**TINY, "batch_size": 2})
    seen = sum(len(_all_images(dataset)) for dataset in splits)
    assert seen == len(splits.scan.good) + len(splits.scan.nonstandard)
    assert splits.scan.bad


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_rotated_file_has_the_hash_and_gray_levels_of_the_upright_image(
    tmp_path, ending, orientation
):
    """Pillow rotates TIFF files itself when it decodes them."""
    upright = draw_image("cat", 3).resize((96, 64))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)  # the inverse
    stored = upright if turn is None else upright.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"image.{ending}"
    stored.save(file, exif=exif, quality=95)
    upright.save(tmp_path / "upright.png")
    found, expected = (inspect_file(str(each)) for each in (file, tmp_path / "upright.png"))
    assert (found.perceptual_hash ^ expected.perceptual_hash).bit_count() <= 2
    gray, _ = decode_gray(file.read_bytes())
    assert gray.shape == (64, 96)
    assert np.abs(gray - np.asarray(upright.convert("L"), float)).mean() < 5
