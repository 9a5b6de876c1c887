"""Listing folders: independent of the disk's order, and images only."""

import os

import pytest

from catdog_keras.datasets._image_index import index_image_folder


def test_split_folders_are_listed_with_class_names_and_labels(cats_dogs):
    index = index_image_folder(cats_dogs)
    assert index.class_names == ("cats", "dogs")
    assert {part: len(listing.files) for part, listing in index.parts.items()} == {
        "train": 60,
        "validation": 40,
    }
    train = index.parts["train"]
    assert [file.split("/")[1] == "dogs" for file in train.files] == train.labels.tolist()


def test_class_folders_without_split_folders_form_one_part(tmp_path, make_folder):
    index = index_image_folder(make_folder(tmp_path, {"red": 2, "green": 3, "blue": 1}))
    assert index.class_names == ("blue", "green", "red")
    assert list(index.parts) == ["all"]
    assert index.parts["all"].labels.tolist() == [0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("validation", ["validation", "val", "valid", "Validation"])
def test_common_split_folder_names_are_recognized(tmp_path, make_folder, validation):
    counts = {f"{split}/{name}": 1 for split in ("train", validation, "test") for name in "ab"}
    index = index_image_folder(make_folder(tmp_path, counts))
    assert list(index.parts) == ["train", "validation", "test"]


def test_single_top_level_folder_is_used_as_root(tmp_path, make_folder):
    make_folder(tmp_path / "cats_and_dogs_filtered", {"train/a": 1, "train/b": 1, "val/a": 1})
    make_folder(tmp_path / "cats_and_dogs_filtered", {"val/b": 1})
    (tmp_path / "__MACOSX" / "train" / "a").mkdir(parents=True)
    assert index_image_folder(tmp_path).root.name == "cats_and_dogs_filtered"


def test_non_image_entries_are_not_listed(cats_dogs):
    expected = index_image_folder(cats_dogs)
    (cats_dogs / "vectorize.py").write_text("stray")
    (cats_dogs / "train" / ".hidden").mkdir()
    (cats_dogs / "train" / "__MACOSX").mkdir()
    cats = cats_dogs / "train" / "cats"
    (cats / "._image.0.png").write_bytes(b"a fork of macOS")
    (cats / "notes.txt").write_text("stray")
    (cats / "folder.jpg").mkdir()
    os.symlink(cats, cats / "loop")
    assert index_image_folder(cats_dogs).parts["train"].files == expected.parts["train"].files


def test_files_in_subfolders_get_label_of_class_folder(cats_dogs):
    nested = cats_dogs / "train" / "dogs" / "small"
    nested.mkdir()
    (cats_dogs / "train" / "dogs" / "image.30.png").rename(nested / "image.30.png")
    train = index_image_folder(cats_dogs).parts["train"]
    assert train.labels[train.files.index("train/dogs/small/image.30.png")] == 1


def _message(root, name):
    with pytest.raises((ValueError, OSError), match=r"\.$") as caught:
        index_image_folder(root / name)
    return str(caught.value).replace(str(root), "ROOT")


def test_invalid_layout_raises_with_cause_and_fix(tmp_path, make_folder):
    make_folder(tmp_path / "one", {"cats": 1})
    make_folder(tmp_path / "below", {"train/pets/a": 1, "train/pets/b": 2, "val/pets/a": 1})
    make_folder(tmp_path / "flat", {".": 3})
    make_folder(tmp_path / "beside", {".": 2, "cats": 1})
    make_folder(tmp_path / "empty_class", {"cats": 1, "dogs": 0})
    make_folder(tmp_path / "other_classes", {"train/a": 1, "train/b": 1, "val/a": 1, "val/c": 1})
    make_folder(tmp_path / "half", {"train/a": 1, "train/b": 1, "extra/a": 1})
    make_folder(
        tmp_path / "twice", {f"{s}/{c}": 1 for s in ("train", "val", "valid") for c in "ab"}
    )
    (tmp_path / "empty").mkdir()
    endings = ".avif, .bmp, .gif, .heic, .heif, .jfif, .jpeg, .jpg, .png, .tif, .tiff, .webp"
    expected = {
        "empty": "'ROOT/empty' holds no images and no folders. Put the images of each of at least two "
        "classes into a folder with the name of the class.",
        "flat": "'ROOT/flat' holds 3 images and no folders. Put the images of each of at least two "
        "classes into a folder with the name of the class.",
        "one": "'ROOT/one' holds only one class folder, 'cats', with 1 image. At least two classes are "
        "required: add a folder with the images of another class.",
        "below": "'ROOT/below/train' holds only one class folder, 'pets', with 3 images. At least two "
        "classes are required: add a folder with the images of another class, or, if the folders in "
        "'pets' are the classes, move them to 'ROOT/below/train'.",
        "beside": "'ROOT/beside' holds only one class folder, 'cats', with 1 image, and 2 images next "
        "to it. At least two classes are required: add a folder with the images of another class.",
        "empty_class": "'ROOT/empty_class/dogs' contains no image, that is, no file that ends in "
        f"{endings}. At least two classes with images are required. Add images, or remove the folder.",
        "other_classes": "All split folders must contain the same class folders; train contains ['a', "
        "'b'], 'ROOT/other_classes/val' holds ['a', 'c'].",
        "half": "'ROOT/half' holds ['extra', 'train']. ['train'] contain class folders, but the "
        "meaning of 'extra' is unknown. Remove it, or name it validation or test; if all of these are "
        "classes, pass their names as `class_names`.",
        "twice": "'ROOT/twice' holds ['val', 'valid'], but only one of them can be validation. "
        "Remove or rename one of them.",
    }
    assert {name: _message(tmp_path, name) for name in expected} == expected
