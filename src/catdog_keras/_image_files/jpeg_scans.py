"""Number of scans of a JPEG file, which bounds the time that decoding takes.

A progressive JPEG stores its pixels in several scans, each of which visits all blocks of the image
again. A scan can be as short as 20 bytes, so that neither the size of the file nor that of the
image bounds the time.
"""

import re

from catdog_keras._image_files.jpeg_markers import END_OF_IMAGE, START_OF_SCAN, WITHOUT_LENGTH

_SCAN_MARKER = bytes([0xFF, START_OF_SCAN])
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MARKER_AFTER_DATA = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")

MAX_SCANS = 300
MAX_SCANNED_MEGAPIXELS = 5_000  # of all components in all scans, 7 times those of a usual file


def has_too_many_scans(content: bytes, pixels: int) -> bool:
    """Returns whether a JPEG file exceeds one of the bounds.

    Args:
        content: The file.
        pixels: Width times height of the image.
    """
    most = content.count(_SCAN_MARKER)  # fast; also counts previews and trailing data
    if not _exceeds_scan_limits(most, most * 4, pixels):
        return False
    scans = scan_components(content)
    return _exceeds_scan_limits(len(scans), sum(scans), pixels)


def has_separate_scans(content: bytes, components: int) -> bool:
    """Returns whether the first scan of a JPEG file lacks some of the color components."""
    scans = scan_components(content) if content.count(_SCAN_MARKER) > 1 else []
    return bool(scans) and scans[0] < components


def scan_components(content: bytes) -> list[int]:
    """Returns the number of components in each scan, as a decoder reads them, up to the end."""
    scans = []
    found = _MARKER.search(content, 2)
    while found and (marker := found[1][0]) != END_OF_IMAGE:
        start, pattern = found.end(), _MARKER
        if marker == START_OF_SCAN:
            scans.append(int.from_bytes(content[start + 2 : start + 3]))
            pattern = _MARKER_AFTER_DATA
        length = 0 if marker in WITHOUT_LENGTH else int.from_bytes(content[start : start + 2])
        found = pattern.search(content, start + length)
    return scans


def _exceeds_scan_limits(scans: int, components: int, pixels: int) -> bool:
    """Returns whether numbers of scans, or of the pixels in all their components, are too large."""
    return scans > MAX_SCANS or components * pixels > MAX_SCANNED_MEGAPIXELS * 1_000_000
