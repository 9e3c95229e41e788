"""The facts file: what the last run saw of each file, so that the next need not read it again.

    [magic: str, format: int, body: bin, checksum: bin(16)]       XXH3-128 of the body

The body is a msgpack map whose long fields are columns (paths joined by NUL; times, sizes and inodes as
little-endian int64; BLAKE3 hashes of 32 bytes), which load at the speed of memory. It is a cache: missing,
damaged, of another store, or of an LSN that the store has not reached, it is as if it were not there, and
files are hashed instead.

An edit that leaves no trace in the stat must not pass for none. As in git, a file touched so shortly before
it was looked at that a later edit could carry the same times is recorded with a size no file has ("smudged"),
so that the next run hashes it. "Shortly" is `RACY_MARGIN_NS`: two seconds, the coarsest clock among common
file systems (FAT); it also covers kernels that stamp files by a clock up to one tick behind. The change time
counts like the modification time, since no program can set it back.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgpack

from diptych import fs, layout
from diptych.indexer.discover import Stat

MAGIC = "diptych facts"
FORMAT = 1
RACY_MARGIN_NS = 2_000_000_000
SMUDGED_SIZE = -1

_STAT_COLUMNS = ("sizes", "mtimes_ns", "ctimes_ns", "inodes")
_HASH_BYTES = 32
_NEWEST_KNOWN_KIND = 255


class Fact(NamedTuple):
    """What is known of one file: its stat, its content hash, and why it was skipped ("" when indexed)."""

    stat: Stat
    content_hash: str
    skipped: str = ""


@dataclass(slots=True)
class Facts:
    """What one run saw. `taken_ns` is the time just before its first look at a file.

    `store_id` and `lsn` name the state of the store that the run left. `indexer` maps each part whose
    version decides what a parse gives to that version.
    """

    store_id: str
    lsn: int
    taken_ns: int
    indexer: dict[str, str]
    files: dict[str, Fact] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    commit: str = ""
    branch: str = ""

    @property
    def indexed(self) -> int:
        """How many of the files have a record in the store."""
        return sum(not fact.skipped for fact in self.files.values())


class Comparison(NamedTuple):
    """The paths seen now, sorted by what the facts say of them. `gone` are in the facts alone."""

    unchanged: list[str]
    in_doubt: list[str]
    new: list[str]
    gone: list[str]


def compare(facts: Mapping[str, Fact], stats: Mapping[str, Stat]) -> Comparison:
    """Tell which files are surely as they were, by stat alone; the rest must be hashed. Pure."""
    unchanged: list[str] = []
    in_doubt: list[str] = []
    new: list[str] = []
    get = facts.get
    for path, stat in stats.items():
        fact = get(path)
        if fact is None:
            new.append(path)
        elif fact[0] == stat:
            unchanged.append(path)
        else:
            in_doubt.append(path)
    return Comparison(unchanged, in_doubt, new, [path for path in facts if path not in stats])


def smudged(stat: Stat, taken_ns: int) -> Stat:
    """`stat` as it is recorded: with a size that matches no file where its times prove nothing."""
    if max(stat.mtime_ns, stat.ctime_ns) > taken_ns - RACY_MARGIN_NS:
        return stat._replace(size=SMUDGED_SIZE)
    return stat


def save(store_path: str, facts: Facts) -> None:
    """Replace the facts file, durably and in one step. Raises StorageError."""
    fs.atomic_write(f"{store_path}/{layout.FACTS}", encode(facts))


def load(store_path: str, *, store_id: str, lsn: int) -> Facts | None:
    """The facts of the store at `store_path`, or None where there are none to be trusted."""
    try:
        with open(f"{store_path}/{layout.FACTS}", "rb") as file:
            facts = decode(file.read())
    except (OSError, ValueError):
        return None
    return facts if facts.store_id == store_id and facts.lsn <= lsn else None


def encode(facts: Facts) -> bytes:
    """The bytes of a facts file. Stats are smudged here, by `taken_ns`."""
    stats = [smudged(fact.stat, facts.taken_ns) for fact in facts.files.values()]
    reasons = sorted({fact.skipped for fact in facts.files.values()} - {""})
    if len(reasons) > _NEWEST_KNOWN_KIND:
        raise ValueError("too many reasons for skipping")
    numbers = {reason: number for number, reason in enumerate(["", *reasons])}
    body = {
        "store_id": facts.store_id,
        "lsn": facts.lsn,
        "taken_ns": facts.taken_ns,
        "indexer": facts.indexer,
        "settings": facts.settings,
        "commit": facts.commit,
        "branch": facts.branch,
        "count": len(stats),
        "paths": "\0".join(facts.files).encode("utf-8", "surrogateescape"),
        "hashes": bytes.fromhex("".join(fact.content_hash for fact in facts.files.values())),
        "reasons": reasons,
        "skipped": bytes(numbers[fact.skipped] for fact in facts.files.values()),
    }
    for name, column in zip(_STAT_COLUMNS, zip(*stats, strict=True) if stats else [()] * 4, strict=True):
        body[name] = _column(column)
    packed = msgpack.packb(body)
    return bytes(msgpack.packb([MAGIC, FORMAT, packed, _checksum(packed)]))


def decode(data: bytes) -> Facts:
    """The facts again. Raises ValueError for bytes that are not what `encode` gave, whatever they are."""
    try:
        return _decoded(data)
    except Exception as error:
        # msgpack and the columns raise a dozen kinds; all mean damage.
        raise ValueError(f"not a facts file, or a damaged one: {error}") from error


def _decoded(data: bytes) -> Facts:
    magic, version, packed, checksum = msgpack.unpackb(data)
    if magic != MAGIC or version != FORMAT or checksum != _checksum(packed):
        raise ValueError("not a facts file, or a damaged one")
    body = msgpack.unpackb(packed)
    count = body["count"]
    paths = body["paths"].decode("utf-8", "surrogateescape").split("\0") if count else []
    columns = [_numbers(body[name], count) for name in _STAT_COLUMNS]
    hashes, names = body["hashes"].hex(), ["", *body["reasons"]]
    width = 2 * _HASH_BYTES
    if len(paths) != count or len(hashes) != width * count or len(body["skipped"]) != count:
        raise ValueError("columns of unequal length")
    new = tuple.__new__
    files = {
        path: new(Fact, (new(Stat, stat), hashes[start : start + width], names[number]))
        for path, stat, start, number in zip(
            paths,
            zip(*columns, strict=True),
            range(0, width * count, width),
            body["skipped"],
            strict=True,
        )
    }
    return Facts(
        store_id=body["store_id"],
        lsn=body["lsn"],
        taken_ns=body["taken_ns"],
        indexer=body["indexer"],
        files=files,
        settings=body["settings"],
        commit=body["commit"],
        branch=body["branch"],
    )


def _checksum(packed: bytes) -> bytes:
    from xxhash import xxh3_128_digest

    return xxh3_128_digest(packed)


def _column(numbers: Iterable[int]) -> bytes:
    # Inodes use all 64 bits on some file systems; equality is all that is asked of them.
    column = array("q", [number if number < 2**63 else number - 2**64 for number in numbers])
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _numbers(data: bytes, count: int) -> array[int]:
    column = array("q")
    column.frombytes(data)
    if len(column) != count:
        raise ValueError("a column of the wrong length")
    if sys.byteorder == "big":
        column.byteswap()
    return column
