"""A made-up class of twelve with verdicts of every kind, for the tests of the reports."""

from __future__ import annotations

from dataclasses import replace

from autograder.calls import Status
from autograder.exercise import CaseResult, ClassGrading, Graded, Verdict

ASSIGNMENT = "01_linear_classification"
NAMES = (
    "scores",
    "predict",
    "accuracy",
    "perceptron_step",
    "perceptron_fit",
    "softmax",
    "cross_entropy",
    "softmax_gradient",
    "relu_xor",
)
WORTH = {"scores": 2.0, "perceptron_fit": 3.0, "softmax": 3.0, "cross_entropy": 3.0, "softmax_gradient": 4.0}

CALLED = "X = [[1., 2., 0.],\n     [0., 1., 3.]]\nW = [[1., 0., 2.]]\nb = [0.5]"
TRANSPOSED = (
    "These are the numbers you get with W in place of its transpose. "
    "Each row of W belongs to one class: use X @ W.T + b."
)
SHIFTED = "The logits overflow before they are divided. Subtract the largest logit of each row first."
SUMMED = "This is the sum over the batch. The loss is the mean: divide by the number of examples N."
SENTENCES = {
    "scores": ("weights_not_transposed", TRANSPOSED),
    "softmax": ("no_shift", SHIFTED),
    "cross_entropy": ("sum_for_mean", SUMMED),
    "softmax_gradient": (
        "sum_for_mean_gradient",
        "The gradient is N times too large: the loss is a mean over the batch.",
    ),
    "perceptron_step": (
        "strict_inequality",
        "A sample on the line counts as a mistake: update when y (w.x + b) <= 0.",
    ),
}

MESSAGES = {
    "type": "the answer is a list; expected an array of shape (2, 1)",
    "shape": "the answer has shape (1, 2); expected (2, 1)",
    "dtype": "the answer has dtype int64; expected float64",
    "values": "1 of 2 numbers differ; the first, [1, 0], is 6, expected 6.5",
    "property": "adding 5 to every logit of a row changes the answer by 0.31; it must not change",
    "exception": "your function raised ValueError: matmul: operand 1 has a mismatch in its core dimension 0",
    "inputs": "X was changed: the largest change is 2.0 at [0, 1]",
    "warning": "RuntimeWarning: overflow encountered in exp",
    "vectorised": "on an array of 8 x 8 your function takes 40 Python steps, on one of 64 x 64 9,000",
    "forbidden": "torch.conv2d does the work that this exercise asks of you: write it yourself",
    "breach": "stopped after 10 s: the function did not come back",
    "not_written": "not written yet",
    "judge": "judging your answer ended the judge's own process (signal SIGFPE)",
}


def details(kind: str) -> tuple[tuple[str, str], ...]:
    answers = {
        "type": "[4.5, 6.5]",
        "shape": "[[4.5, 6.5]]",
        "dtype": "[[4],\n [6]] (int64)",
        "values": "[[1.5],\n [6. ]]",
        "inputs": "[[1.5],\n [6.5]]",
        "warning": "[[nan],\n [0. ]]",
    }
    pairs = [("called with", CALLED)]
    if kind == "exception":
        pairs.append(("raised at", "line 4: return X @ W + b"))
    if kind in answers:
        pairs.append(("your answer", answers[kind]))
    return (*pairs, ("expected", "[[1.5],\n [6.5]]"))


def cases(kind: str = "", *, failing: int = 1) -> tuple[CaseResult, ...]:
    """Five visible cases in three groups and two hidden ones; the last `failing` of the visible ones fail."""
    names = [("one sample", "basics"), ("two samples", "basics"), ("three classes", "basics")]
    names += [("batch of one", "corners"), ("a strided view", "corners")]
    visible = [CaseResult(name, group, hidden=False, passed=True) for name, group in names]
    for index in range(len(visible) - failing if kind else len(visible), len(visible)):
        if kind in ("property", "breach", "not_written", "judge"):
            seen: tuple[tuple[str, str], ...] = ()
        else:
            seen = details(kind)
        visible[index] = replace(visible[index], passed=False, kind=kind, message=MESSAGES[kind], details=seen)
    return tuple(visible)


def hidden(*, passed: bool) -> tuple[CaseResult, ...]:
    bad = {} if passed else {"kind": "values", "message": "HIDDEN-MESSAGE 42.17"}
    return (
        CaseResult("hidden: wide and short", "corners", hidden=True, passed=True),
        CaseResult("hidden: one class", "corners", hidden=True, passed=passed, **bad),
    )


