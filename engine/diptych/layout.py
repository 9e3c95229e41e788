"""Format and parse every file name of a store.

    <store>/
      LOCK  IDENTITY                    the writer's lock; what the store is
      ORIGIN                            what it was made from, if it is a fork or adopted
      facts.msgpack                     an indexer's cache of the files it read; never trusted
      freshness.msgpack                 a cache of git's answer when the index was last fresh
      PROGRESS                          progress of the indexer that holds the lock; a hint
      INSPECT                           a query's request to the watch that holds the lock; a hint
      KEEPER  CLIENTS  LOOK             the state of that watch; locked by those it serves; files to look at
      REBUILT                           the shapes that it was rebuilt for, as schemas changed; a hint
      REMOTES                           a cache of the refs that were pushed or pulled last
      journal/<first LSN>.wal
      journal/CLOSED                    clean-shutdown marker: where the journal ended
      generations/<LSN>[.<revision>]    manifest of a generation: the segments it consists of
      segments/<digest of SEAL>/        SEAL  records.msgpack  search.bundle or <Tantivy's id>.*
      segments/<LSN>[.<revision>]       second copy of a manifest, for repair alone
      incoming/<pid>.<n>/               a segment being built
      consumers/<name>/                 LOCK  POSITION: how far a named consumer is
      precise/                          a complete store by itself: what imported indexes say of the files
      quarantine/                       bytes that recovery or repair moved away

Names read from a document are untrusted. `is_plain_name` and `is_path_inside` define which are valid, here
and in versions. LSNs are zero-padded to the 20 digits of a u64, so that names sort numerically.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable

from diptych.lazy import pattern

LOCK = "LOCK"
IDENTITY = "IDENTITY"
ORIGIN = "ORIGIN"
FACTS = "facts.msgpack"
FRESHNESS = "freshness.msgpack"
PROGRESS = "PROGRESS"
INSPECT = "INSPECT"
KEEPER = "KEEPER"
CLIENTS = "CLIENTS"
LOOK = "LOOK"
REBUILT = "REBUILT"
REMOTES = "REMOTES"
JOURNAL = "journal"
CLOSED = "CLOSED"
GENERATIONS = "generations"
QUARANTINE = "quarantine"
CONSUMERS = "consumers"
PRECISE = "precise"
POSITION = "POSITION"

# By which processes notify each other. Nobody relies on them, and a copy of a store is without them.
HINTS = frozenset({PROGRESS, INSPECT, KEEPER, CLIENTS, LOOK})
# Files next to a store but not part of it. Alone in a folder, they are left from a deleted store.
BESIDE = frozenset({FACTS, FRESHNESS, REBUILT, REMOTES, *HINTS, ".gitignore"})

SEGMENTS = "segments"
INCOMING = "incoming"
SEAL = "SEAL"
RECORDS = "records.msgpack"
BUNDLE = "search.bundle"

# Tantivy's file names.
SEARCH_META = "meta.json"
SEARCH_MANAGED = ".managed.json"
SEARCH_SUFFIXES = ("fast", "fieldnorm", "idx", "pos", "store", "term")
# The version of the format of Tantivy's files that this version of Diptych composes; a test holds it against
# the footers of the installed one.
INDEX_FORMAT = 7

# A generation of format 1 was a directory with a manifest and both stores, and Tantivy worked in another.
MANIFEST_1 = "manifest.msgpack"
SNAPSHOT_1 = "snapshot.msgpack"
SEARCH_1 = "search"
WORK_1 = "work"

DEFAULT_STORE = ".diptych"

# Twenty digits can exceed a u64. One less than its maximum, so that there is always a next LSN.
_LSN_MOST = 2**64 - 2

MAX_NAME_CHARS = 128
# ASCII only: a name must mean the same on file systems that normalize Unicode, in shell scripts and in logs.
_PLAIN = pattern(r"[A-Za-z0-9][A-Za-z0-9._+=@~-]*\Z")
PLAIN_NAME_RULE = (
    f"up to {MAX_NAME_CHARS} ASCII letters, digits and . _ + = @ ~ -, beginning with a letter or a digit"
)
# Windows reserves these names, with any extension.
_DEVICE = pattern(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
# A drive, or another separator.
_OUTSIDE_ON_WINDOWS = pattern(rb"[\\:]")

_JOURNAL_FILE = pattern(r"([0-9]{20})\.wal\Z")
_GENERATION = pattern(r"([0-9]{20})(?:\.([0-9]{1,9}))?\Z")
_SEGMENT_DIGEST = pattern(r"[0-9a-f]{64}\Z")
_SEGMENT_ID = pattern(r"[0-9a-f]{32}\Z")
_INCOMING = pattern(r"[0-9]{1,20}\.[0-9]{1,20}\Z")
_TEMPORARY = pattern(r".*\.tmp\Z")


def journal_file_name(first_lsn: int) -> str:
    """The file name of the journal file whose first frame carries `first_lsn`."""
    return f"{first_lsn:020d}.wal"


def parse_journal_file_name(name: str) -> int | None:
    """The first LSN in the name of a journal file; None for any other name."""
    match = _JOURNAL_FILE.match(name)
    return int(match[1]) if match and int(match[1]) <= _LSN_MOST else None


def generation_name(lsn: int, revision: int = 0) -> str:
    """The file of the generation at `lsn`; `revision` counts the times it was rebuilt at that LSN."""
    return f"{lsn:020d}.{revision}" if revision else f"{lsn:020d}"


def parse_generation_name(name: str) -> tuple[int, int] | None:
    """`(LSN, revision)` of a generation's name; None for any other name."""
    match = _GENERATION.match(name)
    return (int(match[1]), int(match[2] or 0)) if match and int(match[1]) <= _LSN_MOST else None


