"""Python's UTF-8 mode, without which names that are not ASCII have no text in some locales."""

import codecs
import os
import sys


def ensure_utf8_names() -> None:
    """Starts the command again in UTF-8 mode if Python decodes file names as ASCII.

    Python does so in the locale `C` if `PYTHONUTF8=0` is set. Then it reads each byte of other
    characters as a lone surrogate, which neither files of models nor TensorFlow can hold. Standard
    output keeps its encoding. Does nothing in other locales, such as those of Latin-1.
    """
    if codecs.lookup(sys.getfilesystemencoding()).name != "ascii" or not sys.executable:
        return
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.environ["PYTHONUTF8"] = "1"  # of processes that the command starts
    # The option also holds with -E, with which Python does not read the variable.
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
