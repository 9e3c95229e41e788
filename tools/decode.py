"""Decode a store's files with msgpack and the standard library alone, as docs/format.md describes them.

Nothing of the engine is imported, so that what this reads is what the page says. Checksums are shown and the
chain of the journal's frames is followed; XXH3 and BLAKE3 themselves are not in the standard library, and are
the engine's to test.

    python tools/decode.py STORE                 identity, journal, newest manifest, segments, as JSON Lines
    python tools/decode.py STORE/journal/….wal   one file
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

SEGMENT_HEADER = struct.Struct("<8sII16sQQQQ")
FRAME = struct.Struct("<QQQQIHBB")
TRAILER = struct.Struct("<QQQQQQQ" + "QQQ" * 8 + "Q" * 4)
SYNC = 0xD1B7
FRAME_KINDS = {1: "part", 2: "commit", 3: "control"}
SEALED = {
    "DIPTYCHI": "identity",
    "DIPTYCHM": "manifest",
    "DIPTYCHC": "closed",
    "DIPTYCHO": "origin",
    "DIPTYCHG": "seal",
    "DIPTYCHP": "position",
}
SUFFIXES = ("fast", "fieldnorm", "idx", "pos", "store", "term")

_CODE_MARKER = 0xC1
_CODE_RELATION_KINDS = ("calls", "references", "imports", "extends", "implements")
_CODE_KINDS = (
    *("function", "method", "class", "struct", "union", "enum", "interface", "trait", "type", "field"),
    *("variable", "constant", "macro", "property", "module", "namespace", "constructor", "object"),
)
_CODE_PREFIXES = (
    *("", "#define ", "# define ", "struct ", "enum ", "union ", "static ", "const ", "static const "),
    *("int ", "unsigned int ", "long ", "unsigned long ", "char ", "const char *", "char *", "void "),
    *("bool ", "double ", "float ", "size_t ", "u8 ", "u16 ", "u32 ", "u64 ", "uint8_t ", "uint16_t "),
    *("uint32_t ", "uint64_t ", "__u8 ", "__u32 ", "__le16 ", "__le32 ", "unsigned char ", "void *"),
    *("static int ", "static void ", "static bool ", "static inline int ", "static inline void "),
    *("static inline bool ", "static const char *", "static const char * const ", "static unsigned int "),
    *("static const unsigned int ", "static int __init ", "static ssize_t ", "static u32 "),
    *("def ", "async def ", "class ", "func ", "fn ", "pub fn ", "pub struct ", "function ", "export "),
    *("export function ", "export const ", "type ", "interface ", "public ", "private ", "var ", "let "),
)


class FormatError(Exception):
    """The bytes are not what docs/format.md says."""


class JournalFile(NamedTuple):
    """A journal file, and how many bytes behind its last frame are none."""

    header: dict[str, Any]
    frames: list[dict[str, Any]]
    rest: int


class Records(NamedTuple):
    """The records of a segment: in key order, with their tables, and per index the postings by hash."""

    segment_id: str
    records: list[dict[str, Any]]
    order: list[int]
    offsets: list[int]
    indexes: list[dict[int, list[tuple[int, int]]]]
    first_documents: list[int]
    """By id."""
    filters: list[bytes]
    """By index."""
    trailer: dict[str, Any]


class ListedSegment(NamedTuple):
    """A segment as a manifest lists it: SEAL, the ids of its dead records, what the others count and are."""

    seal: dict[str, Any]
    dead: list[int]
    records: int
    counts: list[int]
    content: bytes


def sealed(data: bytes) -> tuple[str, int, dict[str, Any]]:
    """`(magic, format, body)` of the identity, a manifest, SEAL, or the clean-shutdown marker."""
    parts = msgpack.unpackb(data)
    if not (isinstance(parts, list) and len(parts) == 4 and parts[0] in SEALED):
        raise FormatError("no sealed document")
    magic, version, body, checksum = parts
    if not 0 <= checksum < 2**64:
        raise FormatError("the checksum is not of 64 bits")
    return magic, version, msgpack.unpackb(body, strict_map_key=False)


def journal_file(data: bytes) -> JournalFile:
    """A `.wal` file."""
    magic, version, schema_version, store_id, first_lsn, salt, chain, checksum = (
        SEGMENT_HEADER.unpack_from(data)
    )
    if magic != b"DIPTYCHJ" or (version == 1 and schema_version):
        raise FormatError("no journal file")
    header = {
        "format": version,
        "store_id": store_id,
        "first_lsn": first_lsn,
        "salt": salt,
        "chain": chain,
        "schema_version": schema_version,
        "checksum": checksum,
    }
    frames: list[dict[str, Any]] = []
    at = SEGMENT_HEADER.size
    while at + FRAME.size <= len(data):
        checksum, before, lsn, synced, length, sync, kind, continues = FRAME.unpack_from(data, at)
        end = at + FRAME.size + length
        if sync != SYNC or kind not in FRAME_KINDS or continues > 1 or before != chain or end > len(data):
            break
        frames.append(
            {
                "offset": at,
                "checksum": checksum,
                "lsn": lsn,
                "synced": synced,
                "kind": FRAME_KINDS[kind],
                "continues": bool(continues),
                "entries": list(entries(data[at + FRAME.size : end])),
            }
        )
        chain, at = checksum, end + -end % 8
    return JournalFile(header, frames, len(data) - at)


def entries(payload: bytes) -> Iterator[dict[str, Any]]:
    """The entries in a frame."""
    for entry in msgpack.Unpacker(_Bytes(payload), max_buffer_size=0):
        match entry:
            case [1, bytes(key), int(checksum), bytes(record)]:
                yield {"entry": "FileIndexed", "key": key, "checksum": checksum, "payload": record}
            case [2, bytes(key)]:
                yield {"entry": "FileRemoved", "key": key}
            case [3, int(lsn), int(created_ms), int(checksum)]:
                yield {
                    "entry": "SnapshotCreated",
                    "lsn": lsn,
                    "created_ms": created_ms,
                    "checksum": checksum,
                }
            case [4, bytes(metadata)]:
                yield {
                    "entry": "TransactionDescribed",
                    "metadata": msgpack.unpackb(metadata, unicode_errors="surrogateescape"),
                }
            case [5, bytes(seal)]:
                magic, version, body = sealed(seal)
                if (magic, version) != ("DIPTYCHG", 1):
                    raise FormatError("a segment is adopted by something else than its SEAL")
                yield {"entry": "SegmentAdopted", "seal": body}
            case _:
                raise FormatError(f"an unknown entry: {entry!r:.80}")


def listed_segments(manifest: dict[str, Any]) -> list[ListedSegment]:
    """The segments of a manifest's body."""
    listed = []
    for seal, dead, records, counts, *content in manifest["segments"]:
        magic, version, body = sealed(seal)
        ids = [number for number in range(8 * len(dead)) if dead[number >> 3] >> (number & 7) & 1]
        if (magic, version) != ("DIPTYCHG", 1) or body["records"] - len(ids) != records:
            raise FormatError("a segment is not listed as its SEAL says")
        listed.append(ListedSegment(body, ids, records, counts, content[0] if content else b""))
    return listed


