"""What has been drawn, for a test to look at."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes


def drawn() -> list[Axes]:
    """The axes of the current figure, drawn as the notebook would."""
    plt.gcf().canvas.draw()
    return plt.gcf().axes
