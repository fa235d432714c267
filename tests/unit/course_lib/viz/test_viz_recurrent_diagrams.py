"""The diagrams of recurrent networks show their parts, and stay inside their frame."""

import pytest

from course_lib.viz import lstm_diagrams, rnn_diagrams

DIAGRAMS = (rnn_diagrams.word_order, rnn_diagrams.unrolled, rnn_diagrams.encoder_decoder, lstm_diagrams.cell)


def notes(diagram):
    return [text.get_text() for text in diagram.axes.texts]


@pytest.mark.parametrize("draw", DIAGRAMS, ids=lambda draw: draw.__name__)
def test_everything_is_inside_the_frame_and_said_in_words(draw):
    diagram = draw()
    diagram.figure.canvas.draw()
    width, height = diagram.figure.canvas.get_width_height()
    for part in (*diagram.axes.texts, *diagram.axes.patches):
        box = part.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= width, part
        assert 0 <= box.y0 < box.y1 <= height, part
    assert len(diagram.text.split()) > 30


def test_no_two_labels_cover_each_other():
    for draw in DIAGRAMS:
        diagram = draw()
        diagram.figure.canvas.draw()
        boxes = [(text.get_text(), text.get_window_extent()) for text in diagram.axes.texts]
        for at, (one, first) in enumerate(boxes):
            for other, second in boxes[at + 1 :]:
                assert not first.overlaps(second), (draw.__name__, one, other)


def test_a_cell_is_unrolled_once_for_each_word():
    labels = notes(rnn_diagrams.unrolled(("one", "two", "three")))
    assert labels.count("cell") == 4
    assert [label for label in labels if label.startswith("$h_")] == ["$h_t$", "$h_0$", "$h_1$", "$h_2$", "$h_3$"]
    assert labels.count("$W_{hh}$") == 4


def test_every_english_word_has_one_german_word():
    for english, german, order in rnn_diagrams.PAIRS:
        assert sorted(order) == list(range(len(english.split()))) == list(range(len(german.split())))


def test_an_lstm_has_three_gates_and_two_memories():
    labels = notes(lstm_diagrams.cell())
    assert sum("gate" in label for label in labels) == 3
    assert labels.count(r"$\sigma$") == 3
    assert sum("memory" in label for label in labels) == 2
