"""Software versions and hardware of the run."""

import os
import platform
from importlib import metadata

import keras

# The package of each backend, by the name that Keras uses for the backend.
BACKEND_PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def describe_environment() -> dict[str, str]:
    """Returns versions, backend, precision, number of cores and operating system, by name."""
    backend = keras.config.backend()
    # TensorFlow is always included: it decodes the images with every backend.
    packages = ["catdog-keras", "keras", "tensorflow", BACKEND_PACKAGES.get(backend, backend)]
    versions = {
        name: package_version(name) for name in dict.fromkeys([*packages, "numpy", "pillow"])
    }
    return {
        "Python": platform.python_version(),
        **versions,
        "backend": backend,
        "dtype policy": keras.config.dtype_policy().name,
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
    }


def package_version(package: str) -> str:
    """Returns the version of a package in the environment of the run, or `unknown`."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # such as a nightly wheel, which has another name
        return "unknown"
