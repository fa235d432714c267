# case: 22
# cell: predict
# %% predict
import matplotlib.pyplot as plt


def predict(scores):
    return scores.argmax(axis=1)


for _ in range(400):
    plt.figure(figsize=(3, 3))
    plt.imshow(np.random.default_rng(_).random((200, 200)))
    plt.show()
