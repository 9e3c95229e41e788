"""Short words for hunts, for the lists of mutations."""

from __future__ import annotations

from .mutation import Hunt


def crash(workload: str, **options: object) -> Hunt:
    """The crash simulator on a workload of its subject `diptych`."""
    return Hunt("crash", {"workload": workload, **options})


def rough(workload: str, **options: object) -> Hunt:
    """The crash simulator on a workload of `tools.mutations.rough`."""
    return Hunt("crash", {"workload": workload, "subject": "rough", **options})


def damage(*files: str, **options: object) -> Hunt:
    """The damage campaign on the files of these patterns."""
    return Hunt("damage", {"files": list(files), **options})


def fault(campaign: str, only: str = "") -> Hunt:
    """A fault campaign."""
    return Hunt("fault", {"campaign": campaign, "only": only})


def unit(*tests: str) -> Hunt:
    """Tests of the suite."""
    return Hunt("unit", {"tests": list(tests)}, 120.0)


def reopened() -> Hunt:
    """The crash simulator on its longest workload: merges over many reopenings."""
    return Hunt("crash", {"workload": "reopen"}, 120.0)


def concurrency() -> Hunt:
    """Writers and readers at once, and writers one after the other."""
    return Hunt("concurrency", {}, 60.0)


def stateful() -> Hunt:
    """The store against a dict."""
    return Hunt("unit", {"tests": ["tests/store/test_stateful.py"]}, 240.0)


FORGED = unit("tests/store/test_forged.py")
"""Files that pass their own checksums and are not what they are taken for."""


def diverged() -> Hunt:
    """Two copies of a store that went different ways, mixed."""
    return Hunt("diverged", {})


def exchanged() -> Hunt:
    """Entries of a snapshot's tables exchanged."""
    return Hunt("exchanged", {})


def under_a_reader() -> Hunt:
    """Bytes of the journal changed while a reader has it open."""
    return Hunt("open", {})
