"""Composes the image of the README from the figures of a tutorial run.

catdog-keras tutorial && python docs/readme_image.py catdog-tutorial
"""

import sys
from pathlib import Path

from PIL import Image

TARGET = Path(__file__).parent / "images" / "tutorial.png"
HEIGHT = 480
COLORS = 192  # a palette keeps the file small


def main(folder: Path) -> None:
    """Puts images.png and comparison.png side by side."""
    parts = []
    for name in ("images.png", "comparison.png"):
        with Image.open(folder / name) as figure:
            width = round(figure.width * HEIGHT / figure.height)
            parts.append(figure.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS))
    whole = Image.new("RGB", (sum(part.width for part in parts), HEIGHT), "white")
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width
    whole.quantize(COLORS).save(TARGET, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
