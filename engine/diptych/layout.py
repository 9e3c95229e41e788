"""Every file name of a store, formatted and parsed in one place.

    <store>/
      LOCK  IDENTITY                    the writer's lock; what the store is
      facts.msgpack                     an indexer's cache of what it saw; never trusted
      freshness.msgpack                 a cache of what git said when the index was last found fresh
      PROGRESS                          how far the run of the indexer is that holds the lock; a hint
      INSPECT                           a query's request to the watch that holds the lock; a hint
      journal/<first LSN>.wal
      journal/CLOSED                    how far the journal reached at the last orderly close
      generations/<LSN>[.<revision>]/   manifest.msgpack  snapshot.msgpack  search/
      work/<random>/                    the live Tantivy directory of one writer
      quarantine/                       bytes that recovery or repair set aside

Names that a document gives come from outside: `is_plain_name` and `is_path_inside` are the one grammar for
them, here and in versions. LSNs are zero-padded to the 20 digits of a u64, so that names sort as numbers do.
"""

from __future__ import annotations

import os
import re

LOCK = "LOCK"
IDENTITY = "IDENTITY"
FACTS = "facts.msgpack"
FRESHNESS = "freshness.msgpack"
PROGRESS = "PROGRESS"
INSPECT = "INSPECT"
JOURNAL = "journal"
CLOSED = "CLOSED"
GENERATIONS = "generations"
WORK = "work"
QUARANTINE = "quarantine"

# What stands beside a store and is no part of it: alone in a folder, it is what a deleted store left.
BESIDE = frozenset({FACTS, FRESHNESS, PROGRESS, INSPECT, ".gitignore"})

MANIFEST = "manifest.msgpack"
SNAPSHOT = "snapshot.msgpack"
SEARCH = "search"

# What Tantivy calls its own files.
SEARCH_META = "meta.json"
SEARCH_MANAGED = ".managed.json"

DEFAULT_STORE = ".diptych"

# Twenty digits can say more than a u64 holds; one less, so that an LSN always follows.
_LSN_MOST = 2**64 - 2

MAX_NAME_CHARS = 128
# ASCII only: a name must mean the same on file systems that fold case or normalize Unicode, in a shell
# script, and in a log.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@~-]*\Z")
PLAIN_NAME_RULE = (
    f"up to {MAX_NAME_CHARS} ASCII letters, digits and . _ + = @ ~ -, beginning with a letter or a digit"
)
# Windows gives these a meaning of their own, with any extension.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
# A drive, or another separator.
_OUTSIDE_ON_WINDOWS = re.compile(rb"[\\:]")

_SEGMENT = re.compile(r"([0-9]{20})\.wal\Z")
_GENERATION = re.compile(r"([0-9]{20})(?:\.([0-9]{1,9}))?\Z")
_TEMPORARY = re.compile(r".*\.tmp\Z")


def segment_name(first_lsn: int) -> str:
    """The file name of the journal segment whose first frame carries `first_lsn`."""
    return f"{first_lsn:020d}.wal"


def parse_segment_name(name: str) -> int | None:
    """The first LSN in a segment's file name; None for any other name."""
    match = _SEGMENT.match(name)
    return int(match[1]) if match and int(match[1]) <= _LSN_MOST else None


def generation_name(lsn: int, revision: int = 0) -> str:
    """The directory of the generation at `lsn`; `revision` counts the times it was rebuilt at that LSN."""
    return f"{lsn:020d}.{revision}" if revision else f"{lsn:020d}"


def parse_generation_name(name: str) -> tuple[int, int] | None:
    """`(LSN, revision)` of a generation's directory name; None for any other name."""
    match = _GENERATION.match(name)
    return (int(match[1]), int(match[2] or 0)) if match and int(match[1]) <= _LSN_MOST else None


def temporary_name(name: str) -> str:
    """The name under which `name` is built before one rename publishes it."""
    return f"{name}.tmp"


def is_temporary(name: str) -> bool:
    """Whether `name` is something unpublished that a crash left behind."""
    return _TEMPORARY.match(name) is not None


def is_plain_name(name: object) -> bool:
    """Whether `name` names one entry of a directory, the same one wherever the directory is read."""
    return (
        isinstance(name, str)
        and _PLAIN.match(name) is not None
        and len(name) <= MAX_NAME_CHARS
        and ".." not in name
        and not name.endswith(".")
        and not is_device_name(name)
    )


def is_device_name(name: str) -> bool:
    """Whether Windows gives `name` to a device."""
    return _DEVICE.match(name) is not None


def is_path_inside(path: object) -> bool:
    """Whether `path`, bytes with `/` between components, leads to something below where it starts."""
    if not isinstance(path, bytes) or b"\0" in path:
        return False
    if os.name == "nt" and _OUTSIDE_ON_WINDOWS.search(path):
        return False
    return not any(part in (b"", b".", b"..") for part in path.split(b"/"))


def are_paths_inside(joined: bytes) -> bool:
    """Whether `is_path_inside` holds of each of the paths in `joined`, which zero bytes part."""
    if os.name == "nt":
        return all(map(is_path_inside, joined.split(b"\0")))
    # The same test as there, of all components at once.
    components = b"/" + joined.replace(b"\0", b"/") + b"/"
    return not any(part in components for part in (b"//", b"/./", b"/../"))


def is_generation_file(path: object) -> bool:
    """Whether a generation's manifest may name `path`: its snapshot, or a file of its search index."""
    if not isinstance(path, str):
        return False
    directory, _, name = path.rpartition("/")
    return path == SNAPSHOT or (directory == SEARCH and is_plain_name(name))


def is_lsn(value: object) -> bool:
    """Whether `value` can be the LSN of something that exists."""
    return type(value) is int and 0 <= value <= _LSN_MOST
