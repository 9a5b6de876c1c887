"""Matplotlib plots of images, class counts, curves and matrices.

Every function takes arrays and plain records, or the evaluation that has them. It draws into the
given `ax` or `figure` or into a new figure, and returns the matplotlib object: the axes if it takes
`ax`, otherwise the figure. Nothing is shown, closed or registered with pyplot, and global styles
are not changed. matplotlib is imported when the first plot is drawn.
"""

from catdog_keras.plotting._augmentation import plot_augmentation
from catdog_keras.plotting._comparison import plot_comparison
from catdog_keras.plotting._confusion_matrix import plot_confusion_matrix
from catdog_keras.plotting._grad_cam import plot_grad_cam
from catdog_keras.plotting._history import plot_history
from catdog_keras.plotting._images import plot_images
from catdog_keras.plotting._label_counts import plot_label_counts
from catdog_keras.plotting._learning_curve import plot_learning_curve
from catdog_keras.plotting._learning_rate import plot_learning_rate
from catdog_keras.plotting._precision_recall import plot_precision_recall
from catdog_keras.plotting._reliability import plot_reliability
from catdog_keras.plotting._roc import plot_roc
from catdog_keras.plotting._top_losses import plot_top_losses

__all__ = [
    "plot_augmentation",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_grad_cam",
    "plot_history",
    "plot_images",
    "plot_label_counts",
    "plot_learning_curve",
    "plot_learning_rate",
    "plot_precision_recall",
    "plot_reliability",
    "plot_roc",
    "plot_top_losses",
]
