"""The facts file: what the last run saw of each file, so that the next run need not read it again.

    [magic: str, format: int, body: bin, checksum: bin(16)]       XXH3-128 of the body

The body is a msgpack map whose long fields are columns (paths joined by NUL; times, sizes and inodes as
little-endian int64; BLAKE3 hashes of 32 bytes), which load at memory speed. It is a cache: if it is missing,
damaged, from another store, or has a newer LSN than the store, it is ignored and files are hashed.

An edit must not go unnoticed because it leaves the stat unchanged. As in git, if a file was touched so
shortly before its stat that a later edit could have the same times, it is recorded with an impossible size
("smudged": the complement of its size, which is negative), so that the next run hashes it. "Shortly" is
`RACY_MARGIN_NS`: two seconds, the coarsest clock among common file systems (FAT). It also covers kernels
whose file clock lags by up to one tick. The change time counts like the modification time, since no program
can set it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgpack

from diptych import fs, layout
from diptych.errors import InvalidArgumentError
from diptych.indexer.fact_columns import Fact, FactColumns, Stat, packed_column, unpacked_column
from diptych.indexer.settings import Settings, check_patterns
from diptych.values import Value, field, replace

MAGIC = "diptych facts"
FORMAT = 1
# Room for about two million files. A longer file is not read, and files are hashed.
MAX_SIZE_BYTES = 256 * 1024 * 1024
RACY_MARGIN_NS = 2_000_000_000

_STAT_COLUMNS = ("sizes", "mtimes_ns", "ctimes_ns", "inodes")
_MAX_REASONS = 255


class Facts(Value, frozen=False):
    """What one run saw. `taken_ns` is the time just before it examined the first file.

    `store_id` and `lsn` identify the state of the store after the run. `indexer` maps each component that
    affects parsing to its version. `root` is the repository, "" if unknown.
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
    """How the files were found: "git", "walk", or "" if unknown."""
    other_suffixes: dict[str, int] = field(default_factory=dict)
    """How many files have each suffix that has no parser; "" is for files without a suffix."""
    complete: bool = True
    """Whether the run ended; False during a first run, and after one that was interrupted."""

    @property
    def inherited(self) -> bool:
        """Whether they are those of the store that this one is a fork of: each file is in doubt."""
        return not self.taken_ns

    def stored_hashes(self) -> dict[str, str]:
        """The content hash of each file that has a record in the store."""
        if isinstance(self.files, FactColumns):
            return self.files.stored_hashes()
        return {path: fact.content_hash for path, fact in self.files.items() if not fact.skipped}

    def with_errors(self) -> dict[str, int]:
        """How many bytes are in syntax errors, of each file that has any."""
        if isinstance(self.files, FactColumns):
            return self.files.with_errors()
        return {path: fact.error_bytes for path, fact in self.files.items() if fact.error_bytes}


class Comparison(NamedTuple):
    """The paths seen now, grouped by comparison with the facts. `gone` are only in the facts."""

    unchanged: list[str]
    in_doubt: list[str]
    new: list[str]
    gone: list[str]


def compare(facts: Mapping[str, Fact], stats: Mapping[str, Stat]) -> Comparison:
    """Find the files that are certainly unchanged, by stat alone; hash the rest. Pure."""
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
    """`stat` as recorded: with an impossible size if its times are too recent to prove anything."""
    if not is_smudged(stat) and max(stat.mtime_ns, stat.ctime_ns) > taken_ns - RACY_MARGIN_NS:
        return stat._replace(size=~stat.size)
    return stat


def is_smudged(stat: Stat) -> bool:
    """Whether `stat` was recorded with an impossible size."""
    return stat.size < 0


def size_of(stat: Stat) -> int:
    """The size in bytes that a file had, smudged or not. 0 for a smudged one of an earlier release."""
    return ~stat.size if is_smudged(stat) else stat.size


def save(store_path: str, facts: Facts) -> None:
    """Replace the facts file, durably and in one step. Raises StorageError."""
    fs.atomic_write(f"{store_path}/{layout.FACTS}", encode(facts))


def load(store_path: str, *, store_id: str, lsn: int) -> Facts | None:
    """The facts of the store at `store_path`, or None if there are none or they are not valid."""
    try:
        facts = decode(fs.read_bounded(f"{store_path}/{layout.FACTS}", MAX_SIZE_BYTES))
    except (OSError, ValueError):
        return None
    return facts if facts.store_id == store_id and facts.lsn <= lsn else None


