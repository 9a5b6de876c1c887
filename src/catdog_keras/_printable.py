"""Text for terminals: names without control characters, lists and messages of limited length."""

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath

SHOWN = 5  # items of a list in a message
LONGEST_NAME = 500  # characters; a path of the usual systems is not much longer


def printable(text: str) -> str:
    """Escapes line breaks, control and bidirectional characters, for output to a terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def printable_lines(text: str) -> str:
    """Escapes all such characters except line feeds."""
    return "\n".join(map(printable, text.split("\n")))


def shell_command(words: Iterable[str]) -> str:
    """Quotes words as printable text for a POSIX shell, or for bash if some are not printable.

    On Windows they are quoted for its command line.
    """
    if sys.platform == "win32":
        return subprocess.list2cmdline(list(words))
    return " ".join(
        shlex.quote(word) if word.isprintable() else f"$'{_escape_bytes(word)}'" for word in words
    )


def _escape_bytes(word: str) -> str:
    """Makes a word printable: writes all but letters, digits and path marks as octal bytes."""
    plain = re.sub(rb"[^\w/. -]", lambda found: b"\\%03o" % found[0][0], os.fsencode(word))
    return plain.decode("ascii")


def letters(index: int) -> str:
    """Returns the default name that is printed for an item: "a" to "z", then "aa", "ab", ..."""
    letter = chr(ord("a") + index % 26)
    return letter if index < 26 else letters(index // 26 - 1) + letter


def counted(count: int, singular: str, plural: str = "") -> str:
    """Returns a number with a noun to print: "2,000 images"; `plural` defaults to an added s."""
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def shorten(text: str, longest: int) -> str:
    """Shortens a text to print to about `longest` characters; its length replaces the middle."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... ({len(text):,} characters) ... {text[-half:]}"


def count_extensions(paths: Sequence[str]) -> str:
    """Formats file counts by extension to print, such as "3 files (2 .txt, 1 without)"."""
    endings = Counter(PurePath(path).suffix.lower() or "without an extension" for path in paths)
    counts = ", ".join(f"{count} {printable(ending)}" for ending, count in endings.most_common())
    return f"{counted(len(paths), 'file')} ({counts})"


def first_lines(lines: Sequence[object]) -> str:
    """Formats the first items to print, one per line, and the number of the remaining ones."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "".join(f"\n  {line}" for line in [*lines[:SHOWN], *more])


def listed(names: Iterable[str]) -> str:
    """Formats names as a printable list, shortened if there are many."""
    shown = [printable(name) for name in names]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{shown[:SHOWN]}{more}"
