"""Limit on the memory of the process while a model is loaded."""

import resource

import numpy as np
import pytest

from catdog_keras.cli.memory_limit import limited_memory

LARGE = 2**31  # bytes, more than a model of few weights needs on any machine
REFUSED = 4 * LARGE  # more than earlier tests can leave to be freed meanwhile


def test_large_allocation_is_refused_and_allowed_afterwards():
    """Also one by TensorFlow, which first waits for ten seconds: see test_model_files."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited_memory(0), pytest.raises(MemoryError, match="allocate"):
        np.ones(REFUSED, "uint8")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


MANY_PROCESSORS = """
import os

os.cpu_count = lambda: 64

import numpy as np

from catdog_keras.cli.memory_limit import limited_memory

with limited_memory(0):
    np.ones(2**29, "uint8")
"""


def test_limit_does_not_depend_on_the_number_of_processors(forked):
    """In a process of its own, which has no memory that is freed meanwhile."""
    assert "MemoryError" in forked.run("-c", MANY_PROCESSORS, text=True).stderr


def test_memory_for_the_weights_is_allowed():
    with limited_memory(LARGE // 4):
        assert len(np.empty(LARGE, "uint8")) == LARGE


def test_lower_limit_of_the_user_is_kept():
    before = _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    lower = 2**40
    resource.setrlimit(resource.RLIMIT_DATA, (lower, hard))
    try:
        with limited_memory(2**50):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == lower
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == lower
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