def settings_in(recorded: Mapping[str, Any]) -> Settings:
    """The settings recorded in the facts, or the defaults if they are invalid."""
    default = Settings()
    largest = recorded.get("max_file_bytes", default.max_file_bytes)
    exclude = recorded.get("exclude", default.exclude)
    valid = isinstance(largest, int) and isinstance(exclude, list | tuple)
    if not valid:
        return default
    # An earlier release stored invalid patterns. Without them the index is stale, but usable.
    redact = recorded.get("redact") is True
    return replace(default, max_file_bytes=largest, exclude=tuple(filter(_usable, exclude)), redact=redact)


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
        "error_bytes": [
            (place, fact.error_bytes) for place, fact in enumerate(facts.files.values()) if fact.error_bytes
        ],
        "other_suffixes": {
            suffix.encode("utf-8", "surrogateescape"): count for suffix, count in facts.other_suffixes.items()
        },
    }
    for name, column in zip(_STAT_COLUMNS, zip(*stats, strict=True) if stats else [()] * 4, strict=True):
        body[name] = packed_column(column)
    return _sealed(body)


def _sealed(body: dict[str, Any]) -> bytes:
    packed = msgpack.packb(body)
    return bytes(msgpack.packb([MAGIC, FORMAT, packed, _checksum(packed)]))


def inherit(data: bytes, *, store_id: str, root: str, lsn: int) -> bytes:
    """The facts file of a fork at `lsn`, made of that of its origin: the same files, each of them in doubt.

    Raises ValueError for bytes that are no facts file, and for facts of what was committed after the fork:
    once the fork comes to their LSN, they would pass for its own.
    """
    try:
        body = _unsealed(data)
        sizes = unpacked_column(body["sizes"])
        is_later = body["lsn"] > lsn
    except Exception as error:
        raise ValueError(f"not a facts file, or a damaged one: {error}") from error
    if is_later:
        raise ValueError("it was written to meanwhile")
    body["sizes"] = packed_column(size if size < 0 else ~size for size in sizes)
    body |= {"store_id": store_id, "root": root.encode("utf-8", "surrogateescape"), "taken_ns": 0}
    return _sealed(body)


def decode(data: bytes) -> Facts:
    """The facts in `data`. Raises ValueError for any bytes not from `encode`."""
    try:
        return _decoded(data)
    except Exception as error:
        # msgpack and the columns raise a dozen kinds; all mean damage.
        raise ValueError(f"not a facts file, or a damaged one: {error}") from error


def _unsealed(data: bytes) -> dict[str, Any]:
    magic, version, packed, checksum = msgpack.unpackb(data, strict_map_key=True)
    if magic != MAGIC or version != FORMAT or checksum != _checksum(packed):
        raise ValueError("its checksum or its head is wrong")
    body: dict[str, Any] = msgpack.unpackb(packed, strict_map_key=True)
    return body


def _decoded(data: bytes) -> Facts:
    body = _unsealed(data)
    if body["count"] and not layout.are_paths_inside(body["paths"]):
        raise ValueError("a path leads outside")
    files = FactColumns(
        body["paths"].decode("utf-8", "surrogateescape").split("\0") if body["count"] else [],
        [unpacked_column(body[name]) for name in _STAT_COLUMNS],
        body["hashes"].hex(),
        body["reasons"],
        body["skipped"],
        _counted(body.get("error_bytes", []), int),
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
        # Earlier releases did not write it; they had a commit if git found the files.
        source=body.get("source", "git" if body["commit"] else ""),
        other_suffixes={
            suffix.decode("utf-8", "surrogateescape"): count
            for suffix, count in _counted(body.get("other_suffixes", {}).items(), bytes).items()
        },
        complete=bool(body.get("complete", True)),
    )
    require_fields(facts.store_id, facts.lsn, facts.indexer, facts.settings, facts.commit, facts.branch)
    if type(facts.taken_ns) is not int or not all(type(reason) is str for reason in body["reasons"]):
        raise ValueError("a field has the wrong type")
    return facts


def _counted(pairs: Iterable[tuple[Any, int]], key_type: type) -> dict[Any, int]:
    """The pairs as a dict. Raises ValueError for a key of another type, or a count that is none."""
    counted = dict(pairs)
    if not all(type(key) is key_type and type(count) is int and count > 0 for key, count in counted.items()):
        raise ValueError("a field has the wrong type")
    return counted


def require_fields(
    store_id: Any, lsn: Any, indexer: Any, settings: Any, commit: Any, branch: Any
) -> None:
    """Raise ValueError if a field that the facts and the freshness file share has the wrong type."""
    strings = [store_id, commit, branch]
    if not layout.is_lsn(lsn) or not isinstance(indexer, dict) or not isinstance(settings, dict):
        raise ValueError("a field has the wrong type")
    if not all(type(text) is str for text in [*strings, *indexer, *indexer.values(), *settings]):
        raise ValueError("a field has the wrong type")


def _checksum(packed: bytes) -> bytes:
    # Imported here: a first run has no facts to verify.
    from xxhash import xxh3_128_digest

    return xxh3_128_digest(packed)
