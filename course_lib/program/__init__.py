"""A computation as bytes: recorded once, then run by someone who need not trust its author.

A `Program` is a string of bytes: the torch operators that were executed with their arguments (its code, compressed by
DEFLATE), and the numbers that it starts from (its data). Its length is what it takes to write it down, wherever a
number is: in a weight, in an argument, in the wiring. Whoever runs it sees everything that is stored and computed:
nothing else can reach the result. What happens outside torch's operators, in NumPy say, is not part of it.

Modules
    recording   from a call to its program
    written     the program as bytes
    code        how each value of the code is written
    operators   which operators there are, and what a call of one costs
    running     from a program and inputs to its output and its cost
"""

from course_lib.program.recording import record
from course_lib.program.running import Cost, constants, run
from course_lib.program.written import Program, ProgramError, from_plain

__all__ = ["Cost", "Program", "ProgramError", "constants", "from_plain", "record", "run"]
