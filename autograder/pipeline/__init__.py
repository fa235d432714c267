"""What the commands do, each as a visible list of small steps: build, release, simulate, grade, feedback."""

import sys

# nbformat imports jsonschema, which compiles a grammar of internationalised addresses unless that package is missing:
# more than a second in every process that reads a notebook, and no notebook holds anything that it would check.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
