"""The freshness file: what git said when the index was last known to be fresh.

    [magic: str, format: int, body: bin, checksum: bin(16)]       XXH3-128 of the body

A cache beside the indexer's facts, and bound to them: it counts only while the facts file is the very file it
was written with. Missing or damaged, it is as if it were not there, and every file is looked at instead.
"""

from __future__ import annotations

import os
from typing import Any

import msgpack

from diptych import fs, layout
from diptych.indexer.facts import MAX_SIZE_BYTES, require_fields
from diptych.values import Value, as_dict, field_names

MAGIC = "diptych freshness"
FORMAT = 3

_COUNTS = ("found", "unchanged", "other_language", "with_errors_bytes")
_COUNTED = ("skipped", "languages", "other_suffixes", "syntax_errors")
REPORTED = ("source", "skipped_paths", *_COUNTS, *_COUNTED)

FactsIdentity = tuple[int, int, int, int]


class Recorded(Value):
    """What the facts say in brief, and which files git's index alone cannot vouch for.

    `watched` are tracked files that git was told not to look at, that were dirty, or whose recorded stat
    proves nothing; `untracked` those in the facts that git does not track.
    """

    facts: FactsIdentity
    store_id: str
    lsn: int
    indexer: dict[str, str]
    settings: dict[str, Any]
    files: int
    root: str
    commit: str
    branch: str
    index_digest: bytes
    watched: list[bytes]
    untracked: list[bytes]
    report: dict[str, Any]
    """What the last look at every file found: the fields of an IndexReport in `REPORTED`."""
    unlike: list[bytes]
    """The files that may be others in `commit` than in the facts, or are in one of them alone."""


def facts_identity(store_path: str) -> FactsIdentity | None:
    """Which file the facts are, without reading it; it is only ever replaced, never written to."""
    try:
        seen = os.lstat(f"{store_path}/{layout.FACTS}")
    except OSError:
        return None
    inode = seen.st_ino & 0x7FFFFFFFFFFFFFFF
    return inode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def save(store_path: str, recorded: Recorded) -> None:
    """Replace the freshness file. The caller holds the store's lock. Raises StorageError."""
    fs.atomic_write(f"{store_path}/{layout.FRESHNESS}", encode(recorded))


def load(store_path: str) -> Recorded | None:
    """What was recorded, while the facts file is the one it was recorded with; None otherwise."""
    try:
        recorded = decode(fs.read_bounded(f"{store_path}/{layout.FRESHNESS}", MAX_SIZE_BYTES))
    except (OSError, ValueError):
        return None
    return recorded if recorded.facts == facts_identity(store_path) else None


def encode(recorded: Recorded) -> bytes:
    """The bytes of a freshness file."""
    packed = msgpack.packb(as_dict(recorded), unicode_errors="surrogateescape")
    return bytes(msgpack.packb([MAGIC, FORMAT, packed, _checksum(packed)]))


def decode(data: bytes) -> Recorded:
    """The record again. Raises ValueError for bytes that are not what `encode` gave, whatever they are."""
    try:
        magic, version, packed, checksum = msgpack.unpackb(data, strict_map_key=True)
        if magic != MAGIC or version != FORMAT or checksum != _checksum(packed):
            raise ValueError("its checksum or its head is wrong")  # noqa: TRY301
        body = msgpack.unpackb(packed, strict_map_key=True, unicode_errors="surrogateescape")
        body["facts"] = tuple(body["facts"])
        recorded = Recorded(**{name: body[name] for name in field_names(Recorded)})
        _require_sound(recorded)
        return recorded  # noqa: TRY300
    except Exception as error:
        # msgpack raises a dozen kinds; all mean damage.
        raise ValueError(f"not a freshness file, or a damaged one: {error}") from error


def _require_sound(recorded: Recorded) -> None:
    """Raise ValueError for what is no record: the files it names are looked at, and read, by those names."""
    require_fields(
        recorded.store_id,
        recorded.lsn,
        recorded.indexer,
        recorded.settings,
        recorded.commit,
        recorded.branch,
    )
    for names in (recorded.watched, recorded.untracked, recorded.unlike):
        if names and not layout.are_paths_inside(b"\0".join(names)):
            raise ValueError("a path leads outside")
    if type(recorded.files) is not int or type(recorded.root) is not str:
        raise ValueError("a field of another type")
    _require_report(recorded.report)


def _require_report(report: Any) -> None:
    """Raise ValueError for what cannot be shown as a report."""
    if type(report) is not dict or report.keys() != set(REPORTED) or report["source"] not in ("git", "walk"):
        raise ValueError("no report")
    numbers = [report[name] for name in _COUNTS]
    for counts in (report[name] for name in _COUNTED):
        if type(counts) is not dict or not all(type(name) is str for name in counts):
            raise ValueError("no counts")
        numbers += counts.values()
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a count that is no number")
    paths = report["skipped_paths"]
    if type(paths) is not dict or not all(type(text) is str for text in (*paths, *paths.values())):
        raise ValueError("no paths")


def _checksum(packed: bytes) -> bytes:
    from xxhash import xxh3_128_digest

    return xxh3_128_digest(packed)
