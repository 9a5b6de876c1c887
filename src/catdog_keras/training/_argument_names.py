"""Argument names of `keras.Model.fit` and of other libraries."""

from catdog_keras._suggestions import Synonyms

_SPLIT = "Keras's split takes the last images, which are often of one class."

_LEARNING_RATE = (
    "`fit_head` uses the optimizer that the model is compiled with, and `fine_tune` "
    "`options=FineTuneConfig(learning_rate=...)`."
)

_STATE = "It is a file for the training state; `keras.callbacks.ModelCheckpoint` saves models."

FIT_NAMES: Synonyms = {
    **dict.fromkeys(
        ("backup_dir", "checkpoint", "checkpoint_path", "resume_from"), (("backup",), _STATE)
    ),
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
"""The arguments that `fit_head` and `fine_tune` share, and a hint."""

_UNFREEZE = "It is the name of a backbone layer, or the fraction of the layers to unfreeze."

FINE_TUNE_NAMES: Synonyms = {
    **FIT_NAMES,
    **dict.fromkeys(
        (
            *("fine_tune_at", "first_layer", "freeze_until", "layers", "num_layers"),
            *("trainable_layers", "unfreeze_from", "unfreeze_layers"),
        ),
        (("unfreeze",), _UNFREEZE),
    ),
}
"""Names for `fine_tune`."""

RATE_NAMES: Synonyms = {
    **dict.fromkeys(("data", "dataset", "train_data", "x"), (("train",), "")),
    **dict.fromkeys(("init_value", "min_learning_rate", "start_lr"), (("min_lr",), "")),
    **dict.fromkeys(("end_lr", "final_value", "max_learning_rate"), (("max_lr",), "")),
    **dict.fromkeys(("epochs", "iterations", "num_iter", "num_steps"), (("steps",), "")),
    **dict.fromkeys(("plot", "show"), ((), "Pass the result to `plot_learning_rate`.")),
}
"""Names for `find_learning_rate`."""

_OF_FINE_TUNE = "It is an argument of `fine_tune`."

CONFIG_NAMES: Synonyms = {
    **dict.fromkeys(("lr", "max_lr"), (("learning_rate",), "")),
    **dict.fromkeys(("min_learning_rate", "min_lr"), (("min_lr_factor",), "It is a factor.")),
    **dict.fromkeys(
        ("warmup_epochs", "warmup_ratio", "warmup_steps"), (("warmup",), "It is a fraction.")
    ),
    **dict.fromkeys(("early_stopping", "early_stopping_patience"), (("patience",), "")),
    **dict.fromkeys(("dtype_policy", "mixed_precision", "precision"), (("dtype",), "")),
    **dict.fromkeys(("augmentations", "n_views", "views"), (("num_views",), "")),
    **dict.fromkeys(("callbacks", "epochs", "fraction", "verbose"), ((), _OF_FINE_TUNE)),
    "optimizer": ((), "`fine_tune` uses Adam."),
}
"""Names for `FineTuneConfig`."""
