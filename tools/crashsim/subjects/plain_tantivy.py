"""Plain tantivy-py: what its `commit` promises when nothing stands beside it."""

from __future__ import annotations

from typing import Any

from ..marks import Marks
from ..oracle import CheckError, check_prefix

_STEPS = {
    "three-commits": "ccc",
    "reopen": "cqcqc",
    "delete": "ccdc",
    "merge": "c" * 10 + "gc",
}
WORKLOADS = tuple(_STEPS)
MODES = ("open",)
EXPECTED = dict.fromkeys(
    WORKLOADS, "commit returns before the directory is synced that names the new meta.json"
)

Documents = frozenset[tuple[int, str]]


def accepts(workload: str) -> bool:
    """Whether there is such a workload."""
    return workload in _STEPS


def plan(workload: str) -> list[Documents]:
    """The documents after each commit: element 0 is before the first."""
    states: list[Documents] = [frozenset()]
    for step in _STEPS[workload]:
        number = len(states)
        if step == "c":
            states.append(states[-1] | {(number, _body(number))})
        elif step == "d":
            states.append(states[-1] - {(1, _body(1))})
    return states


def _body(number: int) -> str:
    return f"document {number} " + "word " * number


def _open(directory: str) -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("key", stored=True, indexed=True, fast=True)
    builder.add_text_field("body", stored=True)
    return tantivy.Index(builder.build(), directory)


def run(workload: str, directory: str) -> None:
    """The recorded program."""
    import tantivy

    marks = Marks()
    index = _open(directory)
    writer = index.writer(15_000_000, 1)
    number = 0
    for step in _STEPS[workload]:
        if step == "q":
            writer.wait_merging_threads()
            index = _open(directory)
            writer = index.writer(15_000_000, 1)
            continue
        if step == "g":
            writer.wait_merging_threads()
            writer = index.writer(15_000_000, 1)
            writer.garbage_collect_files()
            continue
        number += 1
        if step == "c":
            writer.add_document(tantivy.Document(key=number, body=_body(number)))
        else:
            writer.delete_documents("key", 1)
        marks.issued(number)
        writer.commit()
        marks.acked(number)
    writer.wait_merging_threads()


def _documents(index: Any) -> Documents:
    index.reload()
    searcher = index.searcher()
    hits = searcher.search(index.parse_query("*", ["body"]), limit=1000).hits
    found = [searcher.doc(address) for _, address in hits]
    return frozenset((document["key"][0], document["body"][0]) for document in found)


def recover(_workload: str, directory: str, _mode: str) -> None:
    """Open a writer and close it, which is what collects garbage."""
    _open(directory).writer(15_000_000, 1).wait_merging_threads()


def check(workload: str, directory: str, acked: int, issued: int) -> str:
    """Open, read, write, reopen. Raises CheckError."""
    import tantivy

    states = plan(workload)
    try:
        index = _open(directory)
        found = _documents(index)
        prefix = check_prefix(states, found, acked, issued)
        writer = index.writer(15_000_000, 1)
        writer.add_document(tantivy.Document(key=1000, body="after"))
        writer.commit()
        writer.wait_merging_threads()
        if _documents(_open(directory)) != found | {(1000, "after")}:
            raise CheckError("lost-write", "A write after recovery is not there after reopening.")
    except (ValueError, OSError) as error:
        raise CheckError("will-not-open", f"{type(error).__name__}: {error}") from error
    return f"prefix {prefix}"
