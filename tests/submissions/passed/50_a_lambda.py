# case: 50
# cell: accuracy
# %% accuracy
accuracy = lambda predicted, labels: (np.asarray(predicted) == np.asarray(labels)).sum() / np.size(labels)
