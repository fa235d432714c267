"""Coverage-guided fuzzing of what reads a student's bytes: the wire's frames and values, and notebook files.

python tests/fuzz/fuzz.py frames|values|notebook FOLDER [libFuzzer's options, such as -max_total_time=60]

Whatever the bytes are, each target gives a value or refuses with its own exception; anything else is a find, which
libFuzzer reports and keeps as `crash-...` in the working folder.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["autograder"]):
    from autograder.pipeline.intake.notebook_file import Unreadable, read_submission
    from autograder.sandbox.host.outputs import checked_outputs
    from autograder.sandbox.wire import frames
    from autograder.sandbox.wire.calls import outcome, raised_from, seconds_field
    from autograder.sandbox.wire.frames import Reader, WireError
    from autograder.sandbox.wire.functions import Lent

import numpy as np

REFUSALS = (WireError, RecursionError)
"""What ends an exercise as `blocked`."""
BUFFERS = [bytes(range(48)), bytes(8), b""]


def fuzz_frames(data: bytes) -> None:
    """Bytes as they arrive, in two pieces."""
    reader = Reader()
    with suppress(*REFUSALS):
        for piece in (data[:20], data[20:]):
            reader.feed(piece)
            while (message := reader.next()) is not None:
                use(message)


def fuzz_values(data: bytes) -> None:
    """Headers that are JSON already, so that more of them reach the decoder."""
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        return
    if type(header) is dict:
        use((header, BUFFERS))


def use(message: frames.Message) -> None:
    """Everything that the host does with a message."""
    header, _ = message
    lent = Lent()
    lent.export(np.tanh)
    with suppress(*REFUSALS):
        outcome(message, lent)
    with suppress(*REFUSALS):
        lent.answer(message)
    with suppress(*REFUSALS):
        checked_outputs(header.get("outputs"))
    with suppress(*REFUSALS):
        raised_from(header.get("error"))
    with suppress(*REFUSALS):
        seconds_field(header.get("seconds"))


def fuzz_notebook(data: bytes) -> None:
    """A file as it was handed in."""
    with suppress(Unreadable):
        read_submission(data)


def seeds() -> dict[str, list[bytes]]:
    """Honest input to begin with."""
    values = [1, -2.5, "text", None, True, 1 << 70, 1j, [1, (2, {"a": 3})], np.eye(2), np.float32(1), float("nan")]
    values += [np.arange(6).reshape(2, 3).T, np.random.default_rng(0), np.zeros(0)]
    messages = []
    for value in values:
        tree, buffers = values.encode((value, ((value,), {"k": value})))
        messages.append(({"kind": "outcome", "warnings": ["w"], "seconds": 0.5, "body": tree}, buffers))
    shown = [
        {"output_type": "stream", "name": "stdout", "text": "x\n"},
        {"output_type": "display_data", "data": {"text/plain": "x", "application/json": {"a": [1]}}, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]},
    ]
    finished = {"kind": "finished", "outputs": shown, "execution_count": 1, "error": ["E", "m", 3, "s"], "seconds": 1}
    messages.append((finished, []))
    tree, buffers = values.encode(((1.0,), {}))
    messages.append(({"kind": "invoke", "handle": 0, "arguments": tree}, buffers))
    cell = {"cell_type": "code", "source": ["x = 1"], "metadata": {"nbgrader": {"grade_id": "a", "grade": True}}}
    cells = [{**cell, "outputs": [], "execution_count": None}, {"cell_type": "markdown", "source": "t", "id": "b"}]
    books = [
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        {"worksheets": [{"cells": cells}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0},
    ]
    return {
        "frames": [frames.pack(*message) for message in messages],
        "values": [json.dumps(header).encode() for header, _ in messages],
        "notebook": [json.dumps(book).encode(code) for book in books for code in ("utf-8", "utf-8-sig", "utf-16")],
    }


def main() -> None:
    """Writes the seeds where there are none, then fuzzes."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()[name]):
        (folder / f"seed{number}").write_bytes(seed)
    targets = {"frames": fuzz_frames, "values": fuzz_values, "notebook": fuzz_notebook}
    atheris.Setup([sys.argv[0], str(folder), *sys.argv[3:]], targets[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
