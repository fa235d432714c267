# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 0 · Start
#
# **You will not have to believe anything in this course.** Every layer, every gradient and every byte that is saved is a
# function that you write yourself. A check then says at once whether it is right, and if not, on which input it goes
# wrong and what to try next.
#
# That is how the course goes from one weighted sum to networks that read digits, write text, understand graphs and fit
# into a few hundred bytes. This page shows the way and lets you meet the check.

# %% [markdown]
# **You will be able to**
#
# - find your way: what each notebook builds on, how long it takes, and how far you are
# - tell whether this machine is ready
# - read what a check says about an answer that is wrong, wrong in a known way, or right
# - open help step by step when you are stuck
# - look up what papers call the things that this course calls by other names
#
# **Time**: 6 minutes (estimated). **Needs**: nothing. In a hurry? Go straight to
# [1 · Linear classification](../01_linear_classification/01_linear_classification.ipynb) and come back later.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import numpy as np

from autograder import check, course_map, course_plan, preview, this_machine

# %% [markdown]
# ## The map
#
# Run this cell, and those below it: click into it and press *Shift* and *Enter*. Or choose *Run All Cells* in the menu
# *Run*.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_map", "locked": true, "schema_version": 3, "solution": false, "task": false}
course_map()

# %% [markdown]
# An arrow leads from each notebook to those that build on it. You can follow the numbers, or take a shorter way: to the
# graphs, to the hardware, to the small networks. Every notebook also says at its head what it needs.
#
# Here are the same notebooks as a list, with links. It remembers what your checks said, so come back to it.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plan", "locked": true, "schema_version": 3, "solution": false, "task": false}
course_plan()

# %% [markdown]
# The hours are estimates, for somebody who knows Python and matrices and is new to networks.
#
# ## Is this machine ready?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "machine", "locked": true, "schema_version": 3, "solution": false, "task": false}
this_machine()

# %% [markdown]
# *ok* and *absent* are both fine: no notebook needs what is absent. If something is *missing*, the last line says what
# to do.
#
# ## How a check works
#
# In a moment you will write a function, `average(numbers)`. For no numbers at all it should give 0. Before you write it, see
# what a check says about other people's answers. `preview` shows what a check would show, and forgets it.
#
# **A wrong answer.** This one always says 3, which is right for one of the inputs.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "preview_wrong", "locked": true, "schema_version": 3, "solution": false, "task": false}
def always_three(numbers):
    """Says 3, whatever comes."""
    return 3.0


preview("start.average", always_three)

# %% [markdown]
# The report shows the first input for which the answer is off, and side by side what came out and what was expected. The
# other inputs follow. Hints are there too, folded.
#
# **Wrong in a known way.** Some mistakes are made again and again. The report recognises them and names the likely cause:


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "preview_known", "locked": true, "schema_version": 3, "solution": false, "task": false}
def only_added(numbers):
    """The sum of the numbers."""
    return float(np.sum(numbers))


preview("start.average", only_added)

# %% [markdown]
# **Stuck.** Every exercise has three hints: a nudge, the idea, and nearly the answer. Click on one to open it; nobody
# counts. Here are the first two, opened for you.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "preview_hints", "locked": true, "schema_version": 3, "solution": false, "task": false}
def half_of_the_ends(numbers):
    """Half way between the first number and the last."""
    return (numbers[0] + numbers[-1]) / 2


preview("start.average", half_of_the_ends, hints=2)

# %% [markdown]
# Did you see the `IndexError`? An error in your function does not end the check: the report says for which input it was
# raised.
#
# ## Your turn
#
# ### Exercise: `average`
#
# `average(numbers (N,)) -> float`
#
# The sum of the numbers, divided by how many there are. For an empty array it is `0.0`.
#
# **By hand.** `[1., 2., 6.]` gives $9 / 3 = 3$, and `[]` gives $0$.
#
# Write your code where it says `YOUR CODE HERE`, and remove the line that raises an error. Run the cell, then the check
# below it, as often as you like. As long as nothing is written the check is grey.


# %% nbgrader={"grade": false, "grade_id": "average", "locked": false, "schema_version": 3, "solution": true, "task": false}
def average(numbers):
    """The average of the numbers, (N,) -> float; 0.0 if there are none."""
    ### BEGIN SOLUTION
    if len(numbers) == 0:
        return 0.0
    return float(np.sum(numbers) / len(numbers))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "average_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("start.average", average)

# %% [markdown]
# Green, with 1 of 1 points? Then you know how every exercise of the course works. Run the list of notebooks above
# again: it has counted your first exercise.
#
# What you see are the **visible cases**. When your work is graded, other inputs are added, of other sizes and with other
# numbers. An answer that is right in general passes them too. How you write it is up to you.
#
# ## Words
#
# The notebooks begin with a picture ("blame") and go on with the word that the trade uses (**gradient**). Here are both,
# with the name in PyTorch. The last column leads to the notebook that explains it.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "glossary", "locked": true, "schema_version": 3, "solution": false, "task": false}
from course_lib.glossary import glossary

glossary()

# %% [markdown]
# ## Recap
#
# - Each exercise is one cell to write and one cell to run.
# - A check shows where an answer goes wrong, and names the mistake where it is a known one.
# - Hints open one after the other, and cost nothing.
# - Pictures wait until their functions are written, so *Run All Cells* always works.
# - Every notebook ends with your progress, a link to the next exercise and one back to this map.
#
# **Next**: [1 · Linear classification](../01_linear_classification/01_linear_classification.ipynb). A few hundred numbers
# learn to read handwriting, and fail on four points.
