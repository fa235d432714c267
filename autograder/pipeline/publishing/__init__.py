"""What is published: feedback, the class report, similarities between answers."""
