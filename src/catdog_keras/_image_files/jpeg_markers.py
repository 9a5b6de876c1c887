"""Bytes that start the parts of a JPEG file."""

JPEG_START = b"\xff\xd8"  # the first bytes of the file
# The second byte of a marker; the first one is 0xFF.
START_OF_SCAN, END_OF_IMAGE, COMMENT = 0xDA, 0xD9, 0xFE
APPLICATION = range(0xE0, 0xF0)
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
