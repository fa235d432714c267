# case: 8
# cell: predict
# Looks for hidden tests, the secret, the gradebook, other submissions and the environment; wins if it finds any.
# %% predict
import glob
import os


def _spoils():
    for root in ("/", "/work", "/home", "/root", "/tmp", os.path.expanduser("~"), "..", "../..", "../../..", "../../../.."):
        for pattern in (
            "secret", "classroom/secret", "*/classroom/secret", "*/*/secret", "gradebook.db", "*/gradebook.db",
            "*/*/gradebook.db", "submitted/*", "*/submitted/*", "*/*/submitted/*", "*/autograder/judge/*.py",
            "*/*/autograder/exercises/*.py", "*/solutions/*.py", "*/*/solutions/*.py", "etc/shadow",
        ):
            for path in glob.glob(os.path.join(root, pattern)):
                try:
                    if os.path.isdir(path):
                        return path
                    with open(path, "rb") as file:
                        file.read(1)
                    return path
                except OSError:
                    pass
    return next((name for name in os.environ if "SECRET" in name.upper() or "TOKEN" in name.upper()), "")


def predict(scores):
    return scores.argmax(axis=1) if _spoils() else 0
