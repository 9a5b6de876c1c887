"""Argument names of `keras.Model.fit` and of other libraries."""

from catdog_keras._suggestions import Synonyms

_SPLIT = "Keras's split takes the last images, which are often of one class."

_LEARNING_RATE = (
    "`fit_head` uses the optimizer that the model is compiled with, and `fine_tune` "
    "`options=FineTuneConfig(learning_rate=...)`."
)

FIT_NAMES: Synonyms = {
    "class_weights": (("class_weight",), ""),
    "data": (("train",), ""),
    "num_epochs": (("epochs",), ""),
    "sample_weight": ((), "Pass a tuple (images, labels, sample weights) as `train`."),
    "shuffle": ((), "The images are shuffled in each epoch."),
    "steps_per_epoch": ((), "Use `train.take(steps)` of a `tf.data.Dataset`."),
    "validation_split": (("validation_data",), _SPLIT),
    "x": (("train",), ""),
    **dict.fromkeys(("learning_rate", "lr", "optimizer"), ((), _LEARNING_RATE)),
    **dict.fromkeys(("val_data", "validation", "val"), (("validation_data",), "")),
}
"""The arguments of `fit_head` and `fine_tune`, and a hint."""
