"""Each test of a checksum, a salt, a chain, and of what belongs together, taken away."""

from __future__ import annotations

from .hunts import damage, unit
from .mutation import Edit, Hunt, Mutation

_FORMAT = "journal/format.py"
_READER = "journal/reader.py"
_PLAN = "store/recovery/plan.py"
_SCAN = "store/recovery/scan.py"
_SNAPSHOT = "snapshot/reader.py"
_LEAF = "snapshot/format.py"
_APPLY = "store/recovery/apply.py"
_SALVAGE = "store/salvage.py"

_WHOLE_FILES = ["predecessor", "exchange", "foreign"]
_JOURNAL_TESTS = unit("tests/journal")
_RECOVERY_TESTS = unit(
    "tests/store/test_recovery_odd.py", "tests/store/test_recovery_table.py", "tests/regressions"
)
_FLIPPED_JOURNAL = damage("journal/*.wal", kinds=["flip"])
_MIXED_JOURNAL = damage("journal/*", kinds=_WHOLE_FILES)
_MIXED = damage("*", kinds=_WHOLE_FILES)
_FLIPPED_SNAPSHOT = damage("*/snapshot.msgpack", kinds=["flip"], sample="level")
_SNAPSHOT_TESTS = unit("tests/snapshot", "tests/regressions")


def _check(name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False, spare: str = "") -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "check", edits, hunts, share, spare)


