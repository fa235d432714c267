# case: 1
# cell: scores
# Another notebook's reference does the same work.
# %% scores
from course_lib import mlp


def scores(X, W, b):
    return mlp.linear(X, W, b)