def bundle(data: bytes) -> dict[str, bytes]:
    """Tantivy's six files in a `search.bundle`, by name."""
    files = msgpack.unpackb(data)
    stem = min(files, default="").split(".")[0]
    if list(files) != [f"{stem}.{suffix}" for suffix in SUFFIXES]:
        raise FormatError("a bundle of other files")
    return files


def records(data: bytes) -> Records:
    """A `records.msgpack`, read from front to back; the trailer is compared with where things stood."""
    objects = list(_objects(data))
    (_, head), (trailer_at, packed) = objects[0], objects[-1]
    if not (isinstance(head, list) and head[:2] == ["DIPTYCHS", 1] and len(packed) == TRAILER.size):
        raise FormatError("no records of a segment")
    fields = TRAILER.unpack(packed)
    names = ("checksum", "lsn", "records", "ids", "records_end", "order", "offsets")
    trailer = dict(zip(names, fields, strict=False))
    places = [fields[7 + 3 * n : 10 + 3 * n] for n in range(fields[31])]
    found, rest = [], objects[1:-1]
    while rest and isinstance(rest[0][1], list):
        at, (record_id, checksum, key, payload) = rest.pop(0)
        found.append({"id": record_id, "checksum": checksum, "key": key, "payload": payload, "offset": at})
    order, offsets = (list(_table(rest.pop(0)[1], code)) for code in "IQ")
    indexes = []
    for bits, ends_at, hashes in places:
        buckets = [rest.pop(0) for _ in range(1 << bits)]
        at, ends = rest.pop(0)
        # The begin of the first bucket stands before the ends.
        begins = [buckets[0][0], *_table(ends, "Q")[1:]]
        if ends_at != at + 5 + 8 or begins[:-1] != [place for place, _ in buckets] or begins[-1] != at:
            raise FormatError("an index does not stand where it says")
        postings: dict[int, list[tuple[int, int]]] = {}
        for _, bucket in buckets:
            postings |= _bucket(bucket)
        if len(postings) != hashes:
            raise FormatError("an index has not as many hashes as it says")
        indexes.append(postings)
    # Each section begins with its checksum.
    first_documents, *others = (section[8:] for _, section in rest)
    filters, listed = others[: len(indexes)], others[len(indexes) :]
    terms = [_sorted_terms(section) for section in listed]
    # None in a segment from before they were added.
    if terms and (len(terms) != len(indexes) or terms[0] != {one["key"]: one["id"] for one in found}):
        raise FormatError("the sorted keys are not those of the records")
    for counted, index in zip(terms[1:], indexes[1:], strict=bool(terms)):
        if sum(counted.values()) != sum(map(len, index.values())) or len(counted) != len(index):
            raise FormatError("the sorted terms are not those of their index")
    if len(filters) != len(indexes) or not len(found) == trailer["records"] == trailer["ids"] == len(offsets):
        raise FormatError("the trailer does not fit what is before it")
    if any(offsets[record["id"]] != record["offset"] for record in found):
        raise FormatError("the table of offsets does not fit the records")
    if any(not _may_hold(one, hash_) for one, index in zip(filters, indexes, strict=True) for hash_ in index):
        raise FormatError("a filter refuses a hash of its index")
    if trailer_at + 5 + TRAILER.size != len(data) or not head[3] == trailer["lsn"] == 0:
        raise FormatError("head, trailer and size do not fit")
    documents = list(_table(first_documents, "I"))
    return Records(head[2].hex(), found, order, offsets, indexes, documents, filters, trailer)


