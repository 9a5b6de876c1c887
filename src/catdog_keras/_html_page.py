"""Self-contained HTML page of headings, tables and figures, rendered from plain records."""

import base64
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catdog_keras._checks import check_path, describe
from catdog_keras._printable import printable
from catdog_keras._write_files import save_text

FIGURE_DPI = 130  # sharp in print and on high-resolution screens, at half the file size of 200
JPEG_QUALITY = 85
REPORT_FILE = "report.html"
LONG = 40  # rows; a longer table scrolls in a box
BROAD = 900  # pixels; narrower figures stay readable when they are scaled down to a phone


@dataclass(frozen=True)
class Table:
    """Table of text cells on an HTML page; the first cell of a row is its header.

    Attributes:
        caption: Caption above the table.
        header: Column names; empty for a table of name-value pairs.
        rows: Cells of text, the same number in each row.
        texts: Number of leading text columns; the others are numbers and are right-aligned.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1

    @property
    def long(self) -> bool:
        """Whether the table has too many rows to read past it."""
        return len(self.rows) > LONG


@dataclass(frozen=True)
class Figure:
    """Image embedded in the page.

    Attributes:
        source: Data URI of the image.
        width: Width in pixels.
        height: Height in pixels.
        alt: Alternative text for readers who cannot see the image.
        caption: Caption below the image.
    """

    source: str
    width: int
    height: int
    alt: str
    caption: str

    @property
    def broad(self) -> bool:
        """Whether the image is too wide to stay readable at the width of a phone."""
        return self.width > BROAD


@dataclass(frozen=True)
class Section:
    """Section of the page with its own heading."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Page:
    """Contents of the page.

    Attributes:
        title: Main heading.
        note: Caveat shown before all results, or empty.
        summary: Key figures shown first: name, value, and the line below it.
        sections: Sections of the page.
        footer: Last line of the page.
    """

    title: str
    note: str
    summary: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    footer: str


def render_page(page: Page, template: str = "report/page.html", **values: Any) -> str:
    """Renders a page as HTML; all text is escaped.

    Args:
        page: Contents of the page.
        template: Template, relative to the package; one that extends `report/page.html`.
        **values: Further values of that template.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("catdog_keras", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_escape_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(page=page, **values)


def embed_figure(drawing: Any, alt: str, caption: str, *, photographs: bool = False) -> Figure:
    """Converts a matplotlib figure, or the figure of an Axes, to an image embedded in the page.

    Args:
        drawing: Figure or axes.
        alt: Alternative text for readers who cannot see the image.
        caption: Caption below the image.
        photographs: Whether the figure consists of photographs, for which JPEG takes a tenth of the
            bytes.
    """
    from PIL import Image

    buffer = io.BytesIO()
    form, how = ("jpeg", {"quality": JPEG_QUALITY}) if photographs else ("png", {})
    drawing.figure.savefig(buffer, format=form, dpi=FIGURE_DPI, facecolor="white", pil_kwargs=how)
    with Image.open(buffer) as image:
        width, height = image.size
    source = f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Figure(source, width, height, alt, caption)


def _escape_text(value: Any) -> Any:
    """Escapes control characters and those that change the text direction, for an HTML page."""
    return printable(value) if type(value) is str else value


def check_page_path(path: Any, remedy: str = "") -> Path:
    """Returns the file of a page: `path`, or `report.html` in it if it has no ending.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If it ends neither in .html nor .htm.
    """
    file = check_path("path", path, remedy=remedy)
    if file.is_dir() or not file.suffix:
        return file / REPORT_FILE
    if file.suffix.lower() not in (".html", ".htm"):
        raise ValueError(describe("path", "a folder, or a file that ends in .html", str(path)))
    return file


def save_page(path: Any, text: str) -> Path:
    """Writes a page to the file of `check_page_path` and returns it; creates its folders."""
    file = check_page_path(path)
    with suppress(OSError):  # reported when the file is written
        file.parent.mkdir(parents=True, exist_ok=True)
    save_text(file, text)
    return file
