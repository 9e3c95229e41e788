"""The targets: each takes bytes, as they may stand on a disk, and lets through nothing but a wrong turn.

A target returns where the bytes were decoded or refused by an error of Diptych's own. Anything else that is
raised is a finding. Bytes behind a checksum are also tried with the checksum made to fit, since otherwise no
fuzzer would come past it.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

import msgpack
from tools.queries.things import THINGS, Thing, random_things
from xxhash import xxh3_64_intdigest

from diptych import (
    CheckpointPolicy,
    DiptychError,
    FileRecord,
    Range,
    RecordStore,
    Relation,
    Store,
    Symbol,
    repair,
    verify,
)
from diptych.change import FileIndexed, term_hash
from diptych.errors import CallerError, CorruptionError
from diptych.fs import FileDigests
from diptych.journal.file import JournalFile
from diptych.journal.format import (
    COMMIT,
    HEADER_SIZE,
    JournalHeader,
    decode_entries,
    decode_frame,
    decode_header,
    encode_frame,
    encode_header,
    frame_extent,
)
from diptych.journal.reader import FrameReader
from diptych.layout import BUNDLE, RECORDS, is_segment_id
from diptych.schema.code import CODE
from diptych.schema.precise import PRECISE, PreciseRecord
from diptych.schema.precise_symbols import SymbolError
from diptych.sealed import seal, unseal
from diptych.search.document_store import stored_documents
from diptych.search.documents import decode_stored
from diptych.search.footer import check_footer, decode_footer
from diptych.segment.format import decode_bundle
from diptych.segment.records import SegmentRecords
from diptych.segment.seal import MAGIC as SEAL_MAGIC
from diptych.segment.seal import Seal, decode_seal
from diptych.serving.scip.checking import matched
from diptych.serving.scip.errors import ScipError
from diptych.serving.scip.reading import Document, read_documents
from diptych.snapshot.format import BIN32_SIZE, TRAILER_SIZE, decode_head
from diptych.snapshot.reader import SnapshotReader
from diptych.store.manifest import (
    CLOSED_MAGIC,
    IDENTITY_MAGIC,
    MANIFEST_MAGIC,
    STORE_FORMAT,
    decode_closed,
    decode_identity,
    decode_manifest,
)
from diptych.store.symbols import MATCHES

SALT, CHAIN = 0x5A17, 7
HEADER = JournalHeader(b"fuzz" * 4, 1, SALT, CHAIN)
MANUAL = CheckpointPolicy(automatic=False)
_WHERE = "fuzz"
SCIP_SOURCE = "class A:\n    def b(self, ü):\n        return ü, '𝔘', self.b\n".encode()
"""The file that a fuzzed index is of."""
_DIGESTS = FileDigests(1, b"x" * 16, b"b" * 32)
_SEALED = Seal(
    schema=CODE.name,
    schema_version=CODE.version,
    fingerprint=CODE.fingerprint(),
    records=2,
    counts=dict.fromkeys(CODE.counters, 2),
    documents=4,
    segment_id="0123456789abcdef" * 2,
    index_format=7,
    first_key=b"src/a.py",
    last_key=b"src/b.py",
    files={RECORDS: _DIGESTS, BUNDLE: _DIGESTS},
)
"""Of the segment that the bytes are taken for."""


class Target(NamedTuple):
    """A target; `allowance` is how many times its input's length it may allocate, beyond a fixed amount."""

    name: str
    run: Callable[[bytes], None]
    allowance: int = 64


@cache
def _directory() -> str:
    made = tempfile.mkdtemp(prefix="fuzz-")
    # libFuzzer leaves without this; then it is for whoever started it to remove.
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _file(data: bytes) -> str:
    path = os.path.join(_directory(), f"input-{os.getpid()}")
    with open(path, "wb") as file:
        file.write(data)
    return path


