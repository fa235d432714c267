# case: 20
# cell: predict
# A little more with every step.
# %% predict
kept = []


def predict(scores):
    while True:
        kept.append(np.empty(8_000_000))
