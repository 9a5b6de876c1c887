"""The code blocks of a page of the documentation."""

import re
from pathlib import Path


def fenced_blocks(page: Path, language: str = "python") -> list[str]:
    """Returns the content of each fenced block whose first line is exactly this language."""
    fenced = rf"^```{language}\n(.*?)^```"
    return re.findall(fenced, page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
