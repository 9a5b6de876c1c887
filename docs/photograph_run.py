"""Runs the function for photographs of the transfer learning tutorial, for its page.

    KERAS_HOME=... python docs/photograph_run.py IMAGES

IMAGES is a folder or zip archive of photographs. The ImageNet weights of MobileNetV2 must be in
$KERAS_HOME/models, or are downloaded. What the function prints is written into the page, and the
learning curves next to it; the photographs themselves are not part of the repository.
"""

import contextlib
import io
import re
import sys
import time
from pathlib import Path
from typing import Any

import keras
import matplotlib as mpl
from PIL import Image

import catdog_keras as ck
from gallery_figures import DPI, compress

DOCS = Path(__file__).parent
PAGE = DOCS / "tutorials" / "4-transfer-learning.md"
FIGURE = DOCS / "images" / "photographs.png"
FUNCTION = re.compile(
    r"^```python [^\n]*\n(def classify_photographs.*?)^```", re.DOTALL | re.MULTILINE
)

OUTPUT = re.compile(
    r"(?<=copied its output here:\n\n```text\n).*?(?=^```)", re.DOTALL | re.MULTILINE
)


def main(images: Path) -> None:
    """Runs the function, and writes its output and the learning curves of the head."""
    mpl.use("agg")
    keras.utils.set_random_seed(0)
    names: dict[str, Any] = {"ck": ck}
    page = PAGE.read_text("utf-8")
    exec(FUNCTION.search(page)[1], names)
    printed, started = io.StringIO(), time.perf_counter()
    with contextlib.redirect_stdout(printed):
        _, history = names["classify_photographs"](images)
    seconds = time.perf_counter() - started
    PAGE.write_text(OUTPUT.sub(lambda _: printed.getvalue(), page), "utf-8")
    buffer = io.BytesIO()
    ck.plot_history(history).savefig(buffer, dpi=DPI)
    FIGURE.write_bytes(compress(Image.open(buffer)))
    print(f"{seconds:.0f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
