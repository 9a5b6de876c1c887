"""Labels from a table or from file names: the same splits, and errors that name the rows."""

import itertools
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras import load_image_folder, load_image_table, load_manifest
from catdog_keras.datasets._label_index import _sorted_class_names, index_labels

TINY = {"image_size": 4, "batch_size": 4}


@pytest.fixture
def images(tmp_path, make_folder):
    """Ten images whose names start with their class, in a folder that is named like a class."""
    make_folder(tmp_path / "raw", {"cat": 5, "dog": 5})
    root = tmp_path / "images"
    (root / "cat").mkdir(parents=True)
    for file in sorted((tmp_path / "raw").glob("*/*.png")):
        shutil.move(file, root / "cat" / f"{file.parent.name}_{file.name}")
    return root


@pytest.fixture
def rows(images):
    """Pairs of a relative path and a class."""
    return [(f"cat/{file.name}", file.name[:3]) for file in sorted((images / "cat").iterdir())]


def write_csv(path, rows, header="image,label", delimiter=",", encoding="utf-8"):
    lines = [header, *(delimiter.join(row) for row in rows)]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def assert_labels_are_in_file_names(splits):
    for split, files in splits.files.items():
        found = [splits.class_names[label] for label in splits.labels[split]]
        assert found == [Path(file).name[:3] for file in files]


def test_csv_table_gives_labels_of_its_rows(images, rows, read_code):
    table = write_csv(images / "labels.csv", rows)
    splits = load_image_table(table, **TINY)
    assert splits.class_names == ("cat", "dog")
    assert splits.counts["train"] == {"cat": 3, "dog": 3}
    assert_labels_are_in_file_names(splits)
    for batch, labels in splits.train:
        assert [read_code(image)[0] for image in batch] == labels.numpy().tolist()


@pytest.mark.parametrize(
    ("header", "delimiter", "encoding"),
    [
        ("image;label", ";", "utf-8"),
        ("image\tlabel", "\t", "utf-8"),
        ("image,label", ",", "utf-8-sig"),
    ],
)
def test_csv_dialects_are_recognized(images, rows, tmp_path, header, delimiter, encoding):
    table = write_csv(tmp_path / "labels.csv", rows, header, delimiter, encoding)
    assert_labels_are_in_file_names(load_image_table(table, root=images, **TINY))


class Frame(Mapping):
    """Columns by name, as a data frame has them."""

    def __init__(self, **columns):
        self.data = {name: np.array(values, object) for name, values in columns.items()}
        self.columns = list(columns)

    def __getitem__(self, name):
        return self.data[name]

    def __iter__(self):
        return iter(self.columns)

    def __len__(self):
        return len(self.columns)


@pytest.mark.parametrize("kind", ["dict", "frame", "pandas"])
def test_tables_in_memory_have_the_split_of_a_file(images, rows, kind):
    table = write_csv(images / "labels.csv", rows)
    columns = {"file": [images / path for path, _ in rows], "kind": [name for _, name in rows]}
    if kind == "frame":
        columns = Frame(**columns)
    if kind == "pandas":
        columns = pytest.importorskip("pandas").DataFrame(columns)
    splits = load_image_table(
        columns, image_column="file", label_column="kind", root=images, **TINY
    )
    assert splits.files == load_image_table(table, **TINY).files
    with pytest.raises(ValueError, match="`root` must be the folder that contains the images"):
        load_image_table(columns, image_column="file", label_column="kind", **TINY)


def test_integer_labels_are_classes_in_numeric_order(images, rows):
    numbers = [10 if name == "cat" else 9 for _, name in rows]
    for labels in (numbers, np.array(numbers), [float(number) for number in numbers]):
        table = {"image": [path for path, _ in rows], "label": labels}
        assert load_image_table(table, root=images, **TINY).class_names == ("9", "10")


def test_class_names_select_and_order_classes(images, rows):
    table = {"image": [path for path, _ in rows], "label": ["x", *(name for _, name in rows[1:])]}
    with (
        pytest.warns(UserWarning, match="Ignored 1 image of other classes"),
        pytest.warns(UserWarning, match="cat: 4 images, none in test"),
    ):
        splits = load_image_table(table, root=images, class_names=["dog", "cat"], **TINY)
    assert splits.class_names == ("dog", "cat")
    assert_labels_are_in_file_names(splits)
    with pytest.raises(ValueError, match=r"\['bird'\] have none; there are \['cat', 'dog', 'x'\]"):
        load_image_table(table, root=images, class_names=["cat", "bird"], **TINY)


