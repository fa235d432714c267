"""Every picture is drawn without a screen, in the course's own style, and closed afterwards."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from course_lib import viz

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _course_style():
    with mpl.rc_context():
        viz.style()
        yield
    plt.close("all")
