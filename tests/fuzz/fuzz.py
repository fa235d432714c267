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
    from autograder.calls import Unwritten
    from autograder.pipeline.intake.notebook_file import Unreadable, read_submission
    from autograder.sandbox.host.outputs import checked_outputs, length
    from autograder.sandbox.wire import frames, messages, values
    from autograder.sandbox.wire.calls import outcome, raised_from
    from autograder.sandbox.wire.frames import Reader, WireError
    from autograder.sandbox.wire.functions import Lent

import msgspec
import numpy as np

REFUSALS = (WireError, RecursionError)
"""What ends an exercise as `blocked`."""
MESSAGE = msgspec.json.Decoder(messages.FromGuest)
BUFFERS = [bytes(range(48)), bytes(8), b""]


def fuzz_frames(data: bytes) -> None:
    """Bytes as they arrive, in two pieces."""
    reader = Reader(messages.FROM_GUEST)
    with suppress(*REFUSALS):
        for piece in (data[:20], data[20:]):
            reader.feed(piece)
            while (frame := reader.next()) is not None:
                use(*frame)


def fuzz_values(data: bytes) -> None:
    """Messages without a frame, else trees without a message, so that more of them reach the decoder."""
    try:
        message = MESSAGE.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            tree = msgspec.json.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return
        message = messages.Outcome(tree, 0.0)
    use(message, BUFFERS)


def use(message: messages.FromGuest, buffers: list[bytes]) -> None:
    """Everything that the host does with a message."""
    lent = Lent()
    lent.export(np.tanh, lambda value: value)
    with suppress(*REFUSALS):
        if isinstance(message, messages.Outcome):
            outcome((message, buffers), lent)
        elif isinstance(message, messages.Invoke):
            lent.answer((message, buffers))
        elif isinstance(message, messages.Finished):
            length(message.outputs)
            checked_outputs(message.outputs)
            if message.error is not None:
                raised_from(message.error)


def fuzz_notebook(data: bytes) -> None:
    """A file as it was handed in."""
    with suppress(Unreadable):
        read_submission(data)


def seeds() -> dict[str, list[bytes]]:
    """Honest input to begin with."""
    several = [1, -2.5, "text", None, True, 1 << 70, 1j, [1, (2, {"a": 3})], np.eye(2), np.float32(1), float("nan")]
    several += [np.arange(6).reshape(2, 3).T, np.random.default_rng(0), np.zeros(0)]
    sent: list[frames.Frame[messages.FromGuest]] = []
    bodies = []
    for value in several:
        tree, buffers = values.encode((value, ((value,), {"k": value})))
        bodies.append(tree)
        sent.append((messages.Outcome(tree, 0.5, ("w",), steps=messages.Counted(1, 2), forbidden=("f",)), buffers))
    shown = [
        messages.Stream("stdout", "x\n"),
        messages.Display({"text/plain": "x", "application/json": {"a": [1]}}, {}),
        messages.Result({"text/plain": "x"}, {"k": 1}, 3),
        messages.Error("E", "v", ["a", "b"]),
    ]
    failure = messages.Failure("E", "m", 3, "s", "n", Unwritten.BELOW, "f")
    skipped = messages.Skipped(2, ("n",), "r", failure)
    sent.append((messages.Finished(shown, 1, failure, 1.0, (skipped,)), []))
    tree, buffers = values.encode(((1.0,), {}))
    sent.append((messages.Invoke(0, tree), buffers))
    sent += [(message, []) for message in (messages.Ready(), messages.Check("a.b"), messages.Breach("memory"))]
    cell = {"cell_type": "code", "source": ["x = 1"], "metadata": {"nbgrader": {"grade_id": "a", "grade": True}}}
    cells = [{**cell, "outputs": [], "execution_count": None}, {"cell_type": "markdown", "source": "t", "id": "b"}]
    books = [
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        {"worksheets": [{"cells": cells}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0},
    ]
    return {
        "frames": [frames.pack(*frame) for frame in sent],
        "values": list(map(msgspec.json.encode, [*(message for message, _ in sent), *bodies])),
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