@pytest.mark.parametrize("shuffle", [lambda rows: rows[::-1], lambda rows: rows[3:] + rows[:3]])
def test_split_does_not_depend_on_order_of_rows(images, rows, tmp_path, shuffle):
    first = load_image_table(write_csv(images / "a.csv", rows), **TINY)
    second = load_image_table(write_csv(images / "b.csv", shuffle(rows)), **TINY)
    assert first.files == second.files


NAMES = st.dictionaries(st.text("abc/", min_size=1), st.sampled_from("xyz"), min_size=2).filter(
    lambda labels: len(set(labels.values())) > 1
)


@given(labels=NAMES, data=st.data())
def test_index_of_labels_does_not_depend_on_order(labels, data):
    order = data.draw(st.permutations(list(labels)))
    root = Path("/images")
    first = index_labels(root, labels, None)
    second = index_labels(root, {file: labels[file] for file in order}, None)
    assert first.class_names == second.class_names == tuple(sorted(set(labels.values())))
    (one, other) = (index.parts["all"] for index in (first, second))
    assert one.files == other.files
    assert {f: first.class_names[i] for f, i in zip(one.files, one.labels, strict=True)} == labels


@pytest.mark.parametrize("order", list(itertools.permutations(["10", "1", "01"])))
def test_equal_numbers_are_classes_in_the_order_of_their_text(order):
    assert _sorted_class_names(dict.fromkeys(order)) == ["01", "1", "10"]


def test_manifest_restores_a_split_of_a_table(images, rows, tmp_path):
    odd = [(path, f"{name}/x") for path, name in rows]
    splits = load_image_table(write_csv(images / "labels.csv", odd), **TINY)
    assert splits.class_names == ("cat/x", "dog/x")  # not names of folders
    splits.save_manifest(tmp_path / "split.json")
    assert json.loads((tmp_path / "split.json").read_text())["label_source"] == "table"
    images.rename(tmp_path / "moved")
    again = load_manifest(tmp_path / "split.json", tmp_path / "moved", **TINY)
    assert again.label_source == "table"
    assert again.counts == splits.counts
    again.save_manifest(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "split.json").read_bytes()


def test_manifest_of_folders_still_rejects_labels_of_other_folders(images, rows, tmp_path):
    load_image_table(write_csv(images / "l.csv", rows), **TINY).save_manifest(tmp_path / "s.json")
    content = json.loads((tmp_path / "s.json").read_text())
    for source, message in (("folders", "has another label"), ("names", "Its label_source is")):
        (tmp_path / "s.json").write_text(json.dumps({**content, "label_source": source}))
        with pytest.raises(ValueError, match=message):
            load_manifest(tmp_path / "s.json", images)


def wrong_tables(rows):
    """Changed rows, with the message that they cause."""
    first, second = rows[0][0], rows[1][0]
    return {
        "empty label": (
            [(first, " "), *rows[1:]],
            f"1 of 10 rows have no label:\n  row 2: {first}",
        ),
        "missing": ([*rows, ("cat/no.png", "cat")], "1 of 11 files do not exist in"),
        "many": (
            [*rows, *((f"{n}.png", "cat") for n in range(9))],
            "9 of 19 files do not exist in 'ROOT':\n  0.png\n  1.png\n  2.png\n  3.png\n  4.png\n"
            "  and 4 more\n",
        ),
        "twice": ([*rows, (first, "cat")], f"images are listed more than once:\n  {first}: cat\n"),
        "two labels": (
            [*rows, (f"./{first}", "dog")],
            f"1 of 10 images are listed more than once:\n  {first}: cat and dog",
        ),
        "outside": (
            [*rows, ("../raw.png", "cat"), ("/etc/x.png", "cat"), ("", "cat")],
            "3 of 13 paths are not inside of 'ROOT':\n  ../raw.png\n  /etc/x.png\n",
        ),
        "root itself": ([*rows, ("cat/..", "cat")], "1 of 11 paths are not inside of"),
        "one class": (
            [row for row in rows if row[1] == "cat"],
            "At least two classes are required",
        ),
        "no rows": ([], "`table` must be a table of images with their labels"),
        "short row": (
            [*rows, (second,)],
            "header has 2 columns, but not all rows:\n  row 12: 1 values",
        ),
    }