def _sorted_terms(section: bytes) -> dict[bytes, int]:
    """The sorted terms of an index, each with its number."""
    if section[:4] == b"\xff" * 4:
        found, counts = _packed_terms(section)
        if found != sorted(set(found)):
            raise FormatError("sorted terms are out of order")
        return dict(zip(found, counts, strict=True))
    count = int.from_bytes(section[:4], "little")
    numbers = list(_table(section[4 : 4 + 8 * count], "I"))
    blob, begins = section[4 + 8 * count :], [0, *numbers[:count]]
    found = [blob[begin:end] for begin, end in zip(begins, numbers[:count], strict=False)]
    if found != sorted(set(found)) or begins[-1] != len(blob):
        raise FormatError("sorted terms are out of order")
    return dict(zip(found, numbers[count:], strict=True))


def _packed_terms(section: bytes) -> tuple[list[bytes], list[int]]:
    """The terms of blocks, and the number of each."""
    count = int.from_bytes(section[4:8], "little")
    blocks = (count + 63) // 64
    data, ends = section[8 + 4 * blocks :], list(_table(section[8 : 8 + 4 * blocks], "I"))
    terms, numbers = [], []
    for number, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
        size = min(64, count - 64 * number)
        columns = list(data[begin : begin + 3 * size])
        at = begin + 3 * size
        for place, value in enumerate(columns):
            if value == 255:
                columns[place], at = int.from_bytes(data[at : at + 4], "little"), at + 4
        term = b""
        for common, more in zip(columns[:size], columns[size : 2 * size], strict=True):
            term, at = term[:common] + data[at : at + more], at + more
            terms.append(term)
        numbers += columns[2 * size :]
        if at != end:
            raise FormatError("a block of terms does not end where it says")
    if (ends or [0])[-1] != len(data) or len(terms) != count:
        raise FormatError("sorted terms are cut off")
    return terms, numbers


def code_record(key: bytes, payload: bytes) -> dict[str, Any]:
    """A record of the schema "code"."""
    if payload[0] != _CODE_MARKER:
        hash_, language, symbols, relations, *_ = _unpack(payload)
        found = [older_code_symbol(symbol) for symbol in symbols]
    else:
        (hash_, language), found, relations = _code_tables(payload)
    return {
        "path": key.decode("utf-8", "surrogateescape"),
        "content_hash": hash_,
        "language": language,
        "symbols": found,
        "relations": relations,
    }


def older_code_symbol(stored: list[Any]) -> list[Any]:
    """A symbol of a payload before version 3, as `code_symbol` gives it."""
    name, kind, place, container, signature, documentation = stored[:6]
    line, column = place[:2]
    name_range = [line, column, line, column]
    if len(place) == 7:
        name_range = [line + place[4], place[5], line + place[4], place[5] + place[6]]
    elif len(place) == 8:
        name_range = [line + place[4], place[5], line + place[6], place[7]]
    return [name, kind, place[:4], container, signature, documentation, name_range]


def code_symbol(stored: list[Any]) -> list[Any]:
    """A symbol: name, kind, range, container, signature, documentation, range of the name."""
    container, name, kind, prefix, rest, line, column, height, end_column, *more = stored
    prefix = _CODE_PREFIXES[prefix] if isinstance(prefix, int) else prefix
    begin = column + len((prefix or "").encode("utf-8", "surrogateescape"))
    name_range = [line, begin, line, begin + len(name.encode("utf-8", "surrogateescape"))]
    if len(more) > 1:
        down, name_column, name_height, name_end = more[1:5]
        name_range = [line + down, name_column, line + down + name_height, name_end]
    return [
        name,
        _CODE_KINDS[kind] if isinstance(kind, int) else kind,
        [line, column, line + height, end_column],
        container,
        rest if prefix is None else prefix + name + rest,
        more[0] if more else "",
        name_range,
    ]


