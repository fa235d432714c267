"""A bounded run of the coverage-guided fuzzer over everything that reads a student's bytes."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = int(os.environ.get("FUZZ_SECONDS", "4"))


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="there is no atheris for this system")
@pytest.mark.parametrize("target", ["frames", "values", "notebook"])
def test_no_bytes_do_more_than_be_refused(target, tmp_path):
    command = [sys.executable, str(ROOT / "tests" / "fuzz" / "fuzz.py"), target, str(tmp_path / "corpus")]
    options = [f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=60", "-rss_limit_mb=4096", "-seed=1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None, done.stderr[-2000:]
    assert int(runs[1]) > 100
