"""Reasons and scores are read from their files, and what is wrong with a file is one sentence."""

from pathlib import Path

import pytest

from autograder.mutations.equivalents import equivalents
from autograder.mutations.scores import Score, kept, written_down

ENTRY = '[["toy.f"]]\nreason = "addition does not care for the order"\nmutants = ["loops | a * | x => y", "exact"]\n'


def entries(folder: Path, text: str):
    equivalents.cache_clear()
    (folder / "toy.toml").write_text(text, "utf-8")
    try:
        return equivalents("toy", folder)
    finally:
        equivalents.cache_clear()


def test_a_name_is_matched_with_its_gaps(tmp_path: Path):
    (entry,) = entries(tmp_path, ENTRY)
    assert entry.covers("toy.f", "loops | a [0] (b) | x => y")
    assert entry.covers("toy.f", "exact")
    assert not entry.covers("toy.f", "exactly")
    assert not entry.covers("toy.g", "exact")
    (everywhere,) = entries(tmp_path, ENTRY.replace("toy.f", "*"))
    assert everywhere.covers("toy.g", "exact")


def test_no_file_lists_nothing(tmp_path: Path):
    equivalents.cache_clear()
    assert equivalents("none", tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[", "cannot be read"),
        ('[["toy.f"]]\nmutants = ["a"]\n', "needs a reason and a list of mutants"),
        (ENTRY.replace("addition does not care for the order", "too hard"), "no reason that says anything"),
        (ENTRY.replace('["loops | a * | x => y", "exact"]', "[]"), "must be a list of names"),
        (ENTRY + 'more = "x"\n', "nothing else"),
    ],
)
def test_what_is_wrong_names_the_file(tmp_path: Path, text: str, said: str):
    with pytest.raises(ValueError, match=said) as caught:
        entries(tmp_path, text)
    assert "toy.toml" in str(caught.value)


def test_scores_come_back_as_they_were_written(tmp_path: Path):
    scores = {"toy.g": Score(3, 1, 2), "toy.f": Score(0, 0, 0)}
    file = tmp_path / "scores.toml"
    file.write_text(written_down(scores), "utf-8")
    assert kept(file) == scores
    assert list(kept(file)) == ["toy.g", "toy.f"]
    assert scores["toy.g"].mutants == 6
    assert scores["toy.g"].percent == 60
    assert scores["toy.f"].percent == 100
