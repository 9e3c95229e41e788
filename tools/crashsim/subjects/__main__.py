"""Runs or recovers one workload of one subject: this is the program that is recorded."""

import sys

from ..mutation import apply_mutations
from . import load


def main() -> None:
    """`SUBJECT run WORKLOAD DIRECTORY` or `SUBJECT recover WORKLOAD DIRECTORY MODE`."""
    name, verb, workload, directory, *mode = sys.argv[1:]
    subject = load(name)
    if verb == "run":
        apply_mutations()
        subject.run(workload, directory)
    else:
        subject.recover(workload, directory, *mode)


main()
