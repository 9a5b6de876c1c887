"""Identical files, near-duplicates and groups: each component of them is in one split."""

import functools
import io
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from PIL import Image

from catdog_keras import (
    load_cats_dogs,
    load_image_folder,
    load_image_table,
    load_manifest,
    scan_images,
)
from catdog_keras.datasets import _check_cache, _inspect_files, _near_duplicates
from catdog_keras.datasets._groups import check_groups, name_groups
from catdog_keras.datasets._image_index import index_image_folder
from catdog_keras.datasets._options import SplitOptions
from catdog_keras.datasets._select_images import select_images

TINY = {"image_size": 4, "batch_size": 4}
VARIANTS = ("same", "bright", "large", "jpeg")


@functools.cache
def content(scene, variant="same"):
    """An image file of a scene; all variants of a scene are near-duplicates of each other."""
    levels = np.random.default_rng(scene).integers(0, 220, (8, 8), np.uint8)
    image = Image.fromarray(levels).resize((40, 40), Image.Resampling.BICUBIC)
    if variant == "bright":
        image = image.point(lambda level: level * 1.1)
    if variant == "large":
        image = image.resize((60, 60))
    image.save(stream := io.BytesIO(), "JPEG" if variant == "jpeg" else "PNG", quality=80)
    return stream.getvalue()


def write(root, files):
    """Writes files: a scene and a variant by relative path."""
    for path, (scene, variant) in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content(scene, variant))
    return root


@st.composite
def trees(draw):
    """Scenes, variants and groups of images by path, in any order."""
    classes = draw(st.integers(2, 3))
    files, groups = {}, {}
    scenes = st.integers(0, draw(st.integers(5, 200)))
    names = st.sampled_from("abcdefgh"[: draw(st.integers(2, 8))])
    for number in range(draw(st.integers(12, 40))):
        path = f"{'xyz'[number % classes]}/{number}.png"
        files[path] = (draw(scenes), draw(st.sampled_from(VARIANTS)))
        # Most images are in a group of their own.
        groups[path] = draw(st.one_of(st.just(str(number)), st.just(str(number)), names))
    return dict(draw(st.permutations(list(files.items())))), groups


def closure(files, groups):
    """The component of each file: a set of files, from scenes and groups alone."""
    together = {path: {path} for path in files}
    for one in files:
        for other in files:
            if files[one][0] == files[other][0] or groups[one] == groups[other]:
                joined = together[one] | together[other]
                for path in joined:
                    together[path] = joined
    return {frozenset(each) for each in together.values()}


