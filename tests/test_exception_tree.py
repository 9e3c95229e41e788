"""The tree of errors is the one drawn in the docstring of `diptych.errors`."""

from __future__ import annotations

import builtins
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import diptych
from diptych import errors

_LINE = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+Error)(?P<rest>.*)$")


def drawn() -> dict[str, tuple[str | None, set[str]]]:
    """Each class of the drawing, with its parent in it and the built-in classes in parentheses."""
    tree: dict[str, tuple[str | None, set[str]]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 4
        del above[depth:]
        also = re.match(r"\s+\(([\w, ]+)\)", found["rest"])
        tree[found["name"]] = (above[-1] if above else None, set(also[1].split(", ")) if also else set())
        above.append(found["name"])
    return tree


CLASSES = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}

# Released: programs rest on these. Lines are added, and none is changed or removed.
CODES = {
    "DiptychError": ("error", 7),
    "CallerError": ("caller-error", 2),
    "InvalidArgumentError": ("invalid-argument", 2),
    "InvalidRecordError": ("invalid-record", 2),
    "InvalidPathError": ("invalid-path", 2),
    "RecordTooLargeError": ("record-too-large", 2),
    "UnknownFileError": ("unknown-file", 3),
    "ConflictError": ("conflict", 2),
    "ChangesNotKeptError": ("changes-not-kept", 3),
    "QueryError": ("query", 2),
    "TransactionError": ("transaction", 2),
    "StateTransitionError": ("state-transition", 2),
    "StoreClosedError": ("store-closed", 2),
    "ForkedProcessError": ("forked-process", 2),
    "ReadOnlyError": ("read-only", 2),
    "OpenError": ("cannot-open", 7),
    "StoreNotFoundError": ("store-not-found", 3),
    "NotAStoreError": ("not-a-store", 6),
    "TrackedStoreError": ("tracked-store", 6),
    "GitRefusedError": ("git-refused", 7),
    "OlderFormatError": ("older-format", 6),
    "StoreLockedError": ("store-locked", 4),
    "IncompatibleStoreError": ("incompatible-store", 6),
    "CorruptionError": ("corruption", 5),
    "CorruptJournalError": ("corrupt-journal", 5),
    "CorruptSnapshotError": ("corrupt-snapshot", 5),
    "CorruptSearchError": ("corrupt-search", 5),
    "CorruptStoreError": ("corrupt-store", 5),
    "StorageError": ("storage", 7),
    "StorageFullError": ("storage-full", 7),
    "PoisonedError": ("poisoned", 7),
    "StoreReplacedError": ("store-replaced", 7),
    "CommitInDoubtError": ("commit-in-doubt", 7),
    "CommitNotPublishedError": ("commit-not-published", 7),
    "ScipError": ("scip", 5),
    "VersionError": ("version", 2),
    "InvalidVersionNameError": ("invalid-version-name", 2),
    "InvalidAssetError": ("invalid-asset", 2),
    "UnknownVersionError": ("unknown-version", 3),
    "VersionExistsError": ("version-exists", 2),
    "VersionStateError": ("version-state", 2),
    "IncompleteVersionError": ("incomplete-version", 2),
    "NotPublishedError": ("not-published", 2),
    "ImmutableVersionError": ("immutable-version", 2),
    "CurrentVersionError": ("current-version", 2),
    "NoRollbackTargetError": ("no-rollback-target", 3),
    "VersionInUseError": ("version-in-use", 4),
    "EmbeddingMismatchError": ("embedding-mismatch", 6),
    "IncompatibleVersionError": ("incompatible-version", 6),
    "CorruptVersionError": ("corrupt-version", 5),
    "AssetChangedError": ("asset-changed", 7),
    "ArtifactError": ("artifact", 2),
    "InvalidArtifactNameError": ("invalid-artifact-name", 2),
    "UnsupportedRemoteError": ("unsupported-remote", 2),
    "SecretsFoundError": ("secrets-found", 1),
    "LocalChangesError": ("local-changes", 1),
    "UnknownArtifactError": ("unknown-artifact", 3),
    "NoAncestorError": ("no-ancestor", 3),
    "RefMovedError": ("ref-moved", 4),
    "IncompatibleArtifactError": ("incompatible-artifact", 6),
    "UntrustedError": ("untrusted", 6),
    "CorruptArtifactError": ("corrupt-artifact", 5),
    "MissingObjectError": ("missing-object", 5),
    "HostileArtifactError": ("hostile-artifact", 5),
    "RemoteUnavailableError": ("remote-unavailable", 7),
    "ThrottledError": ("throttled", 7),
    "AccessDeniedError": ("access-denied", 7),
    "FreshnessError": ("freshness", 7),
    "StaleIndexError": ("stale-index", 6),
    "UpdateFailedError": ("update-failed", 7),
}


