"""Links to themselves as arguments of commands and functions: one sentence that names them."""

from pathlib import Path

import pytest

from catdog_keras import load_image_folder, scan_images
from catdog_keras.cli.recorded_command import path_in_report
from catdog_keras.datasets._image_root import image_root


@pytest.fixture
def loop(tmp_path):
    """A link to itself."""
    link = tmp_path / "loop"
    link.symlink_to(link)
    return link


@pytest.mark.parametrize(
    ("end", "reason"),
    [("", "a link to nothing, or to itself"), ("/below", "Too many levels of symbolic links")],
    ids=["link", "below link"],
)
@pytest.mark.parametrize("command", ["train", "evaluate", "tutorial"])
def test_output_that_is_a_link_to_itself_is_reported(command, end, reason, run, loop, drawn, model):
    option, *arguments = {
        "train": ["--output", "train", drawn, "--weights", "None"],
        "evaluate": ["--report", "evaluate", model, drawn],
        "tutorial": ["--output", "tutorial", "--data", drawn],
    }[command]
    ended = run(*arguments, option, f"{loop}{end}")
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"Error: `{option}` must be a writable folder; received ")
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_images_and_model_that_are_links_to_themselves_are_reported(run, loop, drawn, model):
    output = loop.parent / "out"
    for arguments in (
        ["train", loop, "--output", output, "--weights", "None"],
        ["tutorial", "--data", loop, "--output", output],
        ["evaluate", model, loop],
        ["evaluate", loop, drawn],
        ["predict", loop, drawn],
        ["scan", loop],
    ):
        ended = run(*arguments)
        assert (arguments, ended.exit_code) == (arguments, 2)
        assert f"'{loop}'" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_cache_that_is_a_link_to_itself_is_reported(loop, drawn):
    with pytest.raises(OSError, match="`cache` must be a readable and writable folder"):
        load_image_folder(drawn, cache=loop)


def test_links_to_themselves_in_a_folder_of_images_are_ignored(tmp_path, drawn):
    for folder in drawn.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "loop").symlink_to("loop")
    assert load_image_folder(tmp_path, split="stratified").class_names
    assert scan_images(tmp_path).bad == []


def test_paths_are_resolved_without_an_error(loop):
    assert path_in_report(Path(loop)) == "loop"
    with pytest.raises(OSError, match="symbolic links"):
        image_root(Path(loop))
