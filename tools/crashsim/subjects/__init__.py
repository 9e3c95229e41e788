"""What the simulator is run on. A subject is a module of this package:

    WORKLOADS                               the names of its workloads
    accepts(workload)                       whether it runs that workload, listed or not
    EXPECTED                                workload -> why it is expected to fail or to be refused
    run(workload, directory)                the program that is recorded; it writes marks
    check(workload, directory, acked, issued) -> str
                                            opens a crash state; raises CheckError where a promise is broken
    MODES                                   ways to recover, each recorded and crashed for nested states
    recover(workload, directory, mode)      recovers in that way, and closes
    models_of(workload)                     optional: the models under which it can hold; all by default

`python -m tools.crashsim.subjects SUBJECT run|recover WORKLOAD DIRECTORY [MODE]` runs one.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from ..errors import UsageError

MODULES = {
    "diptych": "tools.crashsim.subjects.diptych_store",
    "sharing": "tools.crashsim.subjects.sharing",
    "sqlite": "tools.crashsim.subjects.sqlite_wal",
    "tantivy": "tools.crashsim.subjects.plain_tantivy",
}


class Subject(Protocol):
    """The shape of a subject's module."""

    WORKLOADS: Sequence[str]
    EXPECTED: Mapping[str, str]
    MODES: Sequence[str]

    def accepts(self, workload: str) -> bool:
        """Whether it runs this workload."""

    def run(self, workload: str, directory: str) -> None:
        """The recorded program."""

    def check(self, workload: str, directory: str, acked: int, issued: int) -> str:
        """What was recovered, in a few words."""

    def recover(self, workload: str, directory: str, mode: str) -> None:
        """Recover and close."""


def load(name: str) -> Subject:
    """The subject of this name. Raises UsageError."""
    if name not in MODULES:
        raise UsageError(f"There is no subject {name!r}; there are: {', '.join(sorted(MODULES))}.")
    return cast(Subject, importlib.import_module(MODULES[name]))
