"""Argument names that users guess for reports."""

from catdog_keras._suggestions import Synonyms

_BY_NAME = "Pass a dict of the evaluations by name."
_MODEL_REPORT = "Pass it in a `ModelReport`: `ModelReport(name, evaluation, history)`."
_FIGURE = "Pass it in a `ModelReport`, as `top_losses_figure`."
_IMAGES = "Plot them by `plot_top_losses`, and pass the figure in a `ModelReport`."

REPORT_NAMES: Synonyms = {
    **dict.fromkeys(("evaluation", "evaluations", "model", "result", "results"), (("models",), "")),
    **dict.fromkeys(
        ("destination", "directory", "file", "filename", "folder", "out", "output", "save_path"),
        (("path",), ""),
    ),
    **dict.fromkeys(("model_name", "model_names", "name", "names"), ((), _BY_NAME)),
    **dict.fromkeys(("classes", "class_names", "labels"), ((), "The evaluation has them.")),
    **dict.fromkeys(("histories", "history"), ((), _MODEL_REPORT)),
    **dict.fromkeys(("figure", "figures", "plots", "top_losses"), ((), _FIGURE)),
    **dict.fromkeys(("data", "dataset", "images"), ((), _IMAGES)),
    **dict.fromkeys(("comment", "description", "remark", "subtitle", "text"), (("note",), "")),
    **dict.fromkeys(("best", "chosen", "selected"), (("highlight",), "")),
    **dict.fromkeys(("class_counts", "label_counts"), (("counts",), "")),
    **dict.fromkeys(("config", "info", "parameters", "params", "settings"), (("metadata",), "")),
    "heading": (("title",), ""),
}
"""Names for `write_report`: its arguments, and a hint."""

MODEL_REPORT_NAMES: Synonyms = {
    **dict.fromkeys(("result", "results"), (("evaluation",), "")),
    **dict.fromkeys(("histories", "logs"), (("history",), "")),
    **dict.fromkeys(("label", "model", "model_name", "title"), (("name",), "It is a string.")),
    **dict.fromkeys(
        ("fig", "figure", "figures", "grad_cam", "images", "plots", "top_losses"),
        (("top_losses_figure",), "`plot_top_losses` and `plot_grad_cam` return one."),
    ),
}
"""Names for `ModelReport`."""
