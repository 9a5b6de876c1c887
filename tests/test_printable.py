"""Numbers with nouns."""

import pytest

from catdog_keras._printable import counted


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