def _code_tables(payload: bytes) -> tuple[list[Any], list[Any], list[Any]]:
    """The facts, the symbols and the relations of a payload from version 3 on."""
    _, widths, *ats = struct.unpack_from("<BQ9I", payload)
    facts, symbols = _unpack(payload[45 : ats[0]]), _unpack(payload[ats[0] : ats[1]])
    if ats[-1] != len(payload):
        raise FormatError("a record is cut off")
    tables = []
    for columns, begin, end in zip((1, 4, 3, 4), ats[1:], ats[2:], strict=False):
        row = "<" + "".join("BHI"[widths >> 2 * number & 3] for number in range(columns))
        widths >>= 2 * columns
        tables.append(list(struct.iter_unpack(row, payload[begin:end])))
    literals = _texts(payload[ats[5] : ats[6]], tables[0])
    targets = _texts(payload[ats[6] : ats[7]], tables[1])
    kinds = [*_CODE_RELATION_KINDS, *literals]
    sources = literals + [".".join(filter(None, symbol[:2])) for symbol in symbols]
    relations = []
    for down, column, use, source in tables[3]:
        _, kind, height, size = tables[1][use]
        line = tables[2][source][2] + down
        end = [line + height, size] if height else [line, (column + size) % 2**32]
        name = sources[tables[2][source][0]]
        relations.append([kinds[kind], name, targets[use], [line, column, *end]])
    return facts, [code_symbol(symbol) for symbol in symbols], relations


def _texts(data: bytes, rows: list[Any]) -> list[str]:
    ends = [row[0] for row in rows]
    return [
        data[begin:end].decode("utf-8", "surrogateescape")
        for begin, end in zip([0, *ends], ends, strict=False)
    ]


def _unpack(data: bytes) -> Any:
    return msgpack.unpackb(data, unicode_errors="surrogateescape")


class _Bytes:
    """A stream of bytes: given one, msgpack bounds its buffer by what was read."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, count: int) -> bytes:
        part, self._data = bytes(self._data[:count]), self._data[count:]
        return part


def _objects(data: bytes) -> Iterator[tuple[int, Any]]:
    unpacker = msgpack.Unpacker(_Bytes(data), max_buffer_size=0)
    at = 0
    for item in unpacker:
        yield at, item
        at = unpacker.tell()


def _table(data: bytes, code: str) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


def _bucket(data: bytes) -> dict[int, list[tuple[int, int]]]:
    _, count, zero = struct.unpack_from("<QII", data)
    if zero:
        raise FormatError("no bucket")
    hashes = _table(data[16 : 16 + 8 * count], "Q")
    ends = _table(data[16 + 8 * count : 16 + 12 * count], "I")
    flat = _table(data[16 + 12 * count :], "I")
    pairs = list(zip(flat[1::2], flat[::2], strict=True))
    begins = (0, *ends)[:count]
    return {hash_: pairs[begin:end] for hash_, begin, end in zip(hashes, begins, ends, strict=True)}


def _may_hold(data: bytes, hash_: int) -> bool:
    size = len(data)
    first = data[(hash_ & 0x1FFFFFFF) % size] >> (hash_ >> 29 & 7) & 1
    return bool(first and data[(hash_ >> 32 & 0x1FFFFFFF) % size] >> (hash_ >> 61) & 1)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """What is in a file, or in a whole store, one JSON object after the other."""
    if path.is_dir():
        newest = max((path / "generations").glob("[0-9]*[0-9]"), default=None)
        of_generation = [newest, *sorted(path.glob("segments/*/records.msgpack"))] if newest else []
        for file in [path / "IDENTITY", *sorted((path / "journal").glob("*.wal")), *of_generation]:
            yield from lines(file)
        return
    data = path.read_bytes()
    if data.startswith(b"DIPTYCHJ"):
        found = journal_file(data)
        yield {"file": str(path), **found.header}
        yield from found.frames
        yield {"rest": found.rest}
    elif path.name == "records.msgpack":
        half = records(data)
        yield {"file": str(path), "segment_id": half.segment_id, "trailer": half.trailer}
        yield from half.records
    elif path.name == "search.bundle":
        yield {"file": str(path), "files": {name: len(content) for name, content in bundle(data).items()}}
    else:
        magic, version, body = sealed(data)
        if magic == "DIPTYCHM":
            body["segments"] = [listed._asdict() for listed in listed_segments(body)]
        yield {"file": str(path), "document": SEALED[magic], "format": version, **body}


def main(arguments: list[str]) -> int:
    """Print what is in a file or a store; the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for line in lines(Path(arguments[0])):
            print(json.dumps(line, default=lambda data: data.hex()))
    except (FormatError, ValueError, struct.error, OSError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
