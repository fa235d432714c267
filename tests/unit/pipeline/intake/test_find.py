"""Which file is the notebook, who handed it in, and where it lies."""

from __future__ import annotations

