"""`SUBJECT WORKLOAD DIRECTORY`: the program that is recorded, of a subject that may be this folder's own."""

from __future__ import annotations

import sys

from tools.crashsim import subjects

if __name__ == "__main__":
    name, workload, directory = sys.argv[1:]
    subjects.MODULES["rough"] = "tools.mutations.rough"
    subjects.load(name).run(workload, directory)
