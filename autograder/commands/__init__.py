"""What stands behind `autograder.cli`: the frame of the command line, and the commands of authors."""
