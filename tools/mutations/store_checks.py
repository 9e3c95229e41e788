"""Each test of a checksum in the two stores, and of what belongs together, taken away."""

from __future__ import annotations

from .edits import Always, Drop, Edit, Never, Replace, WithoutArgument
from .hunts import FORGED, damage, exchanged, unit
from .mutation import Hunt, Mutation

_SCAN = "store.recovery.scan_generations"
_SNAPSHOT = "snapshot.reader"
_RECORDS = "segment.records"
_SNAPSHOT_FORMAT = "snapshot.format"
_SALVAGE = "store.salvage_segment"

# Where more is damaged than a store must survive, something may be lost, but never reported wrongly.
_NOT_GIVEN_UP = ["wrong", "lost", "blessed", "unrepaired", "exception", "panic"]
_RECOVERY_TESTS = unit(
    "tests/store/test_recovery_odd.py", "tests/regressions/test_repair_of_exchanged_files.py"
)
_ADOPTION = unit("tests/store/test_adoption.py")
_LIVE_TESTS = unit("tests/store/test_live.py")
_MIGRATION_TESTS = unit("tests/store/test_migration.py")
_FLIPPED_SNAPSHOT = damage("*/records.msgpack", kinds=["flip"], sample="level")
_SNAPSHOT_TESTS = unit("tests/snapshot", "tests/regressions/test_trailer_that_points_nowhere.py")


def _check(name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "check", edits, hunts, share)


