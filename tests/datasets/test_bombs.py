"""Small files of many pixels: none takes more than 300 MB, or much longer than plain ones."""

import shutil

import pytest

from tests.datasets.bombs import LOADING, MEASUREMENT, RGBA_LOADING, measure, write_bombs

# Decoding it takes as long as for any image of this size. As many scans as a bomb has take minutes.
PLAIN = "RGBA.png"
# Those that take most memory.
REFUSED = {"one strip.tif", "5000 scans.jpg", "lossless.webp", "lossy.webp"}
DEMANDING = ("16-bit RGBA.png", "turned RGBA.png", "progressive 4:4:4.jpg", "100 scans.jpg", PLAIN)


@pytest.mark.slow
def test_scan_of_bombs_is_bounded_in_memory_and_time(tmp_path):
    tiny, *folders = write_bombs(tmp_path)
    together = tmp_path / "all"
    for name in DEMANDING:
        shutil.copytree(tmp_path / name, together, dirs_exist_ok=True)
    (baseline, *_), *found, (peak_together, *_) = measure(tiny, *folders, together)
    seconds = {folder.name: spent for folder, (_, spent, _) in zip(folders, found, strict=True)}
    exceeded = {
        folder.name: (peak - baseline, spent / seconds[PLAIN])
        for folder, (peak, spent, _) in zip(folders, found, strict=True)
        if peak - baseline > 300 or spent > 5 * seconds[PLAIN]
    }
    assert exceeded == {}
    assert peak_together - baseline <= 600


@pytest.mark.slow
@pytest.mark.parametrize("call", [MEASUREMENT, LOADING, RGBA_LOADING])
def test_use_of_bombs_is_bounded_in_memory(call, tmp_path):
    """Measuring, as `doctor` does, and training need all pixels, also of rotated images."""
    tiny, *folders = write_bombs(tmp_path)
    used = [folder for folder in folders if folder.name not in REFUSED]
    together = tmp_path / "all"
    for name in (*DEMANDING, "progressive 4:2:0.jpg", "CMYK.jpg"):
        shutil.copytree(tmp_path / name, together, dirs_exist_ok=True)
    (baseline, *_), *found, (peak_together, *_) = measure(tiny, *used, together, call=call)
    peaks = {folder.name: peak - baseline for folder, (peak, *_) in zip(used, found, strict=True)}
    assert {name: peak for name, peak in peaks.items() if peak > 300} == {}
    assert peak_together - baseline <= 600
