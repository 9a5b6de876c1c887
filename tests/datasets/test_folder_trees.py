"""Any tree of folders: nothing in two splits, nothing lost, each label its own, in every epoch."""

import hashlib
import os
import re
import shutil
import warnings
from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import catdog_keras
from catdog_keras import load_image_folder

TINY = {"image_size": (1, 1), "batch_size": 1}
SPLIT_LAYOUTS = (
    (),
    ("train",),
    ("train", "val"),
    ("training", "validation", "test"),
    ("Train", "Valid"),
    ("training_set/training_set", "test_set/test_set"),
)


@st.composite
def trees(draw):
    """Counts of images by folder, and other files: copies, and files that are not images."""
    classes = draw(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=4, unique=True))
    splits = draw(st.sampled_from(SPLIT_LAYOUTS)) or ("",)
    nested = draw(st.booleans())
    counts = {}
    for split in splits:
        for name in classes:
            folder = f"{split}/{name}".strip("/")
            counts[folder] = draw(st.integers(8, 12))
            if nested:
                counts[f"{folder}/more"] = draw(st.integers(0, 2))
    folders = sorted(counts)
    copies = draw(st.lists(st.tuples(*[st.sampled_from(folders)] * 2), max_size=3))
    broken = draw(st.lists(st.sampled_from(folders), max_size=2))
    return counts, copies, broken


def _write_tree(root, tree, write_coded):
    """Writes a tree; returns the numbers of its images, with a copy's for each copy."""
    counts, copies, broken = tree
    labels = sorted({folder.removesuffix("/more").split("/")[-1] for folder in counts})
    numbers = []
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            label = labels.index(folder.removesuffix("/more").split("/")[-1])
            write_coded(root / folder / f"image.{len(numbers)}.png", label, len(numbers))
            numbers.append(len(numbers))
    for copy, (source, target) in enumerate(copies):
        originals = sorted((root / source).glob("image.*.png"))
        if originals:
            shutil.copy(originals[0], root / target / f"copy.{copy}.png")
            numbers.append(int(re.search(r"\.(\d+)", originals[0].name)[1]))
    for place, folder in enumerate(broken):
        (root / folder / f"broken.{place}.jpg").write_bytes(b"no image")
    return sorted(numbers)


@pytest.fixture(scope="module")
def make_tree_root(tmp_path_factory):
    """Folders for trees, each removed when the next one is asked for."""
    folders = []

    def make():
        while folders:
            shutil.rmtree(folders.pop())
        folders.append(tmp_path_factory.mktemp("tree"))
        return folders[0]

    return make


NOTHING = np.empty((0, 1, 1, 3)), np.empty(0, int)
TREES = {
    "tree": trees(),
    "seed": st.integers(0, 999),
    "split": st.sampled_from(["take_skip", "stratified"]),
    "cache": st.booleans(),
}


# Half of the examples: a slow test tries at least 50, over more epochs.
@settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(**TREES)
def test_splits_are_disjoint_complete_and_correctly_labeled(
    make_tree_root, write_coded, read_code, tree, seed, split, cache
):
    _assert_splits_hold(
        make_tree_root(), write_coded, read_code, tree, seed, split, cache, epochs=2
    )


@pytest.mark.slow
@settings(
    max_examples=max(50, settings.default.max_examples),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(**TREES)
def test_splits_are_disjoint_complete_and_labeled_over_6_epochs(
    make_tree_root, write_coded, read_code, tree, seed, split, cache
):
    _assert_splits_hold(
        make_tree_root(), write_coded, read_code, tree, seed, split, cache, epochs=6
    )


def _assert_splits_hold(root, write_coded, read_code, tree, seed, split, cache, epochs):
    expected = _write_tree(root, tree, write_coded)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of copies and of what is bad
        splits = load_image_folder(root, **TINY, seed=seed, split=split, cache=cache)
    # Each epoch as one batch; repeated inside tf.data, which makes many of them affordable.
    passes = [
        dataset.unbatch().batch(1000).repeat(epochs).as_numpy_iterator() for dataset in splits
    ]
    first = None
    for _ in range(epochs):
        seen = {}
        for name, each in zip(splits.files, passes, strict=True):
            # A test set of one image is empty if the image is a copy of another one.
            images, labels = next(each, NOTHING)
            assert len(labels) or name == "test"
            read = [read_code(image) for image in images]
            assert sorted(labels) == sorted(splits.labels[name])
            seen[name] = [number for _, number in read]
            if not tree[1]:  # a copy may be in another class
                assert [label for label, _ in read] == labels.tolist()
        assert sorted(chain(*seen.values())) == expected
        sets = {name: set(numbers) for name, numbers in seen.items()}
        assert not sets["train"] & sets["validation"]
        assert not (sets["train"] | sets["validation"]) & sets["test"]
        first = first or sets
        assert sets == first


def _state(root):
    """Every entry under a folder: its kind, times, mode and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_ino, content)
    return found


PUBLIC_CALLS = {
    "load_cats_dogs": lambda root, out: list(catdog_keras.load_cats_dogs(root, batch_size=4).train),
    "in memory": lambda root, out: catdog_keras.load_cats_dogs(root, batch_size=4, cache=True),
    "on disk": lambda root, out: catdog_keras.load_cats_dogs(root, batch_size=4, cache=out),
    "load_image_folder": lambda root, out: load_image_folder(root, batch_size=4),
    "shard": lambda root, out: list(load_image_folder(root, batch_size=4).shard(0, 2).train),
    "scan_images": lambda root, out: catdog_keras.scan_images(root, near_duplicates=True),
    "save_manifest": lambda root, out: load_image_folder(root, batch_size=4).save_manifest(out / "s.json"),
    "load_manifest": lambda root, out: _save_and_load_manifest(root, out / "s.json"),
    "count_labels": lambda root, out: catdog_keras.count_labels(load_image_folder(root, batch_size=4).test),
    "plot_images": lambda root, out: catdog_keras.plot_images(load_image_folder(root, batch_size=4).test, class_names=["cats", "dogs"]),
}  # fmt: skip


def _save_and_load_manifest(root, file):
    load_image_folder(root, batch_size=4).save_manifest(file)
    list(catdog_keras.load_manifest(file, root, batch_size=4).train)


@pytest.mark.parametrize("call", PUBLIC_CALLS)
@pytest.mark.filterwarnings("ignore:.*files could not be read as images:UserWarning")
def test_public_functions_do_not_modify_input_folder(cats_dogs, tmp_path, call):
    (cats_dogs / "train" / "cats" / "broken.jpg").write_bytes(b"no image")
    (cats_dogs / "train" / "notes.txt").write_text("stray")
    os.symlink("nowhere", cats_dogs / "train" / "gone")
    before = _state(cats_dogs)
    (tmp_path / "out").mkdir()
    PUBLIC_CALLS[call](cats_dogs, tmp_path / "out")
    assert _state(cats_dogs) == before
