"""Every block of Python in the README and on the site runs, page by page, as a reader would run it."""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import keras
import pytest
from click.testing import CliRunner
from PIL import Image

from catdog_keras import BACKBONES, build_model3, scan_images, tutorial
from catdog_keras.cli.group import commands
from tests.fenced_code import fenced_blocks

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIALS = ROOT / "docs" / "tutorials" / "index.md"
FIRST_PAGE = ROOT / "docs" / "index.md"  # shows the code of the README


def needs_export(page):
    """Skips the test of a page whose code needs the packages for an export."""
    if page.name == "export.md":
        pytest.importorskip("onnx", reason="needs the `export` extra")


TRAINS = re.compile(r"\b(fit|fit_head|fine_tune)\(")


@pytest.fixture
def random_weights(monkeypatch):
    """Random weights in place of those that readers download."""
    backbone = BACKBONES["mobilenet_v2"]

    def build(weights=None, **arguments):
        return backbone.builder(weights=None if weights == "imagenet" else weights, **arguments)

    monkeypatch.setitem(BACKBONES, "mobilenet_v2", dataclasses.replace(backbone, builder=build))


def pages_with_code():
    """The pages with Python blocks; those that train or need other runtimes are slow."""
    for page in PAGES:
        code = "".join(fenced_blocks(page))
        if code and page != FIRST_PAGE:
            slow = page.name == "export.md" or TRAINS.search(code)
            marks = [pytest.mark.slow] if slow else []
            yield pytest.param(page, marks=marks, id=str(page.relative_to(ROOT)))


@pytest.mark.parametrize("page", list(pages_with_code()))
def test_python_code_on_page_runs(page, drawn_synthetic, random_weights, tmp_path, monkeypatch):
    needs_export(page)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # tests download nothing
    names = {"__name__": "__page__"}
    for block in fenced_blocks(page):
        exec(compile(shortened(block), str(page), "exec"), names)


def shortened(code):
    """Readers train until the model is good; here it is enough that the same calls run.

    Readers download photographs; here images are drawn.
    """
    for shown, run in {
        '"public"': '"synthetic"',
        "(160, 160": "(64, 64",
        "(256, 256": "(64, 64",
        "image_size=256": "image_size=64",
    }.items():
        code = code.replace(shown, run)
    return re.sub(r"\b(epochs ?= ?)\d\d+", r"\g<1>2", code)


def test_first_page_shows_the_code_of_the_readme():
    shown = fenced_blocks(FIRST_PAGE)
    assert shown == [re.sub("  # or .*", "", each) for each in fenced_blocks(ROOT / "README.md")]


def test_pages_with_code_include_fast_and_slow_pages():
    slow = [bool(parameters.marks) for parameters in pages_with_code()]
    assert slow.count(False) >= 8
    assert slow.count(True) >= 8


def test_docs_do_not_mention_keras_src():
    assert [page for page in PAGES if "keras.src" in page.read_text("utf-8")] == []


# Those of the README are run by .ci/run, and those for several devices by tests/training.
WITH_COMMANDS = ("how-to/command-line", "how-to/export")


@pytest.fixture
def keras_home(tmp_path, drawn_synthetic):
    """What a reader has: the drawn set, and weights that Keras has downloaded (here, random ones)."""
    home = tmp_path / "home"
    shutil.copytree(drawn_synthetic, home / "catdog_keras" / drawn_synthetic.name)
    (home / "models").mkdir()
    backbone = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(160, 160, 3)
    )
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5"
    backbone.save(home / "models" / name)  # HDF5, as the file that Keras downloads
    return home


