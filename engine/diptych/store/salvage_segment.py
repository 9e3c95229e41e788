"""Reading what can still be read of one damaged segment, in either half.

Used by repair, and by a checkpoint where a record that is replaced is damaged in both halves.

A record is live or removed by its id, which no checksum covers. It is proven where two places agree on it, or
one that is intact as a file says it. A record that passes its checksum and whose id is not proven is neither
dropped nor brought back where the segment has dead records: it is reported.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_right
from collections.abc import Container

from diptych import fs
from diptych.change import StoredRecord, record_checksum, shown_key
from diptych.errors import CorruptionError, CorruptSearchError, DiptychError
from diptych.layout import BUNDLE, RECORDS
from diptych.search.document_store import stored_documents
from diptych.search.documents import decode_stored
from diptych.search.footer import check_footer, check_footer_of_file, decode_footer
from diptych.segment.reader import search_files
from diptych.segment.seal import Seal
from diptych.snapshot.format import (
    TRAILER_SIZE,
    decode_head,
    decode_record_place,
    decode_table,
    decode_trailer,
    encode_head,
)
from diptych.store.manifest import ListedSegment
from diptych.values import Value, field

Records = dict[bytes, StoredRecord]
"""By key."""


class SalvagedSegment(Value, frozen=False):
    """What is left of a segment."""

    listed: ListedSegment
    source: str = "search"
    """"snapshot" or "search": the half from which most was read."""
    proven: dict[bytes, tuple[int, StoredRecord]] = field(default_factory=dict)
    """By key, the records whose id is proven, each after its id."""
    claimed: dict[bytes, tuple[int | None, StoredRecord]] = field(default_factory=dict)
    """By key, the others; the id is what one place says."""
    damaged: dict[bytes, str] = field(default_factory=dict)
    """By key, what to call the records that cannot be read; what is damaged and has no key is under b""."""

    def add(self, record: StoredRecord, record_id: int | None, *, is_proven: bool = False) -> None:
        """Take a record that passes its checksum, and what one place says of its id."""
        key = record.key
        if key in self.proven:
            return
        known, _ = self.claimed.get(key, (None, None))
        is_valid = record_id is not None and record_id < self.listed.seal.records
        if record_id is not None and is_valid and (is_proven or known == record_id):
            self.proven[key] = (record_id, record)
            self.claimed.pop(key, None)
        else:
            self.claimed.setdefault(key, (record_id, record))
        self.damaged.pop(key, None)

    @property
    def records(self) -> Records:
        """The records that are live for certain."""
        listed = self.listed
        live = {key: record for key, (number, record) in self.proven.items() if listed.is_live(number)}
        if not listed.dead:
            live |= {key: record for key, (_, record) in self.claimed.items()}
        # More than there were: something in it is not what it says.
        return live if len(live) <= listed.records else {}

    @property
    def lost(self) -> int:
        """How many live records are not there."""
        return self.listed.records - len(self.records)

    def missing(self, replaced: Container[bytes]) -> tuple[int, list[str]]:
        """How many of them the journal does not override, and a sentence for each thing that is known."""
        named = [key for key in self.damaged if key]
        unclear = list(self.claimed) if self.listed.dead else []
        # Of the lost ones whose keys are not known for certain, so many may be among the unclear ones.
        hidden = max(self.lost - len(named), 0)
        unnamed = max(hidden - len(unclear), 0)
        named = [key for key in named if key not in replaced]
        unclear = [key for key in unclear if key not in replaced] if hidden else []
        sentences = [message for key, message in self.damaged.items() if key not in replaced]
        sentences += [f"the record of {shown_key(key)}, unless it was removed before" for key in unclear]
        if unnamed:
            first, last = (shown_key(key) for key in (self.listed.seal.first_key, self.listed.seal.last_key))
            sentences.append(f"{unnamed:,} records from {first} to {last}")
        return min(len(named) + min(hidden, len(unclear)) + unnamed, self.lost), sentences


def salvage_segment(path: str, listed: ListedSegment) -> SalvagedSegment:
    """What either half of the segment at `path` still holds. Raises StorageError."""
    found = SalvagedSegment(listed)
    _from_records(path, found)
    found.source = "snapshot" if found.records else "search"
    if found.lost:
        _from_search(path, found)
    return found


def _from_records(path: str, found: SalvagedSegment) -> None:
    """Add what the records' half has."""
    where = os.path.join(path, RECORDS)
    try:
        with fs.translated("read", where), open(where, "rb", opener=fs.open_regular) as file:
            head = decode_head(file.read(64), where=where)
            if head[0].hex() != found.listed.seal.segment_id:
                # Another segment's: they are not those of this one.
                return
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with data:
            begin = len(encode_head(*head))
            try:
                trailer = decode_trailer(data[-TRAILER_SIZE:], where=where)
                table = data[trailer.offsets : trailer.offsets + 8 * trailer.ids]
                ids = {offset: record_id for record_id, offset in enumerate(decode_table("Q", table))}
            except (CorruptionError, ValueError):
                _walk_all(data, begin, where, found)
            else:
                _walk(data, begin, trailer.records_end, ids, where, found)
    except (OSError, ValueError, DiptychError) as error:
        fs.raise_transient(error)


