"""Keeps the list that the navigation was read from off the site; loaded by MkDocs as it builds."""

from typing import Any

from mkdocs.structure.files import InclusionLevel


def on_nav(nav: Any, config: Any, files: Any) -> Any:
    """Called by MkDocs once the navigation is known."""
    del config
    files.get_file_from_path("reference/SUMMARY.md").inclusion = InclusionLevel.EXCLUDED
    return nav
