"""What every test may rely on."""

import os
import sys
from pathlib import Path

# nbgrader's Gradebook calls alembic by name: the one that is installed beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
