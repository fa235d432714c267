# case: 20
# cell: predict
# %% predict
def predict(scores):
    kept = []
    while True:
        kept.append(bytes(50_000_000))
