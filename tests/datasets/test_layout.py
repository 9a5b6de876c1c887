"""Folder layouts: of public data sets, of systems and programs, and any random tree."""

import itertools
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from catdog_keras._folder_names import _FILLERS, _VERSIONS, find_classes, parse_split_name
from catdog_keras._printable import counted
from catdog_keras.datasets._image_index import index_image_folder
from catdog_keras.datasets._layout import build_tree, find_layout


def write_files(root, *folders, count=2):
    """Writes files that the index accepts as images; it does not open them.

    A folder whose name ends in a slash stays empty.
    """
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(0 if folder.endswith("/") else count):
            (root / folder / f"{number}.png").write_bytes(b"")
    return root


def classes_in(*splits, names=("cats", "dogs")):
    return [f"{split}/{name}" for split in splits for name in names]


TRAIN_TEST = ("train", "test")
ALL_SPLITS = ("train", "validation", "test")

UNDERSTOOD = {
    "repeated folders of an archive": (
        classes_in("training_set/training_set", "test_set/test_set"),
        TRAIN_TEST,
    ),
    "prefix, with unlabeled images": (
        [*classes_in("seg_train/seg_train", "seg_test/seg_test"), "seg_pred/seg_pred"],
        TRAIN_TEST,
    ),
    "below a folder": (classes_in("data/train", "data/test"), TRAIN_TEST),
    "capitals": (classes_in("Training", "Test"), TRAIN_TEST),
    "images": (classes_in("train_images", "test_images"), TRAIN_TEST),
    "one word": (classes_in("trainset", "valset", "testset"), ALL_SPLITS),
    "camel case": (classes_in("TrainSet", "ValidSet", "TestSet"), ALL_SPLITS),
    "years": (classes_in("train2017", "val2017"), ("train", "validation")),
    "numbered": (classes_in("1_train", "2_val", "3_test"), ALL_SPLITS),
    "downloaded twice": (classes_in("train (1)", "test (1)"), TRAIN_TEST),
    "other words": (classes_in("training", "dev", "evaluation"), ALL_SPLITS),
    "images between": (classes_in("train/images", "test/images"), TRAIN_TEST),
    "unlabeled test": ([*classes_in("train"), "test"], ("train",)),
    "unlabeled test, repeated": ([*classes_in("train", "valid"), "test/test"], ("train", "validation")),
    "unlabeled test, of the same name": (
        [*classes_in("alphabet_train/alphabet_train"), "alphabet_test/alphabet_test"],
        ("train",),
    ),
    "unlabeled test, for Keras": ([*classes_in("train"), "test/unknown"], ("train",)),
    "archives": (classes_in("train_zip/train", "test_zip/test"), TRAIN_TEST),
    "images in each class": ([f"{place}/images" for place in classes_in("train", "val")], ("train", "validation")),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNDERSTOOD)
def test_split_folders_of_public_layouts_are_recognized(tmp_path, kind):
    folders, parts = UNDERSTOOD[kind]
    index = index_image_folder(write_files(tmp_path, *folders))
    assert index.class_names == ("cats", "dogs")
    assert tuple(index.parts) == parts
    for listing in index.parts.values():
        assert listing.labels.tolist() == [int("/dogs/" in file) for file in listing.files]
        assert len(listing.files) == 4


