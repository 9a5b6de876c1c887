"""Checksum of a file."""

import hashlib
from pathlib import Path


def sha256_of(file: Path) -> str:
    """Returns the SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
