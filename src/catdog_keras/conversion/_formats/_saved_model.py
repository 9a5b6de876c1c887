"""SavedModels, which TensorFlow and TensorFlow Serving run."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras import _backend
from catdog_keras.conversion._embedded_metadata import ExportMetadata
from catdog_keras.conversion._formats._format import Array, ExportFormat, Run
from catdog_keras.conversion._formats._noise import without_noise
from catdog_keras.conversion._serving_model import IMAGES, PROBABILITIES

# TensorFlow ignores this folder; it is meant for files of other tools.
METADATA_FILE = Path("assets.extra", "catdog_keras.json")


class SavedModel(ExportFormat):
    """SavedModel: a folder; its signature also returns the class names."""

    name = "savedmodel"
    suffix = ""
    packages = ()
    quantizations = {}  # noqa: RUF012

    def recognizes(self, path: Path) -> bool:
        return (path / "saved_model.pb").is_file()

    def write(self, model: keras.Model, path: Path, class_names: Sequence[str]) -> None:
        with without_noise():
            _backend.write_saved_model(model, str(path), IMAGES, PROBABILITIES, class_names)

    def quantize(self, path: Path, how: str, images: Sequence[Array]) -> None:
        raise NotImplementedError  # `quantizations` has none

    def add_metadata(self, path: Path, metadata: ExportMetadata) -> None:
        file = path / METADATA_FILE
        file.parent.mkdir(exist_ok=True)
        file.write_text(metadata.to_json(), encoding="utf-8")

    def read_metadata(self, path: Path) -> ExportMetadata:
        return ExportMetadata.from_json((path / METADATA_FILE).read_text(encoding="utf-8"))

    def load(self, path: Path, threads: int) -> Run:
        del threads  # TensorFlow has one pool of threads for the whole process
        signature = _backend.load_signature(str(path))

        def run(images: Array) -> npt.NDArray[np.float32]:
            return np.asarray(signature({IMAGES: images})[PROBABILITIES])

        return run