NOT_UNDERSTOOD = {
    "folds": (classes_in("fold1", "fold2", "fold3"), "fold1.*fold2.*'cats', 'dogs'"),
    "other language": (classes_in("entrenamiento", "prueba"), "entrenamiento.*prueba.*'cats'"),
    "sources": (classes_in("amazon/images", "dslr/images"), "amazon.*dslr.*'cats', 'dogs'"),
    "two levels above": (classes_in("a/x", "b/y"), "'a', 'b'.*'cats', 'dogs'"),
    "one class in common": (["a/cats", "b/cats", "b/dogs"], "'a'.*'cats'"),
    "classes above splits": (["cats/train", "cats/test", "dogs/train", "dogs/test"], "split folders.*'test', 'train'"),
    "unlabeled": (["train", "test1"], "named like splits"),
    "domains": (["trainA", "trainB", "testA", "testB"], "named like splits"),
    "class in the split's name": (["train_cats", "train_dogs", "test_cats", "test_dogs"], "named like splits"),
    "another split": (classes_in("train", "val", "holdout"), "'holdout' is unknown. Remove it, or name it test; if all"),
    "a class next to splits": ([*classes_in("train", "val", "test"), "birds"], "'birds' is unknown. Remove it; if all"),
    "two validation folders": (classes_in("train", "val", "valid"), "only one of them can be validation"),
    "no training folder": (classes_in("val", "test"), "A folder named train is required"),
    "loose images in test": (["cats", "dogs", "test"], r"\['test'\] are named like splits.*`class_names`"),
    "loose images in test set": (["cats", "dogs", "Test_Set (1)"], "named like splits"),
    "loose images in numbered test": (["0", "1", "2", "test1"], r"\['test1'\] are named like splits"),
    "loose images in train and test": (["bus", "train", "test"], r"\['test', 'train'\] are named like splits"),
    "loose images in several": (["test1", "test2"], "named like splits"),
    "loose images inside train": (["train/cats", "train/dogs", "train/val"], r"\['val'\] are named like splits"),
    "split at the end": (["cats", "dogs", "cats_test", "dogs_test"], r"\['cats_test', 'dogs_test'\] are named"),
    "split in front": (["cats", "dogs", "train_cat", "val-dogs"], r"\['train_cat', 'val-dogs'\] are named"),
    "split in parentheses": (["cats", "dogs", "cats (test)", "dogs (test)"], "named like splits"),
    "splits of one class": (["cats", "cats_train", "cats_val", "dogs"], r"\['cats_train', 'cats_val'\] are named"),
    "groups of classes": (classes_in("lung_image_sets", names=("lung_aca", "lung_n")) + classes_in("colon_image_sets", names=("colon_aca", "colon_n")), "with longer names, .*'colon_aca', 'colon_n', 'lung_aca'.*`class_names`"),
    "a copy inside": (["cats", "dogs", *classes_in("cell_images")], "cell_images'.*names of other classes"),
    "images and masks": (["images", "masks"], "'images', 'masks'.*named like images and their annotations"),
    "Oxford pets": (["images", "annotations/trimaps"], "'annotations', 'images'.*named like images and their annot"),
    "Pascal VOC": (["Annotations/", "ImageSets/Main/", "JPEGImages", "SegmentationClass"], "named like images and their"),
    "export for detection": (["train/images", "train/labels/", "valid/images", "valid/labels/"], r"'images', 'labels'.*for classification.*`class_names`"),
    "labels next to images of classes": ([*classes_in("images/train", "images/val"), "labels/"], "only 'images' contains images.*Pass '[^']*/images', or add images to .'labels'"),
    "Stanford dogs": (["Images/n02085620-Chihuahua", "Images/n02085782-Japanese", "Annotation/n02085620-Chihuahua/"], "Pass '[^']*/Images'"),
    "Food-101": (["food-101/images/apple_pie", "food-101/images/ramen", "food-101/meta/"], "Pass '[^']*/food-101/images'"),
    "labels in each split": ([*classes_in("train/images", "val/images"), "train/labels/", "val/labels/"], "If these are the classes, move them to '[^']*/train'"),
    "other case in a split": (["train/Cats", "train/dogs", "val/cats", "val/dogs"], "Give these the same name: 'Cats' and 'cats'[.]"),
    "a space in a split": (["train/cats", "train/dogs", "val/cats ", "val/dogs"], "same name: 'cats' and 'cats '[.]"),
    "decomposed letter in a split": (["train/caf\u00e9", "train/bar", "val/cafe\u0301", "val/bar"], r"same name: 'caf\\xe9' and 'cafe\\u0301'[.]"),
    "class in a class": (["nok", "nok/ok", "ok"], r"nok'.*names of other classes: \['ok'\]"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_UNDERSTOOD)
def test_layout_with_several_meanings_raises_with_folders_found(tmp_path, kind):
    folders, message = NOT_UNDERSTOOD[kind]
    with pytest.raises(ValueError, match=message):
        index_image_folder(write_files(tmp_path, *folders))


@pytest.mark.parametrize("name", ["train", "test", "val", "valid", "Training", "dev"])
def test_split_name_is_class_if_stated_or_in_every_split(tmp_path, name):
    root = write_files(tmp_path / "direct", "bus", "car", name, f"{name}/old")
    index = index_image_folder(root, ["car", "bus", name])
    assert index.class_names == ("car", "bus", name)
    assert not index.notes
    split = [f"{part}/{each}" for part in ("train", "val") for each in ("bus", "car", name)]
    index = index_image_folder(write_files(tmp_path / "split", *split))
    assert set(index.class_names) == {"bus", "car", name}
    assert list(index.parts) == ["train", "validation"]


@pytest.mark.parametrize(
    "names",
    [
        ("train_station", "test_tube"),
        ("freight_train", "bus"),
        ("bus", "car", "train"),
        ("Bus", "Car", "Train"),
        ("beaker", "flask", "test_tube"),
        ("invalid", "valid"),
        ("copy_machine", "printer", "machine"),
        ("old_man", "young_man", "man"),
        ("new_town", "old_town"),
        ("raw_fish", "fish", "cooked_fish"),
        ("dog", "hot_dog"),
        ("class_1", "class_2", "class_10"),
        ("audi a4", "audi a4 2008"),
        ("A", "a", "c++", "c#"),
        ("original", "augmented"),
        ("normal", "normal_2", "tumor"),
        ("with_mask", "without_mask"),
        ("face", "face_mask"),
        ("accepted", "rejected"),
        ("cardboard", "glass", "trash"),
        ("pug", "pug_mix", "beagle"),
        ("original", "augmented", "resized"),
        ("Pear", "Pear 2", "Plum", "Plum 2", "Apple"),
        ("cat_1", "cat_2", "dog_1"),
        ("Tomato___healthy", "Tomato___Late_blight", "Background_without_leaves"),
        ("n02085620-Chihuahua", "n02085782-Japanese_spaniel"),
        ("737-200", "737-300", "757-200", "757-300"),
        ("class_31", "class_32", "class_64"),
        ("cats_256", "dogs_256"),
        ("cats_224x224", "dogs_224x224"),
        ("audi 80", "audi 100", "bmw 320"),
        ("0", "90", "180", "270"),
        ("32", "64", "128"),
        ("new", "used"),
        ("photo", "drawing"),
    ],
)
def test_legitimate_class_names_have_no_note(tmp_path, names):
    index = index_image_folder(write_files(tmp_path, *names, f"{names[0]}/2019"))
    assert set(index.class_names) == set(names)
    assert not index.notes


COPIES = [
    "cats - Copy", "cats - Copy (2)", "cats copy", "cats copy 2", "cats (1)", "Copy of cats",
    "Copy (2) of Cats", "cats - Kopie", "cats_old", "cats_backup", "cats.bak", "cats_cleaned",
    "cats_augmented", "augmented_cats", "cats-resized", "catsCopy", "cats_v2", "cats_images",
    "cats_old_2", "cats_new", "cats_flipped", "cats_augmentation", "cats_masks", "cats_heatmaps",
    "cats_rejected", "aug_cats", "cats_128", "cats 224x224", "cats-64px", "cats_thumbnails", "cats_to_delete",
    "cats (conflicted copy 2024-01-31)", "cats (Anna's conflicted copy 2024-01-31)", "cats_trash",
]  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_class_named_like_copy_of_another_is_noted(tmp_path, name):
    index = index_image_folder(write_files(tmp_path / "direct", "cats", "dogs", name))
    (note,) = index.notes
    assert f"The classes {[name]} are named like copies or versions of other classes" in note
    assert "`class_names`" in note
    split = classes_in("train", "val", names=("cats", "dogs", name))
    assert index_image_folder(write_files(tmp_path / "split", *split)).notes == (note,)


@pytest.mark.parametrize(
    ("names", "noted"),
    [
        (["cats", "cats_mask", "dogs", "dogs_mask"], ["cats_mask", "dogs_mask"]),
        (["cats", "cats_gray", "dogs", "dogs_gray"], ["cats_gray", "dogs_gray"]),
        (["cats", "cats_flip", "dogs", "dogs_flip"], ["cats_flip", "dogs_flip"]),
        (["cats", "cats_noise", "dogs", "dogs_noise"], ["cats_noise", "dogs_noise"]),
        (["cats", "cats_hd", "dogs", "dogs_hd", "mice"], ["cats_hd", "dogs_hd"]),
        (["cats", "cats 2", "dogs", "dogs 2"], ["cats 2", "dogs 2"]),
        (["cats_128", "cats_256", "dogs"], ["cats_128", "cats_256"]),
        (["cats_64x64", "cats_96x96", "dogs_64x64"], ["cats_64x64", "cats_96x96"]),
    ],
)
def test_variants_of_several_classes_and_sizes_of_one_are_noted(tmp_path, names, noted):
    (note,) = index_image_folder(write_files(tmp_path, *names)).notes
    assert f"The classes {noted} are named like copies or versions of other classes" in note
    assert not index_image_folder(tmp_path, names).notes


def test_classes_that_differ_in_unicode_normalization_are_noted_with_escapes(tmp_path):
    (note,) = index_image_folder(write_files(tmp_path, "caf\u00e9", "cafe\u0301", "bar")).notes
    assert r"The classes ['cafe\u0301', 'caf\xe9'] are named like copies" in note


def test_names_with_letters_of_another_script_are_reported(tmp_path):
    (note,) = index_image_folder(write_files(tmp_path, "cat", "c\u0430t", "dog")).notes
    assert r"The classes ['cat', 'c\u0430t'] are named like copies" in note


def test_single_training_folder_with_loose_images_is_a_split(tmp_path):
    index = index_image_folder(write_files(tmp_path, "train", *classes_in("train")))
    assert index.class_names == ("cats", "dogs")
    assert list(index.parts) == ["train"]
    (note,) = index.notes
    assert "Ignored 2 images that are not in a class folder:\n  train/0.png" in note


@pytest.mark.parametrize(
    "folders",
    [
        ["Aves/robin", "Aves/jay", "Mammalia/fox", "Mammalia/otter"],
        ["cats/persian", "cats/siamese", "dogs/pug", "dogs/pug_mix"],
        ["cats/cats", "dogs/dogs"],
        ["cats/2020", "cats/2021", "dogs/2022"],
        ["cats", "cats/batch_1", "dogs", "dogs/new"],
        ["cats/masks", "dogs"],  # holds all images of its class
        ["road/car", "road/bus", "rail/train", "rail/tram"],
        ["cats", "cats/cat", "dogs"],
    ],
)
def test_legitimate_folders_inside_classes_have_no_note_about_their_names(tmp_path, folders):
    index = index_image_folder(write_files(tmp_path, *folders))
    assert set(index.class_names) == {folder.split("/")[0] for folder in folders}
    assert sum(len(listing.files) for listing in index.parts.values()) == 2 * len(folders)
    assert not [note for note in index.notes if "contain no images directly" not in note]


def test_stated_class_names_are_used_in_their_order_and_other_folders_ignored(tmp_path):
    root = write_files(tmp_path, "cats", "dogs", "cats - Copy", "test")
    index = index_image_folder(root, ["dogs", "cats"])
    assert index.class_names == ("dogs", "cats")
    assert index.parts["all"].files == ("dogs/0.png", "dogs/1.png", "cats/0.png", "cats/1.png")
    assert index.parts["all"].labels.tolist() == [0, 0, 1, 1]
    (note,) = index.notes
    assert "Ignored 4 images that are not in a class folder:\n  cats - Copy/0.png" in note


def test_stated_class_names_apply_to_split_folders_and_groups(tmp_path):
    splits = write_files(tmp_path / "splits", *classes_in("train", "val", names="abc"))
    index = index_image_folder(splits, ["c", "a"])
    assert [listing.labels.tolist() for listing in index.parts.values()] == [[0, 0, 1, 1]] * 2
    groups = write_files(tmp_path / "groups", *classes_in("lung_sets", names=("lung_a", "lung_b")))
    write_files(groups, *classes_in("colon_sets", names=("colon_a", "colon_b")))
    assert not index_image_folder(groups, ["lung_sets", "colon_sets"]).notes


def test_empty_folder_named_like_split_is_skipped_with_note(tmp_path):
    (write_files(tmp_path, "cats", "dogs") / "test").mkdir()
    index = index_image_folder(tmp_path)
    assert index.class_names == ("cats", "dogs")
    assert index.notes == ("Skipped 1 class folder that contains no image:\n  test",)


def test_stated_class_name_without_folder_raises_with_folders_found(tmp_path):
    with pytest.raises(ValueError, match=r"holds \['a', 'b'\], but no folders \['c'\] of"):
        index_image_folder(write_files(tmp_path, "a", "b"), ["a", "c"])


@pytest.mark.parametrize(
    ("folders", "note"),
    [
        (["cats", "cats/small", "dogs", "dogs/small"], "folders with the same names, ['small']"),
        (["animals/cats", "animals/dogs", "vehicles/cars"], "['animals'] contain no images directly"),
        (["treatment", "test"], "['test'] are used as classes"),
        (["bottle", "tube", "test_tube"], "['test_tube'] are used as classes"),
        (["cats", "dogs", "cats_test"], "['cats_test'] are used as classes"),
        (["cats", "dogs", "output"], "['output'] are used as classes"),
        (["cats", "dogs", "masks"], "['masks'] are used as classes"),
        (["cats", "dogs", "_archive"], "['_archive'] are used as classes"),
        (["cats", "dogs", "backup_2023"], "['backup_2023'] are used as classes"),
        (["cats", "dogs", "test_results"], "['test_results'] are used as classes"),
        (["cat", "cats", "dogs"], "['cat', 'cats'] are named like copies"),
        (["cats", "\uff43\uff41\uff54\uff53", "dogs"], "are named like copies or versions"),
        (["cats", "dogs", "rejected"], "['rejected'] are used as classes"),
        (classes_in("train", "val", names=("cats", "dogs", "annotations")), "['annotations'] are used as classes"),
        (["cats", "cats/rejected", "dogs"], "The images in ['cats/rejected'] are used like the other images"),
        (["train/cats", "train/cats/to review", "train/dogs"], "The images in ['train/cats/to review'] are used"),
        (["cats", "cats/bad_images", "dogs", "dogs/bad_images"], "['cats/bad_images', 'dogs/bad_images'] are used"),
        (["cats", "cats/masks", "dogs", "dogs/masks"], "The images in ['cats/masks', 'dogs/masks'] are used"),
        (["cats", "cats/x/augmented", "dogs"], "The images in ['cats/x/augmented'] are used"),
        (["cats", "cats/test", "dogs"], "The images in ['cats/test'] are used like the other images"),
        (["cats", "dogs", "dogs/cat"], "The folders ['dogs/cat'] are named like other classes"),
        (["cats", "dogs", "dogs/mixed/Cats"], "The folders ['dogs/mixed/Cats'] are named like other classes"),
        (["sample", "train", *classes_in("train")], "['train'] are used as classes, because they contain images"),
        (["fold1", "fold_2"], "['fold1', 'fold_2'] are used as classes"),
        (["cats", "dogs", "New folder (2)"], "['New folder (2)'] are used as classes"),
        (["Cats", "cats", "dogs"], "['Cats', 'cats'] are named like copies"),
        (["yes", "no", "pred"], "['pred'] are used as classes"),
        ([".", "cats", "dogs"], "Ignored 2 images that are not in a class folder:\n  0.png"),
        ([".", "data/cats", "data/dogs"], "Ignored 2 images that are not in a class folder:\n  0.png"),
        (["train/a", "train/b", "test"], "Ignored 2 images that are not in a class folder:\n  test/0.png"),
    ],
)  # fmt: skip
def test_unusual_structure_is_noted(tmp_path, folders, note):
    (found,) = index_image_folder(write_files(tmp_path, *folders)).notes
    assert note in found


@pytest.mark.parametrize(
    ("name", "split", "rest"),
    [
        ("seg_train", "train", ("seg",)),
        ("TrainingData", "train", ()),
        ("ILSVRC2012_img_val", "validation", ("ilsvrc",)),
        ("test-images", "test", ()),
        ("trainval", "train", ()),
        ("train_val", "train", ()),
        ("train_test_split", None, ()),
        ("strain", None, ("strain",)),
        ("contest", None, ("contest",)),
        ("кошка_train", "train", ("кошка",)),
        ("!", None, ()),
    ],
)
def test_parse_split_name_finds_whole_words(name, split, rest):
    parsed = parse_split_name(name)
    assert (parsed.split, parsed.rest) == (split, rest)


SYSTEM = [
    "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN", "RECYCLER",
    "lost+found", "LOST.DIR", "System Volume Information", ".AppleDouble", ".picasaoriginals",
    ".dropbox.cache", ".stversions", ".Trashes", "_gsdata_", "_vti_cnf", "[Originals]", "~snapshot",
]  # fmt: skip


@pytest.mark.parametrize("name", SYSTEM)
def test_folders_of_systems_and_programs_are_skipped_and_reported(tmp_path, name):
    root = write_files(tmp_path, "cats", "dogs", name, f"cats/{name}", f"cats/{name.upper()}/a.png")
    for file in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (root / "cats" / file).touch()
    index = index_image_folder(root)
    assert index.class_names == ("cats", "dogs")
    assert index.parts["all"].files == ("cats/0.png", "cats/1.png", "dogs/0.png", "dogs/1.png")
    assert {"cats/Thumbs.db", "cats/desktop.ini"} <= set(index.skipped)
    assert not index.ignored
    if not name.startswith("."):
        assert {name, f"cats/{name}", f"cats/{name.upper()}"} <= set(index.skipped)


def test_linked_folder_inside_class_is_followed_once(tmp_path):
    root = write_files(tmp_path / "images", "cats", "dogs")
    more = write_files(tmp_path / "disk", "more", "more/inner") / "more"
    (root / "cats" / "external").symlink_to(more)
    (root / "dogs" / "again").symlink_to(more / "inner")
    (root / "dogs" / "cats").symlink_to(root / "cats")
    (more / "loop").symlink_to(more)
    (more / "up").symlink_to(more.parent)
    (more / "inner" / "root").symlink_to(root)
    index = index_image_folder(root)
    cats = [file for file in index.parts["all"].files if file.startswith("cats/")]
    assert cats == [
        "cats/0.png", "cats/1.png", "cats/external/0.png", "cats/external/1.png",
        "cats/external/inner/0.png", "cats/external/inner/1.png",
    ]  # fmt: skip
    assert index.skipped == (
        "cats/external/inner/root", "cats/external/loop", "cats/external/up", "dogs/again", "dogs/cats",
    )  # fmt: skip


def test_order_of_classes_does_not_depend_on_comparison_of_paths(tmp_path, monkeypatch):
    write_files(tmp_path, "train/cat", "train/Dog", "val/cat", "val/Dog")
    # As on Windows.
    monkeypatch.setattr(Path, "__lt__", lambda a, b: str(a).lower() < str(b).lower())
    assert index_image_folder(tmp_path).class_names == ("Dog", "cat")


NAMES = [
    "train",
    "test",
    "val",
    "seg_train",
    "test_set",
    "cats",
    "dogs",
    "birds",
    "fold1",
    "images",
]
SKIPPED = ["@eaDir", ".git", "lost+found"]


@st.composite
def folder_trees(draw):
    """Any folders, or splits of classes with other folders among them."""
    any_path = st.lists(st.sampled_from(NAMES + SKIPPED), max_size=3).map("/".join)
    folders = draw(st.lists(any_path, max_size=3))
    if draw(st.booleans()):
        splits = draw(st.lists(st.sampled_from([*NAMES[:5], ""]), min_size=1, max_size=3))
        names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=3, unique=True))
        folders += [f"{split}/{name}".strip("/") for split in splits for name in names]
    return {folder: draw(st.integers(0, 2)) for folder in folders}


