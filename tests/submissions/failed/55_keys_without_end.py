# case: 55
# cell: predict
# A dictionary that the wire lets through, and that may not make a verdict of megabytes.
# %% predict
def predict(scores):
    return {f"{number:099}": {"k" * 100: [[[[["x" * 1000]] * 9] * 9] * 9] * 9} for number in range(2)} | {
        f"{number:0100}": number for number in range(20_000)
    }
