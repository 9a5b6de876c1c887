"""MkDocs hook that excludes the navigation list `reference/SUMMARY.md` from the built site."""

from typing import Any

from mkdocs.structure.files import InclusionLevel


def on_nav(nav: Any, config: Any, files: Any) -> Any:
    """Excludes the list after MkDocs has read the navigation from it."""
    del config
    files.get_file_from_path("reference/SUMMARY.md").inclusion = InclusionLevel.EXCLUDED
    return nav
