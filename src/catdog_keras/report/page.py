"""One HTML page that needs nothing beside it: headings, tables and figures from plain records."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catdog_keras.datasets.scan_report import printable

FIGURE_DPI = 130  # sharp on paper and on dense screens, at half the bytes of 200
JPEG_QUALITY = 85
BROAD = 900  # pixels; below it the letters can still be read where it is shrunk to a phone


@dataclass(frozen=True)
class Table:
    """Rows of text below a header; the first cell of a row names it.

    Attributes:
        caption: What the table says, above it.
        header: The names of the columns; none for pairs of name and value.
        rows: Cells of text, as many in each row.
        texts: How many columns are text; those behind them are numbers, to be set right.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture inside the page.

    Attributes:
        source: Its data URI.
        width: Pixels.
        height: Pixels.
        alt: What it shows, for those who do not see it.
        caption: The line below it.
    """

    source: str
    width: int
    height: int
    alt: str
    caption: str

    @property
    def broad(self) -> bool:
        """Whether it would be too small to read where it has to fit the width of a phone."""
        return self.width > BROAD


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Page:
    """The whole page.

    Attributes:
        title: The heading above all.
        remark: What has to be known before the figures are read, or nothing.
        summary: The figures to be seen first: name, value, what stands below it.
        sections: The parts.
        footer: The last line.
    """

    title: str
    remark: str
    summary: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    footer: str


def render_page(page: Page) -> str:
    """Returns the HTML of a page; whatever stands in its texts is shown, never interpreted."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("catdog_keras", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(page=page)


def embed(drawing: Any, alt: str, caption: str, *, photographs: bool = False) -> Figure:
    """Puts a matplotlib figure, or that of an Axes, into a record for the page.

    Args:
        drawing: The figure or the axes.
        alt: What it shows, for those who do not see it.
        caption: The line below it.
        photographs: Whether it is made of pictures, which a JPEG holds in a tenth of the bytes.
    """
    from PIL import Image

    buffer = io.BytesIO()
    form, how = ("jpeg", {"quality": JPEG_QUALITY}) if photographs else ("png", {})
    drawing.figure.savefig(buffer, format=form, dpi=FIGURE_DPI, facecolor="white", pil_kwargs=how)
    with Image.open(buffer) as image:
        width, height = image.size
    source = f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Figure(source, width, height, alt, caption)


def _shown(value: Any) -> Any:
    """Text without what would turn its direction or be no letter at all."""
    return printable(value) if type(value) is str else value
