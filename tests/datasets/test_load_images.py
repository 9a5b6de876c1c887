"""Images without splits: file order, decoding rules, and a report of every bad file."""

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_image_folder, load_images

CODED = {"red": 3, "green": 3, "blue": 3}


@pytest.fixture
def coded(tmp_path, make_folder):
    """A folder of three classes of three images each."""
    return make_folder(tmp_path / "images", CODED)


def codes(images, read_code):
    batches = [
        batch if images.labels is None else batch[0] for batch in images.dataset.as_numpy_iterator()
    ]
    return [read_code(image) for batch in batches for image in batch]


def test_load_images_keeps_file_order_in_every_epoch(coded, read_code):
    files = sorted(coded.rglob("*.png"), reverse=True)
    images = load_images(files, image_size=(4, 4), batch_size=4)
    expected = [int(re.search(r"\.(\d+)\.", file.name)[1]) for file in files]
    assert images.files == tuple(map(str, files))
    assert images.labels is None
    assert len(images) == 9
    for _ in range(2):
        assert [number for _, number in codes(images, read_code)] == expected
    assert [len(batch) for batch in images.dataset] == [4, 4, 1]


def test_folder_path_expands_to_its_sorted_images(coded, read_code):
    images = load_images(coded, image_size=(4, 4))
    assert images.files == tuple(sorted(map(str, coded.rglob("*.png"))))
    single = coded / "red" / "image.0.png"
    both = load_images([single, coded], image_size=(4, 4))
    assert both.files == (str(single), *(f for f in images.files if f != str(single)))


def test_path_given_twice_is_loaded_twice(coded, read_code):
    first, second = coded / "red" / "image.0.png", coded / "blue" / "image.6.png"
    paths = [first, second, first]
    images = load_images(paths, class_names=list(CODED), image_size=(4, 4))
    assert images.files == tuple(map(str, paths))
    assert images.labels.tolist() == [0, 2, 0]
    assert [number for _, number in codes(images, read_code)] == [0, 6, 0]
    assert len(images.scan.by_path) == 2
    assert not images.scan.duplicates
    assert len(load_images([coded, coded, coded / "red", first], image_size=(4, 4))) == 10
    with pytest.warns(UserWarning, match="1 of 2 files"):
        images = load_images(["none.png", first, "none.png"], image_size=(4, 4))
    assert images.files == (str(first),)


def test_label_is_taken_from_class_folder_below_path(tmp_path, make_folder, read_code):
    root = make_folder(
        tmp_path / "red", {"test/blue": 2, "train/deep/green": 2, "validation/blue": 1}
    )
    images = load_images(root, class_names=["red", "green", "blue"], image_size=(4, 4))
    below = [file.removeprefix(f"{tmp_path}/") for file in images.files]
    names = [("red", "green", "blue")[label] for label in images.labels]
    assert dict(zip(below, names, strict=True)) == {
        "red/test/blue/image.0.png": "blue",
        "red/test/blue/image.1.png": "blue",
        "red/train/deep/green/image.2.png": "green",
        "red/train/deep/green/image.3.png": "green",
        "red/validation/blue/image.4.png": "blue",
    }
    labels = [int(label) for _, batch in images.dataset for label in batch]
    assert labels == images.labels.tolist()
    only = load_images(root / "test" / "blue", class_names=["green", "blue"], image_size=(4, 4))
    assert only.labels.tolist() == [1, 1]
    single = load_images(images.files[0], class_names=["blue"], image_size=(4, 4))
    assert single.labels.tolist() == [0]


def test_images_outside_class_folders_raise_with_paths(coded):
    with pytest.raises(ValueError, match="3 of 9 images") as raised:
        load_images(coded, class_names=["red", "green"])
    assert str(raised.value) == (
        "3 of 9 images are not in a folder of the classes 'red', 'green':"
        + "".join(f"\n  {coded}/blue/image.{number}.png" for number in (6, 7, 8))
    )
    # A class name above the requested path does not label the files below it.
    with pytest.raises(ValueError, match="3 of 3 images"):
        load_images(coded / "blue", class_names=["images", "red"])
    with pytest.raises(ValueError, match="1 of 1 images"):
        load_images(coded / "blue" / "image.6.png", class_names=["images", "red"])


def test_image_next_to_class_folders_is_not_of_the_class_that_their_folder_is_named_after(
    tmp_path, make_folder
):
    root = make_folder(tmp_path / "red", {"red": 1, "deep/green": 1})
    shutil.copy(root / "red" / "image.0.png", root / "stray.png")
    with pytest.raises(ValueError, match="1 of 3 images are not in a folder of the classes"):
        load_images(root, class_names=["red", "green"])
    # Without class folders inside it, the name of the folder counts.
    shutil.rmtree(root / "red")
    images = load_images(root, class_names=["red"], image_size=(4, 4))
    assert images.labels.tolist() == [0, 0]
    # A path to the file does not name the folder with the class folders.
    single = load_images(root / "stray.png", class_names=["red", "green"], image_size=(4, 4))
    assert single.labels.tolist() == [0]


