"""What must hold of a Diptych store after a crash: see "What must hold", 1 to 3 and 7, in the design."""

from __future__ import annotations

import zlib

from diptych import (
    CheckpointPolicy,
    DiptychError,
    FileRecord,
    IncompatibleStoreError,
    Report,
    Severity,
    Store,
    StoreNotFoundError,
    verify,
)

from ..effects import Tree
from ..oracle import CheckError, shorten
from ..trees import read_tree
from .diptych_beside import check_consumer, check_copies
from .diptych_plan import Files, begins_with_format_1, name_of, plan, record_of, word_of

_AFTER = "after/the/crash.py"
_POLICY = CheckpointPolicy(automatic=False)
_THOROUGH_ONE_IN = 4
_HITS_MAX = 1000


def check(workload: str, directory: str, acked: int, issued: int) -> str:
    """Read without writing, recover, recover again, write, reopen. Raises CheckError."""
    path = directory + "/store"
    transactions, states = plan(workload)
    before = read_tree(directory)
    thorough = _sampled(before)
    try:
        # Until a writer has opened a store of format 1, or one whose schema was changed and back.
        migrates = begins_with_format_1(workload) or "m" in word_of(workload)[1]
        check_copies(workload, directory, states, issued)
        _reads_without_writing(path, directory, before, states, acked, issued, migrates=migrates)
        with Store.open(path, policy=_POLICY) as store:
            prefix = _prefix(store, states, acked, issued)
            read_everything(store, states, states[prefix])
        recovered = _settled(read_tree(path))
        with Store.open(path, policy=_POLICY) as store:
            if store.lsn != prefix:
                raise CheckError("unstable", f"A second recovery reads LSN {store.lsn}, the first {prefix}.")
            if dict(_by_path(store)) != states[prefix]:
                raise CheckError("unstable", "A second recovery reads other files than the first.")
        again = _settled(read_tree(path))
        if again != recovered:
            raise CheckError("unstable", f"A second recovery changes files: {_difference(recovered, again)}.")
        with Store.open(path, policy=_POLICY) as store:
            check_consumer(workload, store, transactions, issued, prefix)
        _writes_and_reopens(path, states, prefix, publish=thorough)
        if thorough:
            report = verify(path, deep=True)
            damaged = set("sf") & set(word_of(workload)[1])
            if not report.ok and not (damaged and _only_warnings(report)):
                raise CheckError(
                    "verify", f"After recovery and a write, verify finds {shorten(report.findings)}"
                )
    except DiptychError as error:
        if type(error).__module__.startswith("diptych"):
            raise CheckError("will-not-open", f"{type(error).__name__}: {error}") from error
        raise
    return f"prefix {prefix}"


def _only_warnings(report: Report) -> bool:
    """Whether all can be read: where the workload damaged a generation, it stays so until it is retired."""
    return all(finding.severity is not Severity.ERROR for finding in report.findings)


def _sampled(tree: Tree) -> bool:
    """One state in so many, always the same ones: publishing costs as much as all the rest of a check."""
    names = repr(sorted((name, len(value or "")) for name, value in tree.nodes.items()))
    return zlib.crc32(names.encode()) % _THOROUGH_ONE_IN == 0


def _reads_without_writing(
    path: str,
    directory: str,
    before: Tree,
    states: list[Files],
    acked: int,
    issued: int,
    *,
    migrates: bool,
) -> None:
    try:
        with Store.open(path, read_only=True) as store:
            prefix = _prefix(store, states, acked, issued)
            read_everything(store, states, states[prefix], search=False)
    except StoreNotFoundError:
        if acked:
            raise CheckError(
                "lost-commit", f"Transaction {acked} was acknowledged; a reader finds no store."
            ) from None
    except IncompatibleStoreError:
        if not migrates:
            raise
    if read_tree(directory) != before:
        raise CheckError("read-writes", "Opening for reading changed the directory.")


def _prefix(store: Store, states: list[Files], acked: int, issued: int) -> int:
    """The number of transactions recovered; LSNs count them."""
    found = dict(_by_path(store))
    lsn = store.lsn
    if lsn >= len(states) or states[lsn] != found:
        matching = [number for number, state in enumerate(states) if state == found]
        raise CheckError(
            "not-a-prefix",
            f"The store says LSN {lsn}; its files are those after {matching}: {shorten(found)}",
        )
    if lsn < acked:
        raise CheckError(
            "lost-commit", f"Transaction {acked} was acknowledged; the store recovered to {lsn}."
        )
    if lsn > issued:
        raise CheckError("from-nowhere", f"Only {issued} transactions were begun; the store recovered {lsn}.")
    return lsn


def _by_path(store: Store) -> list[tuple[str, FileRecord]]:
    return [(record.path, record) for record in store.files()]


def read_everything(store: Store, states: list[Files], expected: Files, *, search: bool = True) -> None:
    """Hold every surface against the files that must be there. Raises CheckError."""
    paths = {path for state in states for path in state} | {"rolled/back.py"}
    _same("len(store)", len(store), len(expected))
    for path in sorted(paths):
        _same(f"file({path!r})", store.file(path), expected.get(path))
        _same(f"{path!r} in store", path in store, path in expected)
    symbols = [(path, symbol) for path, record in sorted(expected.items()) for symbol in record.symbols]
    relations = [
        (path, relation) for path, record in sorted(expected.items()) for relation in record.relations
    ]
    names = [name_of(number) for number in range(1, len(states))] + ["common"]
    for name in names:
        hits = [(hit.path, hit.symbol) for hit in store.symbols(name)]
        _same(f"symbols({name!r})", hits, [item for item in symbols if item[1].name == name])
    for target in ["target", *(path[:-3] for path in sorted(paths))]:
        found = [(hit.path, hit.relation) for hit in store.references(target)]
        _same(f"references({target!r})", found, [item for item in relations if item[1].target == target])
    for name in names if search else ():
        ranked = [(hit.path, hit.symbol) for hit in store.search(f"name:{name}", limit=_HITS_MAX)]
        _same(f"search('name:{name}')", sorted(ranked), [item for item in symbols if item[1].name == name])


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise CheckError("wrong-answer", f"{what} is {shorten(found)}, and ought to be {shorten(expected)}")


def _settled(tree: Tree) -> dict[str, bytes | str | None]:
    """A store's files but for the lock, which says who held it last."""
    return {name: value for name, value in tree.nodes.items() if name != "LOCK"}


def _difference(one: dict[str, bytes | str | None], other: dict[str, bytes | str | None]) -> str:
    names = [name for name in sorted(one.keys() | other.keys()) if one.get(name, 0) != other.get(name, 0)]
    return shorten(names)


def _writes_and_reopens(path: str, states: list[Files], prefix: int, *, publish: bool) -> None:
    added = record_of(_AFTER, prefix + 1)
    expected = {**states[prefix], _AFTER: added}
    with Store.open(path, policy=_POLICY) as store:
        with store.transaction() as transaction:
            transaction.index_file(added)
        if publish:
            store.checkpoint()
    with Store.open(path, policy=_POLICY) as store:
        if store.lsn != prefix + 1 or dict(_by_path(store)) != expected:
            raise CheckError("lost-write", "A commit after recovery is not there after reopening.")
        if publish:
            read_everything(store, [*states, expected], expected)