@pytest.mark.parametrize("case", wrong_tables([("a", "b"), ("c", "d")]))
def test_wrong_rows_raise_with_number_and_first_ones(images, rows, case):
    changed, message = wrong_tables(rows)[case]
    table = write_csv(images / "labels.csv", changed)
    with pytest.raises(ValueError, match=re.escape(message.replace("ROOT", str(images)))):
        load_image_table(table, **TINY)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"table": 3},
            TypeError,
            "`table` must be the path of a CSV file, a data frame, or a dict",
        ),
        ({"table": [("a.png", "cat")]}, TypeError, "`table` must be the path of a CSV file"),
        ({"table": "nowhere.csv"}, FileNotFoundError, "There is no such file"),
        ({"label_column": "class"}, ValueError, r"columns are \['image', 'label'\]"),
        (
            {"table": {0: ["a.png"], 1: ["cat"]}, "image_column": "0"},
            ValueError,
            "`image_column` must be the name of a column",
        ),
        (
            {"image_column": "file"},
            ValueError,
            "`image_column` must be the name of a column of the",
        ),
        ({"image_column": 0}, TypeError, "`image_column` must be the name of a column"),
        ({"class_names": ["cat"]}, ValueError, "at least two class names"),
        ({"root": "nowhere"}, FileNotFoundError, "`root` must be an existing folder"),
        ({"table": {"image": [3], "label": ["cat"]}}, TypeError, "a column of paths"),
        ({"table": {"image": ["a"], "label": [1.5]}}, TypeError, "texts or integers"),
        (
            {"table": {"image": ["a"], "label": [None]}},
            ValueError,
            "1 of 1 rows have no label:\n  row 0: a",
        ),
        ({"table": {"image": ["a"], "label": [float("nan")]}}, ValueError, "have no label"),
        ({"table": {"image": ["a", "b"], "label": ["cat"]}}, ValueError, "2 and 1 values"),
    ],
)
def test_invalid_argument_of_table_raises(images, rows, arguments, error, message):
    given = {"table": write_csv(images / "labels.csv", rows), "root": images, **arguments}
    with pytest.raises(error, match=message):
        load_image_table(**given, **TINY)


class RepeatedColumns(Frame):
    """A data frame with two columns of one name, for which pandas returns a frame of both."""

    def __init__(self, twice, **columns):
        super().__init__(**columns)
        self.columns.append(twice)


@pytest.mark.parametrize("column", ["image", "label"])
@pytest.mark.parametrize("kind", ["csv", "frame"])
def test_two_columns_of_one_name_raise(images, rows, column, kind):
    if kind == "csv":
        wider = [(*row, "x") for row in rows]
        table = write_csv(images / "labels.csv", wider, f"image,label,{column}")
    else:
        table = RepeatedColumns(column, image=["a.png", "b.png"], label=["cat", "dog"])
    message = f"`{column}_column` must be the name of one column.*'{column}'. It has 2 columns"
    with pytest.raises(ValueError, match=message):
        load_image_table(table, root=images, **TINY)


def test_repeated_columns_that_are_not_used_are_ignored(images, rows):
    wider = [(*row, "x", "y") for row in rows]
    table = write_csv(images / "labels.csv", wider, "image,label,note,note")
    assert_labels_are_in_file_names(load_image_table(table, **TINY))


def test_structured_array_is_a_table_and_other_arrays_are_not(images, rows):
    table = np.array(rows, [("image", "U99"), ("label", "U9")])
    assert_labels_are_in_file_names(load_image_table(table, root=images, **TINY))
    for other in (np.array(rows), np.array(rows, object), table[:, None], table[0]):
        with pytest.raises(TypeError, match="`table` must be the path of a CSV file"):
            load_image_table(other, root=images, **TINY)


def test_folder_that_is_listed_as_an_image_is_called_a_folder(images, rows):
    (images / "more").mkdir()
    table = write_csv(images / "labels.csv", [*rows, ("more", "cat")])
    with pytest.raises(ValueError, match="more: a folder, not an image file"):
        load_image_table(table, on_bad="raise", **TINY)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfei\0m", b'image,label\n"a,b'])
def test_file_that_is_not_a_table_raises_with_its_name(images, content):
    (images / "labels.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be the path of a CSV file.*labels\.csv"):
        load_image_table(images / "labels.csv", **TINY)


