"""Matplotlib plots of images, class counts, curves and matrices.

Every function takes arrays and plain records, draws into the given `ax` or `figure` or into a new
figure, and returns the matplotlib object: the axes if it takes `ax`, otherwise the figure. Nothing
is shown, closed or registered with pyplot, and global styles are not changed. matplotlib is
imported when the first plot is drawn.
"""

from catdog_keras.plotting.augmentation import plot_augmentation
from catdog_keras.plotting.class_activation import plot_class_activation
from catdog_keras.plotting.comparison import plot_comparison
from catdog_keras.plotting.evaluation import plot_confusion_matrix
from catdog_keras.plotting.history import plot_history
from catdog_keras.plotting.images import plot_images
from catdog_keras.plotting.label_counts import plot_label_counts
from catdog_keras.plotting.learning_rate import plot_learning_rate
from catdog_keras.plotting.reliability import plot_reliability
from catdog_keras.plotting.roc import plot_roc
from catdog_keras.plotting.top_losses import plot_top_losses

__all__ = [
    "plot_augmentation",
    "plot_class_activation",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_history",
    "plot_images",
    "plot_label_counts",
    "plot_learning_rate",
    "plot_reliability",
    "plot_roc",
    "plot_top_losses",
]
