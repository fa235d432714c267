# case: 22
# cell: predict
# %% predict
def predict(scores):
    return scores.argmax(axis=1)


print("x" * 50_000_000)
