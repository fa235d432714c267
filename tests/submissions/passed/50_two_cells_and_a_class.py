# case: 50
# cell: predict
# A helper cell of one's own, type hints, other names for the arguments, a class, functools.
# %% + predict
from dataclasses import dataclass


@dataclass
class Row:
    values: object

    def best(self) -> int:
        return int(np.argmax(self.values))
# %% predict
from functools import lru_cache, partial


def predict(s: "np.ndarray") -> "np.ndarray":
    import operator

    rows = map(Row, s)
    return np.fromiter(map(operator.methodcaller("best"), rows), dtype=np.intp)
