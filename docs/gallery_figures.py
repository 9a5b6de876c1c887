"""Runs the code of the gallery, block by block, and writes the figures that the page shows.

    python docs/gallery_figures.py

The report is drawn by Chromium, which must be installed.
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
DPI = 160  # sharp on screens with two pixels per point
# (scale, colors): the first one with which a figure stays below MAX_BYTES is used.
ENCODINGS = ((1, 128), (1, 96), (1, 64), (0.85, 96), (0.85, 64), (0.7, 64))
MAX_BYTES = 150_000


def main() -> None:
    """Runs each block and saves its figure.

    A block assigns the axes or figure to `drawn`, or the path of a report to `page`.
    """
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for code, path in BLOCK.findall(text):
            exec(compile(code, "gallery.md", "exec"), names)
            page = names.pop("page", None)
            buffer = io.BytesIO()
            if page is None:
                names["drawn"].figure.savefig(buffer, dpi=DPI)  # axes and figures have `.figure`
            else:
                buffer.write(take_screenshot(Path(page)))
            (DOCS / path).write_bytes(compress(Image.open(buffer)))


def compress(image: Image.Image) -> bytes:
    """Encodes an image as a PNG file of at most `MAX_BYTES`, or with the last of `ENCODINGS`."""
    image = image.convert("RGB")
    for scale, colors in ENCODINGS:
        size = (round(scale * image.width), round(scale * image.height))
        scaled = image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image
        buffer = io.BytesIO()
        scaled.quantize(colors).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


def take_screenshot(page: Path) -> bytes:
    """Returns a screenshot of the top of a page, with 1.5 pixels per CSS pixel."""
    shot = page.with_suffix(".png").absolute()
    browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
    options = ["--window-size=1100,1232", "--force-device-scale-factor=1.5"]
    target = [f"--screenshot={shot}", page.absolute().as_uri()]
    subprocess.run([*browser, *options, *target], check=True, capture_output=True)
    return shot.read_bytes()


if __name__ == "__main__":
    main()