def everywhere() -> dict[str, type[errors.DiptychError]]:
    """Every error class of the package, whichever module it is in."""
    for module in pkgutil.walk_packages(diptych.__path__, "diptych."):
        if module.name != "diptych.__main__":
            importlib.import_module(module.name)
    found = {"DiptychError": errors.DiptychError}
    waiting: list[type[errors.DiptychError]] = [errors.DiptychError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__.startswith("diptych."):
                found[kind.__name__] = kind
                waiting.append(kind)
    return found


def test_every_error_has_a_code_of_its_own_and_its_exit_code_and_keeps_both() -> None:
    classes = everywhere()
    assert {name: (kind.code, kind.exit_code) for name, kind in classes.items()} == CODES
    assert all("code" in vars(kind) for kind in classes.values()), "a code is not inherited"
    codes = [code for code, _ in CODES.values()]
    assert len(set(codes)) == len(codes)


def test_the_document_lists_every_code() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs/command-line.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d) \|", page, re.MULTILINE)
    others = {"usage": 2, "out-of-memory": 7, "missing-package": 7}
    # That of a failed update is its cause's.
    named = {code: number for code, number in CODES.values() if code != "update-failed"}
    assert {code: int(number) for code, number in listed} == named | others


def test_nothing_raises_a_class_that_says_nothing() -> None:
    """A root or a built-in class tells the caller nothing, and has no advice."""
    raised = re.compile(r"raise (DiptychError|Exception|RuntimeError|KeyError|IndexError|TypeError)\b")
    for path in Path(diptych.__path__[0]).rglob("*.py"):
        assert not raised.search(path.read_text()), path


def test_the_drawing_has_every_class() -> None:
    assert set(drawn()) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_parents_are_as_drawn(name: str) -> None:
    parent, also = drawn()[name]
    bases = {base.__name__ for base in CLASSES[name].__bases__}
    expected = ({parent} if parent else {"Exception"}) | also
    # A built-in base may be named at the root of a branch alone.
    assert bases == expected
    assert all(issubclass(CLASSES[name], getattr(builtins, base)) for base in also)


@pytest.mark.parametrize("name", CLASSES)
def test_each_carries_message_and_advice(name: str) -> None:
    error = CLASSES[name]("it is so", advice="do this")
    assert (str(error), error.message, error.advice) == ("it is so", "it is so", "do this")
    assert CLASSES[name]("it is so").advice == CLASSES[name].default_advice != ""


def test_what_the_caller_would_catch() -> None:
    locked = errors.StoreLockedError("x", pid=7)
    assert locked.pid == 7
    assert errors.ChangesNotKeptError("x", oldest_lsn=7).oldest_lsn == 7
    assert errors.CorruptJournalError("x", where="a.wal@64").where == "a.wal@64"
    full = errors.StorageFullError("x", errno=28)
    assert isinstance(full, OSError)
    assert full.errno == 28
    assert isinstance(errors.UnknownFileError("x"), KeyError)