STORE_CHECKS = (
    # Adopted segments.
    _check(
        "an adopted segment: that its files are what its SEAL says",
        Never("store.adopted", "verified", "fs.digest_stable_file"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: that nothing else is in its directory",
        Never("store.adopted", "verified", "others"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: that the store does not have it",
        Never("store.adopting", "Adopting._reserve", "is_there"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: that its transaction changes none of its keys",
        Never("store.transaction", "Transaction.adopt", "change.key in changed"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: which of its records were replaced since",
        Never("store.checkpoint.marking", "mark_replaced", "newest[change.key] is not change"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: which of its records were replaced since, in a look-up",
        Always("store.overlay", "Overlay.lookup", "segment.has"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: which of its records were replaced since, in a search",
        Replace("store.hits", "AdoptedSource._counts", "self._segment.has(change)", "True"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: that the journal names it, when segments are removed",
        Never("store.checkpoint.retention", "_remove_segments", "one.lsn >= first_lsn"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: that no manifest names it yet, when segments are removed",
        Replace("store.checkpoint.retention", "_remove_segments", "needed_segments()", "()"),
        _ADOPTION,
    ),
    _check(
        "an adopted segment: that the journal names it, when a writer opens the store",
        Never("store.recovery.scan_generations", "unreferenced", "one.lsn >= first_lsn"),
        _ADOPTION,
    ),
    # The records.
    _check(
        "records: which segment's they are",
        Never(_RECORDS, "SegmentRecords.__init__", "seal.segment_id"),
        FORGED,
    ),
    _check(
        "records: how many there are",
        Never(_RECORDS, "SegmentRecords.__init__", "trailer.ids"),
        FORGED,
    ),
    _check(
        "records: the checksum of a filter or of the first documents",
        Never("segment.format", "decode_section", "xxh3_64_intdigest"),
        _FLIPPED_SNAPSHOT,
        unit("tests/segment"),
    ),
    _check(
        "records: which are dead, by key",
        Always("store.live_segment", "LiveSegment.get", "self.is_live"),
        _LIVE_TESTS,
    ),
    _check(
        "records: which are dead, where one is looked for",
        Always("store.live_segment", "LiveSegment.find", "self.is_live"),
        _LIVE_TESTS,
    ),
    _check(
        "records: which are dead, by a term",
        Always("store.live_segment", "LiveSegment.postings", "self.is_live"),
        _LIVE_TESTS,
    ),
    _check(
        "records: which are dead, in a scan",
        Always("store.live_segment", "LiveSegment.scan", "self.is_live"),
        _LIVE_TESTS,
    ),
    _check(
        "records: which are dead, in a search",
        Replace("store.live_segment", "LiveSegment.component", "self.dead", 'b""'),
        _LIVE_TESTS,
    ),
    _check(
        "a snapshot: the checksum of its trailer",
        Never(_SNAPSHOT_FORMAT, "decode_trailer", "xxh3_64_intdigest"),
        FORGED,
    ),
    _check(
        "a snapshot: that its trailer points into it",
        Drop(_SNAPSHOT, "SnapshotReader.__init__", "check_places"),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: the checksum of a bucket",
        Always(_SNAPSHOT_FORMAT, "check_bucket", "xxh3_64_intdigest"),
        _FLIPPED_SNAPSHOT,
    ),
    _check(
        "a snapshot: which bucket it is",
        (
            WithoutArgument(_SNAPSHOT_FORMAT, "check_bucket", "xxh3_64_intdigest", "bucket"),
            WithoutArgument(_SNAPSHOT_FORMAT, "encode_bucket", "xxh3_64_intdigest", "bucket"),
        ),
        exchanged(),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: a record's checksum",
        Never(_SNAPSHOT, "SnapshotReader._check", "place.checksum"),
        _FLIPPED_SNAPSHOT,
        share=True,
    ),
    _check(
        "a snapshot: which record it is",
        Never(_SNAPSHOT, "SnapshotReader._place", "place.id"),
        exchanged(),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: the order of its records",
        Never(_SNAPSHOT, "SnapshotReader._forwards", "record.key"),
        FORGED,
    ),
    # The search index.
    _check(
        "a search index: its hashes, before it is searched",
        Never("segment.reader", "verify_file", "fs.checksum_stable_file"),
        damage("*/search.bundle", kinds=["flip"], sample="level"),
        unit("tests/segment"),
    ),
    _check(
        "a search index: its hashes again, when its files have changed",
        Replace("segment.reader", "Segment.search_files", "not verified", "self._verified_stats is None"),
        unit("tests/search/test_bounded.py"),
    ),
    _check(
        "a search index: the sizes of its files",
        Never(_SCAN, "sizes_problem", "status.st_size"),
        FORGED,
    ),
    _check(
        "a search index: which segment's it is",
        Never("segment.format", "decode_bundle", "names"),
        FORGED,
    ),
    _check(
        "a search index: that the rebuilt records are those of SEAL",
        (
            Never("segment.rebuild", "rebuild_records", "_is_same"),
            Never("segment.rebuild", "rebuild_records", "seal.files[RECORDS]"),
        ),
        FORGED,
    ),
    _check(
        "a search index: a record's checksum",
        Always("search.documents", "decode_stored", "record_checksum"),
        damage("*/search.bundle", kinds=["flip"]),
        unit("tests/search"),
    ),
    _check(
        "a search index: Tantivy's CRC",
        Never("search.footer", "check_footer", "zlib.crc32"),
        unit("tests/search"),
    ),
    # Migration from format 1.
    _check(
        "a migration: the hash of the snapshot",
        Always("store.migration", "_records", "fs.hash_stable_file"),
        _MIGRATION_TESTS,
    ),
    _check(
        "a migration: that the records are all there",
        Never("store.migration", "_publish", "manifest.records"),
        _MIGRATION_TESTS,
    ),
    _check(
        "a migration: that a generation is of the same store",
        Never("store.migration", "_read", "manifest.identity.store_id"),
        _MIGRATION_TESTS,
    ),
    _check(
        "a migration: that nothing is lost by it",
        Never("store.migration", "migrate", "current.generations"),
        _MIGRATION_TESTS,
    ),
    _check(
        "a migration: that a manifest is that of its directory",
        Never("store.migration", "_read_manifest", "manifest.lsn"),
        _MIGRATION_TESTS,
    ),
    # Salvage and verification.
    _check(
        "salvage: a record's checksum",
        Always(_SALVAGE, "_walk", "record_checksum"),
        damage(
            "*/records.msgpack",
            kinds=["flip"],
            sample="level",
            gone=["segments/*/search.bundle", "journal/*.wal"],
            words=_NOT_GIVEN_UP,
        ),
    ),
    _check(
        "salvage: which segment's records they are",
        Never(_SALVAGE, "_from_records", "found.listed.seal.segment_id"),
        FORGED,
    ),
    _check(
        "salvage: whose search index it is",
        Drop(_SALVAGE, "_from_search", "_refuse_exchanged"),
        unit("tests/store/test_salvage_of_exchanged_files.py"),
    ),
    _check(
        "salvage: how much a block may unpack to",
        Never("search.document_store", "_unpacked", "len(out) + length > size"),
        unit("tests/search/test_document_store.py"),
    ),
    _check(
        "salvage: whether a skip index has all blocks",
        Never("search.document_store", "_of_layer", "(document, offset)"),
        unit("tests/search/test_document_store.py"),
    ),
    _check(
        "salvage: which records are dead",
        Always(_SALVAGE, "SalvagedSegment.records", "listed.is_live"),
        _RECOVERY_TESTS,
        unit("tests/store/test_recovery_table.py"),
    ),
    _check(
        "salvage: that a transaction has its beginning",
        Never("store.salvage", "transactions", "parts"),
        unit("tests/store/test_salvage_transactions.py"),
        _RECOVERY_TESTS,
    ),
    _check(
        "verify: the hash of the records",
        Always("store.verify", "_records_problems", "fs.hash_stable_file"),
        _FLIPPED_SNAPSHOT,
    ),
    _check(
        "verify: the hashes of a search index",
        Always("store.verify", "_search_problems", "fs.hash_stable_file"),
        damage("*/search.bundle", kinds=["flip"], sample="level"),
    ),
    _check(
        "verify: the bytes of SEAL",
        Always("store.verify", "_seal_problem", "segment.listed.sealed"),
        damage("*/SEAL", kinds=["flip"], sample="level"),
    ),
    _check(
        "verify: that no key is live twice, and the counts",
        Drop("store.verify", "_verified", "_totals_problem"),
        FORGED,
    ),
)
