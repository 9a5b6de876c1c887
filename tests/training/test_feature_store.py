"""The store of features: what is put in comes out, from memory, from files, by several processes."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.training import _feature_store as feature_store
from catdog_keras.training._feature_store import FeatureStore

SHAPES = st.sampled_from([(1,), (6,), (2, 3), (2, 2, 4)])


def rows_of(count, shape):
    generator = np.random.default_rng(count)
    return generator.normal(size=(count, *shape)).astype("float32")


def key_of(number):
    return number.to_bytes(feature_store.KEY_BYTES)


def assert_holds(store, keys, rows):
    assert all(key in store for key in keys)
    np.testing.assert_array_equal(store[reversed(keys)], rows[::-1])


@given(
    shape=SHAPES,
    chunks=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    in_memory=st.integers(0, 6),
    has_folder=st.booleans(),
)
def test_feature_store_returns_each_row_by_its_key(
    shape, chunks, in_memory, has_folder, tmp_path_factory
):
    """With a folder, each chunk is added by a separate store, as by several processes."""
    folder = tmp_path_factory.mktemp("features") if has_folder else None
    count = sum(chunks)
    rows, keys = rows_of(count, shape), [key_of(number) for number in range(count)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feature_store, "MEMORY_BYTES", 4 * in_memory * int(np.prod(shape)))
        store, start = FeatureStore(shape, folder, "name"), 0
        for size in chunks:
            if has_folder:
                store.close()
                store = FeatureStore(shape, folder, "name")
            assert keys[start] not in store
            store.add(keys[start : start + size], rows[start : start + size])
            start += size
            assert_holds(store, keys[:start], rows[:start])
        store.close()
        if has_folder:
            again = FeatureStore(shape, folder, "name")
            assert_holds(again, keys, rows)
            again.close()
            assert keys[0] not in FeatureStore(shape, folder, "other")
        else:
            assert [key in store for key in keys] == [n < in_memory for n in range(count)]


@given(shape=SHAPES, cut=st.floats(0, 1), flipped=st.floats(0, 0.999))
def test_feature_store_skips_damaged_and_truncated_records(shape, cut, flipped, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    rows, keys = rows_of(5, shape), [key_of(number) for number in range(5)]
    store = FeatureStore(shape, folder, "name")
    store.add(keys, rows)
    store.close()
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    record = len(content) // 5
    damaged = int(flipped * 5)  # the last byte of this record, which its checksum covers
    content[(damaged + 1) * record - 1] ^= 1
    left = round(cut * len(content))
    file.write_bytes(content[:left])
    whole = [number for number in range(left // record) if number != damaged]
    found = FeatureStore(shape, folder, "name")
    assert [number for number in range(5) if keys[number] in found] == whole
    if whole:
        assert_holds(found, [keys[number] for number in whole], rows[whole])
    found.close()


@pytest.mark.parametrize("fails_at", ["write", "flush"])
def test_full_disk_is_reported_by_add_and_close_raises_nothing(fails_at, tmp_path, monkeypatch):
    class FullDisk(io.BytesIO):
        """Fails like a buffered file: at the write, or only when the buffer is written."""

        def write(self, content):
            return fail() if fails_at == "write" else super().write(content)

        def flush(self):
            fail()

        def close(self):
            fail()

        def __del__(self):
            """Does not close again, whose error Python 3.13 reports."""

    def fail():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = FeatureStore((6,), tmp_path, "name")
    monkeypatch.setattr(store, "_open_new", FullDisk)
    with pytest.raises(OSError, match=r"`cache` must be a readable .*No space left on device\."):
        store.add([key_of(0)], rows_of(1, (6,)))
    store.close()


@pytest.mark.parametrize("kind", ["permission", "folder", "fifo", "dangling link"])
def test_feature_file_that_cannot_be_read_is_skipped(kind, tmp_path, monkeypatch):
    store, rows = FeatureStore((6,), tmp_path, "name"), rows_of(1, (6,))
    store.add([key_of(0)], rows)
    store.close()
    place = tmp_path / "name-0.features"
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "dangling link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.write_bytes(b"another user's")
        opened = Path.open

        def refuse(self, *arguments, **options):
            if self == place:
                raise PermissionError(errno.EACCES, "Permission denied")
            return opened(self, *arguments, **options)

        monkeypatch.setattr(Path, "open", refuse)
    found = FeatureStore((6,), tmp_path, "name")
    assert_holds(found, [key_of(0)], rows)
    found.close()
