"""What is behind an error that says little: a second process that cannot be started, a compiler that is not there."""

from __future__ import annotations

from types import TracebackType

__all__ = ["cause_of"]

_NO_PROCESSES = "no second processes here: "
_IN_A_LOOP = f"{_NO_PROCESSES}call the function in a loop, without a pool or a process"
_STARTERS = {
    "torch.utils.data.dataloader": f"{_NO_PROCESSES}set num_workers=0 in the DataLoader",
    "joblib": f"{_NO_PROCESSES}set n_jobs=1",
    "concurrent.futures.process": _IN_A_LOOP,
    "multiprocessing": _IN_A_LOOP,
    "torch.multiprocessing": _IN_A_LOOP,
}
"""By the module that starts processes, the most telling first."""
_COMPILER = "torch.compile cannot build here: leave it out, the same function runs without it"
_COMPILERS = ("torch._inductor", "torch._dynamo")
_COMPILER_ERRORS = ("BackendCompilerFailed", "InductorError", "InvalidCxxCompiler", "CppCompileError")
_THREADS = "no more threads can be started here: look for a loop that starts them, and wait for those that run"
_OWN = "autograder."


def cause_of(error: BaseException) -> tuple[str, str] | None:
    """The kind and the message that tell the cause, where an error of a library's tells only what came of it."""
    modules = _modules(error.__traceback__)
    if type(error).__name__ in _COMPILER_ERRORS and _any_in(modules, _COMPILERS):
        return type(error).__name__, _COMPILER
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return type(error).__name__, _THREADS
    starts = modules and _is_in(modules[-1], ("multiprocessing", "torch.multiprocessing", "concurrent.futures.process"))
    if not isinstance(error, OSError) or not starts or type(error.__cause__).__name__ == "_RemoteTraceback":
        return None
    return "PermissionError", next(said for name, said in _STARTERS.items() if _any_in(modules, (name,)))


def _modules(trace: TracebackType | None) -> list[str]:
    """The modules that an error went through, the deepest last; what refuses things here is none of them."""
    found = []
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__")
        if isinstance(name, str) and not name.startswith(_OWN):
            found.append(name)
        trace = trace.tb_next
    return found


def _any_in(modules: list[str], packages: tuple[str, ...]) -> bool:
    return any(_is_in(module, packages) for module in modules)


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
