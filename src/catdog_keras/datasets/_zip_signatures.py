"""Search for a signature, the first bytes of a record, in a part of a zip archive."""

from collections.abc import Iterator
from typing import BinaryIO

CHUNK_BYTES = 2**20


def signature_positions(stream: BinaryIO, signature: bytes, start: int, end: int) -> Iterator[int]:
    """Yields each position of a signature that is completely between two positions of a stream.

    The bytes are read in chunks. The stream may be moved between two positions.
    """
    overlap = b""
    for position in range(start, end, CHUNK_BYTES):
        stream.seek(position)
        block = overlap + stream.read(min(CHUNK_BYTES, end - position))
        at = block.find(signature)
        while at >= 0:
            yield position - len(overlap) + at
            at = block.find(signature, at + 1)
        overlap = block[-len(signature) + 1 :]
