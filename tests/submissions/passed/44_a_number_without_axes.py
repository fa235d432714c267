# case: 44
# cell: accuracy
# %% accuracy
def accuracy(predicted, labels):
    return np.array(np.mean(predicted == labels))