def frames(data: bytes) -> None:
    """Bytes as a frame, as they are and with the checksum made to fit."""
    for at in (0, 8):
        extent = frame_extent(data, at)
        frame = decode_frame(data, at, salt=SALT, offset=at)
        if frame is not None:
            assert extent is not None
            assert len(frame.payload) <= len(data)
    if len(data) >= 8:
        fitted = struct.pack("<Q", xxh3_64_intdigest(data[8:], SALT)) + data[8:]
        decode_frame(fitted, 0, salt=SALT, offset=0)


def entries(data: bytes) -> None:
    """Bytes as the entries of a frame."""
    with suppress(CorruptionError):
        for entry in decode_entries(data, where=_WHERE):
            if isinstance(entry.value, FileIndexed):
                payload = entry.value.payload
                assert data[entry.end - len(payload) : entry.end] == payload


def journal_file(data: bytes) -> None:
    """Bytes as a journal file, and behind a whole header, and as the payload of a whole frame in it."""
    framed = encode_frame(1, COMMIT, data, salt=SALT, chain=CHAIN)[0]
    for content in (data, encode_header(HEADER) + data, encode_header(HEADER) + framed + data):
        with suppress(DiptychError):
            decode_header(content[:HEADER_SIZE], where=_WHERE)
            opened = JournalFile(_file(content))
            reader = FrameReader(opened)
            for frame in reader:
                with suppress(CorruptionError):
                    list(decode_entries(frame.payload, where=_WHERE))
            tail = reader.tail()
            assert HEADER_SIZE <= tail.offset <= tail.size == len(content)


def records(data: bytes) -> None:
    """Bytes as a segment's records, as they are and with the trailer's checksum made to fit."""
    contents = [data]
    if len(data) > TRAILER_SIZE:
        body = data[-TRAILER_SIZE + BIN32_SIZE + 8 :]
        checksum = struct.pack("<Q", xxh3_64_intdigest(body))
        contents.append(data[: -TRAILER_SIZE + BIN32_SIZE] + checksum + body)
    for content in contents:
        with suppress(DiptychError):
            _read_snapshot(SnapshotReader(_file(content)))
        with suppress(DiptychError):
            _read_records(content)


def _read_snapshot(reader: SnapshotReader) -> None:
    names = (b"src/a.py", b"alpha", b"absent", b"")
    indexes = range(len(reader.trailer.indexes))
    reads: list[Callable[[], Any]] = [
        lambda: list(reader.scan()),
        lambda: list(reader.scan(b"m")),
        lambda: list(reader.between(b"a", b"m")),
        lambda: list(reader.between(b"m", None, reverse=True)),
        *(lambda name=name: reader.find(name) for name in names),
        *(lambda name=name, i=i: reader.lookup_hash(i, term_hash(name)) for name in names for i in indexes),
        *(lambda i=i: reader.key(i, term_hash(names[0])) for i in (0, 1, 2**31)),
        *(lambda i=i: reader.record(i) for i in (0, 1, 2**31)),
    ]
    for read in reads:
        with suppress(DiptychError):
            read()


def _read_records(content: bytes) -> None:
    digests = FileDigests(len(content), b"x" * 16, b"b" * 32)
    segment_id, seal = _SEALED.segment_id, _SEALED
    with suppress(DiptychError):
        head = decode_head(content[:64], where=_WHERE)[0].hex()
        # The id of whatever segment the bytes say they are of.
        segment_id = head if is_segment_id(head) else segment_id
    seal = replace(
        seal, segment_id=segment_id, files={RECORDS: digests, BUNDLE: digests}
    )
    half = SegmentRecords(_file(content), CODE, seal)
    reads: list[Callable[[], Any]] = [
        half.first_documents,
        *(lambda i=i: half.filter_of(i) for i in range(3)),
        lambda: half.find(b"src/a.py"),
        lambda: half.lookup_hash(1, 7),
    ]
    for read in reads:
        with suppress(DiptychError):
            read()


