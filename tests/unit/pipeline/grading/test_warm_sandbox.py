"""What a grading process opens for an assignment, and that nothing of it stays."""

import tempfile
from pathlib import Path

from answers import released

from autograder.pipeline.grading.warm_sandbox import Setup, open_sandbox
from autograder.sandbox.kernel import scratch


def test_temporary_files_that_libraries_leave_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "PLACE", str(tmp_path))
    with (
        open_sandbox("02_mlp_forward", released("02_mlp_forward"), Setup("process")) as sandbox,
        sandbox.start() as run,
    ):
        with tempfile.NamedTemporaryFile(delete=False) as left:  # as PyG does for each kind of layer
            assert Path(left.name).is_relative_to(tmp_path)
        run.execute("import tempfile; tempfile.NamedTemporaryFile(delete=False).close()")
    assert tempfile.gettempdir() == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
