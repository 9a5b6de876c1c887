"""Warnings of Keras while a model file is loaded."""

import warnings

import pytest

from catdog_keras.cli.load_model import warnings_of_success


def test_warnings_are_shown_if_the_block_succeeds():
    with pytest.warns(UserWarning, match="of Keras"), warnings_of_success():
        warnings.warn("of Keras", stacklevel=1)


def fail_after_warning():
    with warnings_of_success():
        warnings.warn("of Keras", stacklevel=1)
        raise RuntimeError("refused")


def test_warnings_are_not_shown_if_the_block_fails(recwarn):
    with pytest.raises(RuntimeError, match="refused"):
        fail_after_warning()
    assert list(recwarn) == []