def sealed(data: bytes) -> None:
    """Bytes as each sealed document; and as the body of each, checksum included."""
    decoders: dict[str, tuple[Callable[..., object], int]] = {
        IDENTITY_MAGIC: (decode_identity, STORE_FORMAT),
        MANIFEST_MAGIC: (decode_manifest, STORE_FORMAT),
        CLOSED_MAGIC: (decode_closed, 1),
        SEAL_MAGIC: (decode_seal, 1),
    }
    for magic, (decode, version) in decoders.items():
        contents = [data]
        with suppress(Exception):
            # Any map of msgpack's, under a checksum that fits.
            contents.append(seal(magic, msgpack.unpackb(data, strict_map_key=False), version=version))
        for content in contents:
            with suppress(DiptychError):
                unseal(magic, content, version=version, where=_WHERE)
            with suppress(DiptychError):
                decode(content, where=_WHERE)


def footer(data: bytes) -> None:
    """Bytes as a file of Tantivy's with a footer, and with the footer's magic made to fit."""
    for content in (data, data + struct.pack("<II", len(data) % 97, 1337)):
        with suppress(CorruptionError):
            assert 0 <= decode_footer(content, where=_WHERE).body_length <= len(content)
        with suppress(CorruptionError):
            check_footer(content, where=_WHERE)


