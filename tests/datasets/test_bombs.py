"""Small files of 49 megapixels: no scan takes more than 300 MB or 10 seconds."""

import shutil

import pytest

from tests.datasets.bombs import measure, write_bombs


@pytest.mark.slow
def test_scan_of_bombs_is_bounded_in_memory_and_time(tmp_path):
    tiny, *folders = write_bombs(tmp_path)
    together = tmp_path / "all"
    for folder in folders:
        shutil.copytree(folder, together, dirs_exist_ok=True)
    (baseline, seconds, _), *found, (peak_together, *_) = measure(tiny, *folders, together)
    exceeded = {
        folder.name: (peak - baseline, spent - seconds)
        for folder, (peak, spent, _) in zip(folders, found, strict=True)
        if peak - baseline > 300 or spent - seconds > 10
    }
    assert exceeded == {}
    assert peak_together - baseline <= 600