def verdict(kind: str, *, name: str = "scores", hinted: bool = False, failing: int = 2) -> Verdict:
    """A verdict whose first failing case is of that kind; "" passes."""
    results = cases(kind, failing=failing)
    most = WORTH.get(name, 1.0)
    first = next((result for result in results if not result.passed), None)
    status, points = Status.PASSED, most
    if first is not None:
        status, points = (Status.PARTIAL, most / 2) if failing < 3 else (Status.FAILED, 0.0)
        if failing == 5:
            status = {"exception": Status.ERROR, "not_written": Status.NOT_WRITTEN}.get(kind, Status.FAILED)
        status = Status.TIMEOUT if kind == "breach" else status
    label, sentence = SENTENCES.get(name, ("off_by_one", "The last entry is left out."))
    return Verdict(
        f"linear.{name}",
        status,
        points,
        most,
        message=f"{first.name}: {first.message}" if first else "",
        diagnosis=sentence if hinted else "",
        misconception=label if hinted else "",
        cases=results,
    )


def graded(
    student: str, outcomes: dict[str, Verdict], flags: tuple[str, ...] = (), assignment: str = ASSIGNMENT
) -> Graded:
    exercises = tuple(
        outcomes.get(name, replace(verdict("", name=name), cases=(*cases(), *hidden(passed=True)))) for name in NAMES
    )
    return Graded(
        student,
        assignment,
        sum(one.points for one in exercises),
        sum(one.max_points for one in exercises),
        3.25,
        flags,
        exercises,
    )


def stopped(name: str, status: Status, message: str) -> Verdict:
    return Verdict(f"linear.{name}", status, 0.0, WORTH.get(name, 1.0), message)


def everywhere(status: Status, message: str) -> dict[str, Verdict]:
    return {name: stopped(name, status, message) for name in NAMES}


def hidden_miss(name: str) -> Verdict:
    base = verdict("", name=name)
    told = "the visible cases pass; a hidden one does not: hidden: one class: HIDDEN-MESSAGE 42.17"
    return replace(
        base,
        status=Status.PARTIAL,
        points=base.max_points / 2,
        message=told,
        cases=(*cases(), *hidden(passed=False)),
    )


def _bad(kind: str, name: str, *, hinted: bool = False, failing: int = 5) -> dict[str, Verdict]:
    return {name: verdict(kind, name=name, hinted=hinted, failing=failing)}


def class_of_twelve() -> ClassGrading:
    """Twelve students: full marks, each kind of failure, hostile names and texts."""
    late = _bad("not_written", "softmax_gradient") | _bad("not_written", "relu_xor")
    blank = {name: verdict("not_written", name=name, failing=5) for name in NAMES}
    torn = everywhere(Status.UNREADABLE, "the file is not JSON: it ends after 812 bytes")
    submissions = (
        graded("ada", {}),
        graded("bela", _bad("values", "scores", hinted=True) | _bad("warning", "softmax", hinted=True)),
        graded("chidi", _bad("warning", "softmax", hinted=True) | late),
        graded(
            "dilnoza",
            _bad("values", "cross_entropy", hinted=True) | {"softmax_gradient": hidden_miss("softmax_gradient")},
        ),
        graded("emeka", _bad("exception", "perceptron_fit") | late),
        graded(
            "fatima",
            _bad("values", "softmax_gradient", hinted=True) | _bad("values", "cross_entropy", hinted=True),
        ),
        graded("gustav", {"perceptron_fit": stopped("perceptron_fit", Status.TIMEOUT, MESSAGES["breach"])} | late),
        graded("hana", blank),
        graded("ioana", _bad("values", "perceptron_step", hinted=True) | {"softmax": hidden_miss("softmax")}),
        graded("=cmd()|' /C calc'!A0", torn, ("unreadable notebook",)),
        graded(
            "<script>alert(1)</script>",
            _bad("shape", "scores", failing=2)
            | {
                "relu_xor": stopped(
                    "relu_xor", Status.BLOCKED, "[red]opened[/red] a socket <img src=x onerror=alert(1)>"
                )
            },
            ("changed a locked cell", "imports socket"),
        ),
        graded("zoë", {"accuracy": hidden_miss("accuracy"), "scores": verdict("dtype", name="scores")}),
    )
    return ClassGrading("landlock+seccomp", "cpu", submissions)
