"""`--class-name` in another order than the names of the model would relabel its predictions."""

import pytest

from tests.cli.image_folders import CLASSES


def options(names):
    """Returns the options --class-name with these names."""
    return [word for name in names for word in ("--class-name", name)]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_names_of_the_model_in_another_order_are_rejected(command, run, model, drawn):
    ended = run(command, model, drawn, *options(CLASSES[::-1]))
    assert ended.exit_code == 2
    assert ended.stderr.startswith(
        "Error: --class-name must be in the order of the outputs of MODEL, which contains the names"
    )
    assert ", ".join(CLASSES[::-1]) in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("names", [CLASSES, ("a", "b", "c")], ids=["the same", "others"])
def test_names_in_the_same_order_and_other_names_are_accepted(names, run, model, drawn):
    assert run("predict", model, drawn, *options(names)).exit_code == 0