def document_store(data: bytes) -> None:
    """Bytes as a document store of Tantivy's, with its skip index or without."""
    for content in (data, data[: len(data) // 2]):
        for count in (5, 2**31):
            for stored in stored_documents(content, count):
                with suppress(CorruptionError):
                    decode_stored(stored or b"", where=_WHERE)


def bundle(data: bytes) -> None:
    """Bytes as a bundle of Tantivy's files."""
    with suppress(CorruptionError):
        decode_bundle(data, _SEALED.segment_id, where=_WHERE)


def documents(data: bytes) -> None:
    """Bytes as what a record's search document stores."""
    with suppress(CorruptionError):
        decode_stored(data, where=_WHERE)


def payload(data: bytes) -> None:
    """Bytes as a record's payload, by every method of the schema that decodes one."""
    key = b"src/a.py"
    decoders: list[Callable[[], Any]] = [
        lambda: CODE.unpack(key, data),
        lambda: CODE.counts(data),
        lambda: [list(pairs) for pairs in CODE.terms(data)],
        lambda: list(CODE.documents(key, data)),
        lambda: CODE.matches(0, b"alpha", key, data, [0, len(data) // 2]),
        lambda: CODE.matches(1, b"alpha", key, data, [0]),
        lambda: CODE.matches(1, b"alpha", key, data, [1, 3]),
        lambda: CODE.item(key, data, len(data) // 2),
        lambda: CODE.symbols(data),
        lambda: CODE.content_hash(data),
        lambda: CODE.names_part(data),
    ]
    for decode in decoders:
        with suppress(DiptychError):
            decode()


@cache
def _queried() -> Store:
    store = Store.open(os.path.join(_directory(), f"queried-{os.getpid()}"), policy=MANUAL)
    with store.transaction() as txn:
        for record in sample_records():
            txn.index_file(record)
    store.checkpoint()
    with store.transaction() as txn:
        txn.index_file(FileRecord("src/z.py", "z", "", [Symbol("omega", "class", Range(0, 0, 1, 0))]))
    return store


@cache
def _things() -> RecordStore[Thing]:
    """A store with fields of every kind."""
    path = os.path.join(_directory(), f"things-{os.getpid()}")
    store = RecordStore.open_with(path, THINGS, policy=MANUAL)
    with store.transaction() as txn:
        for thing in random_things(random.Random(1), 20):
            txn.put(thing)
    return store


def precise(data: bytes) -> None:
    """What an imported index says of a file, as it is stored."""
    with suppress(CorruptionError):
        record = PRECISE.unpack(b"src/a.py", data)
        assert record.path == "src/a.py"
    with suppress(CorruptionError):
        for index, terms in enumerate(PRECISE.terms(data)):
            for term, item in terms:
                assert PRECISE.matches(index, term, b"src/a.py", data, [item]) == ["src/a.py"]


def scip(data: bytes) -> None:
    """An index of others, compared with a source file."""
    with suppress(ScipError):
        for one in read_documents(BytesIO(data), _WHERE):
            if isinstance(one, Document):
                with suppress(SymbolError):
                    fits = matched(one, SCIP_SOURCE)
                    PRECISE.pack(PreciseRecord("src/a.py", "", "", "", fits.occurrences, ()).ordered())


def query(data: bytes) -> None:
    """Bytes as a query, a name and a path; as plain words, which are never refused."""
    store, text = _queried(), data.decode("utf-8", "surrogateescape")
    for ask in (store.search, store.symbols, store.references, store.file, _things().search):
        with suppress(CallerError):
            ask(text)
    for match in MATCHES:
        store.find_symbols(text, match)
    assert store.count(text, plain=True) >= len(store.search(text, plain=True))


def sample_records() -> list[FileRecord]:
    """The records that seeds and templates are made of."""
    return [
        FileRecord(
            f"src/{name}.py",
            name * 8,
            "python",
            [Symbol("alpha", "function", Range(0, 0, 2, 0), name, f"def alpha({name})", "Says so.")],
            [Relation("calls", "alpha", "beta", Range(1, 4, 1, 8))],
        )
        for name in "ab"
    ]


@cache
def _template() -> tuple[str, list[str]]:
    """A closed store with a generation and a journal behind it; and its files."""
    path = os.path.join(_directory(), f"template-{os.getpid()}")
    with Store.open(path, policy=MANUAL) as store:
        for number, record in enumerate(sample_records()):
            with store.transaction() as txn:
                txn.index_file(record)
            if not number:
                store.checkpoint()
    shutil.rmtree(os.path.join(path, "incoming"))
    files = [
        os.path.relpath(os.path.join(directory, name), path)
        for directory, _, names in os.walk(path)
        for name in names
    ]
    # In an order that stays when the segment has another digest.
    return path, sorted(files, key=lambda file: (file.startswith("segments"), os.path.basename(file), file))


def store(data: bytes) -> None:
    """Bytes as a list of edits to the files of a store: opened, read, verified and repaired after them."""
    source, files = _template()
    path = os.path.join(_directory(), f"edited-{os.getpid()}")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(source, path)
    for at in range(0, min(len(data), 64) - 7, 8):
        _edit(os.path.join(path, files[data[at] % len(files)]), data[at + 1 : at + 8])
    for read_only in (True, False):
        with suppress(DiptychError), Store.open(path, read_only=read_only, policy=MANUAL) as opened:
            _read_store(opened)
    with suppress(DiptychError):
        verify(path)
    with suppress(DiptychError):
        repair(path)
        with Store.open(path, policy=MANUAL) as opened:
            _read_store(opened)


def _edit(path: str, how: bytes) -> None:
    try:
        with open(path, "rb") as file:
            content = bytearray(file.read())
    except OSError:
        return
    place = int.from_bytes(how[1:4], "little") % (len(content) + 1)
    match how[0] % 5:
        case 0:
            content[place : place + 1] = how[4:5]
        case 1:
            content[place : place + 3] = how[4:7]
        case 2:
            del content[place:]
        case 3:
            content[place:place] = how[4:7] * (1 + how[0] % 7)
        case _:
            content[place:] = content[: len(content) - place]
    with open(path, "wb") as file:
        file.write(content)


def _read_store(opened: Store) -> None:
    reads: list[Callable[[], Any]] = [
        lambda: list(opened.files()),
        lambda: opened.file("src/a.py"),
        lambda: opened.symbols("alpha"),
        lambda: opened.references("beta"),
        lambda: opened.search("alpha"),
        lambda: len(opened),
        lambda: "src/b.py" in opened,
        opened.stats,
    ]
    for read in reads:
        with suppress(DiptychError):
            read()


TARGETS = {
    target.name: target
    for target in (
        Target("frames", frames),
        Target("entries", entries),
        Target("journal_file", journal_file),
        Target("records", records),
        Target("bundle", bundle),
        Target("sealed", sealed),
        Target("footer", footer),
        # LZ4 makes 255 bytes of one.
        Target("document_store", document_store, 1_000),
        Target("documents", documents),
        Target("payload", payload),
        Target("precise", precise),
        Target("scip", scip, 256),
        Target("query", query, 1_000),
        Target("store", store, 100_000),
    )
}
