"""The page of the findings: cards with images that can be marked, rendered from plain records."""

import base64
import hashlib
import importlib.resources
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from catdog_keras._html_page import Figure, Page, Section, render_page
from catdog_keras._image_files.thumbnail import decode_thumbnail
from catdog_keras.datasets._decisions import VERSION, Decisions
from catdog_keras.datasets._read_unchanged import read_unchanged
from catdog_keras.diagnostics import DataFinding
from catdog_keras.doctor._images import Images

THUMBNAIL_SIDE = 200  # pixels
JPEG_QUALITY = 70
MOST_CARDS = 60  # of a section, so that a page has at most about 10 MB
MOST_IMAGES = 6  # of a card


@dataclass(frozen=True)
class Shown:
    """An image on the page.

    Attributes:
        number: Its number among all images on the page.
        figure: The thumbnail.
        file: Path of the file.
        details: Class and split.
        suggestion: Index of the class that is proposed for it: the likely one, or the next.
    """

    number: int
    figure: Figure
    file: str
    details: str
    suggestion: int


@dataclass(frozen=True)
class Card:
    """A finding on the page: its text, and the images that are marked.

    Attributes:
        text: The text of the finding.
        images: The first images of the finding.
        more: Number of its further images.
    """

    text: str
    images: Sequence[Shown]
    more: int


@dataclass(frozen=True)
class CardSection(Section):
    """Section of the page on findings about single images.

    Attributes:
        cards: The first findings.
        more: Number of further findings.
    """

    cards: Sequence[Card] = ()
    more: int = 0


class ShownImages:
    """The images that the page shows, each with one thumbnail and number."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self._shown: dict[int, tuple[int, Figure]] = {}

    def cards(self, findings: Sequence[DataFinding]) -> tuple[list[Card], int]:
        """Returns a card for each of the first findings, and the number of the others."""
        cards = [
            Card(
                finding.text,
                [self._show(place, finding) for place in finding.indices[:MOST_IMAGES]],
                max(len(finding.indices) - MOST_IMAGES, 0),
            )
            for finding in findings[:MOST_CARDS]
        ]
        return cards, max(len(findings) - MOST_CARDS, 0)

    def to_list(self) -> list[tuple[str, str]]:
        """Returns path and SHA-256 of each image on the page, in the order of their numbers."""
        found = self.images.found
        return [(self.images.files[place], found[place].sha256) for place in self._shown]

    def _show(self, place: int, finding: DataFinding) -> Shown:
        images = self.images
        name = images.class_names[images.labels[place]]
        if place not in self._shown:
            number = len(self._shown)
            self._shown[place] = number, self._draw(place, name)
        number, figure = self._shown[place]
        details = f"{name}, {images.splits[place]}"
        following = (int(images.labels[place]) + 1) % len(images.class_names)
        likely = images.class_names.index(finding.likely) if finding.likely else following
        return Shown(number, figure, images.files[place], details, likely)

    def _draw(self, place: int, name: str) -> Figure:
        thumbnail = decode_thumbnail(read_unchanged(self.images.found[place]), THUMBNAIL_SIDE)
        buffer = io.BytesIO()
        thumbnail.save(buffer, "JPEG", quality=JPEG_QUALITY)
        source = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        alt = f"{self.images.files[place]}, labeled {name}"
        return Figure(source, thumbnail.width, thumbnail.height, alt, "")


def render_decision_page(page: Page, shown: ShownImages, decisions: Decisions) -> str:
    """Renders the page, with the earlier decisions and the paths that the script needs."""
    from markupsafe import Markup

    script = importlib.resources.files("catdog_keras.doctor").joinpath("page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    content = {
        "version": VERSION,
        "classes": shown.images.class_names,
        "images": shown.to_list(),
        "decisions": {file: each.to_dict() for file, each in decisions.by_file.items()},
    }
    # "</script>" and "<!--" in a name would end the element that contains the data.
    data = json.dumps(content).replace("<", "\\u003c")
    return render_page(
        page,
        "doctor/page.html",
        script=Markup(script),
        script_digest=digest,
        data=Markup(data),
    )
