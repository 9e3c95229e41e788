"""A package is imported when it is first needed. With no file descriptor left, that was a bare OSError."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.processes import ROOT
from tests.support.records import numbered, record

from diptych import Store

pytest.importorskip("resource")

SCRIPT = """
import errno, os, resource, sys
from diptych import DiptychError, FileRecord, Range, Store, Symbol, repair, verify

def put(store):
    with store.transaction() as txn:
        txn.index_file(FileRecord("new.py", "h", symbols=[Symbol("new", "function", Range(0, 0, 1, 1))]))

CALLS = {
    "file": lambda store: store.file("a.py"),
    "files": lambda store: list(store.files()),
    "symbols": lambda store: store.symbols("a_0_0"),
    "references": lambda store: store.references("a_0_0"),
    "search": lambda store: store.search("a_0_0"),
    "search badly": lambda store: store.search("nosuchfield:x"),
    "view": lambda store: store.view().search("a_0_0"),
    "stats": lambda store: store.stats(),
    "refresh": lambda store: store.refresh(),
    "commit": put,
    "checkpoint": lambda store: store.checkpoint(),
    "verify": lambda store: verify(store.path, deep=True),
    "repair": lambda store: repair(store.path),
    "open": lambda store: Store.open(store.path, read_only=True).close(),
}
path, mode, call = sys.argv[1:]
store = Store.open(path, read_only=mode == "reader")
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
try:
    CALLS[call](store)
    said = "answered"
except DiptychError as error:
    said = f"{type(error).__name__} {errno.errorcode.get(getattr(error, 'errno', None))}"
    assert error.advice
for number in held:
    os.close(number)
try:
    CALLS[call](store)
    then = "answered"
except DiptychError as error:
    then = type(error).__name__
print(f"{said}, then {then}")
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("descriptors") / "store"
    with Store.open(path) as store:
        with store.transaction() as txn:
            for one in numbered(5):
                txn.index_file(one)
        store.checkpoint()
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
    return path


ALWAYS = ("file", "files", "symbols", "references")
READS = (*ALWAYS, "stats", "search", "search badly", "view", "refresh", "open")


@pytest.mark.parametrize("call", [*READS, "verify", "repair"])
def test_a_reader_says_so_and_answers_when_there_are_some_again(path: Path, call: str) -> None:
    assert outcome(path, "reader", call) in expected(call)


@pytest.mark.parametrize("call", [*READS, "commit", "checkpoint", "verify"])
def test_a_writer_says_so_and_answers_when_there_are_some_again(path: Path, call: str) -> None:
    assert outcome(path, "writer", call) in expected(call)


def outcome(path: Path, mode: str, call: str) -> str:
    """What the call comes to without descriptors, then with them."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(path), mode, call],
        env={"PYTHONPATH": f"{ROOT}/engine"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def expected(call: str) -> set[str]:
    """A read by path or name needs no descriptor; the rest may."""
    if call == "search badly":
        # Where the words have to be cut first, the package for that is missed first.
        return {"StorageError EMFILE, then QueryError", "QueryError None, then QueryError"}
    refused = set() if call in ALWAYS else {"StorageError EMFILE, then answered"}
    return {"answered, then answered", *refused}