CHECKS = (
    # The journal.
    _check(
        "a segment's header: its checksum",
        Edit(_FORMAT, "    if magic != MAGIC or checksum != xxh3_64_intdigest(data[:56]):", "    if magic != MAGIC:"),
        damage("journal/*.wal", kinds=["flip"], span=[0, 64]),
        _JOURNAL_TESTS,
    ),
    _check(
        "a segment's header: the name of its file",
        Edit(_SCAN, "        elif header.first_lsn != first:", "        elif False:"),
        _MIXED_JOURNAL,
        _RECOVERY_TESTS,
    ),
    _check(
        "a segment's header: its store",
        Edit(_SCAN, "        if store_id is not None and header.store_id != store_id:", "        if False:"),
        _MIXED_JOURNAL,
        _RECOVERY_TESTS,
    ),
    _check(
        "a segment's header: its chain",
        Edit(_PLAN, "segment.first_lsn == self.last_lsn + 1 and segment.header.chain != self.chain", "False"),
        _MIXED_JOURNAL,
        _RECOVERY_TESTS,
        unit("tests/store/test_stateful.py"),
    ),
    _check(
        "a frame: its checksum",
        Edit(_FORMAT, "    if xxh3_64_intdigest(data[at + 8 : end], salt) != checksum:\n        return None\n", ""),
        _FLIPPED_JOURNAL,
        share=True,
    ),
    _check(
        "a frame: its salt",
        (
            Edit(_FORMAT, "xxh3_64_intdigest(data[at + 8 : end], salt)", "xxh3_64_intdigest(data[at + 8 : end])"),
            Edit(_FORMAT, "xxh3_64_intdigest(body, salt)", "xxh3_64_intdigest(body)"),
        ),
        _MIXED_JOURNAL,
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its chain",
        Edit(_READER, "if frame is None or frame.chain != self.chain:", "if frame is None:"),
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its padding",
        Edit(_FORMAT, "    if end + padding > len(data) or any(data[end : end + padding]):\n        return None\n", ""),
        _FLIPPED_JOURNAL,
        damage("journal/*.wal", kinds=["cut"]),
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its LSN follows",
        Edit(_SCAN, "    if frame.lsn != found.last_lsn + 1:", "    if False:"),
        _MIXED_JOURNAL,
        _RECOVERY_TESTS,
        unit("tests/store/test_stateful.py"),
    ),
    _check(
        "a frame: that its transaction has its beginning",
        Edit(_SCAN, "    if frame.continues != found.unfinished:", "    if False:"),
        _RECOVERY_TESTS,
        unit("tests/store"),
    ),
    _check(
        "a frame: no control frame within a transaction",
        Edit(_SCAN, 'return "a control frame within a transaction" if found.unfinished else ""', 'return ""'),
        _RECOVERY_TESTS,
        unit("tests/store"),
    ),
    _check(
        "a bad end: that it was on disk, by a frame behind it",
        Edit(_READER, "if frame.synced > self.offset or frame.offset == self.offset:", "if frame.offset == self.offset:"),
        _FLIPPED_JOURNAL,
    ),
    _check(
        "a bad end: a whole frame out of the chain",
        Edit(_READER, "if frame.synced > self.offset or frame.offset == self.offset:", "if frame.synced > self.offset:"),
        _JOURNAL_TESTS,
    ),
    _check(
        "the journal's end: by the mark of a close",
        Edit(_PLAN, "        proofs.append(scan.closed.lsn)\n", "        pass\n"),
        damage("journal/*.wal", kinds=["cut"]),
    ),
    _check(
        "the journal's end: by a later segment",
        Edit(_PLAN, "    proofs += [s.first_lsn - 1 for s in scan.segments if s.header is not None]\n", ""),
        damage("journal/*.wal"),
        damage("journal/*.wal", sample="killed"),
        _RECOVERY_TESTS,
    ),
    _check(
        "the journal's end: by a frame behind a damaged one",
        Edit(_PLAN, "    proofs += [s.tail.resumes_lsn for s in scan.segments if s.tail and s.tail.kind is TailKind.DAMAGED]\n", ""),
        damage("journal/*.wal", sample="killed"),
        _RECOVERY_TESTS,
    ),
    _check(
        "the journal's end: by a generation",
        Edit(_PLAN, "    proofs = [g.lsn for g in scan.generations if g.manifest]\n", "    proofs = [0]\n"),
        damage("journal/*.wal"),
        damage("journal/*.wal", sample="level"),
        _RECOVERY_TESTS,
    ),
    _check(
        "the journal's end: the segment that a generation promises",
        Edit(_PLAN, "        if not any(s.first_lsn == promised + 1 for s in scan.segments) or self.used is None:", "        if self.used is None:"),
        damage("journal/*", kinds=["delete", "delete-directory"]),
        _RECOVERY_TESTS,
    ),
    _check(
        "a record in the overlay: its check",
        Edit("store/overlay.py", "if check_of(self.key, payload) != self.check:", "if False:"),
        damage("journal/*"),
        unit("tests/journal", "tests/store", "tests/regressions"),
    ),
    # Identity, manifest, mark of a close.
    _check(
        "identity, manifest, mark: the checksum",
        Edit("sealed.py", "    if checksum != _checksum(magic, version, packed):", "    if False:"),
        damage("IDENTITY", "*/manifest.msgpack", "journal/CLOSED", kinds=["flip"]),
        share=True,
    ),
    _check(
        "identity, manifest, mark: which of them it is",
        (
            Edit("sealed.py", " or parts[0] != magic", ""),
            Edit("sealed.py", "xxh3_64_intdigest(packed, xxh3_64_intdigest(f\"{magic} {version}\".encode()))", "xxh3_64_intdigest(packed)"),
        ),
        _MIXED,
        unit("tests/store/test_sealed_and_names.py"),
    ),
    _check(
        "a manifest: the name of its generation",
        Edit(_SCAN, "    if manifest.lsn != lsn:", "    if False:"),
        damage("*/manifest.msgpack", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "a manifest: its store",
        Edit(_SCAN, "    if found.identity is not None and manifest.identity.store_id != found.identity.store_id:", "    if False:"),
        damage("*/manifest.msgpack", "IDENTITY", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "the mark of a close: its store",
        Edit(_PLAN, "(scan.identity is None or scan.closed.store_id == scan.identity.store_id)", "True"),
        damage("journal/CLOSED", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "an identity: that all the rest is of the same store",
        Edit(_SCAN, "    if _is_stranger(found):", "    if False:"),
        damage("IDENTITY", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    # The snapshot leaf.
    _check(
        "a snapshot: its store and LSN",
        Edit(_SCAN, "    if (snapshot.lsn, snapshot.store_id) != (manifest.lsn, manifest.identity.store_id):", "    if False:"),
        damage("*/snapshot.msgpack", kinds=_WHOLE_FILES),
        damage("*/snapshot.msgpack", kinds=["flip"], span=[0, 64]),
        _RECOVERY_TESTS,
    ),
    _check(
        "a snapshot: how many records it has",
        Edit(_SCAN, "    elif len(snapshot) != manifest.records or snapshot.trailer.lsn != manifest.lsn:", "    elif False:"),
        damage("*/snapshot.msgpack", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
        unit("tests/snapshot", "tests/store"),
    ),
    _check(
        "a snapshot: its size",
        Edit(_SNAPSHOT, "(size is not None and actual != size) or actual", "actual"),
        damage("*/snapshot.msgpack", kinds=["grow", "cut", "predecessor"]),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: the checksum of its trailer",
        Edit(_LEAF, "    if xxh3_64_intdigest(body[8:]) != fields[0]:", "    if False:"),
        damage("*/snapshot.msgpack", kinds=["flip"], span=[-300, 0], sample="level"),
    ),
    _check(
        "a snapshot: that its trailer points into it",
        Edit(_SNAPSHOT, "        check_places(self.trailer, actual, where=path)\n", ""),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: the checksum of a bucket",
        Edit(_LEAF, "        and xxh3_64_intdigest(data[8:], index << 32 | bucket) == checksum\n", ""),
        _FLIPPED_SNAPSHOT,
    ),
    _check(
        "a snapshot: which bucket it is",
        (
            Edit(_LEAF, "xxh3_64_intdigest(data[8:], index << 32 | bucket)", "xxh3_64_intdigest(data[8:])"),
            Edit(_LEAF, "xxh3_64_intdigest(body, index << 32 | bucket)", "xxh3_64_intdigest(body)"),
        ),
        _FLIPPED_SNAPSHOT,
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: a record's check",
        Edit(_SNAPSHOT, "        if xxh3_64_intdigest(payload, xxh3_64_intdigest(place.key)) != place.check:", "        if False:"),
        _FLIPPED_SNAPSHOT,
        share=True,
    ),
    _check(
        "a snapshot: which record it is",
        Edit(_SNAPSHOT, "        if place.id != record_id:", "        if False:"),
        _FLIPPED_SNAPSHOT,
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: the order of its records",
        Edit(_SNAPSHOT, "            if previous is not None and record.key <= previous:", "            if False:"),
        _FLIPPED_SNAPSHOT,
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: all of it, before it is copied",
        Edit("store/checkpoint.py", "if base is not None and not rewrite_snapshot and not _whole(base):", "if False:"),
        _FLIPPED_SNAPSHOT,
    ),
    # The search leaf.
    _check(
        "a search leaf: its hashes, before it is searched",
        Edit("store/generation.py", "                        verify_files(self.search_path, files)\n", "                        pass\n"),
        damage("*/search/*", kinds=["flip"], sample="level"),
    ),
    _check(
        "a search leaf: its hashes, before it is linked",
        Edit("store/checkpoint.py", "        verify_files(base.search_path, files)\n        return SearchWriter", "        return SearchWriter"),
        damage("*/search/*", kinds=["flip"], sample="level"),
        damage("*/search/*", kinds=["flip"]),
    ),
    _check(
        "a search leaf: the sizes of its files",
        Edit(_SCAN, '        if actual != sizes[name]:\n', '        if False:\n'),
        damage("*/search/*", kinds=["cut", "grow", "empty"]),
        _RECOVERY_TESTS,
        unit("tests/store"),
    ),
    _check(
        "a search leaf: its watermark, before it is searched",
        Edit("store/generation.py", "                    compare_watermark(index, self.manifest)\n", ""),
        damage("*/search/*", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
        unit("tests/store", "tests/search"),
    ),
    _check(
        "a search leaf: its hashes, before a snapshot is rebuilt",
        Edit(_APPLY, "    verify_files(directory, manifest.of_search())\n", ""),
        damage("*/snapshot.msgpack", kinds=["delete", "predecessor"]),
        _RECOVERY_TESTS,
        unit("tests/store"),
    ),
    _check(
        "a search leaf: its watermark, before a snapshot is rebuilt",
        Edit(_APPLY, "    compare_watermark(leaf, manifest)\n", ""),
        _RECOVERY_TESTS,
        unit("tests/store"),
    ),
    _check(
        "a search leaf: that the rebuilt snapshot has all",
        Edit(_APPLY, "    if written.records != manifest.records or written.counts != tuple(manifest.counts.values()):", "    if False:"),
        _RECOVERY_TESTS,
        unit("tests/store"),
    ),
    _check(
        "a search leaf: a record's check",
        Edit("search/documents.py", "        if len(key) == length and check_of(key, payload) == check:", "        if len(key) == length:"),
        damage("*/search/*", kinds=["flip"]),
        unit("tests/search"),
    ),
    _check(
        "a search leaf: that its meta.json is there",
        Edit("search/leaf.py", "if not os.path.exists(os.path.join(private, SEARCH_META)):", "if False:"),
        damage("*/search/meta.json", kinds=["delete"]),
        unit("tests/search"),
    ),
    _check(
        "a search leaf: Tantivy's CRC",
        Edit("search/footer.py", "    if zlib.crc32(data[: footer.body_length]) != footer.crc:", "    if False:"),
        unit("tests/search"),
    ),
    # Salvage and verification.
    _check(
        "salvage: a record's check",
        Edit(_SALVAGE, "        if check_of(place.key, payload) == place.check:", "        if True:"),
        damage("*/snapshot.msgpack", "*/manifest.msgpack", sample="level"),
        unit("tests/store", "tests/regressions"),
    ),
    _check(
        "salvage: a snapshot's store and LSN",
        Edit(_SALVAGE, "            if head != (store_id, found.lsn):\n                return {}, None, {}\n", ""),
        _MIXED,
        _RECOVERY_TESTS,
    ),
    _check(
        "salvage: a search leaf's store and LSN",
        Edit(_SALVAGE, "        if (mark.store_id, mark.lsn) != (store_id, found.lsn):\n            return {}, None\n", ""),
        _RECOVERY_TESTS,
    ),
    _check(
        "salvage: that a transaction has its beginning",
        Edit(_SALVAGE, "            elif not parts:\n                # Its beginning is in the damage: half a transaction is none.\n                continue\n", ""),
        unit("tests/store/test_salvage_transactions.py"),
        _RECOVERY_TESTS,
    ),
    _check(
        "verify: the hash of a snapshot",
        Edit("store/verify.py", "        if fs.hash_stable_file(where)[1].hex() == manifest.files[SNAPSHOT][1]:\n            return\n", "        return\n"),
        _FLIPPED_SNAPSHOT,
    ),
    _check(
        "verify: the hashes of a search leaf",
        Edit("store/verify.py", "            if fs.hash_stable_file(path)[1].hex() == blake3_hex:\n                continue\n", "            continue\n"),
        damage("*/search/*", kinds=["flip"], sample="level"),
    ),
)