def split_tree(root, groups, split, seed):
    """The relative paths by split."""
    options = SplitOptions(
        split,
        "raise",
        1,
        "together",
        name_groups=functools.partial(name_groups, "groups", groups.get),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes that are not in each split
        splits, _, _, components = select_images(index_image_folder(root), options, 2, seed)
    found = {
        name: [Path(file).relative_to(root).as_posix() for file in listing.files]
        for name, listing in splits.items()
    }
    numbers = {Path(file).relative_to(root).as_posix(): n for file, n in components.items()}
    return found, numbers


def check_tree(tmp_path_factory, tree, split, seed):
    """Splits a tree twice, written in two orders."""
    files, groups = tree
    assume(len(set(groups.values())) > 1)
    root = write(tmp_path_factory.mktemp("tree"), files)
    try:
        found, numbers = split_tree(root, groups, split, seed)
    except ValueError as error:
        assume(not re.search("in one split|stay together|batches are required", str(error)))
        raise
    assert sorted(path for paths in found.values() for path in paths) == sorted(files)
    of_component: dict[int, set[str]] = {}
    for path, number in numbers.items():
        of_component.setdefault(number, set()).add(path)
    assert set(map(frozenset, of_component.values())) == closure(files, groups)
    for members in of_component.values():
        assert len({name for name, paths in found.items() if members & set(paths)}) == 1
    other = write(tmp_path_factory.mktemp("other"), dict(reversed(files.items())))
    assert split_tree(other, dict(reversed(groups.items())), split, seed) == (found, numbers)


@given(trees(), st.sampled_from(["stratified", "take_skip"]), st.integers(0, 99))
@settings(max_examples=10)
def test_components_of_some_trees_are_in_one_split(tmp_path_factory, tree, split, seed):
    check_tree(tmp_path_factory, tree, split, seed)


@pytest.mark.slow
@given(trees(), st.sampled_from(["stratified", "take_skip"]), st.integers(0, 99))
@settings(max_examples=200)
def test_components_of_200_trees_are_in_one_split(tmp_path_factory, tree, split, seed):
    check_tree(tmp_path_factory, tree, split, seed)


@pytest.fixture
def tree(tmp_path):
    """Two classes of 20 images: five scenes in two variants, ten other ones."""
    files = {}
    for label, name in enumerate(("cats", "dogs")):
        for number in range(20):
            scene = 100 * label + (number // 2 if number < 10 else number)
            files[f"{name}/{number:02}_{'ab'[number % 2]}.png"] = (scene, VARIANTS[number % 2])
    return write(tmp_path / "images", files)


def scene_of(path):
    number = int(Path(path).name[:2])
    return Path(path).parent.name, number // 2 if number < 10 else number


def test_near_duplicates_are_in_one_split_and_counted(tree):
    for seed in range(5):
        splits = load_image_folder(tree, **TINY, seed=seed)
        scenes = [set(map(scene_of, files)) for files in splits.files.values()]
        assert sum(map(len, scenes)) == len(set().union(*scenes)) == 30
        assert splits.scan.num_near_duplicate_pairs == len(splits.scan.near_duplicates) == 10
        assert repr(splits).endswith("; 10 pairs of near-duplicates, each in one split)")
        assert [len(files) for files in splits.files.values()] == [26, 12, 2]
        for split, files in splits.files.items():
            numbers = dict(zip(files, splits.components[split].tolist(), strict=True))
            for one in files:
                for other in files:
                    assert (numbers[one] == numbers[other]) == (scene_of(one) == scene_of(other))


def test_near_duplicates_are_separated_if_they_are_ignored(tree):
    splits = load_image_folder(tree, **TINY, near_duplicates="ignore")
    scenes = [set(map(scene_of, files)) for files in splits.files.values()]
    assert sum(map(len, scenes)) > 30
    assert splits.scan.near_duplicates == []
    assert splits.scan.num_near_duplicate_pairs == 0
    numbers = np.concatenate(list(splits.components.values()))
    assert len(set(numbers.tolist())) == 40


def test_images_of_one_color_are_not_near_duplicates(tmp_path, make_folder):
    make_folder(tmp_path, {"a": 9, "b": 9})
    splits = load_image_folder(tmp_path, **TINY)
    assert splits.scan.num_near_duplicate_pairs == 0
    assert "near" not in repr(splits)


def test_near_duplicates_of_given_splits_are_moved_to_the_first_one_with_warning(tmp_path):
    files = {
        f"{split}/{name}/{number}.png": (number + 10 * label + 20 * place, "same")
        for place, split in enumerate(("train", "validation", "test"))
        for label, name in enumerate("ab")
        for number in range(6)
    }
    files["validation/a/0.png"] = (0, "bright")  # of train/a/0.png
    files["test/b/1.png"] = (31, "jpeg")  # of validation/b/1.png
    write(tmp_path, files)
    with pytest.warns(UserWarning, match="2 files are a near-duplicate of a file of an") as caught:
        splits = load_image_folder(tmp_path, **TINY)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert f"were moved to it:\n  {tmp_path}/test/b/1.png\n  {tmp_path}/validation/a/0.png" in text
    assert "`scan.near_duplicates` lists all near-duplicates. " in text
    assert text.endswith('To leave them in their splits, use near_duplicates="ignore".')
    assert splits.files["train"][-1] == str(tmp_path / "validation/a/0.png")
    assert splits.files["validation"][-1] == str(tmp_path / "test/b/1.png")
    assert [len(files) for files in splits.files.values()] == [13, 12, 11]
    splits = load_image_folder(tmp_path, **TINY, near_duplicates="ignore")
    assert [len(files) for files in splits.files.values()] == [12, 12, 12]


def test_files_that_groups_and_near_duplicates_move_have_separate_warnings(tmp_path):
    scenes = {"train": 0, "validation": 20}
    files = {
        f"{split}/{name}/{number}.png": (number + 10 * label + scene, "same")
        for split, scene in scenes.items()
        for label, name in enumerate("ab")
        for number in range(6)
    }
    files["validation/a/0.png"] = (0, "bright")  # of train/a/0.png
    write(tmp_path, files)
    groups = {path: path for path in files} | {
        "train/b/2.png": "film",
        "validation/b/2.png": "film",
    }
    with pytest.warns(UserWarning, match="moved to it") as caught:
        load_image_folder(tmp_path, **TINY, groups=groups)
    alike, grouped = (str(each.message) for each in caught)
    assert alike.startswith("1 file is a near-duplicate of a file of an earlier split and was")
    assert f":\n  {tmp_path}/validation/a/0.png\n" in alike
    assert grouped.startswith("1 file is in a group with a file of an earlier split and was moved")
    assert f":\n  {tmp_path}/validation/b/2.png\n" in grouped
    assert "near_duplicates" not in grouped
    assert grouped.endswith("To leave them in their splits, use other `groups` or none.")


GROUPINGS = {
    "pattern": r"/\d(\d)_",
    "named group": r"(cats|dogs)/\d(?P<group>\d)_",
    "compiled": re.compile(r"/\d(\d)_"),
    "text of a function": lambda path: path.split("_")[0][-1],
    "number of a function": lambda path: np.int64(path.split("_")[0][-1]),
}


@pytest.mark.parametrize("kind", [*GROUPINGS, "mapping"])
def test_groups_are_in_one_split_for_each_way_to_state_them(kind, tree):
    groups = GROUPINGS.get(kind)
    if kind == "mapping":
        groups = {
            file.relative_to(tree).as_posix(): float(file.name[1]) for file in tree.rglob("*.png")
        }
    splits = load_image_folder(tree, **TINY, groups=groups, near_duplicates="ignore")
    digits = [{Path(file).name[1] for file in files} for files in splits.files.values()]
    assert sum(map(len, digits)) == len(set().union(*digits)) == 10
    assert [len(files) for files in splits.files.values()] == [28, 8, 4]


def test_groups_and_near_duplicates_join_into_one_component(tmp_path):
    """Group 1, a near-duplicate of one of its images, and the group of that one, in two classes."""
    files = {
        f"{name}/{n}.png": (n + 100 * (name == "b"), "same") for name in "ab" for n in range(12)
    }
    files["b/0.png"] = (1, "large")  # of a/1.png
    write(tmp_path, files)
    groups = {path: "1" if path in ("a/0.png", "a/1.png") else path for path in files}
    groups |= {"b/0.png": "2", "b/1.png": "2"}
    splits = load_image_folder(tmp_path, **TINY, groups=groups)
    joined = {str(tmp_path / path) for path in ("a/0.png", "a/1.png", "b/0.png", "b/1.png")}
    assert sum(bool(joined & set(files)) for files in splits.files.values()) == 1
    splits.save_manifest(tmp_path / "split.json")
    rows = json.loads((tmp_path / "split.json").read_text())["files"]
    numbers = {str(tmp_path / row["path"]): row["component"] for row in rows}
    assert len({numbers[path] for path in joined}) == 1
    assert len(set(numbers.values())) == 21
    again = load_manifest(tmp_path / "split.json", tmp_path, **TINY)
    for split, found in splits.components.items():
        np.testing.assert_array_equal(again.components[split], found)
        part = splits.shard(0, 2)
        np.testing.assert_array_equal(part.components[split], found[::2])


def test_group_column_of_a_table_keeps_groups_in_one_split(tree, tmp_path):
    files = sorted(file.relative_to(tree).as_posix() for file in tree.rglob("*.png"))
    rows = [f"{file},{file[:4]},{file.split('/')[1][1]}" for file in files]
    for order in (rows, rows[::-1]):
        (tmp_path / "labels.csv").write_text("\n".join(["image,label,animal", *order]))
        splits = load_image_table(tmp_path / "labels.csv", root=tree, group_column="animal", **TINY)
        numbers = [{Path(file).name[1] for file in files} for files in splits.files.values()]
        assert sum(map(len, numbers)) == 10
        if order is rows:
            first = splits.files
    assert splits.files == first


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (5, TypeError, "`groups` must be a regular expression with one group, or .*groups=5"),
        (rb"(\d)", TypeError, "`groups` must be a regular expression"),
        (re.compile(rb"(\d)"), TypeError, "`groups` must be a regular expression"),
        ("(", ValueError, "`groups` must be a regular expression .*unterminated"),
        (r"\d", ValueError, "It has 0 groups"),
        (r"(\d)(\d)", ValueError, "It has 2 groups. Use "),
        (
            r"/(0\d)_",
            ValueError,
            "`groups` must give each image a group; 20 of 40 images have none",
        ),
        ({}, ValueError, "40 of 40 images have none:\n  cats/00_a.png\n"),
        (lambda path: None, ValueError, "40 of 40 images have none"),
        (lambda path: " ", ValueError, "40 of 40 images have none"),
        (lambda path: float("nan"), ValueError, "40 of 40 images have none"),
        (lambda path: "all", ValueError, "at least two groups; all 40 images are in 'all'"),
        (lambda path: [path], TypeError, "`groups` must be a text or an integer for each image"),
        (lambda path: np.zeros(2), TypeError, "`groups` must be a text or an integer"),
    ],
)
def test_invalid_groups_raise(groups, error, message, tree):
    with pytest.raises(error, match=message):
        load_image_folder(tree, **TINY, groups=groups)


