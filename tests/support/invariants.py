"""What must hold of a store at any moment, whatever was done to it before. Each check names what it found."""

from __future__ import annotations

import os

from diptych import FileRecord, Severity, Status, Store, verify
from diptych.layout import (
    is_temporary,
    parse_generation_name,
    parse_journal_file_name,
)
from diptych.store.view import View

Files = dict[str, FileRecord]


def check_reads(store: Store | View[FileRecord], files: Files) -> None:
    """All ways of reading show `files` and nothing else."""
    records = list(store.records())
    assert records == [files[path] for path in sorted(files, key=os.fsencode)]
    assert len(store) == len(files)
    symbols: dict[str, list[str]] = {}
    targets: dict[str, list[str]] = {}
    for path in sorted(files, key=os.fsencode):
        one = files[path]
        assert store.get(path) == one
        assert path in store
        for symbol in one.symbols:
            symbols.setdefault(symbol.name, []).append(path)
        for relation in one.relations:
            targets.setdefault(relation.target, []).append(path)
    for name, paths in symbols.items():
        assert [hit.path for hit in store.lookup("symbols", name)] == paths
    for target, paths in targets.items():
        assert [hit.path for hit in store.lookup("references", target)] == paths
    assert store.lookup("symbols", "never_there") == []


def check_search(store: Store | View[FileRecord], files: Files) -> None:
    """Full-text search finds every symbol once."""
    expected = sorted((path, symbol) for path, one in files.items() for symbol in one.symbols)
    hits = store.search("kind:function", limit=len(expected) + 10)
    assert sorted((hit.path, hit.symbol) for hit in hits) == expected


def check_counts(store: Store, files: Files) -> None:
    """The figures are those of the files."""
    stats = store.stats()
    assert stats.records == len(files)
    assert stats.counts == {
        "symbols": sum(len(one.symbols) for one in files.values()),
        "relations": sum(len(one.relations) for one in files.values()),
    }
    assert store.state.status is (Status.READY if files else Status.EMPTY)


def check_directory(path: str) -> None:
    """Nothing unpublished lies about; generations are kept with the journal after the oldest of them."""
    names = os.listdir(os.path.join(path, "generations"))
    assert all(parse_generation_name(name) is not None for name in names), names
    lsns = {parsed[0] for name in names if (parsed := parse_generation_name(name))}
    journal = os.listdir(os.path.join(path, "journal"))
    assert not any(is_temporary(name) for name in journal), journal
    firsts = {first for name in journal if (first := parse_journal_file_name(name)) is not None}
    assert min(firsts) <= min(lsns, default=0) + 1
    assert all(lsn + 1 in firsts for lsn in lsns), (lsns, firsts)


def check_whole(path: str) -> None:
    """`verify` has nothing to say but notes."""
    report = verify(path)
    assert [finding for finding in report.findings if finding.severity is not Severity.NOTE] == []
