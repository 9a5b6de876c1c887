"""Runs the code of the gallery, block by block, and writes the figures that the page shows.

python docs/gallery_figures.py    (Chromium photographs the report)
"""

import contextlib
import io
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).parent
BLOCK = re.compile(r"^```python\n(.*?)^```\n\n!\[.*?\]\((.*?)\)", re.DOTALL | re.MULTILINE)
DPI = 80
COLORS = 96  # a palette keeps each file under 100 KB


def main() -> None:
    """Each block leaves what it drew in `drawn`, or in `page` the path of a page that it wrote."""
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for code, path in BLOCK.findall(text):
            exec(compile(code, "gallery.md", "exec"), names)
            page = names.pop("page", None)
            buffer = io.BytesIO()
            if page is None:
                names["drawn"].figure.savefig(buffer, dpi=DPI)  # of axes, and of a figure itself
            else:
                buffer.write(photograph(Path(page)))
            picture = Image.open(buffer).convert("RGB").quantize(COLORS)
            picture.save(DOCS / path, optimize=True)


def photograph(page: Path) -> bytes:
    """The top of a page, as a browser shows it."""
    shot = page.with_suffix(".png").absolute()
    browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
    options = ["--window-size=1100,1250", f"--screenshot={shot}", page.absolute().as_uri()]
    subprocess.run([*browser, *options], check=True, capture_output=True)
    return shot.read_bytes()


if __name__ == "__main__":
    main()
