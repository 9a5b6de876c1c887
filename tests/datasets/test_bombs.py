"""Small files of 49 megapixels: no scan takes more than 300 MB or 10 seconds."""

import pytest

from tests.corpora.image_files import encoded
from tests.datasets.bombs import bombs, measure


@pytest.mark.slow
def test_scan_of_each_bomb_is_bounded_in_memory_and_time(tmp_path):
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    (tiny / "a.png").write_bytes(encoded("PNG"))
    baseline, seconds, _ = measure(tiny)
    exceeded = {}
    for name, content in bombs().items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(content)
        peak, spent, _ = measure(folder)
        if peak - baseline > 300 or spent - seconds > 10:
            exceeded[name] = (peak - baseline, spent - seconds)
    assert exceeded == {}


@pytest.mark.slow
def test_scan_of_many_bombs_together_is_bounded_in_memory(tmp_path):
    tiny, many = tmp_path / "tiny", tmp_path / "many"
    tiny.mkdir()
    many.mkdir()
    (tiny / "a.png").write_bytes(encoded("PNG"))
    for name, content in bombs().items():
        (many / name).write_bytes(content)
    assert measure(many)[0] - measure(tiny)[0] <= 600