@pytest.mark.parametrize("name", ["some.zip", "without-ending"])
def test_zip_archive_loads_same_images_and_labels_as_folder(
    coded, tmp_path, monkeypatch, read_code, name
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        for file in coded.rglob("*.png"):
            archive.write(file, file.relative_to(coded))
    packed = load_images(tmp_path / name, class_names=list(CODED), image_size=(4, 4))
    plain = load_images(coded, class_names=list(CODED), image_size=(4, 4))
    assert codes(packed, read_code) == codes(plain, read_code)
    assert packed.labels.tolist() == plain.labels.tolist()


def test_load_images_decodes_same_pixels_as_load_image_folder(coded):
    turned = Image.new("RGBA", (4, 8), (200, 100, 50, 100))
    turned.save(coded / "red" / "clear.png")
    splits = load_image_folder(
        coded, image_size=(5, 3), holdout_fraction=0.5, batch_size=1, shuffle=False
    )
    files = [file for split in splits.files.values() for file in split]
    there = [image for dataset in splits for image, _ in dataset]
    alone = load_images(files, image_size=(5, 3), batch_size=1).dataset
    assert len(files) == 10
    assert all(np.array_equal(*pair) for pair in zip(there, alone, strict=True))


def test_bad_files_are_skipped_and_each_is_listed_in_warning(coded):
    bad = [coded / "red" / f"bad{number}.png" for number in range(7)]
    for file in bad[:6]:
        file.write_bytes(b"no image")
    with pytest.warns(UserWarning, match="7 of 10 files") as warned:
        images = load_images([*bad, coded / "blue"])
    assert len(images) == 3
    assert repr(images) == "LabeledImages(3 images, 7 files skipped)"
    assert [image.path for image in images.scan.bad] == [str(file) for file in bad]
    reasons = ["not an image in any known format"] * 6 + [
        "cannot be read: No such file or directory"
    ]
    assert str(warned[0].message) == (
        "7 of 10 files could not be read as images and are skipped:"
        + "".join(f"\n  {file}: {reason}" for file, reason in zip(bad, reasons, strict=True))
    )
    assert warned[0].filename == __file__


ENDINGS = ".avif, .bmp, .gif, .heic, .heif, .jfif, .jpeg, .jpg, .png, .tif, .tiff, .webp"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"paths": 3}, TypeError, "`paths` must be a path or a list of paths; received paths=3."),
        (
            {"paths": []},
            ValueError,
            "`paths` must be a path or a list of paths; received paths=[]. It contains none.",
        ),
        ({"paths": ["a", 3]}, TypeError, "`paths[1]` must be a path; received paths[1]=3."),
        (
            {"paths": "."},
            ValueError,
            f"`paths` must be files, or folders of files that end in {ENDINGS}; received paths='.'.",
        ),
        (
            {"paths": ["a.png", "b.png"]},
            ValueError,
            "None of the 2 files could be read as an image:"
            "\n  a.png: cannot be read: No such file or directory"
            "\n  b.png: cannot be read: No such file or directory",
        ),
        (
            {"paths": "none.zip"},
            FileNotFoundError,
            "`paths` must be an existing folder or zip archive; received paths='none.zip'. Check the path.",
        ),
        (
            {"paths": ["a.png", "https://example.org/b.png"]},
            ValueError,
            "`paths[1]` must be a path on this machine, not a URL; received "
            "paths[1]='https://example.org/b.png'. URLs are not opened. Download the files, and "
            "pass the path where they are.",
        ),
        (
            {"paths": Path("s3://bucket/b.png")},
            ValueError,
            "`paths` must be a path on this machine, not a URL; received paths='s3:/bucket/b.png'. "
            "URLs are not opened. Download the files, and pass the path where they are.",
        ),
        (
            {"paths": "a.png", "class_names": []},
            ValueError,
            "`class_names` must be a list of distinct class names; received class_names=[].",
        ),
        (
            {"paths": "a.png", "batch_size": 0},
            ValueError,
            "`batch_size` must be an integer of at least 1; received batch_size=0.",
        ),
    ],
)
def test_invalid_arguments_raise_with_message(arguments, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        load_images(**arguments)
    assert str(raised.value) == message


def test_label_is_same_as_in_load_image_folder_when_class_is_named_like_split(
    tmp_path, make_folder
):
    classes = ("bus", "train")
    places = [f"{split}/{name}/deep {name}" for split in ("train", "val") for name in classes]
    root = make_folder(tmp_path / "images", dict.fromkeys(places, 5))
    splits = load_image_folder(root, image_size=(4, 4), batch_size=1)
    images = load_images(root, class_names=splits.class_names, image_size=(4, 4))
    expected = {
        file: label
        for split, files in splits.files.items()
        for file, label in zip(files, splits.labels[split].tolist(), strict=True)
    }
    assert dict(zip(images.files, images.labels.tolist(), strict=True)) == expected


def test_path_with_two_class_names_raises_in_both_loaders(tmp_path, make_folder):
    root = make_folder(tmp_path / "images", {"nok": 2, "nok/deep/ok": 1, "ok": 2})
    with pytest.raises(ValueError, match=r"nok/deep/ok/image.*more than one class: 'nok', 'ok'"):
        load_images(root, class_names=["nok", "ok"], image_size=(4, 4))
    with pytest.raises(ValueError, match=r"nok' contains folders with the names of other classes"):
        load_image_folder(root, image_size=(4, 4), batch_size=1)


@pytest.mark.parametrize("pattern", ["*.png", "cats/?.png"])
def test_pattern_is_answered_with_how_to_expand_it(pattern, tmp_path):
    path = str(tmp_path / pattern)
    for paths, name in ((path, "paths"), ([path], "paths[0]")):
        with pytest.raises(FileNotFoundError) as caught:
            load_images(paths)
        assert str(caught.value) == (
            f"`{name}` must be a file or folder that exists; received {name}={path!r}. "
            f"A pattern is not expanded: pass `glob.glob({path!r})`."
        )
        command = caught.value.args[0].with_names({})
        assert command.endswith(
            "The shell expands a pattern only if it is not in quotes and files match it."
        )


def test_file_with_a_star_in_its_name_is_loaded(tmp_path):
    file = tmp_path / "a*.png"
    Image.new("RGB", (8, 8)).save(file)
    assert load_images(str(file)).files == (str(file),)