@pytest.fixture
def folder(tmp_path, drawn_synthetic):
    """A reader's folder, with images and a model."""
    folder = tmp_path / "work"
    for image in sorted((drawn_synthetic / "train").rglob("*.jpg")):
        if int(image.name.split(".")[1]) < 16:  # enough for each command
            (folder / "images" / image.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(image, folder / "images" / image.parent.name)
    shutil.copytree(drawn_synthetic / "validation" / "cats", folder / "more-images")
    some = next((folder / "more-images").iterdir())
    shutil.copy(some, folder / "holiday.jpg")
    build_model3((64, 64, 3)).save(folder / "model.keras")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_bash_commands_on_page_run(name, keras_home, folder, forked):
    page = ROOT / "docs" / f"{name}.md"
    needs_export(page)
    command_blocks = fenced_blocks(page, "bash")
    assert command_blocks
    environment = {
        **os.environ,
        "KERAS_HOME": str(keras_home),
        "PATH": f"{forked.commands}{os.pathsep}{os.environ['PATH']}",
        "https_proxy": "http://127.0.0.1:9",
    }
    for block in command_blocks:
        run = ["bash", "-euo", "pipefail", "-c", block]
        printed = subprocess.run(
            run, cwd=folder, env=environment, check=True, text=True, stdout=subprocess.PIPE
        ).stdout
        lines = {without_values(line) for line in printed.splitlines()}
        assert [line for line in fixed_lines(page, block) if line not in lines] == []


def fixed_lines(page, block):
    """The lines of the sample output after a block of commands that do not depend on the images."""
    sample = re.search(
        rf"^```bash\n{re.escape(block)}```\n\n```text\n(.*?)^```",
        page.read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    varying = re.compile(r"\.\.\.|baseline|cats|dogs|more-images")
    lines = sample[1].splitlines() if sample else []
    return [without_values(line) for line in lines if line and not varying.match(line)]


def without_values(line):
    """Returns a line of output without its numbers."""
    return " ".join(re.sub(r"\d+(\.\d+)?", "N", line).split())


def test_readme_commands_for_user_images_are_on_the_command_line_page():
    """Which is run as a whole, above."""
    (own,) = [each for each in fenced_blocks(ROOT / "README.md", "bash") if "train images/" in each]
    page = "".join(fenced_blocks(COMMAND_LINE, "bash")).splitlines()
    commands = own.replace(".venv/bin/", "").splitlines()
    assert len(commands) == 3
    assert [command for command in commands if command not in page] == []


def test_command_of_the_tutorials_page_starts_the_tutorial(monkeypatch, tmp_path):
    """What it then does is tested by tests/test_tutorial.py, and with more epochs by .ci/run."""
    (command,) = fenced_blocks(TUTORIALS, "bash")
    called = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tutorial, "run_tutorial", lambda *_, **given: called.append(given) or 1 / 0)
    program, *arguments = shlex.split(command)
    assert program == "catdog-keras"
    assert isinstance(CliRunner().invoke(commands, arguments).exception, ZeroDivisionError)
    assert called[0]["epochs"] == 2


COMMAND_LINE = ROOT / "docs" / "how-to" / "command-line.md"


def test_sample_output_of_scan_is_that_of_the_described_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("cats/0.png", "cats/1.png", "dogs/0.png", "dogs/1.png"):
        file = Path("images", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 4), (0, 0, len(list(Path("images").rglob("*"))))).save(file)
    shutil.copy("images/dogs/0.png", "images/dogs/0-copy.png")
    orientation = Image.Exif()
    orientation[0x0112] = 6
    Image.new("RGB", (8, 4)).save("images/cats/phone.jpg", exif=orientation)
    Path("images/dogs/login.jpg").write_text("<html>")
    Path("images/dogs/new.dng").write_bytes(b"II*")
    page = COMMAND_LINE.read_text("utf-8")
    sample = re.search(r"<!-- the output of a scan -->\n```text\n(.*?)\n```", page, re.DOTALL)
    assert sample[1] == str(scan_images("images"))


def test_defaults_on_command_line_page_are_those_of_the_commands():
    page = COMMAND_LINE.read_text("utf-8")
    sections = {
        "train": "Train",
        "evaluate": "Evaluate",
        "doctor": "Doctor",
        "tutorial": "Run the tutorial",
    }
    for command, heading in sections.items():
        (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## )", page, re.DOTALL | re.MULTILINE)
        rows = re.findall(r"^\| `(--\S+)` \| (.*?) \|", section, re.MULTILINE)
        assert len(rows) >= 4
        options = {o: each for each in commands.commands[command].params for o in each.opts}
        for option, stated in rows:
            described = options[option].show_default
            default = options[option].default
            if isinstance(described, str):
                assert stated == described, (command, option)
            elif isinstance(default, (str, int)) and not options[option].is_flag:
                assert stated == str(default), (command, option)


def test_every_page_with_commands_is_tested():
    run = {ROOT / "docs" / f"{name}.md" for name in (*WITH_COMMANDS, "how-to/several-devices")}
    assert {page for page in PAGES[1:] if fenced_blocks(page, "bash")} == {*run, TUTORIALS}
    other = {ROOT / "docs" / f"how-to/{name}.md" for name in ("several-devices", "other-tools")}
    assert {
        page for page in PAGES if re.search(r"^```py\b(?!thon)", page.read_text("utf-8"), re.M)
    } == other


def test_examples_of_readme_have_at_most_ten_statements():
    shown = fenced_blocks(ROOT / "README.md")
    assert len(shown) == 2
    for block in shown:
        statements = [line for line in block.splitlines() if line and line[0] not in " ])"]
        assert len(statements) <= 10


def test_tutorial_code_blocks_are_executed_at_site_build():
    """The first page shows how to begin, and is run like the others above."""
    for page in (ROOT / "docs" / "tutorials").glob("[0-9]*.md"):
        fences = re.findall(r"^```(?:python|py)\b.*$", page.read_text("utf-8"), re.MULTILINE)
        assert fences
        assert [fence for fence in fences if ' exec="on" ' not in fence] == []
