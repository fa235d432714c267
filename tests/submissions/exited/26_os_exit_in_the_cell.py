# case: 26
# cell: predict
# %% predict
import os

os._exit(7)
