"""Numbers with nouns, and commands to paste."""

import os
import subprocess

import pytest
from hypothesis import given, strategies as st

from catdog_keras._printable import counted, printable, shell_command


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1, "image"), "1 image"),
        ((0, "image"), "0 images"),
        ((2000, "image"), "2,000 images"),
        ((1, "file is", "files are"), "1 file is"),
        ((2, "file is", "files are"), "2 files are"),
    ],
)
def test_noun_agrees_with_its_number(arguments, expected):
    assert counted(*arguments) == expected


@given(st.lists(st.binary(min_size=1).filter(lambda word: b"\0" not in word), min_size=1))
def test_pasted_command_has_the_same_words_and_no_control_characters(words):
    command = shell_command(map(os.fsdecode, words))
    assert printable(command) == command
    # The bytes of the words, as the shell passes them to a command.
    shell = f"for word in {command}; do printf '%s\\0' \"$word\"; done"
    found = subprocess.run(["bash", "-c", shell], capture_output=True, check=True).stdout
    assert found == b"".join(word + b"\0" for word in words)


def test_commands_of_usual_paths_are_quoted_as_by_shlex():
    assert shell_command(["a", "my photos", "it's", "Bär"]) == """a 'my photos' 'it'"'"'s' 'Bär'"""
