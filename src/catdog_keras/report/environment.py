"""On what a result came about: versions and the machine, for those who want to repeat it."""

import os
import platform
from importlib import metadata

import keras

# The package that computes, by the name under which Keras knows it.
BACKEND_PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def describe_environment() -> dict[str, str]:
    """Returns what computed, by name: versions, backend, precision, cores and system."""
    backend = keras.config.backend()
    # The pictures are decoded by TensorFlow, whatever computes.
    packages = ["catdog-keras", "keras", "tensorflow", BACKEND_PACKAGES.get(backend, backend)]
    versions = {name: _version(name) for name in dict.fromkeys([*packages, "numpy", "pillow"])}
    return {
        "Python": platform.python_version(),
        **versions,
        "backend": backend,
        "dtype policy": keras.config.dtype_policy().name,
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # as of a wheel under another name, such as a nightly's
        return "unknown"