@given(folder_trees())
def test_any_tree_has_each_image_in_one_split_with_one_label_or_raises(tree):
    root = Path(tempfile.mkdtemp())
    try:
        for folder, count in tree.items():
            write_files(root, folder, count=count)
        try:
            index = index_image_folder(root)
        except ValueError as error:
            assert str(error).endswith(".")  # noqa: PT017 - an error is one of two outcomes
            assert str(root) in str(error)  # noqa: PT017
            return
        base = index.root.relative_to(root)
        expected = {
            path.relative_to(root).as_posix()
            for path in root.rglob("*.png")
            if not set(SKIPPED) & set(path.relative_to(root).parts)
        }
    finally:
        shutil.rmtree(root)
    listed = [
        ((base / file).as_posix(), file, int(label))
        for listing in index.parts.values()
        for file, label in zip(listing.files, listing.labels, strict=True)
    ]
    files = [file for file, _, _ in listed]
    assert len(files) == len(set(files))
    assert set(files) <= expected
    outside = len(expected) - len(files)
    noted = [
        note for note in index.notes if note.startswith(f"Ignored {counted(outside, 'image')}")
    ]
    assert len(noted) == (outside > 0)
    for _, file, label in listed:
        # `load_images` and manifests find the same class in the names.
        assert find_classes(file.split("/")[:-1], index.class_names) == (index.class_names[label],)


