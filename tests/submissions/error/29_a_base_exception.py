# case: 29
# cell: predict
# %% predict
class Mine(BaseException):
    def __str__(self):
        raise self


def predict(scores):
    raise Mine
