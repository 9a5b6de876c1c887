"""Matplotlib's settings of the user: figures do not depend on them, and errors name the file."""

import json
import os
import subprocess
import sys
import threading

import pytest

from catdog_keras.cli import figures
from catdog_keras.cli.errors import InputError

UNUSUAL = """
text.usetex: True
backend: nonsense
figure.dpi: 0
font.size: huge
font.family: Missing Family, sans-serif
image.cmap: no
no.such.key: 5
"""
DRAW = """
from catdog_keras.cli.figures import import_matplotlib
import_matplotlib()
import io, json, sys
import matplotlib
from matplotlib import rcParams
from matplotlib.figure import Figure
changed = {key for key in rcParams if rcParams[key] != matplotlib.rcParamsDefault[key]}
figure = Figure()
figure.add_subplot(title="A title")
figure.savefig(io.BytesIO())
print(json.dumps([matplotlib.get_backend(), sorted(changed), rcParams["font.family"]]))
"""


def draw(**environment):
    """Runs the program that draws a figure, with these environment variables of Matplotlib."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MPL", "MATPLOTLIB", "XDG_"))
    }
    return subprocess.run(
        [sys.executable, "-c", DRAW],
        capture_output=True,
        text=True,
        env={**variables, **environment},
        check=False,
    )


def test_figures_depend_only_on_the_font_families_of_the_user(tmp_path):
    (tmp_path / "matplotlibrc").write_text(UNUSUAL)
    ended = draw(MATPLOTLIBRC=str(tmp_path), MPLBACKEND="nonsense")
    assert (ended.returncode, ended.stderr) == (0, "")
    backend, changed, family = json.loads(ended.stdout)
    assert backend == "agg"
    assert set(changed) <= {"backend", "font.family"}
    assert family == ["Missing Family", "sans-serif"]


def test_cache_folder_that_cannot_be_written_is_not_reported(tmp_path):
    (tmp_path / "file").touch()
    ended = draw(MPLCONFIGDIR=str(tmp_path / "file" / "folder"))
    assert (ended.returncode, ended.stderr) == (0, "")


def fail(name):
    raise OSError("requires a writable cache directory.\nmore")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A file of Matplotlib's settings that does not exist yet; Matplotlib cannot be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    monkeypatch.setenv("MPLBACKEND", "agg")
    for name in ("MATPLOTLIBRC", "MPLCONFIGDIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(figures.importlib, "import_module", fail)
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings" / "matplotlibrc"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "it is not UTF-8 text"), (b"#" * 2**21, "it has more than 1,048,576 bytes")],
    ids=["not text", "large"],
)
def test_settings_that_cannot_be_read_are_reported(content, reason, settings, monkeypatch):
    settings.write_bytes(content)
    monkeypatch.setenv("MATPLOTLIBRC", str(settings.parent))
    with pytest.raises(InputError) as raised:
        figures.import_matplotlib()
    assert str(raised.value) == (
        f"{str(settings)!r}, the settings of Matplotlib, cannot be used: {reason}. Correct or "
        "remove the file."
    )


@pytest.mark.parametrize("place", ["here", "MATPLOTLIBRC", "MPLCONFIGDIR", "XDG", "HOME"])
def test_fifo_is_reported_in_each_place_without_waiting(place, settings, monkeypatch):
    file = settings
    if place == "here":
        monkeypatch.chdir(settings.parent)
    elif place == "XDG":
        monkeypatch.setenv("XDG_CONFIG_HOME", str(settings.parent))
        file = settings.parent / "matplotlib" / "matplotlibrc"
    elif place == "HOME":
        monkeypatch.setenv("HOME", str(settings.parent))
        file = settings.parent / ".config" / "matplotlib" / "matplotlibrc"
    else:
        monkeypatch.setenv(place, str(settings.parent))
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)
    writer = threading.Thread(target=file.write_text, args=[""], daemon=True)
    writer.start()  # a check that reads the file does not wait either, and fails the test
    try:
        with pytest.raises(InputError, match="it is not a regular file"):
            figures.import_matplotlib()
    finally:
        os.close(os.open(file, os.O_RDONLY | os.O_NONBLOCK))  # ends the thread


def test_other_errors_of_the_import_are_reported(settings):
    with pytest.raises(InputError, match=r"^Matplotlib could not be imported: requires a writable"):
        figures.import_matplotlib()
