"""Every block of Python in the README and on the site runs, page by page, as a reader would run it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_on_a_page_runs(page, drawn_synthetic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # tests download nothing
    names = {"__name__": "__page__"}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)
    assert "keras.src" not in page.read_text("utf-8")


def test_the_readme_shows_the_pieces_in_ten_lines_or_so():
    shown = blocks(ROOT / "README.md")
    assert len(shown) == 1
    statements = [line for line in shown[0].splitlines() if line and not line.startswith(" ")]
    assert len(statements) <= 10


def test_every_block_of_a_tutorial_runs_when_the_site_is_built():
    """The first page shows how to begin, and is run like the others above."""
    for page in (ROOT / "docs" / "tutorials").glob("[0-9]*.md"):
        fences = re.findall(r"^```(?:python|py)\b.*$", page.read_text("utf-8"), re.MULTILINE)
        assert fences
        assert [fence for fence in fences if ' exec="on" ' not in fence] == []