def test_invalid_group_column_raises(tree):
    files = sorted(file.relative_to(tree).as_posix() for file in tree.rglob("*.png"))
    table = {"image": files, "label": [file[:4] for file in files], "one": ["x"] * 40}
    table["gaps"] = ["", *files[1:]]
    for column, error, message in (
        ("one", ValueError, "`group_column` must give at least two groups; all 40 images"),
        ("gaps", ValueError, "`group_column` must give each image a group; 1 of 40 images have"),
        ("none", ValueError, "`group_column` must be the name of a column of the table"),
        (5, TypeError, "`group_column` must be the name of a column; received"),
    ):
        with pytest.raises(error, match=message):
            load_image_table(table, root=tree, group_column=column, **TINY)


@pytest.mark.parametrize("load", [load_image_folder, load_cats_dogs])
def test_invalid_near_duplicates_raises(load, tree):
    with pytest.raises(ValueError, match="`near_duplicates` must be one of 'together', 'ignore'"):
        load(tree, near_duplicates="apart")


def test_group_that_is_larger_than_each_split_raises_with_its_name_and_sizes(tree):
    with pytest.raises(ValueError, match="belong in one split") as raised:
        load_image_folder(
            tree,
            **TINY,
            groups=lambda path: path if "/00" in path else "the film",
            near_duplicates="ignore",
        )
    first, *rest = str(raised.value).splitlines()
    assert first == (
        "38 images belong in one split (group 'the film'), but train is to have 26 and validation "
        "14 of 40:"
    )
    assert rest[-2:] == [
        "  and 33 more",
        "Use smaller groups, or change `holdout_fraction` or `test_fraction`.",
    ]


