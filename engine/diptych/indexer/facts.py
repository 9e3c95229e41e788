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

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgpack

from diptych import fs, layout
from diptych.errors import InvalidArgumentError
from diptych.indexer.discover import Stat
from diptych.indexer.fact_columns import Fact, FactColumns, packed_column, unpacked_column
from diptych.indexer.settings import Settings, check_patterns

MAGIC = "diptych facts"
FORMAT = 1
# Some two million files; what is longer is not read, and files are hashed instead.
MAX_SIZE_BYTES = 256 * 1024 * 1024
RACY_MARGIN_NS = 2_000_000_000
SMUDGED_SIZE = -1

_STAT_COLUMNS = ("sizes", "mtimes_ns", "ctimes_ns", "inodes")
_MAX_REASONS = 255


@dataclass(slots=True)
class Facts:
    """What one run saw. `taken_ns` is the time just before its first look at a file.

    `store_id` and `lsn` name the state of the store that the run left. `indexer` maps each part whose
    version decides what a parse gives to that version. `root` is the repository, "" where it is not known.
    """

    store_id: str
    lsn: int
    taken_ns: int
    indexer: dict[str, str]
    files: Mapping[str, Fact] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    commit: str = ""
    branch: str = ""
    root: str = ""
    source: str = ""
    """How the files were found: "git", "walk", or "" where it is not known."""
    complete: bool = True
    """Whether that run ended; False while, and after, a first run that did not."""

    def stored_hashes(self) -> dict[str, str]:
        """The content hash of each file that has a record in the store."""
        if isinstance(self.files, FactColumns):
            return self.files.stored_hashes()
        return {path: fact.content_hash for path, fact in self.files.items() if not fact.skipped}


class Comparison(NamedTuple):
    """The paths seen now, sorted by what the facts say of them. `gone` are in the facts alone."""

    unchanged: list[str]
    in_doubt: list[str]
    new: list[str]
    gone: list[str]


def compare(facts: Mapping[str, Fact], stats: Mapping[str, Stat]) -> Comparison:
    """Tell which files are surely as they were, by stat alone; the rest must be hashed. Pure."""
    if isinstance(facts, FactColumns):
        recorded: Mapping[str, tuple[int, ...]] = facts.stats()
    else:
        recorded = {path: fact.stat for path, fact in facts.items()}
    unchanged: list[str] = []
    in_doubt: list[str] = []
    new: list[str] = []
    get = recorded.get
    for path, stat in stats.items():
        known = get(path)
        if known == stat:
            unchanged.append(path)
        elif known is None:
            new.append(path)
        else:
            in_doubt.append(path)
    return Comparison(unchanged, in_doubt, new, [path for path in recorded if path not in stats])


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
        facts = decode(fs.read_bounded(f"{store_path}/{layout.FACTS}", MAX_SIZE_BYTES))
    except (OSError, ValueError):
        return None
    return facts if facts.store_id == store_id and facts.lsn <= lsn else None


def settings_in(recorded: Mapping[str, Any]) -> Settings:
    """The settings of a run from what facts have of them; the defaults where they cannot be told."""
    default = Settings()
    largest = recorded.get("max_file_bytes", default.max_file_bytes)
    exclude = recorded.get("exclude", default.exclude)
    valid = isinstance(largest, int) and isinstance(exclude, list | tuple)
    if not valid:
        return default
    # An earlier release stored patterns that cannot be used: without them, the index is stale, not unusable.
    return replace(default, max_file_bytes=largest, exclude=tuple(filter(_usable, exclude)))


def _usable(pattern: object) -> bool:
    try:
        check_patterns([str(pattern)])
    except InvalidArgumentError:
        return False
    return isinstance(pattern, str)


def encode(facts: Facts) -> bytes:
    """The bytes of a facts file. Stats are smudged here, by `taken_ns`."""
    stats = [smudged(fact.stat, facts.taken_ns) for fact in facts.files.values()]
    reasons = sorted({fact.skipped for fact in facts.files.values()} - {""})
    if len(reasons) > _MAX_REASONS:
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
        "root": facts.root.encode("utf-8", "surrogateescape"),
        "source": facts.source,
        "complete": facts.complete,
        "count": len(stats),
        "paths": "\0".join(facts.files).encode("utf-8", "surrogateescape"),
        "hashes": bytes.fromhex("".join(fact.content_hash for fact in facts.files.values())),
        "reasons": reasons,
        "skipped": bytes(numbers[fact.skipped] for fact in facts.files.values()),
    }
    for name, column in zip(_STAT_COLUMNS, zip(*stats, strict=True) if stats else [()] * 4, strict=True):
        body[name] = packed_column(column)
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
    magic, version, packed, checksum = msgpack.unpackb(data, strict_map_key=True)
    if magic != MAGIC or version != FORMAT or checksum != _checksum(packed):
        raise ValueError("its checksum or its head is wrong")
    body = msgpack.unpackb(packed, strict_map_key=True)
    if body["count"] and not layout.are_paths_inside(body["paths"]):
        raise ValueError("a path leads outside")
    files = FactColumns(
        body["paths"].decode("utf-8", "surrogateescape").split("\0") if body["count"] else [],
        [unpacked_column(body[name]) for name in _STAT_COLUMNS],
        body["hashes"].hex(),
        body["reasons"],
        body["skipped"],
    )
    facts = Facts(
        store_id=body["store_id"],
        lsn=body["lsn"],
        taken_ns=body["taken_ns"],
        indexer=body["indexer"],
        files=files,
        settings=body["settings"],
        commit=body["commit"],
        branch=body["branch"],
        root=body.get("root", b"").decode("utf-8", "surrogateescape"),
        # It was not written once: a commit is known where git found the files.
        source=body.get("source", "git" if body["commit"] else ""),
        complete=bool(body.get("complete", True)),
    )
    require_fields(facts.store_id, facts.lsn, facts.indexer, facts.settings, facts.commit, facts.branch)
    if type(facts.taken_ns) is not int or not all(type(reason) is str for reason in body["reasons"]):
        raise ValueError("a field of another type")
    return facts


def require_fields(
    store_id: Any, lsn: Any, indexer: Any, settings: Any, commit: Any, branch: Any
) -> None:
    """Raise ValueError where what the facts and the freshness file have in common is of another type."""
    texts = [store_id, commit, branch]
    if not layout.is_lsn(lsn) or not isinstance(indexer, dict) or not isinstance(settings, dict):
        raise ValueError("a field of another type")
    if not all(type(text) is str for text in [*texts, *indexer, *indexer.values(), *settings]):
        raise ValueError("a field of another type")


def _checksum(packed: bytes) -> bytes:
    # Imported here: a first run has no facts to check.
    from xxhash import xxh3_128_digest

    return xxh3_128_digest(packed)
