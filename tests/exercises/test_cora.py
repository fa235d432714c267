"""Where COURSE_DATA names Cora's files, the network is graded on them as well."""

import pytest

from autograder.exercises import find
from autograder.judge.cases import hidden_cases
from autograder.judge.prepared import Ready
from autograder.judge.trial import try_case
from autograder.sandbox.guest.messenger import loopback
from course_lib import graphs

EXERCISE = find("gnn.build_gcn")


def test_without_the_variable_there_is_no_such_case(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    assert "Cora" not in [case.name for case in hidden_cases(EXERCISE, b"any")]


@pytest.mark.skipif(graphs.cora_folder() is None, reason="Cora's files are not here; COURSE_DATA may name their folder")
def test_a_network_of_graph_convolutions_passes_on_cora(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(graphs.cora_folder()))
    [case] = [case for case in hidden_cases(EXERCISE, b"any") if case.name == "Cora"]
    held_out = ~case.known["mask"]
    assert held_out.sum() == 1000
    assert (case.args[1][2][held_out] == case.known["y"][held_out]).float().mean() < 0.25
    assert try_case(EXERCISE, Ready(EXERCISE, case), loopback(EXERCISE.reference), hidden=True).result.passed
