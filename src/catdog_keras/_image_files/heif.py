"""HEIC files, which an optional package decodes, and AVIF files, which Pillow decodes."""

import functools
import importlib
import importlib.metadata
from contextlib import suppress

HEIF = "HEIF"  # the name of the format in Pillow
# Of the same author; `pi_heif` only decodes, so that its wheels contain no GPL-licensed encoder.
PACKAGES = ("pi_heif", "pillow_heif")
INSTALL = "pip install pi-heif"  # or the extra `heic`
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
HEADER_BYTES = 2**16  # in which an AVIF file describes its image
LONGEST_BOX = 400  # bytes; a file has a few brands of 4 bytes


def can_open_heif(content: bytes) -> bool:
    """Returns whether a file is in the format HEIF and Pillow can open it.

    The package is imported, and Pillow's plugin registered, when the first such file is read.
    """
    return _is_heif(content) and _register_heif_plugin()


def why_unknown(content: bytes) -> str:
    """Returns why a HEIC or AVIF file that Pillow does not identify is not read, or nothing."""
    if _is_heif(content) and not _register_heif_plugin():
        return f"a HEIC file, which requires another package: {INSTALL}"
    if any(brand in AVIF_BRANDS for brand in _file_type_brands(content)):
        return "an AVIF file that is damaged, or that this build of Pillow does not support"
    return ""


def describe_avif(content: bytes) -> dict[str, int]:
    """Returns bits per color and chroma subsampling of an AVIF file, as `pi_heif` does of HEIC.

    They are those of the first image in the header, which is the one that is shown. Without them
    the largest are returned.

    Source: AV1 Codec ISO Media File Format Binding, version 1.2.0, section 2.3.3.
    """
    at = content[:HEADER_BYTES].find(b"av1C")
    if at < 0 or at + 7 > len(content):
        return {"bit_depth": 12, "chroma": 444}
    flags = content[at + 6]
    is_deep, is_deepest, half_width, half_height = (flags >> bit & 1 for bit in (6, 5, 3, 2))
    chroma = 444 if not half_width else 420 if half_height else 422  # of gray images 420
    return {"bit_depth": 8 + 2 * is_deep + 2 * is_deepest, "chroma": chroma}


def heif_versions() -> dict[str, str]:
    """Returns the version of each of the packages that is installed."""
    versions = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _is_heif(content: bytes) -> bool:
    """Returns whether a file has a brand of HEIF; the general ones are also those of AVIF files."""
    brands = _file_type_brands(content)
    return any(brand in HEIF_BRANDS for brand in brands[:1]) and not any(
        brand in AVIF_BRANDS for brand in brands
    )


def _file_type_brands(content: bytes) -> list[bytes]:
    """Returns the brands in the first box of a HEIC or AVIF file; the main one is first."""
    if content[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(content[:4]), LONGEST_BOX, len(content))
    return [content[8:12], *(content[at : at + 4] for at in range(16, end - 3, 4))]


@functools.cache
def _register_heif_plugin() -> bool:
    """Registers the Pillow plugin of an installed package for HEIC; False if there is none."""
    for name in PACKAGES:
        try:
            package = importlib.import_module(name)
        except ImportError:
            continue
        package.register_heif_opener()
        return True
    return False
