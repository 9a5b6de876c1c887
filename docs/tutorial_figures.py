"""Puts the figures of the tutorials on their pages; loaded by MkDocs when it builds the site."""

import base64
import html
import io
import os
import sys
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# MkDocs knows a hook by its path; by this name the blocks of a page import it.
sys.modules["tutorial_figures"] = sys.modules[__name__]


def shown(drawn: Any, alt: str) -> str:
    """A figure, or the one that axes are of, as an image inside the page."""
    buffer = io.BytesIO()
    drawn.figure.savefig(buffer, format="webp", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt)}" src="data:image/webp;base64,{data}">'
