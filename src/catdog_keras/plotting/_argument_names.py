"""Argument names of plots in other libraries."""

from catdog_keras._suggestions import Synonyms
from catdog_keras.evaluation._argument_names import GRAD_CAM_NAMES

_SIZE = "Make a figure of this size, and pass it, or its axes: see the arguments."
_SAVE = "Save what is returned: `plot.savefig(path)`."
_TITLE = "Set it on what is returned: `set_title` of axes, or `suptitle` of a figure."

PLOT_NAMES: Synonyms = {
    **dict.fromkeys(("ax", "axes", "axs"), (("figure", "ax"), "")),
    **dict.fromkeys(("fig", "figure"), (("ax", "figure"), "")),
    **dict.fromkeys(("figsize", "size"), ((), _SIZE)),
    **dict.fromkeys(("file", "filename", "path", "save_path", "save_to"), ((), _SAVE)),
    **dict.fromkeys(("labels", "y", "y_true", "targets"), (("y",), "")),
    **dict.fromkeys(
        ("classes", "display_labels", "label_names", "names", "target_names"),
        (("class_names", "titles"), ""),
    ),
    "show": ((), "What is returned shows itself in a notebook; otherwise call `plt.show()`."),
    "suptitle": ((), _TITLE),
    "title": ((), _TITLE),
    "vmin": (("value_range",), "For example value_range=(0, 1)."),
    "vmax": (("value_range",), "For example value_range=(0, 1)."),
}
"""Names for all plots: the arguments of a function among those that are listed, and a hint."""

CONFUSION_MATRIX_NAMES: Synonyms = {
    **PLOT_NAMES,
    **dict.fromkeys(
        ("normalize", "normalized"), ((), "Counts and fractions of the true class are both shown.")
    ),
}

PLOT_GRAD_CAM_NAMES: Synonyms = {
    **PLOT_NAMES,
    **GRAD_CAM_NAMES,
    **dict.fromkeys(("cam", "cams", "heatmap", "heatmaps"), (("maps",), "")),
}

HISTORY_NAMES: Synonyms = {
    **PLOT_NAMES,
    **dict.fromkeys(
        ("metric", "metrics"), ((), "It plots the loss, and the metric with `acc` in its name.")
    ),
}

_PER_CLASS = (("per_class",), "It is the number of images of each class.")
IMAGES_NAMES: Synonyms = {
    **PLOT_NAMES,
    **dict.fromkeys(("count", "k", "n", "n_images", "num", "num_images", "samples"), _PER_CLASS),
}

_SOME = "Pass some of them: `plot_top_losses(evaluation.top_losses(5))`."
TOP_LOSSES_NAMES: Synonyms = {
    **PLOT_NAMES,
    **dict.fromkeys(("count", "k", "n", "n_images", "num", "num_images"), ((), _SOME)),
    **dict.fromkeys(("dataset", "images"), (("data",), "")),
}

AUGMENTATION_NAMES: Synonyms = {
    **PLOT_NAMES,
    **dict.fromkeys(("augmentation", "augmentations", "layer", "transform"), (("views",), "")),
    **dict.fromkeys(
        ("count", "n", "n_views", "num_views", "times"),
        (("views",), "For 3 views, pass a list: views=[layer(images) for _ in range(3)]."),
    ),
}
