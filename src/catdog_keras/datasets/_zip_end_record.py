"""The end record of a zip archive, which states where the list of its members is.

`zipfile` reads this list into memory as a whole, and takes the last end record that it finds.
Therefore its size is checked, and that there is only one, before `zipfile` opens the archive.
"""

import os
import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from catdog_keras.datasets._zip_signatures import signature_positions

END_SIGNATURE = b"PK\5\6"
MEMBER_SIGNATURE = b"PK\1\2"  # starts each entry of the list of members
RECORD = struct.Struct("<4s4H2LH")
ZIP64_RECORD = struct.Struct("<4sQ2H2L4Q")
ZIP64_LOCATOR = struct.Struct("<4sLQL")
LONGEST_COMMENT = 2**16 - 1


@dataclass(frozen=True)
class EndRecord:
    """Where the list of members is.

    Attributes:
        stated: Number of members, as far as the record can state it.
        modulus: The number of members is stated modulo this.
        start: Position of the first byte of the list.
        size: Bytes of the list.
    """

    stated: int
    modulus: int
    start: int
    size: int

    def count_entries(self, stream: BinaryIO) -> int:
        """Returns an upper bound of the number of members, without creating objects for them."""
        stream.seek(self.start)
        return stream.read(self.size).count(MEMBER_SIGNATURE)

    def check_prefix(self, stream: BinaryIO, first_member: int) -> None:
        """Raises an error if another archive is in front of the first member.

        Raises:
            zipfile.BadZipFile: If there is one. Other programs may unpack that archive instead.
        """
        for position in signature_positions(stream, END_SIGNATURE, 0, first_member):
            if _follows_list_of_members(stream, position):
                raise zipfile.BadZipFile("it begins with another zip archive")


def read_end_record(stream: BinaryIO) -> EndRecord | None:
    """Reads the end record as `zipfile` does; returns None if the file does not have one.

    Raises:
        zipfile.BadZipFile: If programs may differ on which record is the right one, or the record
            contradicts the file or itself.
    """
    length = stream.seek(0, os.SEEK_END)
    tail_start = max(0, length - RECORD.size - LONGEST_COMMENT - 1)
    stream.seek(tail_start)
    tail = stream.read()
    at = tail.rfind(END_SIGNATURE, 0, len(tail) - RECORD.size + len(END_SIGNATURE))
    last = len(tail) - RECORD.size
    if last >= 0 and tail.startswith(END_SIGNATURE, last) and tail.endswith(b"\0\0"):
        at = last  # a record without a comment; its numbers may contain the signature
    if at < 0:
        return None
    if tail.find(END_SIGNATURE, at + RECORD.size) >= 0:  # `zipfile` would begin there
        raise zipfile.BadZipFile("its comment contains the signature of an end record")
    _check_not_in_comment(tail, at)
    _, _, _, _, count, size, offset, comment = RECORD.unpack_from(tail, at)
    end, modulus = tail_start + at, 2**16
    zip64 = _read_zip64_record(stream, end)
    if zip64 is not None:
        end -= ZIP64_LOCATOR.size + ZIP64_RECORD.size
        for short, long, limit in zip((count, size, offset), zip64, (16, 32, 32), strict=True):
            if short not in (long, 2**limit - 1):
                raise zipfile.BadZipFile("its two end records contradict each other")
        (count, size, offset), modulus = zip64, 2**64
    if not size and length > RECORD.size + comment:
        raise zipfile.BadZipFile("its list of members is missing")
    if end - size < offset:
        raise zipfile.BadZipFile("its beginning is missing")
    return EndRecord(count, modulus, end - size, size)


def _check_not_in_comment(tail: bytes, at: int) -> None:
    """Raises an error if the record at `at` is within the comment of another one."""
    other = tail.find(END_SIGNATURE, 0, at)
    while other >= 0:
        if other + RECORD.size <= at:
            comment = RECORD.unpack_from(tail, other)[-1]
            if other + RECORD.size + comment > at:
                raise zipfile.BadZipFile("its comment contains another zip archive")
        other = tail.find(END_SIGNATURE, other + 1, at)


def _read_zip64_record(stream: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """Reads the record for large archives, if there is one in front of the end record at `end`."""
    start = end - ZIP64_LOCATOR.size - ZIP64_RECORD.size
    if start < 0:
        return None
    stream.seek(start)
    record = ZIP64_RECORD.unpack(stream.read(ZIP64_RECORD.size))
    locator = ZIP64_LOCATOR.unpack(stream.read(ZIP64_LOCATOR.size))
    if record[0] != b"PK\6\6" or locator[0] != b"PK\6\7":
        return None
    *_, count, size, offset = record
    if locator[2] not in (start, size + offset):
        raise zipfile.BadZipFile("its two end records contradict each other")
    return count, size, offset


def _follows_list_of_members(stream: BinaryIO, position: int) -> bool:
    """Returns whether the record at `position` follows a list of members."""
    stream.seek(position)
    record = stream.read(RECORD.size)
    if len(record) < RECORD.size:
        return False
    size = RECORD.unpack(record)[5]
    for start in (position - size, position - size - ZIP64_LOCATOR.size - ZIP64_RECORD.size):
        if size and start >= 0:
            stream.seek(start)
            if stream.read(len(MEMBER_SIGNATURE)) == MEMBER_SIGNATURE:
                return True
    return False