def _walk(
    data: mmap.mmap, begin: int, limit: int, ids: dict[int, int], where: str, found: SalvagedSegment
) -> None:
    """Add all records between `begin` and `limit`.

    `ids`: by offset, the id of each record. Where a record is damaged, they say where the next one is.
    """
    offsets = sorted(ids)
    at = begin
    while at < limit:
        number = bisect_right(offsets, at)
        following = offsets[number] if number < len(offsets) else limit
        try:
            place = decode_record_place(data, at, limit, where=where)
        except CorruptionError as error:
            found.damaged[b""] = error.message
            at = following
            continue
        # Both in the table and with the record.
        is_proven = ids.get(at) == place.id
        payload = data[place.payload : place.end]
        if record_checksum(place.key, payload) == place.checksum:
            record = StoredRecord(place.key, place.checksum, payload)
            found.add(record, place.id if is_proven else None, is_proven=is_proven)
            at = place.end
        else:
            if not is_proven or found.listed.is_live(place.id):
                found.damaged[place.key] = f"the record of {shown_key(place.key)}, which fails its checksum"
            at = following


def _walk_all(data: mmap.mmap, begin: int, where: str, found: SalvagedSegment) -> None:
    """Add all records from front to back, as any decoder reads them, up to what is no record."""
    at, records = begin, []
    while at < len(data):
        try:
            place = decode_record_place(data, at, len(data), where=where)
        except CorruptionError:
            break
        payload = data[place.payload : place.end]
        if record_checksum(place.key, payload) == place.checksum:
            records.append((place.id, StoredRecord(place.key, place.checksum, payload)))
        else:
            found.damaged[place.key] = f"the record of {shown_key(place.key)}, which fails its checksum"
        at = place.end
    # Each id once: a damaged one would be there twice, or be none of them.
    numbers = sorted(number for number, _ in records)
    is_proven = numbers == list(range(found.listed.seal.records))
    for number, record in records:
        found.add(record, number, is_proven=is_proven)


def _from_search(path: str, found: SalvagedSegment) -> None:
    """Add what the search half has, as far as it can be read: of its files, the one that has records."""
    seal = found.listed.seal
    try:
        _refuse_exchanged(path, seal)
        store = search_files(path, seal, verify=False)["store"]
        is_intact = _is_intact(store, seal)
        # Not by Tantivy, which a damaged file has end this process. Records have their ids in the order of
        # their documents.
        record_id: int | None = 0
        read = 0
        for stored in stored_documents(store, seal.documents):
            read += stored is not None
            if stored == b"":
                continue
            try:
                record = decode_stored(stored or b"", where=path)
            except CorruptSearchError:
                # It may be a record's, or those of many.
                record_id = None
                continue
            found.add(record, record_id, is_proven=is_intact)
            record_id = None if record_id is None else record_id + 1
        if read < seal.documents:
            of = f"of the {seal.documents:,} documents of the segment {found.listed.digest}"
            unread = f"{seal.documents - read:,} {of} cannot be read"
            before = found.damaged.get(b"")
            found.damaged[b""] = unread if before is None else f"{before}; {unread}"
    except (OSError, DiptychError) as error:
        fs.raise_transient(error)
        # What was read before the damage has passed its checksum.


def _is_intact(file: str | bytes, seal: Seal) -> bool:
    """Whether a file of the search half, or its bytes from the bundle, is as it was written."""
    if isinstance(file, str):
        digests = seal.files[os.path.basename(file)]
        return fs.hash_stable_file(file, expected_bytes=digests.size_bytes)[1] == digests.blake3
    try:
        check_footer(file, where=BUNDLE)
        # No checksum covers the rest of a footer.
        return decode_footer(file, where=BUNDLE).index_format == seal.index_format
    except CorruptSearchError:
        return False


def _refuse_exchanged(path: str, seal: Seal) -> None:
    """Raise CorruptSearchError where a file is intact, and another segment's.

    A damaged one fails Tantivy's checksum too; a bundle says itself which segment it is of.
    """
    for name in () if seal.is_bundled else seal.files.keys() - {RECORDS}:
        file = os.path.join(path, name)
        if _is_intact(file, seal):
            continue
        try:
            check_footer_of_file(file)
        except CorruptSearchError:
            continue
        raise CorruptSearchError(f"{file} is of another segment", where=file)