def test_groups_that_are_all_too_large_for_validation_raise_with_the_smallest(tree):
    with pytest.raises(ValueError, match="must stay together") as raised:
        load_image_folder(
            tree, **TINY, groups=r"(cats/0|cats/1|dogs/0|dogs/1)", holdout_fraction=0.1
        )
    assert str(raised.value).splitlines()[0] == (
        "train is to have 36 and validation 4 of 40, but the smallest set of images that must stay "
        "together has 10 (group 'cats/0'):"
    )


def test_near_duplicates_that_are_too_many_raise_with_the_remedy(tmp_path):
    files = {f"{name}/{n}.png": (0, VARIANTS[n % 4]) for name in "ab" for n in range(4)}
    write(tmp_path, {**files, "a/9.png": (1, "same"), "b/9.png": (2, "same")})
    twice = "Identical files are in more than one class, 4 times"
    with (
        pytest.warns(UserWarning, match=twice),
        pytest.raises(ValueError, match=r"8 .*\(identical images or near-dup") as raised,
    ):
        load_image_folder(tmp_path, **TINY)
    assert "Add other images, change" in str(raised.value)
    with pytest.warns(UserWarning, match=twice):
        splits = load_image_folder(tmp_path, **TINY, near_duplicates="ignore")
    assert [len(files) for files in splits.files.values()] == [6, 2, 2]


def test_identical_images_that_are_too_many_raise_without_a_remedy_that_does_not_help(tmp_path):
    files = {f"{name}/{n}.png": (0, "same") for name in "ab" for n in range(4)}
    write(tmp_path, {**files, "a/9.png": (1, "same"), "b/9.png": (2, "same")})
    with (
        pytest.warns(UserWarning, match="Identical files are in more than one class"),
        pytest.raises(ValueError, match=r"8 images belong in one split \(identical im") as raised,
    ):
        load_image_folder(tmp_path, **TINY)
    assert str(raised.value).splitlines()[-1] == (
        "Remove the copies, add other images, or change `holdout_fraction` or `test_fraction`."
    )


def test_groups_that_near_duplicates_connect_raise_with_their_names(tmp_path):
    files = {f"{name}/{n}.png": (n + 50 * (name == "b"), "same") for name in "ab" for n in range(5)}
    files["b/0.png"] = (0, "bright")
    write(tmp_path, files)
    groups = {path: path[0] if path != "a/4.png" else "other" for path in files}
    with pytest.raises(
        ValueError, match=r"9 images belong in one split \(groups \['a', 'b'\], con"
    ):
        load_image_folder(tmp_path, **TINY, groups=groups)


