"""Runs the code of the gallery, block by block, and writes the figures that the page shows.

python docs/gallery_figures.py
"""

import io
import re
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).parent
BLOCK = re.compile(r"^```python\n(.*?)^```\n\n!\[.*?\]\((.*?)\)", re.DOTALL | re.MULTILINE)
DPI = 80
COLORS = 96  # a palette keeps each file under 100 KB


def main() -> None:
    """Each block leaves what it drew in `drawn`."""
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for code, path in BLOCK.findall(page):
        exec(compile(code, "gallery.md", "exec"), names)
        buffer = io.BytesIO()
        names["drawn"].figure.savefig(buffer, dpi=DPI)  # of axes, and of a figure itself
        picture = Image.open(buffer).convert("RGB").quantize(COLORS)
        picture.save(DOCS / path, optimize=True)


if __name__ == "__main__":
    main()
