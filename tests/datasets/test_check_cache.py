"""Results of checked files are used again only for files that have not changed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import given
from PIL import Image

import catdog_keras
from catdog_keras._least_recently_used import BLOCK_BYTES
from catdog_keras.datasets import _check_cache, _inspect_files, scan_images
from catdog_keras.datasets._check_cache import FOLDER, SWITCH
from catdog_keras.datasets._inspect_files import inspect_file, inspect_files

CONTENTS = ("red", "blue", "gif", "huge", "truncated", "text", "empty")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A new KERAS_HOME, and no time within which a changed file is checked again."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(_check_cache, "RACY_NS", -(10**18))
    return tmp_path / "home"


@pytest.fixture
def checked(monkeypatch):
    """The files that were read, in any order."""
    files = []

    def inspect(path, thumbnails=None):
        files.append(path)
        return inspect_file(path, thumbnails)

    monkeypatch.setattr(_inspect_files, "inspect_file", inspect)
    return files


def write(path, kind):
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind in ("red", "blue"):
        Image.new("RGB", (4, 4), kind).save(path, "PNG")
    elif kind == "gif":
        Image.new("P", (4, 4)).save(path, "GIF")
    elif kind == "huge":
        Image.new("1", (9000, 9000)).save(path, "PNG")
    elif kind == "truncated":
        Image.new("RGB", (40, 40)).save(path, "JPEG")
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.write_bytes(b"" if kind == "empty" else b"text")


def make(root, **kinds):
    for name, kind in kinds.items():
        write(root / f"{name}.png", kind)
    return sorted(str(file) for file in root.rglob("*.png"))


def cache_files(home):
    return sorted((home / "catdog_keras" / FOLDER).glob("*.json"))


def test_unchanged_files_are_not_read_again(tmp_path, checked):
    files = make(tmp_path / "images", a="red", b="gif", c="huge", d="text")
    first = inspect_files(files)
    assert sorted(checked) == files
    checked.clear()
    assert inspect_files(files) == first
    assert checked == []
    assert [image.status for image in first] == ["good", "nonstandard", "bad", "bad"]


def test_files_that_decoders_reject_or_are_empty_are_read_again(tmp_path, checked):
    files = make(tmp_path / "images", a="red", b="truncated", c="empty")
    first = inspect_files(files)
    checked.clear()
    assert inspect_files(files) == first
    assert sorted(checked) == files[1:]


def test_recheck_reads_all_files_and_replaces_results(tmp_path, checked, home):
    files = make(tmp_path / "images", a="red", b="blue")
    inspect_files(files)
    (saved,) = cache_files(home)
    before = saved.read_bytes()
    forge(saved, lambda table: table["columns"][0].__setitem__(0, "bad"))
    assert inspect_files(files)[0].status == "bad"
    checked.clear()
    assert scan_images(tmp_path / "images", recheck=True).bad == []
    assert sorted(checked) == files
    assert saved.read_bytes() == before


def forge(file, change):
    """Changes the content of a file of the cache, with a correct checksum."""
    table = json.loads(file.read_bytes().partition(b"\n")[2])
    change(table)
    line = json.dumps(table).encode()
    file.write_bytes(b"%08x\n%s" % (zlib.crc32(line), line))


NAMES = st.sampled_from(["a.png", "b.png", "sub/a.png", "sub/c.png"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), NAMES, st.sampled_from(CONTENTS[:3] + CONTENTS[4:])),
        st.tuples(st.just("replace, same size and time"), NAMES, st.just("")),
        st.tuples(st.just("touch"), NAMES, st.integers(-(10**6), 2 * 10**9)),
        st.tuples(st.just("rename"), NAMES, NAMES),
        st.tuples(st.just("remove"), NAMES, st.just("")),
        st.tuples(st.just("scan"), st.just(""), st.just("")),
    ),
    max_size=12,
)


def set_times(path, before):
    """Sets the time of modification as it was, until the clock of the file system has ticked."""
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def apply_change(root, kind, name, value):
    path = root / name
    if kind == "write":
        before = path.stat() if path.exists() else None
        write(path, value)
        if before:
            set_times(path, before)
    elif kind == "rename" and path.exists():
        (root / value).parent.mkdir(exist_ok=True)
        path.replace(root / value)
    elif kind == "remove":
        path.unlink(missing_ok=True)
    elif kind == "touch" and path.exists():
        os.utime(path, (value, value))
    elif kind.startswith("replace") and path.exists() and path.stat().st_size:
        before, content = path.stat(), path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        set_times(path, before)
    elif kind == "scan":
        scan_images(root)


@given(changes=CHANGES)
def test_scan_with_cache_equals_scan_without_after_any_changes(changes, tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    write(root / "first.png", "red")
    for change in changes:
        apply_change(root, *change)
    with_cache, again = scan_images(root), scan_images(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "0")
        without = scan_images(root)
    for report in (with_cache, again):
        assert report == without
        for status in ("good", "nonstandard", "bad"):
            expected = getattr(without, status)
            assert getattr(report, status) == expected


@pytest.mark.parametrize("change", ["content", "mtime", "inode", "permissions"])
def test_changed_file_is_read_again(change, tmp_path, checked):
    files = make(tmp_path / "images", a="red", b="blue")
    path = Path(files[0])
    path.write_bytes(path.read_bytes() + b"comment")
    inspect_files(files)
    checked.clear()
    before = path.stat()
    if change == "content":
        path.write_bytes(path.read_bytes().replace(b"comment", b"changed"))
        set_times(path, before)
    elif change == "mtime":
        os.utime(path, ns=(0, 0))
    elif change == "inode":
        shutil.copy2(path, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
    else:
        path.chmod(0o600)
    inspect_files(files)
    assert checked == files[:1]
    inspect_files(files)
    assert checked == files[:1]


@pytest.mark.parametrize("changed", ["just before the check", "in the future"])
def test_file_with_recent_time_is_read_again(changed, tmp_path, checked, monkeypatch):
    monkeypatch.setattr(_check_cache, "RACY_NS", 10**9 * 60)
    files = make(tmp_path / "images", a="red")
    if changed == "in the future":
        monkeypatch.setattr(_check_cache, "RACY_NS", 0)
        later = time.time() + 3600
        os.utime(files[0], (later, later))
    for _ in range(2):
        checked.clear()
        inspect_files(files)
        assert checked == files


def test_clock_that_was_set_back_does_not_hide_a_change(tmp_path, monkeypatch):
    """A check at a time in the future trusts each file, but compares it as usual."""
    files = make(tmp_path / "images", a="red")
    with monkeypatch.context() as patch:
        patch.setattr(_check_cache.time, "time_ns", lambda: 2**62)
        inspect_files(files)
    write(Path(files[0]), "text")
    assert inspect_files(files)[0].status == "bad"


def test_deleted_and_new_files_are_noticed_and_deleted_entries_removed(tmp_path, checked, home):
    root = tmp_path / "images"
    make(root, a="red", b="blue", c="gif")
    scan_images(root)
    (root / "b.png").unlink()
    files = make(root, d="red")
    checked.clear()
    report = scan_images(root)
    assert sorted(report.by_path) == files
    assert checked == [str(root / "d.png")]
    (saved,) = cache_files(home)
    names = json.loads(saved.read_bytes().partition(b"\n")[2])["names"]
    assert sorted(names) == ["a.png", "c.png", "d.png"]


def test_subset_of_a_folder_keeps_the_results_of_the_rest(tmp_path, checked):
    files = make(tmp_path / "images", a="red", b="blue", c="gif")
    inspect_files(files[:2])
    inspect_files(files[2:])
    checked.clear()
    inspect_files(files)
    assert checked == []


def test_relative_paths_share_results_with_absolute_ones(tmp_path, checked, monkeypatch):
    files = make(tmp_path / "images", a="red")
    inspect_files(files)
    checked.clear()
    monkeypatch.chdir(tmp_path / "images")
    assert [image.path for image in inspect_files(["a.png", "../images/a.png"])] == [
        "a.png",
        "../images/a.png",
    ]
    assert checked == []


DAMAGE = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[:-20],
    "no second line": lambda content: content.partition(b"\n")[0],
    "one bit": lambda content: content.replace(b'"good"', b'"gooe"'),
    "zeros": lambda content: bytes(len(content)),
    "pickle": lambda content: b"\x80\x04K\x01.",
}
FORGED = {
    "another version": lambda table: table["versions"].update(Pillow="1"),
    "no versions": lambda table: table.pop("versions"),
    "another folder": lambda table: table.update(folder="/elsewhere"),
    "missing column": lambda table: table["columns"].pop(),
    "short column": lambda table: table["columns"][1].pop(),
    "column that is no list": lambda table: table["columns"].__setitem__(1, 5),
    "missing stamp": lambda table: table["stamps"].pop(),
    "names that are no texts": lambda table: table.update(names=[[], []]),
}


@pytest.mark.parametrize("damage", [*DAMAGE, *FORGED])
def test_damaged_or_foreign_file_is_ignored_and_replaced(damage, tmp_path, checked, home):
    files = make(tmp_path / "images", a="red", b="gif")
    first = inspect_files(files)
    (saved,) = cache_files(home)
    content = saved.read_bytes()
    if damage in DAMAGE:
        saved.write_bytes(DAMAGE[damage](content))
    else:
        forge(saved, FORGED[damage])
    assert saved.read_bytes() != content
    checked.clear()
    assert inspect_files(files) == first
    assert sorted(checked) == files
    assert saved.read_bytes() == content


def test_file_with_more_results_than_are_worth_reading_is_kept(
    tmp_path, checked, home, monkeypatch
):
    files = make(tmp_path / "images", a="red", b="gif")
    inspect_files(files)
    (saved,) = cache_files(home)
    content = saved.read_bytes()
    monkeypatch.setattr(_check_cache, "MAX_BYTES_PER_IMAGE", len(content) - 1)
    checked.clear()
    inspect_files(files[:1])
    assert checked == files[:1]
    assert saved.read_bytes() == content
    checked.clear()
    inspect_files(files)
    assert checked == []


def test_cache_is_bounded_and_keeps_recently_used_files(tmp_path, home, monkeypatch, checked):
    folders = [make(tmp_path / name, a="red") for name in ("one", "two", "three")]
    for number, files in enumerate(folders[:2]):
        inspect_files(files)
        for saved in cache_files(home):
            if saved.stat().st_mtime > 10**9:
                os.utime(saved, (number + 1, number + 1))
    inspect_files(folders[0])  # used again, and no longer the oldest one
    monkeypatch.setattr(_check_cache, "MAX_BYTES", 2 * BLOCK_BYTES)
    inspect_files(folders[2])
    assert len(cache_files(home)) == 2
    checked.clear()
    for files in folders:
        inspect_files(files)
    assert checked == folders[1]


def test_folder_with_more_results_than_the_bound_is_not_saved(tmp_path, home, monkeypatch):
    monkeypatch.setattr(_check_cache, "MAX_BYTES", 10)
    inspect_files(make(tmp_path / "images", a="red"))
    assert cache_files(home) == []


@pytest.mark.parametrize("blocked", ["home", "home/catdog_keras", "home/catdog_keras/checks"])
def test_cache_folder_that_cannot_be_created_only_costs_time(blocked, tmp_path, checked):
    place = tmp_path / blocked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file")
    files = make(tmp_path / "images", a="red")
    for _ in range(2):
        checked.clear()
        assert inspect_files(files)[0].status == "good"
        assert checked == files


def test_user_without_home_folder_scans_without_cache(no_home, tmp_path):
    assert inspect_files(make(tmp_path / "images", a="red"))[0].status == "good"


def test_full_disk_keeps_the_old_results(tmp_path, home, full_disk, checked):
    root = tmp_path / "images"
    inspect_files(make(root, a="red"))
    (saved,) = cache_files(home)
    content = saved.read_bytes()
    files = make(root, **{f"image{number}": "red" for number in range(20)})
    with full_disk():
        images = inspect_files(files)
    assert {image.status for image in images} == {"good"}
    assert saved.read_bytes() == content
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]


def test_cache_that_is_switched_off_neither_reads_nor_writes(tmp_path, checked, home, monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    files = make(tmp_path / "images", a="red")
    for _ in range(2):
        checked.clear()
        inspect_files(files)
        assert checked == files
    assert not home.exists()


def test_empty_value_of_the_switch_counts_as_not_set(tmp_path, home, monkeypatch):
    monkeypatch.setenv(SWITCH, "")
    inspect_files(make(tmp_path / "images", a="red"))
    assert home.exists()


def test_unknown_value_of_the_switch_raises_error(tmp_path, monkeypatch):
    monkeypatch.setenv(SWITCH, "off")
    with pytest.raises(ValueError, match=f"{SWITCH} must be 0 or 1; received 'off'"):
        scan_images(Path(make(tmp_path / "images", a="red")[0]).parent)


def test_interrupted_check_keeps_finished_results(tmp_path, checked, monkeypatch):
    files = make(tmp_path / "images", **{f"image{number}": "red" for number in range(9)})
    add = _check_cache.CheckCache.add

    def interrupt(cache, path, image):
        if path == files[5]:
            raise KeyboardInterrupt
        add(cache, path, image)

    with monkeypatch.context() as patch:
        patch.setattr(_check_cache.CheckCache, "add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            inspect_files(files)
    checked.clear()
    inspect_files(files)
    assert sorted(checked) == files[5:]


def test_file_name_that_is_not_utf8_does_not_affect_the_others(tmp_path, checked):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/images\xff")
    Path(folder).mkdir()
    write(Path(folder) / "a.png", "red")
    write(tmp_path / "images" / "a.png", "red")
    shutil.copy(tmp_path / "images" / "a.png", os.fsencode(tmp_path / "images") + b"/b\xff.png")
    for root in (folder, tmp_path / "images"):
        first = scan_images(root)
        assert scan_images(root).bad == first.bad


def test_loaders_use_results_of_a_scan(cats_dogs, checked):
    scan_images(cats_dogs)
    checked.clear()
    splits = catdog_keras.load_cats_dogs(cats_dogs, image_size=4, batch_size=4)
    assert checked == []
    assert len(list(splits.validation)) > 0


def test_image_that_changes_after_a_remembered_check_is_named(tmp_path, checked):
    files = make(tmp_path / "images", a="red", b="blue")
    catdog_keras.load_images(files)
    checked.clear()
    images = catdog_keras.load_images(files)
    assert checked == []
    path = Path(files[1])
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"b\.png.*has changed since it was checked"
    ):
        list(images.dataset)


def test_search_for_unused_objects_continues_after_find(tmp_path):
    import gc

    files = make(tmp_path / "images", a="red")
    inspect_files(files)
    inspect_files(files)
    assert gc.isenabled()


PROGRAM = """
import json, sys
from catdog_keras.datasets import _check_cache
_check_cache.RACY_NS = -10**18
from catdog_keras.datasets._inspect_files import inspect_files
files = sys.argv[1:]
for _ in range(20):
    images = inspect_files(files, recheck=True)
