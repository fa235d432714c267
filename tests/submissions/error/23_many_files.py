# case: 23
# cell: predict
# %% predict
def predict(scores):
    opened = []
    while True:
        opened.append(open(f"file{len(opened)}", "w"))