def temporary_name(name: str) -> str:
    """The name under which `name` is built until a rename publishes it."""
    return f"{name}.tmp"


def is_temporary(name: str) -> bool:
    """Whether `name` is unpublished and was left by a crash."""
    return _TEMPORARY.match(name) is not None


def is_plain_name(name: object) -> bool:
    """Whether `name` names one entry of a directory, the same on every system."""
    return (
        isinstance(name, str)
        and _PLAIN.match(name) is not None
        and len(name) <= MAX_NAME_CHARS
        and ".." not in name
        and not name.endswith(".")
        and not is_device_name(name)
    )


def is_device_name(name: str) -> bool:
    """Whether Windows reserves `name` for a device."""
    return _DEVICE.match(name) is not None


def is_path_inside(path: object) -> bool:
    """Whether `path`, bytes with `/` between components, stays below its starting directory."""
    if not isinstance(path, bytes) or b"\0" in path:
        return False
    if os.name == "nt" and _OUTSIDE_ON_WINDOWS.search(path):
        return False
    return not any(part in (b"", b".", b"..") for part in path.split(b"/"))


def are_paths_inside(joined: bytes) -> bool:
    """Whether `is_path_inside` is true for each path in `joined`, which NUL bytes separate."""
    if os.name == "nt":
        return all(map(is_path_inside, joined.split(b"\0")))
    # The same test, on all components at once.
    components = b"/" + joined.replace(b"\0", b"/") + b"/"
    return not any(part in components for part in (b"//", b"/./", b"/../"))


def is_generation_file_1(path: object) -> bool:
    """Whether a manifest of format 1 may name `path`: its snapshot, or a file of its search index."""
    if not isinstance(path, str):
        return False
    directory, _, name = path.rpartition("/")
    return path == SNAPSHOT_1 or (directory == SEARCH_1 and is_plain_name(name))


def is_segment_digest(name: object) -> bool:
    """Whether `name` can be that of a sealed segment's directory: BLAKE3 of its SEAL, in hexadecimal."""
    return isinstance(name, str) and _SEGMENT_DIGEST.match(name) is not None


def segments_to_remove(
    names: Iterable[str], generations: Container[str], listed: Container[str]
) -> list[str]:
    """Which of these names in the directory of segments are no longer needed.

    Those are segments whose digest is not `listed`, and copies of manifests of other `generations`.
    """
    return [
        name
        for name in names
        if (is_segment_digest(name) and name not in listed)
        or (parse_generation_name(name) is not None and name not in generations)
    ]


def is_segment_id(value: object) -> bool:
    """Whether `value` is Tantivy's id of a segment, as its file names begin with it."""
    return isinstance(value, str) and _SEGMENT_ID.match(value) is not None


def incoming_name(pid: int, number: int) -> str:
    """The name of a directory in which process `pid` builds a segment."""
    return f"{pid}.{number}"


def is_incoming_name(name: object) -> bool:
    """Whether `name` is that of a directory in which a segment is built: `<pid>.<n>`."""
    return isinstance(name, str) and _INCOMING.match(name) is not None


def search_file_name(segment_id: str, suffix: str) -> str:
    """The name of one of the files of a Tantivy segment. `suffix` is one of SEARCH_SUFFIXES."""
    return f"{segment_id}.{suffix}"


def are_segment_files(names: Iterable[str], segment_id: str) -> bool:
    """Whether a SEAL may name these files: the records, and Tantivy's files apart or in one bundle."""
    apart = {search_file_name(segment_id, suffix) for suffix in SEARCH_SUFFIXES}
    return set(names) in ({RECORDS, BUNDLE}, {RECORDS} | apart)


def is_lsn(value: object) -> bool:
    """Whether `value` is a valid LSN."""
    return type(value) is int and 0 <= value <= _LSN_MOST
