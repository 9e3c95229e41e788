"""`python -m fuzz.seeds`: writes the corpus anew, a few valid inputs for each target."""

from __future__ import annotations

import os
import shutil
import tempfile

import msgpack

from diptych import Store
from diptych.change import FileIndexed, FileRemoved, SegmentAdopted, SnapshotCreated, record_checksum
from diptych.journal.format import (
    COMMIT,
    CONTROL,
    PART,
    encode_change,
    encode_frame,
    encode_header,
    encode_snapshot_created,
)
from diptych.model import FileRecord, Range
from diptych.schema.code import CODE
from diptych.schema.precise import PRECISE, Occurrence, PreciseRecord, Relationship, SymbolInformation
from diptych.serving.scip.documents import document_bytes
from diptych.serving.scip.messages import DOCUMENTS, METADATA
from diptych.serving.scip.stream import field_bytes

from .targets import CHAIN, HEADER, MANUAL, SALT, sample_records

MANIFEST = f"{1:020d}"
CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def seeds() -> dict[str, list[bytes]]:
    """Valid inputs by target."""
    records = [(CODE.key_of(record), CODE.pack(record)) for record in sample_records()]
    indexed = [
        encode_change(FileIndexed(key, record_checksum(key, payload), payload)) for key, payload in records
    ]
    removed = encode_change(FileRemoved(b"src/a.py"))
    created = encode_snapshot_created(SnapshotCreated(3, 1, 2))
    chain, written = CHAIN, []
    for lsn, kind, entry in ((1, COMMIT, indexed[0]), (2, PART, indexed[1]), (2, COMMIT, removed)):
        frame, chain = encode_frame(lsn, kind, entry, salt=SALT, chain=chain)
        written.append(frame)
    control = encode_frame(2, CONTROL, created, salt=SALT, chain=chain)[0]
    stored = [
        record_checksum(key, payload).to_bytes(8, "little") + len(key).to_bytes(4, "little") + key + payload
        for key, payload in records
    ]
    files = _files()
    adopted = encode_change(SegmentAdopted(files["SEAL"]))
    bundled = msgpack.unpackb(files["search.bundle"])
    tantivy = {name.split(".")[1]: content for name, content in bundled.items()}
    return {
        "frames": [*written, control],
        "entries": [*indexed, removed, created, b"".join((indexed[0], removed)), adopted],
        "journal_file": [
            encode_header(HEADER) + b"".join(written) + control,
            b"".join(written),
            written[0][:-9],
        ],
        "records": [files["records.msgpack"]],
        "bundle": [files["search.bundle"]],
        "sealed": [
            *(files[name] for name in ("IDENTITY", MANIFEST, "CLOSED", "SEAL")),
            *(msgpack.unpackb(files[name])[2] for name in ("IDENTITY", MANIFEST, "CLOSED", "SEAL")),
        ],
        "footer": [tantivy["term"], tantivy["store"], tantivy["term"][-110:]],
        "document_store": [tantivy["store"], tantivy["store"][: tantivy["store"].index(b'{"version"') - 40]],
        "documents": stored,
        "payload": [*map(_older_payload, sample_records()), *(payload for _, payload in records)],
        "precise": [PRECISE.pack(record) for record in _precise_records()],
        "scip": [
            field_bytes(DOCUMENTS, document_bytes(_precise_records()[0])),
            field_bytes(METADATA, b"\x1a\x09file:///r")
            + b"".join(field_bytes(DOCUMENTS, document_bytes(record)) for record in _precise_records()),
        ],
        "query": [
            text.encode()
            for text in (
                "alpha", "name:alpha AND kind:function", '"says so"~2 -beta', "path:[a TO z] OR (a b)^2",
                "name:IN [alpha beta]", "*", "_type:record", "kind:/f.*/", "alph*", "signature:{a TO *}",
                "size:[-5 TO 1e3} ratio:>=0.5", "modified:2024-05 OR modified:<2023-11-30T12:00+02:00",
                "/(al|om)[a-z]{1,9}.*/", "src.a.Alpha kind:class", "done:true -tag:IN [red green]",
            )
        ],
        "store": [bytes(8), bytes(range(64)), b"\x05\x02\x10\x00\x00\xff\xff\xff" * 2],
    }  # fmt: skip


def _precise_records() -> list[PreciseRecord]:
    """What an index says of `SCIP_SOURCE`, in full, and of a file without anything."""
    first, method = "s p a 1 `a.py`/A#", "s p a 1 `a.py`/A#b()."
    occurrences = (
        Occurrence(Range(0, 6, 0, 7), first, 1, Range(0, 0, 2, 32)),
        Occurrence(Range(1, 8, 1, 9), method, 1),
        Occurrence(Range(1, 16, 1, 18), "local 0", 1),
        Occurrence(Range(2, 15, 2, 17), "local 0", 8),
        Occurrence(Range(2, 32, 2, 33), method, 8),
    )
    told = (
        SymbolInformation(first, 7, "A", ("A class.",), "class A"),
        SymbolInformation(method, 26, "b", (), "def b(self, ü)", "", (Relationship(first, 3),)),
    )
    return [
        PreciseRecord("src/a.py", "0" * 64, "python", "s 1", occurrences, told).ordered(),
        PreciseRecord("src/b.py", "", "", "", (), ()),
    ]


def _files() -> dict[str, bytes]:
    """The files of a small store, by name."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "store")
        with Store.open(path, policy=MANUAL) as store:
            with store.transaction() as txn:
                for record in sample_records():
                    txn.index_file(record)
            store.checkpoint()
        for below, _, names in os.walk(path):
            for name in names:
                with open(os.path.join(below, name), "rb") as file:
                    found[name] = file.read()
    return found


def _older_payload(record: FileRecord) -> bytes:
    """A record as version 1 of the schema packed it."""
    symbols = [symbol[:6] for symbol in record.symbols]
    fields = (record.content_hash, record.language, symbols, record.relations)
    return bytes(msgpack.packb(fields, unicode_errors="surrogateescape"))


def main() -> None:
    """Write the corpus."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    for target, inputs in seeds().items():
        os.makedirs(os.path.join(CORPUS, target))
        for number, data in enumerate(inputs):
            with open(os.path.join(CORPUS, target, f"seed-{number}"), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