print(json.dumps([[image.path, image.status, image.sha256] for image in images]))
"""


@pytest.mark.slow
def test_processes_at_once_find_and_save_correct_results(tmp_path, home, checked):
    root = tmp_path / "images"
    files = make(root, **{f"image{n}": CONTENTS[n % 2] for n in range(30)}, bad="text")
    parts = [files[:20], files[10:], files]
    programs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, *part], stdout=subprocess.PIPE, text=True)
        for part in parts
    ]
    results = [program.communicate()[0] for program in programs]
    for part, result in zip(parts, results, strict=True):
        expected = map(inspect_file, part)
        assert json.loads(result.splitlines()[-1]) == [
            [image.path, image.status, image.sha256] for image in expected
        ]
    (saved,) = cache_files(home)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    checked.clear()
    after = inspect_files(files)
    assert after == list(map(inspect_file, files))
    assert len(checked) < len(files)


KILLED = """
import os, signal, sys
from catdog_keras.datasets import _check_cache
_check_cache.RACY_NS = -10**18
from catdog_keras.datasets._inspect_files import inspect_files

def kill(event, arguments):
    if event == "os.rename":
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
inspect_files(sys.argv[1:])
"""


@pytest.mark.slow
def test_process_that_is_killed_before_the_rename_leaves_the_old_results(tmp_path, home, checked):
    files = make(tmp_path / "images", a="red")
    inspect_files(files)
    (saved,) = cache_files(home)
    content = saved.read_bytes()
    files = make(tmp_path / "images", b="gif")
    killed = subprocess.run([sys.executable, "-c", KILLED, *files], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert saved.read_bytes() == content
    assert len(list(saved.parent.iterdir())) == 2  # with the unfinished file
    checked.clear()
    assert inspect_files(files) == list(map(inspect_file, files))
    assert checked == files[1:]
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
