"""A Jupyter kernel to which cells are sent as JupyterLab sends them, each with the id of its cell."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

SECONDS = 120.0
"""In which any cell of a test has ended, on a busy machine."""


class Cells:
    """Runs cells, and gives back what each of them shows, as text."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self.manager = manager
        self._client = client
        self.status = ""

    def run(self, source: str, cell: str = "", *, stop_when: Path | None = None) -> str:
        """Runs a cell; presses the stop button as soon as it has written that file."""
        metadata = {"cellId": cell} if cell else {}
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        session, channel = self._client.session, self._client.shell_channel
        message = session.msg("execute_request", content, metadata=metadata)
        channel.send(message)
        shown, deadline = "", time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if stop_when is not None and stop_when.exists():
                self.manager.interrupt_kernel()
                stop_when = None
            try:
                reply = self._client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            shown += _text(reply)
            if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                self.status = self._reply_to(message["header"]["msg_id"])
                return shown
        raise TimeoutError(f"the cell is still running:\n{source}\n{shown}")

    def _reply_to(self, request: str) -> str:
        while True:
            reply = self._client.get_shell_msg(timeout=SECONDS)
            if reply["parent_header"].get("msg_id") == request:
                return str(reply["content"]["status"])


def _text(reply: dict[str, Any]) -> str:
    content = reply["content"]
    match reply["msg_type"]:
        case "stream":
            return str(content["text"])
        case "execute_result" | "display_data":
            return str(content["data"].get("text/plain", "")) + "\n"
        case "error":
            return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"])) + "\n"
    return ""


@contextmanager
def cells_in_kernel(folder: Path, course: Path, **environment: str) -> Iterator[Cells]:
    """A fresh kernel that works in a folder, and finds the course's packages."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env=os.environ | {"PYTHONPATH": str(course)} | environment)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        yield Cells(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
