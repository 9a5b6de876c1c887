"""Evaluations drawn by hypothesis: any number of classes, ties, classes that never occur."""

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catdog_keras.evaluation import Evaluation


@st.composite
def evaluations(draw, least_classes=1, most_classes=5, most_images=30):
    """Draws an evaluation in which probabilities are often equal, and classes may be missing."""
    classes = draw(st.integers(least_classes, most_classes))
    images = draw(st.integers(1, most_images))
    # Whole numbers make equal probabilities likely.
    scores = draw(hnp.arrays("int64", (images, classes), elements=st.integers(1, 9)))
    labels = draw(hnp.arrays("int64", images, elements=st.integers(0, classes - 1)))
    rows = scores / scores.sum(axis=1, keepdims=True)
    return Evaluation([f"class {n}" for n in range(classes)], labels, rows)
