"""JPEG files of many scans, each of which costs a few bytes and a visit of all pixels."""

import struct

MARKER, SCAN = 0xFF, 0xDA
DC, AC = ((1, 2, 3), 0, 0, 0), ((1,), 1, 63, 0)


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG file."""
    return struct.pack(">BBH", MARKER, marker, len(data) + 2) + data


def jpeg(
    scans: list[tuple[tuple[int, ...], int, int, int]],
    size: tuple[int, int] = (16, 16),
    *,
    frame: int = 0xC2,
    components: int = 3,
    data: bytes = b"\0\0",
    extra: bytes = b"",
) -> bytes:
    """A JPEG file, progressive unless `frame` says otherwise, of little more than its markers.

    Args:
        scans: Components, first and last coefficient, and bit position of each scan.
        size: Width and height.
        frame: Marker of the frame; 0xCA is progressive with arithmetic coding.
        components: Number of color components.
        data: Entropy-coded data of each scan; decoders fill in what is missing.
        extra: Segments in front of the frame.
    """
    width, height = size
    table = bytes([0, 2, *[0] * 14])  # two codes of two bits
    shape = struct.pack(">BHHB", 8, height, width, components)
    shape += b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    parts = [b"\xff\xd8", extra, segment(0xDB, b"\0" + b"\1" * 64), segment(frame, shape)]
    parts += [segment(0xC4, b"\0" + table + b"\0\1"), segment(0xC4, b"\x10" + table + b"\xe0\1")]
    for which, first, last, bits in scans:
        chosen = b"".join(bytes([number, 0]) for number in which)
        parts += [segment(SCAN, bytes([len(which), *chosen, first, last, bits])), data]
    return b"".join([*parts, b"\xff\xd9"])
