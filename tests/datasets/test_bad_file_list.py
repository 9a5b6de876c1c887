"""The list of bad files in a message states how many more there are, and where they are listed."""

import pytest

from catdog_keras.cli.errors import LONGEST_MESSAGE
from catdog_keras.datasets._load_images import _report_bad_images
from catdog_keras.datasets._scan_report import ImageFile


def bad(count, length=20):
    return [ImageFile(f"{number:0{length}}.png", "bad", "empty file") for number in range(count)]


def test_long_list_ends_with_the_number_of_the_other_files():
    with pytest.warns(UserWarning, match="1000 of 1001 files could not be read") as caught:
        _report_bad_images(bad(1000), usable=1)
    message = str(caught[0].message)
    named, last = message.count("empty file"), message.splitlines()[-1]
    assert last == (
        f"  and {1000 - named} more. `scan.bad` or `catdog-keras scan` of their folders lists all "
        "of them."
    )
    assert 0 < named < 1000
    assert len(message) < LONGEST_MESSAGE


def test_short_list_and_one_long_name_are_complete():
    for files in (bad(5), bad(1, length=4000)):
        with pytest.warns(UserWarning, match="are skipped") as caught:
            _report_bad_images(files, usable=1)
        assert str(caught[0].message).endswith(str(files[-1]))


def test_error_without_a_usable_image_does_not_name_an_attribute():
    with pytest.raises(ValueError, match="None of the 1000 files") as raised:
        _report_bad_images(bad(1000), usable=0)
    assert "more. `catdog-keras scan` of their folders" in str(raised.value)
