"""Generates the reference, a page per public name, and the notebooks; run by mkdocs-gen-files."""

import importlib
import inspect
import re
import sys
from pathlib import Path

import mkdocs_gen_files
import nbformat

import catdog_keras
from catdog_keras.models._backbones import Backbone

sys.path.insert(0, str(Path(__file__).parent))
import notebooks

HEADINGS = {
    "datasets": "Datasets",
    "layers": "Layers",
    "models": "Models",
    "training": "Training",
    "conversion": "Conversion",
    "diagnostics": "Diagnostics",
    "doctor": "Doctor",
    "evaluation": "Evaluation",
    "plotting": "Plotting",
    "report": "Report",
}


def names_by_subpackage() -> dict[str, list[str]]:
    """Lists the public names of each subpackage."""
    found = {}
    for subpackage in HEADINGS:
        found[subpackage] = list(importlib.import_module(f"catdog_keras.{subpackage}").__all__)
    return found


def first_line(subpackage: str, name: str) -> str:
    """Returns the first line of the docstring of a public name."""
    public = getattr(importlib.import_module(f"catdog_keras.{subpackage}"), name)
    if not callable(public):
        return "The backbones that `transfer_model` supports by name."
    return (inspect.getdoc(public) or "").splitlines()[0].replace("|", "\\|")


def network_name(backbone: Backbone) -> str:
    """Returns the name of the function that builds a backbone."""
    builder = getattr(backbone.builder, "func", backbone.builder)  # of a partial
    return builder.__name__


def backbone_rows() -> list[str]:
    """Returns a table of the supported backbones."""
    rows = [
        "",
        "| name | network | preprocessing | smallest side | features | parameters | size | top-1 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| `{name}` | `{network_name(known)}` | {known.preprocessing or 'its own'} "
        f"| {known.minimum_size} | {known.features} | {known.parameters / 1e6:.1f} M "
        f"| {known.image_size} | {known.top1 or '-'} |"
        for name, known in catdog_keras.BACKBONES.items()
    ]
    return rows


def guides() -> dict[str, str]:
    """Returns the text of each tutorial and how-to page, by path."""
    folder = Path(__file__).parent
    pages = [*sorted(folder.glob("tutorials/*.md")), *sorted(folder.glob("how-to/*.md"))]
    return {page.relative_to(folder).as_posix(): page.read_text("utf-8") for page in pages}


def guide_lines(name: str) -> list[str]:
    """Returns a list of the tutorials and how-to pages that use a public name."""
    used = re.compile(rf"reference/{name}\.md|\bck\.(\w+\.)?{name}\b")
    lines = [
        f"- [{re.search('^# (.+)', text, re.MULTILINE)[1]}](../{path})"
        for path, text in GUIDES.items()
        if used.search(text)
    ]
    return ["", "## Guides that use it", "", *lines] if lines else []


def page_of(subpackage: str, name: str) -> str:
    """Returns the page of a public name, which mkdocstrings fills from the docstring."""
    lines = [f"::: catdog_keras.{subpackage}.{name}"]
    if name == "BACKBONES":
        lines += ["    options:", "      show_attribute_values: false", *backbone_rows()]
    if (FIGURES / f"{name}.png").exists():
        lines += ["", f"![Effect of {name} on images](../images/layers/{name}.png)"]
    return "\n".join([*lines, *guide_lines(name)]) + "\n"


FIGURES = Path(__file__).parent / "images" / "layers"
GUIDES = guides()
summary = ["* [Overview](index.md)", "* [Gallery of plots](../gallery.md)"]
overview = [
    "# Reference",
    "",
    "Names are available as `catdog_keras.NAME`; `compare` and `calibrate` as "
    "`catdog_keras.evaluation.NAME`, and the checks of data with their records as "
    "`catdog_keras.diagnostics.NAME`.",
    "",
]
for subpackage, names in names_by_subpackage().items():
    summary.append(f"* {HEADINGS[subpackage]}")
    overview += [f"## {HEADINGS[subpackage]}", "", "| name | what it is |", "| --- | --- |"]
    for name in names:
        with mkdocs_gen_files.open(f"reference/{name}.md", "w") as page:
            page.write(page_of(subpackage, name))
        summary.append(f"    * [{name}]({name}.md)")
        overview.append(f"| [`{name}`]({name}.md) | {first_line(subpackage, name)} |")
    overview.append("")
for tutorial in notebooks.pages():
    with mkdocs_gen_files.open(f"notebooks/{tutorial.stem}.ipynb", "w") as page:
        nbformat.write(notebooks.notebook_of(tutorial), page)
with mkdocs_gen_files.open("reference/SUMMARY.md", "w") as page:
    page.write("\n".join(summary) + "\n")
with mkdocs_gen_files.open("reference/index.md", "w") as page:
    page.write("\n".join(overview))
