"""Writes a page for each public name, run by mkdocs-gen-files when the site is built."""

import ast
from pathlib import Path

import mkdocs_gen_files

PACKAGE = Path(__file__).parents[1] / "src" / "catdog_keras" / "__init__.py"
HEADINGS = {
    "datasets": "Datasets",
    "layers": "Layers",
    "models": "Models",
    "evaluation": "Evaluation",
    "plotting": "Plotting",
    "report": "Report",
}


def names_by_subpackage() -> dict[str, list[str]]:
    """Reads the package's own imports: what is public, and where it lives."""
    found: dict[str, list[str]] = {}
    for node in ast.parse(PACKAGE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found[node.module.split(".")[1]] = [alias.name for alias in node.names]
    return found


summary = ["* [Overview](index.md)"]
overview = ["# Reference", "", "Every public name is reachable as `catdog_keras.NAME`.", ""]
for subpackage, names in names_by_subpackage().items():
    summary.append(f"* {HEADINGS[subpackage]}")
    overview += [f"## {HEADINGS[subpackage]}", ""]
    for name in names:
        with mkdocs_gen_files.open(f"reference/{name}.md", "w") as page:
            page.write(f"::: catdog_keras.{subpackage}.{name}\n")
        summary.append(f"    * [{name}]({name}.md)")
        overview.append(f"- [`{name}`]({name}.md)")
    overview.append("")
with mkdocs_gen_files.open("reference/SUMMARY.md", "w") as page:
    page.write("\n".join(summary) + "\n")
with mkdocs_gen_files.open("reference/index.md", "w") as page:
    page.write("\n".join(overview))
