"""Small files of 49 megapixels: no scan takes more than 300 MB, or much longer than for plain ones."""

import shutil

import pytest

from tests.datasets.bombs import MEASUREMENT, measure, write_bombs

# Decoding it takes as long as for any image of this size. As many scans as a bomb has take minutes.
PLAIN = "RGBA.png"
# Those that take most memory.
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
def test_measuring_bombs_is_bounded_in_memory(tmp_path):
    """As `doctor` does: it needs all pixels, so that it takes more than a scan."""
    tiny, *folders = write_bombs(tmp_path)
    together = tmp_path / "all"
    for name in ("16-bit RGBA.png", "turned RGBA.png", "progressive 4:4:4.jpg", PLAIN, "CMYK.jpg"):
        shutil.copytree(tmp_path / name, together, dirs_exist_ok=True)
    (baseline, *_), *found, (peak_together, *_) = measure(
        tiny, *folders, together, call=MEASUREMENT
    )
    peaks = {folder.name: peak for folder, (peak, *_) in zip(folders, found, strict=True)}
    assert {name: peak for name, peak in peaks.items() if peak - baseline > 480} == {}
    assert peak_together - baseline <= 800
