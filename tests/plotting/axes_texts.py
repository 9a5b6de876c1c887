"""The texts of an axes, as the tests of all plots compare them."""


def legend_texts(ax):
    """The entries of the legend of an axes, without the spaces that align their columns."""
    return [" ".join(text.get_text().split()) for text in ax.get_legend().get_texts()]


def tick_texts(axis):
    """The labels of the major ticks of an x- or y-axis."""
    return [label.get_text() for label in axis.get_majorticklabels()]
