"""Limits of arguments that would overflow in NumPy or TensorFlow."""

import pytest

from catdog_keras._checks import check_integer, check_size


def test_integer_of_more_than_64_bits_is_rejected():
    assert check_integer("epochs", 2**63 - 1, minimum=1) == 2**63 - 1
    with pytest.raises(ValueError, match=f"`epochs` must be an integer from 1 to {2**63 - 1}; rec"):
        check_integer("epochs", 2**63, minimum=1)
    with pytest.raises(
        ValueError, match="`seed` must be an integer from 0 to 10; received seed=11"
    ):
        check_integer("seed", 11, minimum=0, maximum=10)


def test_side_of_more_than_10000_pixels_is_rejected():
    assert check_size("image_size", (1, 10_000)) == (1, 10_000)
    for wrong in ((10_001, 1), (1, 2**64)):
        with pytest.raises(
            ValueError, match=r"`image_size` must be a pair .* from 1 to 10000; rec"
        ):
            check_size("image_size", wrong)
