"""The headers and contents of the members of a zip archive, compared with the list of members.

`zipfile` takes most facts from the list, other programs from the headers: an archive whose headers
contradict the list unpacks to other files elsewhere.
"""

import struct
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from catdog_keras.datasets._zip_signatures import signature_positions

HEADER_SIGNATURE = b"PK\3\4"
DESCRIPTOR = b"PK\7\x08"  # in front of the checksum and sizes behind the content; optional
SUMS, WIDE_SUMS = struct.Struct("<3L"), struct.Struct("<L2Q")
HEADER = struct.Struct("<4s5H3L2H")
ENCRYPTED = 0x2041  # flags: encrypted, strongly encrypted, encrypted list of members
UTF8_NAME = 0x800  # flag of a member whose name is encoded in UTF-8
SIZES_FOLLOW = 0x8  # flag of a member whose checksum and sizes are behind its content
UNKNOWN_SIZE = 2**32 - 1  # the size is in an extra field
ZIP64_FIELD = 1
UNICODE_PATH = 0x7075  # an extra field with a second name
UNICODE_PATH_HEADER_BYTES = 5  # version and checksum, in front of the name


def check_local_headers(stream: BinaryIO, opened: zipfile.ZipFile, list_start: int) -> None:
    """Raises an error if what is in front of the list of members contradicts it.

    A program that reads an archive from its beginning takes names and sizes from the headers,
    checksums from behind the content, and members that are not listed.

    Args:
        stream: The archive.
        opened: The same, as `zipfile` has read it.
        list_start: Position of the list.

    Raises:
        zipfile.BadZipFile: If they contradict each other.
    """
    end = 0
    for info in sorted(opened.infolist(), key=lambda info: info.header_offset):
        _check_bytes_between_members(stream, end, info.header_offset)
        end = _check_header(stream, info)
    _check_bytes_between_members(stream, end, list_start)


def _check_header(stream: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Returns the position behind a member; raises if its local header contradicts the list."""
    stream.seek(info.header_offset)
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(HEADER_SIGNATURE):
        raise zipfile.BadZipFile(f"{info.orig_filename!r} has no header")
    _, _, flags, method, _, _, checksum, packed, size, name_bytes, extra_bytes = HEADER.unpack(
        header
    )
    name, extra = stream.read(name_bytes), stream.read(extra_bytes)
    if UNKNOWN_SIZE in (size, packed):
        size, packed = _sizes_in_extra_field(extra, size, packed)
    end = stream.tell() + info.compress_size
    later = bool(flags & SIZES_FOLLOW)
    following = _descriptor_bytes(stream, end, info) if later else 0
    rules = (
        ((flags ^ info.flag_bits) & ENCRYPTED, "whether it is encrypted"),
        (method != info.compress_type, "its compression method"),
        (name != encoded_name(info) or {*second_names(extra)} - {name}, "its name"),
        (
            not info.orig_filename.isascii() and (flags ^ info.flag_bits) & UTF8_NAME,
            "the encoding of its name",
        ),
        (not _agrees_with_list(size, info.file_size, later), "its size"),
        (not _agrees_with_list(packed, info.compress_size, later), "its compressed size"),
        (not _agrees_with_list(checksum, info.CRC, later), "its checksum"),
        (
            not following and (checksum, packed, size) != _listed_checksum_and_sizes(info),
            "the checksum and sizes behind its content",
        ),
    )
    for differs, what in rules:
        if differs:
            raise zipfile.BadZipFile(
                f"the headers of {info.orig_filename!r} contradict each other about {what}"
            )
    return end + following


def _listed_checksum_and_sizes(info: zipfile.ZipInfo) -> tuple[int, int, int]:
    """Returns the listed checksum, packed and unpacked size, to compare a local header with."""
    return info.CRC, info.compress_size, info.file_size


def _descriptor_bytes(stream: BinaryIO, end: int, info: zipfile.ZipInfo) -> int:
    """Returns the size of the data descriptor, as listed, which completes a local header.

    It is 0 if there are none, or others. Programs write the sizes in 4 or 8 bytes.
    """
    stream.seek(end)
    found = stream.read(len(DESCRIPTOR) + WIDE_SUMS.size)
    for start in (DESCRIPTOR, b""):
        for sums in (SUMS, WIDE_SUMS):
            with suppress(struct.error):  # a size that does not fit in 4 bytes
                expected = start + sums.pack(*_listed_checksum_and_sizes(info))
                if found.startswith(expected):
                    return len(expected)
    return 0


def _check_bytes_between_members(stream: BinaryIO, start: int, end: int) -> None:
    """Raises if two members of a zip file overlap, or a local header in between is not listed."""
    if start > end:
        raise zipfile.BadZipFile("two of its members overlap")
    if any(True for _ in signature_positions(stream, HEADER_SIGNATURE, start, end)):
        raise zipfile.BadZipFile("it contains a member that it does not list")


def encoded_name(info: zipfile.ZipInfo) -> bytes:
    """Returns the bytes of a member's name in the list, which its local header must repeat."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & UTF8_NAME else "cp437")


def _agrees_with_list(local: int, listed: int, later: bool) -> bool:
    """Returns whether a number in a local header is as listed, or 0 if it follows the content."""
    return local == listed or (later and local == 0)


def _sizes_in_extra_field(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Returns the sizes in the extra field of a local header, in place of the unknown ones."""
    for kind, data in iterate_extra_fields(extra):
        if kind == ZIP64_FIELD:
            wide = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
            size = wide.pop(0) if size == UNKNOWN_SIZE and wide else size
            packed = wide.pop(0) if packed == UNKNOWN_SIZE and wide else packed
    return size, packed


def second_names(extra: bytes) -> Iterator[bytes]:
    """Yields the encoded names in the extra fields of a local header or of the list."""
    for kind, data in iterate_extra_fields(extra):
        if kind == UNICODE_PATH:
            yield data[UNICODE_PATH_HEADER_BYTES:]


def iterate_extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the number and the data of each extra field of a local header or of the list."""
    start = 0
    while start + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, start)
        yield kind, extra[start + 4 : start + 4 + size]
        start += 4 + size
