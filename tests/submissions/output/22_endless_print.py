# case: 22
# cell: predict
# %% predict
def predict(scores):
    while True:
        print("again and again " * 100)
