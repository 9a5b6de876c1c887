"""Unknown arguments of plots: the message names the argument that was meant."""

import inspect

import pytest

from catdog_keras import plotting

HINTS = {
    "plot_images": {"n": "Did you mean `per_class`?", "y_true": "Did you mean `y`?"},
    "plot_history": {"metric": "It plots the loss, and the metric with `acc` in its name."},
    "plot_confusion_matrix": {"normalize": "fractions of the true class are both shown", "display_labels": "Did you mean `class_names`?", "figure": "Did you mean `ax`?"},
    "plot_roc": {"title": "`set_title` of axes", "figsize": "Make a figure of this size, and pass it"},
    "plot_grad_cam": {"heatmaps": "Did you mean `maps`?", "pred_index": "Did you mean `class_index`?", "ax": "Did you mean `figure`?", "classes": "Did you mean `titles`?"},
    "plot_top_losses": {"k": "plot_top_losses(evaluation.top_losses(5))", "dataset": "Did you mean `data`?"},
    "plot_augmentation": {"n_views": "Did you mean `views`? For 3 views, pass a list"},
    "plot_comparison": {"save_path": "Save what is returned"},
}  # fmt: skip
CASES = [(function, name) for function, hints in HINTS.items() for name in hints]


@pytest.mark.parametrize(("function", "name"), CASES)
def test_unknown_argument_is_answered_with_the_one_that_was_meant(function, name):
    with pytest.raises(TypeError) as caught:
        getattr(plotting, function)(None, **{name: 1})
    message = str(caught.value)
    assert message.startswith(f"`{name}` is not an argument of {function}. ")
    assert HINTS[function][name] in message


@pytest.mark.parametrize("name", [name for name in plotting.__all__ if name.startswith("plot_")])
def test_every_plot_names_its_arguments_and_keeps_its_signature(name):
    function = getattr(plotting, name)
    assert not any(each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL) for each in inspect.signature(function).parameters.values())  # fmt: skip
    with pytest.raises(TypeError, match=f"`zzz` is not an argument of {name}. Its arguments are "):
        function(None, zzz=1)


@pytest.mark.parametrize(
    "hints", [each for each in vars(plotting._argument_names) if each.endswith("_NAMES")]
)
def test_each_hint_leads_to_an_argument_that_exists(hints):
    known = {
        parameter
        for name in plotting.__all__
        if name.startswith("plot_")
        for parameter in inspect.signature(getattr(plotting, name)).parameters
    }
    for meant, hint in getattr(plotting._argument_names, hints).values():
        assert set(meant) <= known
        assert meant or hint
