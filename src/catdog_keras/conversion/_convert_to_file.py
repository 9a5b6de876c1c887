"""Conversion of a model to a file, in this process or in one with the TensorFlow backend.

    python -m catdog_keras.conversion._convert_to_file < REQUEST

All formats are written through TensorFlow. A model that is on another backend is saved to a
`.keras` file, which is the same on every backend, and this module converts that file.
"""

import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras

from catdog_keras._write_files import NO_ROOM
from catdog_keras.conversion._formats import FORMATS, ExportFormat
from catdog_keras.conversion._serving_model import Preparation, build_serving_model

REFUSED = 4  # exit status if the model cannot be converted
NOT_WRITTEN = 5


def convert_to_file(
    model: keras.Model,
    path: Path,
    chosen: ExportFormat,
    preparation: Preparation,
    class_names: Sequence[str],
    *,
    from_logits: bool,
    input_dtype: str,
) -> None:
    """Writes a model with its preparation to a new file.

    Raises:
        ValueError: If the model cannot be converted.
    """
    if keras.backend.backend() == "tensorflow":
        serving = build_serving_model(
            model, preparation, from_logits=from_logits, input_dtype=input_dtype
        )
        try:
            chosen.write(serving, path, class_names)
        except Exception as error:  # the converters raise their own types, or plain ones
            if (failed := _failed_write(error)) is not None:
                raise failed from error
            raise ValueError(_refusal_message(model, chosen, error)) from error
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "model.keras")
        model.save(source)
        request = {
            "source": str(source),
            "path": str(path),
            "format": chosen.name,
            "preparation": asdict(preparation),
            "class_names": list(class_names),
            "from_logits": from_logits,
            "input_dtype": input_dtype,
        }
        _convert_on_tensorflow(request)


def _convert_on_tensorflow(request: dict[str, object]) -> None:
    """Runs a conversion in a process with the TensorFlow backend; raises its errors here."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "catdog_keras.conversion._convert_to_file"],
        input=json.dumps(request),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == REFUSED:
        raise ValueError(json.loads(done.stdout))
    if done.returncode == NOT_WRITTEN:
        code = json.loads(done.stdout)
        raise OSError(code, os.strerror(code))
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(
            f"The conversion on the TensorFlow backend failed: {lines[-1]}. Its output:\n"
            + done.stderr
        )


def _failed_write(error: Exception) -> OSError | None:
    """Returns the system's error if a file could not be written, which converters may rename."""
    for code in (*NO_ROOM, errno.EACCES, errno.EPERM):
        if os.strerror(code) in str(error):
            return OSError(code, os.strerror(code))
    return None


def _refusal_message(model: keras.Model, chosen: ExportFormat, error: Exception) -> str:
    """Returns the message about a failed conversion, with the reason and the custom layers."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = (lines[0] if lines else type(error).__name__).removesuffix(".")
    layers = sorted(_list_custom_layers(model))
    custom = f" Its layers {', '.join(layers)} may be the cause." if layers else ""
    return (
        f"`model` must consist of operations that {chosen.name} has; received {model.name!r}: "
        f"{reason}.{custom} Replace the operation, or use another format."
    )


def _list_custom_layers(model: keras.Model) -> set[str]:
    """Returns name and class of each custom layer, which may prevent the conversion to a file."""
    found = set()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= _list_custom_layers(layer)
        own = type(layer).__module__.partition(".")[0] in ("keras", "catdog_keras")
        if not own or type(layer) is keras.layers.Lambda:
            found.add(f"{layer.name!r} ({type(layer).__name__})")
    return found


def convert_from_stdin() -> None:
    """Converts the file of the request on standard input."""
    request = json.load(sys.stdin)
    preparation = request["preparation"]
    preparation["size"] = tuple(preparation["size"])
    try:
        try:
            model = keras.saving.load_model(request["source"], compile=False)
        except Exception as error:  # Keras raises various types
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                "`model` must consist of layers that Keras loads on the TensorFlow backend, which "
                f"converts it. Keras says: {reason}"
            ) from error
        convert_to_file(
            model,
            Path(request["path"]),
            FORMATS[request["format"]],
            Preparation(**preparation),
            request["class_names"],
            from_logits=request["from_logits"],
            input_dtype=request["input_dtype"],
        )
    except ValueError as error:
        json.dump(str(error), sys.stdout)
        sys.exit(REFUSED)
    except OSError as error:
        json.dump(error.errno, sys.stdout)
        sys.exit(NOT_WRITTEN)


if __name__ == "__main__":
    convert_from_stdin()
