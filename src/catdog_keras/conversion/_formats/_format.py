"""Interface of an export format."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe
from catdog_keras.conversion._embedded_metadata import ExportMetadata

Array: TypeAlias = npt.NDArray[np.uint8 | np.float32]
Run: TypeAlias = Callable[[Array], npt.NDArray[np.float32]]


class ExportFormat(ABC):
    """Writes, reads and runs the files of one format.

    Attributes:
        name: Value of `format`.
        suffix: File name extension; empty for a folder.
        packages: Modules that must be installed, besides the dependencies of this package.
        quantizations: For each value of `quantize`, the modules that it requires.
    """

    name: str
    suffix: str
    packages: tuple[str, ...]
    quantizations: dict[str, tuple[str, ...]]

    def check_packages(self, quantize: str | None) -> None:
        """Raises an error if a required package is not installed.

        Raises:
            ModuleNotFoundError: If it is missing; the message has the command that installs it.
        """
        needed = self.packages + (self.quantizations[quantize] if quantize else ())
        missing = [name for name in needed if find_spec(name) is None]
        if missing:
            names = " ".join(name.replace("_", "-") for name in missing)  # as PyPI spells them
            remedy = f"Install {'it' if len(missing) == 1 else 'them'}: `pip install {names}`."
            requirement = f"a format whose packages are installed; {' and '.join(missing)} "
            requirement += f"{'is' if len(missing) == 1 else 'are'} missing"
            raise ModuleNotFoundError(describe("format", requirement, self.name, remedy))

    def check_class_names(self, class_names: Sequence[str]) -> None:  # noqa: B027 - most store any
        """Raises an error if the format cannot store a class name.

        Raises:
            ValueError: If it cannot; the message has the name.
        """

    @abstractmethod
    def recognizes(self, path: Path) -> bool:
        """Returns whether an existing file or folder has this format."""

    @abstractmethod
    def write(self, model: keras.Model, path: Path, class_names: Sequence[str]) -> None:
        """Writes a serving model to a new file, on the TensorFlow backend.

        Raises:
            ValueError: If the runtime of the format lacks an operation of the model.
        """

    @abstractmethod
    def quantize(self, path: Path, how: str, images: Sequence[Array]) -> None:
        """Quantizes a file in place; `images` are batches of images for the calibration."""

    @abstractmethod
    def add_metadata(self, path: Path, metadata: ExportMetadata) -> None:
        """Adds the metadata to a file."""

    @abstractmethod
    def read_metadata(self, path: Path) -> ExportMetadata:
        """Reads the metadata of a file.

        Raises:
            KeyError, TypeError, ValueError: If there is none, or it is damaged.
        """

    @abstractmethod
    def load(self, path: Path, threads: int) -> Run:
        """Loads a file in its own runtime.

        Returns:
            Function from a batch of images, in the dtype of the file, to float32 probabilities,
            `(batch, classes)`.
        """
