"""The programs of the export page run in an environment that has only their packages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import catdog_keras
from catdog_keras.conversion import export_model

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "export.md"
FILES = {"ONNX": "model.onnx", "LiteRT": "model.tflite", "SavedModel": "saved_model"}
MOST_LINES = 15

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="once is enough: files are of no backend"
)


def section(heading):
    """The command that installs the packages, and the program."""
    page = PAGE.read_text("utf-8")
    (text,) = re.findall(rf"^### {heading}\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE)
    (packages,) = re.findall(r"`pip install ([^`]+)`", text)
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return packages.split(), program


@pytest.mark.parametrize("heading", FILES)
def test_program_has_few_lines_and_no_package_but_the_runtime(heading):
    packages, program = section(heading)
    assert len([line for line in program.splitlines() if line.strip()]) <= MOST_LINES
    imported = re.findall(r"^(?:import|from) (\w+)", program, re.MULTILINE)
    runtime = {"ONNX": "onnxruntime", "LiteRT": "ai_edge_litert", "SavedModel": "tensorflow"}
    assert set(imported) - {"json", "zipfile"} == {"numpy", "PIL", runtime[heading]}
    assert "catdog-keras" not in packages


@pytest.mark.parametrize("heading", FILES)
def test_program_names_the_class_in_a_new_environment(heading, tmp_path):
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        pytest.skip("uv is not installed")
    packages, program = section(heading)
    keras.utils.set_random_seed(0)
    names = catdog_keras.ClassNames(["cat", "dog"])
    model = keras.Sequential([catdog_keras.build_model1((46, 46, 3)), names])
    export_model(model, tmp_path / FILES[heading])
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    image = Image.fromarray(pixels.repeat(10, axis=0).repeat(10, axis=1))
    image.save(tmp_path / "holiday.jpg")
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, tmp_path / "env"], check=True)
    installed = subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, *packages], check=False
    )
    if installed.returncode:
        pytest.skip("the packages cannot be installed here")
    found = subprocess.run(
        [python, "-I", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    if heading != "SavedModel":  # TensorFlow installs Keras
        absent = (
            "import importlib.util as u; print(u.find_spec('keras'), u.find_spec('tensorflow'))"
        )
        output = subprocess.run([python, "-I", "-c", absent], capture_output=True, text=True)
        assert output.stdout.split() == ["None", "None"]
    loaded = catdog_keras.load_images(tmp_path / "holiday.jpg", image_size=(46, 46))
    (row,) = catdog_keras.predict_probabilities(model, loaded.dataset)
    assert found[0] == ("cat", "dog")[int(row.argmax())]
    # Pillow decodes a JPEG file a little differently than TensorFlow.
    assert float(found[1]) == pytest.approx(row.max(), abs=0.02)