def test_error_of_load_cats_dogs_names_only_its_own_arguments(tmp_path):
    train = {f"train/{name}/{n}.png": (n, "same") for name in ("cats", "dogs") for n in (1, 2)}
    train = {path: (scene + 10 * ("dogs" in path), kind) for path, (scene, kind) in train.items()}
    alike = {f"validation/cats/{n}.png": (0, VARIANTS[n]) for n in range(4)}
    alike |= {f"validation/dogs/{n}.png": (0, VARIANTS[n]) for n in range(4)}
    write(tmp_path, {**train, **alike})
    with (
        pytest.warns(UserWarning, match="Identical files are in more than one class"),
        pytest.raises(ValueError, match=r"\(identical images or near-dup") as raised,
    ):
        load_cats_dogs(tmp_path, **TINY, split="stratified")
    assert str(raised.value).splitlines()[-1] == (
        'Add other images, or, if near-duplicates may be separated, use near_duplicates="ignore".'
    )


PROGRAM = """
import json, sys
from catdog_keras import load_image_folder
splits = load_image_folder(sys.argv[1], image_size=4, groups=r"/\\d(\\d)_")
print(json.dumps({split: list(files) for split, files in splits.files.items()}))
"""


@pytest.mark.slow
def test_split_is_the_same_in_another_process(tree):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tree)], capture_output=True, text=True, check=True
    )
    found = load_image_folder(tree, image_size=4, groups=r"/\d(\d)_").files
    assert {split: tuple(files) for split, files in json.loads(ran.stdout).items()} == found


@pytest.fixture
def decoded(tmp_path, monkeypatch):
    """The names of the files that were decoded, with a new cache of the results."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(_check_cache.SWITCH)
    monkeypatch.setattr(_check_cache, "RACY_NS", -(10**18))
    names = []

    def inspect(path, thumbnails=None):
        names.append(Path(path).relative_to(tmp_path / "images").as_posix())
        return inspect_file(path, thumbnails)

    inspect_file = _inspect_files.inspect_file
    for module in (_inspect_files, _near_duplicates):
        monkeypatch.setattr(module, "inspect_file", inspect)
    return names


def test_second_load_of_unchanged_files_decodes_and_compares_none(tree, decoded, monkeypatch):
    first = load_image_folder(tree, **TINY)
    assert len(decoded) == len(set(decoded)) == 40
    decoded.clear()
    monkeypatch.setattr(_near_duplicates, "_find_pairs", None)
    again = load_image_folder(tree, **TINY)
    assert decoded == []
    assert again.files == first.files
    assert again.scan == first.scan


def test_new_file_is_decoded_with_the_files_of_similar_hashes_only(tree, decoded):
    first = load_image_folder(tree, **TINY)
    decoded.clear()
    (tree / "cats/30.png").write_bytes(content(10, "large"))  # like cats/10_a.png
    again = load_image_folder(tree, **TINY)
    twins = {f"{name}/{n:02}_{'ab'[n % 2]}.png" for name in ("cats", "dogs") for n in range(10)}
    assert set(decoded) == {"cats/30.png", "cats/10_a.png", *twins}
    assert decoded.count("cats/30.png") == 1
    assert again.scan.num_near_duplicate_pairs == 11
    pair = [str(tree / "cats/10_a.png"), str(tree / "cats/30.png")]
    assert pair in again.scan.near_duplicates
    (tree / "cats/30.png").unlink()
    decoded.clear()
    assert load_image_folder(tree, **TINY).files == first.files
    assert decoded == []


def test_scan_saves_hashes_for_a_later_load(tree, decoded):
    scan_images(tree)
    decoded.clear()
    splits = load_image_folder(tree, **TINY)
    assert len(decoded) == 20  # those with similar hashes
    assert splits.scan.num_near_duplicate_pairs == 10
    decoded.clear()
    assert len(scan_images(tree, near_duplicates=True).near_duplicates) == 10
    assert decoded == []


@pytest.mark.parametrize("damage", ["bits", "range", "kind"])
def test_damaged_pairs_are_found_again(damage, tree, decoded, tmp_path):
    first = load_image_folder(tree, **TINY)
    (saved,) = (tmp_path / "home/catdog_keras/checks").glob("pairs-*.json")
    before = saved.read_bytes()
    if damage == "bits":
        saved.write_bytes(before[:-3])
    else:
        pairs = [[0, 40]] if damage == "range" else [5]
        saved.write_bytes(_check_cache.encode_table({"pairs": pairs}))
    assert load_image_folder(tree, **TINY).files == first.files
    assert saved.read_bytes() == before


def test_pairs_do_not_depend_on_kept_thumbnails(tree, monkeypatch):
    first = scan_images(tree, near_duplicates=True)
    monkeypatch.setattr(_inspect_files, "MOST_THUMBNAILS", 1)
    assert scan_images(tree, near_duplicates=True) == first


def test_check_groups_returns_none_without_groups():
    assert check_groups(None) is None
