# case: 45
# cell: perceptron_step
# %% perceptron_step
def perceptron_step(w, b, x, y):
    if y * (w @ x + b) <= 0:
        return [w + y * x, b + y]
    return [w.copy(), b]