@pytest.mark.parametrize(
    ("path", "classes"),
    [
        ("train/bus/deep", ("bus",)),
        ("train/train", ("train",)),
        ("test/train", ("train",)),
        ("deep/bus/bus", ("bus",)),
        ("bus/train", ("bus", "train")),
        ("car/bus", ("car", "bus")),
        ("deep", ()),
    ],
)
def test_find_classes_ignores_split_folder_above_class(path, classes):
    assert find_classes(path.split("/"), ["bus", "car", "test", "train"]) == classes


def test_fillers_and_versions_match_a_name_in_one_way():
    """Otherwise a folder name of "datasetdataset..." would take exponential time to match."""
    words = set()
    for pattern in _FILLERS.split("|"):
        before, optional, after = pattern.partition("?")
        words |= {before + after, before[:-1] + after} if optional else {before}
    assert not [word for word in words if re.fullmatch(_VERSIONS, word)]
    texts = ["".join(each) for n in (1, 2, 3) for each in itertools.product(words, repeat=n)]
    assert len(set(texts)) == len(texts)


def test_folders_nested_more_deeply_than_the_recursion_limit_are_read():
    deep = ["/".join(["cats", *["d"] * depth]) for depth in range(2 * sys.getrecursionlimit())]
    root = build_tree([*deep, "dogs"], [f"{deep[-1]}/a.png", "cats/b.png", "dogs/c.png"])
    assert (root.total, root.folders["cats"].total) == (3, 2)
    layout = find_layout(root, "photos")
    assert layout.class_names == ("cats", "dogs")
    assert [folder.total for folder in layout.parts["all"].walk()][:3] == [2, 1, 1]
