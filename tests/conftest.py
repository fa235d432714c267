"""What every test may rely on."""

import os
import signal
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# nbgrader's Gradebook calls alembic by name: the one that is installed beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# Tests that send Ctrl-C hold in the background too, where a shell has the signal ignored and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no error in the code: there is no time limit for one example.
settings.register_profile("course", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("course")
