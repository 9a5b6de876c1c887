"""The figure for `ModelReport`: the images with the highest loss and their Grad-CAM heat maps.

The command line and the tutorial draw it for their reports.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from catdog_keras.datasets import load_images
from catdog_keras.datasets._read_unchanged import describe_change
from catdog_keras.evaluation import Evaluation, grad_cam
from catdog_keras.plotting import plot_grad_cam, plot_top_losses
from catdog_keras.report._sections import WORST, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


def top_losses_figure(
    model: keras.Model,
    evaluation: Evaluation,
    files: Sequence[str],
    image_size: tuple[int, int],
    **preparation: Any,
) -> "Figure | SubFigure":
    """Draws the `top_losses_figure` of a `ModelReport` from image files, with Grad-CAM heat maps.

    Args:
        model: Model that was evaluated.
        evaluation: Its evaluation.
        files: File of each image, in the order of the evaluation.
        image_size: (height, width) of the model's images in pixels.
        **preparation: Further arguments of `load_images`, as in the evaluation.

    Returns:
        The figure, with heat maps of the predicted classes; without them if the model has no layer
        that is suitable for Grad-CAM.

    Raises:
        ValueError: If one of the files can no longer be read; the message names it.
    """
    worst = evaluation.top_losses(WORST)
    shown = [files[loss.index] for loss in worst]
    found = load_images(shown, image_size=image_size, batch_size=WORST, **preparation)
    if found.scan.bad:  # skipped, so that the other images would get the wrong titles
        raise ValueError(describe_change(found.scan.bad[0], found.scan.bad[0].reason))
    images = np.asarray(next(iter(found.dataset)))
    names = list(evaluation.class_names)
    try:
        maps = grad_cam(model, images, [names.index(x.predicted_class) for x in worst])
    except ValueError:
        labels = np.array([names.index(loss.true_class) for loss in worst])
        places = [dataclasses.replace(loss, index=place) for place, loss in enumerate(worst)]
        return plot_top_losses(places, (images, labels))
    titles = [
        f"{place}. {loss.predicted_class} {percent(loss.probability)}, "
        + ("correct" if loss.correct else f"actually {loss.true_class}")
        for place, loss in enumerate(worst, 1)
    ]
    return plot_grad_cam(images, maps, titles)
