"""Converts the tutorials to notebooks, and runs these.

python docs/notebooks.py
"""

import re
import sys
import tempfile
import textwrap
from pathlib import Path

import nbformat
from nbformat import v4

TUTORIALS = Path(__file__).parent / "tutorials"
CODE = re.compile(r'^```python exec="on"[^\n]*\n(.*?)^```\n', re.DOTALL | re.MULTILINE)
EPOCHS = re.compile(r"\b(epochs ?= ?)\d\d+")
HIDDEN = re.compile(r"^.*# markdown-exec: hide\n", re.MULTILINE)
IMAGE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n", re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)(\{[^}]*\})?")
NOTE = re.compile(r'^!!! \w+ "([^\n]+)"\n\n((?:    [^\n]*\n|\n)+)', re.MULTILINE)


def pages() -> list[Path]:
    """Returns the tutorials, in the order in which they build on each other."""
    return sorted(TUTORIALS.glob("[0-9]*.md"))


def notebook_of(page: Path) -> nbformat.NotebookNode:
    """Converts one page: a cell for each of its blocks that the site runs, and the text between."""
    text = page.read_text("utf-8")
    cells, start = [], 0
    for block in CODE.finditer(text):
        cells += [_text_cell(text[start : block.start()]), v4.new_code_cell(_code(block[1]))]
        start = block.end()
    cells.append(_text_cell(text[start:]))
    for number, cell in enumerate(cells):
        cell["id"] = str(number)  # the same in each build
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _code(block: str) -> str:
    """Returns the code without the lines that put figures on the page of the site."""
    return HIDDEN.sub("", block).strip()


def _text_cell(text: str) -> nbformat.NotebookNode:
    """Returns text without images and links, whose targets are files of the site."""
    text = NOTE.sub(lambda note: f"> **{note[1]}**\n{_quoted(note[2])}", text)
    return v4.new_markdown_cell(LINK.sub(r"\1", IMAGE.sub("", text)).strip())


def _quoted(block: str) -> str:
    return textwrap.indent(textwrap.dedent(block).strip(), "> ", lambda _: True) + "\n\n"


def _shortened(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Trains for two epochs: the build of the site runs the same code in full."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = EPOCHS.sub(r"\g<1>2", cell.source)
    return notebook


def main() -> None:
    """Runs all notebooks, with short trainings; ends with an error at the first cell that fails."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        for page in pages():
            print(page.stem, flush=True)
            resources = {"metadata": {"path": folder}}
            notebook = _shortened(notebook_of(page))
            NotebookClient(notebook, timeout=600, resources=resources).execute()


if __name__ == "__main__":
    sys.exit(main())
