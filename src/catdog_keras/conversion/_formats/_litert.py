"""LiteRT (TensorFlow Lite) files, which phones and small devices run."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe_received
from catdog_keras.conversion._embedded_metadata import ExportMetadata
from catdog_keras.conversion._formats._format import Array, ExportFormat, Run
from catdog_keras.conversion._formats._litert_file import IDENTIFIER, pack_model, read_model
from catdog_keras.conversion._formats._litert_metadata import METADATA_NAME, model_metadata
from catdog_keras.conversion._formats._noise import without_noise
from catdog_keras.conversion._serving_model import IMAGES, PROBABILITIES

LABELS_FILE, METADATA_FILE = "labels.txt", "catdog_keras.json"


class LiteRt(ExportFormat):
    """LiteRT: one file; its metadata are a buffer and files in a zip archive at its end."""

    name = "litert"
    suffix = ".tflite"
    packages = ("ai_edge_litert", "flatbuffers")
    quantizations = {"int8": ("litert_quantizer",), "float16": ("litert_quantizer",)}  # noqa: RUF012

    def recognizes(self, path: Path) -> bool:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(8)[4:] == IDENTIFIER

    def check_class_names(self, class_names: Sequence[str]) -> None:
        for name in class_names:
            if name.splitlines() not in ([name], []):
                requirement = "names without line breaks, one for each line of " + LABELS_FILE
                received = f"the name {name!r}"
                raise ValueError(describe_received("class_names", requirement, received))

    def write(self, model: keras.Model, path: Path, class_names: Sequence[str]) -> None:
        del class_names
        with without_noise():
            model.export(str(path), format="litert", verbose=False)
        content = read_model(path)
        missing = sorted(
            code.customCode.decode() for code in content.operatorCodes if code.customCode
        )
        if missing:
            listed = ", ".join(name.removeprefix("Flex") for name in missing)
            raise ValueError(f"LiteRT has no operation for {listed} of TensorFlow.")

    def quantize(self, path: Path, how: str, images: Sequence[Array]) -> None:
        from catdog_keras.conversion._formats._litert_quantization import quantize_litert

        with without_noise():
            quantize_litert(path, how, images)

    def add_metadata(self, path: Path, metadata: ExportMetadata) -> None:
        from ai_edge_litert import schema_py_generated as schema

        content = read_model(path)
        subgraph = content.subgraphs[0]  # others are branches and loops
        (inputs,) = subgraph.inputs
        # The size of a tensor that a program does not resize: an unknown side would be 1.
        subgraph.tensors[inputs].shape = [1, *metadata.input_size, 3]
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(model_metadata(metadata, LABELS_FILE, METADATA_FILE), np.uint8)
        entry.name, entry.buffer = METADATA_NAME, len(content.buffers)
        content.buffers.append(buffer)
        content.metadata = [*(content.metadata or []), entry]
        path.write_bytes(pack_model(content) + _zip_associated_files(metadata))

    def read_metadata(self, path: Path) -> ExportMetadata:
        with zipfile.ZipFile(path) as archive:
            return ExportMetadata.from_json(archive.read(METADATA_FILE).decode())

    def load(self, path: Path, threads: int) -> Run:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        runner = interpreter.get_signature_runner()

        def run(images: Array) -> npt.NDArray[np.float32]:
            return np.asarray(runner(**{IMAGES: images})[PROBABILITIES])

        return run


def _zip_associated_files(metadata: ExportMetadata) -> bytes:
    """Returns a zip archive of a LiteRT file's associated files, with the same bytes each time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in (
            (LABELS_FILE, "".join(f"{each}\n" for each in metadata.class_names)),
            (METADATA_FILE, metadata.to_json()),
        ):
            archive.writestr(zipfile.ZipInfo(name), text)
    return stream.getvalue()
