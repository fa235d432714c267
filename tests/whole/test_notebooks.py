"""Every notebook with its answers in it runs as in JupyterLab, from the first cell to the last.

That graded notebooks of every kind get what they should is tried in `test_whole_course`.
"""

from answers import each_assignment

from autograder.calls import Status


@each_assignment
def test_every_cell_of_the_solutions_runs(solved):
    raised = [output for cell in solved.notebook.cells for output in cell.get("outputs", ()) if "ename" in output]
    assert raised == []


@each_assignment
def test_the_solutions_get_full_marks_among_the_cells_that_only_show_something(solved):
    for id_, verdict in solved.verdicts.items():
        assert (id_, verdict.status, verdict.message) == (id_, Status.PASSED, "")