@pytest.mark.parametrize(
    "pattern", [r"^(cat|dog)_", r"^(?P<label>...)_(image).(\d+)", "(...)_image"]
)
def test_label_pattern_finds_classes_in_file_names(images, pattern, tmp_path):
    splits = load_image_folder(images, label_pattern=pattern, **TINY)
    assert splits.counts["train"] == {"cat": 3, "dog": 3}
    assert_labels_are_in_file_names(splits)
    splits.save_manifest(tmp_path / "split.json")
    assert load_manifest(tmp_path / "split.json", images, **TINY).files == splits.files


def test_images_that_do_not_match_the_pattern_are_ignored_with_warning(images):
    shutil.copy(next((images / "cat").iterdir()), images / "other.png")
    (images / "notes.txt").touch()
    with (
        pytest.warns(UserWarning, match="Ignored 1 of 11 images .* `label_pattern`:\n  other.png"),
        pytest.warns(UserWarning, match=r"extension: 1 file \(1 \.txt\)"),
    ):
        splits = load_image_folder(images, label_pattern="^(cat|dog)_", **TINY)
    assert sum(len(files) for files in splits.files.values()) == 10


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        (3, TypeError, "`label_pattern` must be a regular expression with one group"),
        ("(cat", ValueError, "missing \\), unterminated subpattern at position 0"),
        ("cat", ValueError, "It has 0 groups"),
        ("(c)(a)t", ValueError, r"It has 2 groups. Use \(\?:...\) for groups"),
        ("^(bird)", ValueError, "has 10 images; first of them:\n  cat/cat_image.0.png"),
        ("^(cat)", ValueError, r"At least two classes are required; all images have \['cat'\]"),
    ],
)
def test_invalid_label_pattern_raises(images, pattern, error, message):
    with pytest.raises(error, match=message):
        load_image_folder(images, label_pattern=pattern, **TINY)


@pytest.mark.parametrize(
    "names",
    [("cat", "Cat"), ("cat", "cats"), ("caf\u00e9", "cafe\u0301"), ("dog", "dog\u200b"), ("cat", "c\u0430t"), ("KO", "\u039a\u039f"), ("1", "1.0"), ("2", "02")],
)  # fmt: skip
def test_labels_that_may_be_one_class_are_noted(names):
    labels = {f"{number}.png": name for number, name in enumerate([*names, "emu"] * 2)}
    (note,) = index_labels(Path("images"), labels, None).notes
    assert "are named like copies or versions of other classes. If some of them are one" in note
    assert index_labels(Path("images"), labels, [*names, "emu"]).notes == ()


def test_labels_of_file_names_that_may_be_one_class_are_warned_of(tmp_path, write_coded):
    for number in range(30):
        write_coded(tmp_path / f"{('cat', 'Cat', 'dog')[number % 3]}_{number}.png", 0, number)
    with pytest.warns(UserWarning, match=r"The classes \['Cat', 'cat'\] are named like copies"):
        load_image_folder(tmp_path, label_pattern=r"([A-Za-z]+)_", **TINY)


@pytest.mark.parametrize("header", ["sep=;\nimage;label", '"image";"label";"note, or, not"'])
def test_delimiter_is_that_of_the_line_of_excel_or_outside_of_quotes(
    images, rows, tmp_path, header
):
    columns = header.count(";") + header.startswith('"') + header.startswith("sep")
    longer = [[*row, "", ""][: 2 if header.startswith("sep") else 3] for row in rows]
    assert columns
    table = write_csv(tmp_path / "labels.csv", longer, header, ";")
    assert_labels_are_in_file_names(load_image_table(table, root=images, **TINY))


def test_rows_are_counted_with_blank_lines(images, rows, tmp_path):
    table = write_csv(tmp_path / "labels.csv", [[], [], *rows, [rows[0][0] + "x", ""]])
    with pytest.raises(ValueError, match=f"row {len(rows) + 4}: "):
        load_image_table(table, root=images, **TINY)


def test_labels_named_like_missing_values_are_noted(images, rows):
    table = {
        "image": [row[0] for row in rows],
        "label": ["NA" if row[1] == rows[0][1] else row[1] for row in rows],
    }
    with pytest.warns(UserWarning, match=r"The classes \['NA'\] are named like missing values"):
        load_image_table(table, root=images, **TINY)


def test_labels_can_be_booleans(images, rows):
    labels = np.array([row[1] == rows[0][1] for row in rows])
    table = {"image": [row[0] for row in rows], "label": list(labels)}
    splits = load_image_table(table, root=images, **TINY)
    assert splits.class_names == ("False", "True")
