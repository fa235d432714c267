"""Every picture has a text."""

import base64

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from course_lib.viz import alt, style
from course_lib.viz import mlp as draw

CELLS = (
    "from course_lib.viz import mlp as draw, style\nfrom course_lib import mlp\nstyle()\nimport numpy as np",
    "draw.saw(mlp.forward, mlp.relu, layers=(1, 2))",
    "draw.signal_slider(mlp.forward, mlp.he_init, {'relu': mlp.relu})",
)


@pytest.fixture
def styled():
    with plt.rc_context():
        style()
        yield
        plt.close("all")


def test_a_picture_takes_the_sentence_of_the_function_that_draws_it(styled):
    draw.saw(layers=(1, 2))
    text = alt.picture_text(plt.gcf())
    assert text.startswith("The output of a sawtooth network against its input, for several depths")
    assert "Panels: 2 units: 2 pieces (x: input, y: output); 4 units: 4 pieces (x: input)." in text


def test_any_other_picture_says_what_its_panels_are(styled):
    figure, axes = plt.subplots(1, 2)
    axes[0].set(title="loss", xlabel="epoch")
    assert alt.picture_text(figure) == "A picture with 2 panels. Panels: loss (x: epoch)."
    figure.set_label("Two curves.")
    assert alt.picture_text(figure).startswith("Two curves. Panels")


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    return NotebookClient(notebook, kernel_name="python3").execute()


def test_a_notebook_says_each_picture_before_it_shows_it(executed):
    spoken, picture = executed.cells[1].outputs
    assert spoken.data["text/plain"].startswith("Picture: The output of a sawtooth network")
    assert "clip-path" in spoken.data["text/html"]
    assert picture.metadata["image/png"]["alt"] == spoken.data["text/plain"].removeprefix("Picture: ")


def test_sliders_leave_a_picture_where_no_widget_is_drawn(executed):
    (output,) = executed.cells[2].outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
    assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")
    assert output.metadata["image/png"]["alt"].startswith("Sliders for the scale of the weights and the depth")
    for template in ("lab", "classic"):
        page, _ = HTMLExporter(template_name=template).from_notebook_node(without_widgets(executed))
        assert page.count('src="data:image/png;base64,') == 2, template
    assert page.count('alt="Sliders for the scale') == 1


def without_widgets(notebook):
    """As JupyterLab saves it, which does not keep the widgets' state."""
    plain = nbformat.from_dict(notebook)
    plain.metadata.pop("widgets", None)
    return plain


def test_outside_a_notebook_nothing_is_described(monkeypatch):
    monkeypatch.setattr(alt, "_shell", lambda: None)
    alt.describe_pictures()
