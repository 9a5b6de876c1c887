"""A data set with planted faults, and its check with and without features."""

import warnings

import pytest

from catdog_keras import load_image_folder
from catdog_keras.doctor import check_data
from tests.doctor.planted import plant


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """The folder of the images with planted faults."""
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def splits(planted):
    """The splits of the images with planted faults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the held-out validation images and the copies
        return load_image_folder(planted, image_size=64)


@pytest.fixture(scope="session")
def report(splits):
    """The report of the checks that need no features."""
    return check_data(splits, weights=None)


@pytest.fixture(scope="session")
def full_report(splits):
    """The report of all checks, with features of the packaged backbone."""
    return check_data(splits, backbone="synthetic_small")
