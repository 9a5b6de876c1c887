"""Argument names that users guess for the tutorial."""

from catdog_keras._suggestions import Synonyms

TUTORIAL_NAMES: Synonyms = {
    **dict.fromkeys(("data", "data_dir", "dataset", "directory", "folder"), (("source",), "")),
    **dict.fromkeys(("out", "output_dir", "output_folder", "path"), (("output",), "")),
    **dict.fromkeys(("num_epochs",), (("epochs",), "")),
    **dict.fromkeys(("img_size", "input_shape", "size"), (("image_size",), "")),
    **dict.fromkeys(("dtype", "policy", "precision"), (("dtype_policy",), "")),
    **dict.fromkeys(("log", "printer", "verbose"), (("tell",), "It is a function of one text.")),
}
"""Names for `run_tutorial`."""
