"""The pictures that a model was most wrong about, and where it saw what it named."""

from typing import TYPE_CHECKING

import keras
import numpy as np

from catdog_keras.datasets import load_pictures
from catdog_keras.evaluation import Evaluation, class_activation
from catdog_keras.plotting import plot_class_activation
from catdog_keras.report.sections import WORST, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


def draw_worst_pictures(
    model: keras.Model, evaluation: Evaluation, image_size: tuple[int, int]
) -> "Figure | SubFigure | None":
    """Draws the pictures of the largest losses with the evidence for the class that was named.

    Args:
        model: The model that was evaluated.
        evaluation: Its evaluation, with files.
        image_size: (height, width) in pixels of the model's pictures.

    Returns:
        The figure; None where no layer of the model tells places apart.
    """
    worst = evaluation.top_losses(WORST)
    files = [loss.file for loss in worst if loss.file is not None]
    dataset = load_pictures(files, image_size=image_size, batch_size=WORST).dataset
    pictures = np.asarray(next(iter(dataset)))
    names = list(evaluation.class_names)
    try:
        maps = class_activation(model, pictures, [names.index(x.predicted_class) for x in worst])
    except ValueError:
        return None
    titles = [
        f"{loss.predicted_class} {percent(loss.probability)}, truly {loss.true_class}"
        for loss in worst
    ]
    return plot_class_activation(pictures, maps, titles)
