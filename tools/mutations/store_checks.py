"""Each test of a checksum in the two stores, and of what belongs together, taken away."""

from __future__ import annotations

from .edits import Always, Drop, Edit, Instead, Never, WithoutArgument
from .hunts import FORGED, damage, exchanged, unit
from .mutation import Hunt, Mutation

_SCAN = "store.recovery.scan_generations"
_SNAPSHOT = "snapshot.reader"
_SNAPSHOT_FORMAT = "snapshot.format"
_APPLY = "store.recovery.apply"
_SALVAGE = "store.salvage"

# Where more is damaged than a store must survive, something may be lost, but never reported wrongly.
_NOT_GIVEN_UP = ["wrong", "lost", "blessed", "unrepaired", "exception", "panic"]
_RECOVERY_TESTS = unit(
    "tests/store/test_recovery_odd.py", "tests/regressions/test_repair_of_exchanged_files.py"
)
_FLIPPED_SNAPSHOT = damage("*/snapshot.msgpack", kinds=["flip"], sample="level")
_SNAPSHOT_TESTS = unit("tests/snapshot", "tests/regressions/test_trailer_that_points_nowhere.py")


def _check(name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "check", edits, hunts, share)


STORE_CHECKS = (
    # The snapshot.
    _check(
        "a snapshot: its store and LSN",
        Never(_SCAN, "_snapshot_problem", "snapshot.store_id"),
        FORGED,
    ),
    _check(
        "a snapshot: how many records it has",
        (
            Never(_SCAN, "_snapshot_problem", "manifest.records"),
            Never(_SCAN, "_snapshot_problem", "snapshot.trailer.lsn"),
        ),
        FORGED,
    ),
    _check(
        "a snapshot: its size",
        Never(_SNAPSHOT, "SnapshotReader.__init__", "actual != size"),
        damage("*/snapshot.msgpack", kinds=["grow", "cut", "predecessor"]),
        _SNAPSHOT_TESTS,
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
        Never(_SNAPSHOT, "SnapshotReader.scan", "record.key"),
        FORGED,
    ),
    _check(
        "a snapshot: all of it, before it is copied",
        Never("store.checkpoint.build", "GenerationBuilder._build", "_snapshot_is_intact"),
        _FLIPPED_SNAPSHOT,
    ),
    # The search index.
    _check(
        "a search index: its hashes, before it is searched",
        Drop("store.generation", "Generation.search", "verify_files"),
        damage("*/search/*", kinds=["flip"], sample="level"),
    ),
    _check(
        "a search index: its hashes, before it is linked",
        Drop("store.checkpoint.build", "GenerationBuilder._begin", "verify_files"),
        FORGED,
    ),
    _check(
        "a search index: the sizes of its files",
        Never(_SCAN, "_sizes_problem", "status.st_size"),
        FORGED,
    ),
    _check(
        "a search index: its watermark, before it is searched",
        Drop("store.generation", "Generation.search", "compare_watermark"),
        FORGED,
    ),
    _check(
        "a search index: its hashes, before a snapshot is rebuilt",
        Drop(_APPLY, "rebuild_snapshot", "verify_files"),
        FORGED,
    ),
    _check(
        "a search index: its watermark, before a snapshot is rebuilt",
        Drop(_APPLY, "rebuild_snapshot", "compare_watermark"),
        FORGED,
    ),
    _check(
        "a search index: that the rebuilt snapshot has all",
        Drop(_APPLY, "rebuild_snapshot", "written.records != manifest.records"),
        FORGED,
    ),
    _check(
        "a search index: a record's checksum",
        Always("search.documents", "decode_stored", "record_checksum"),
        damage("*/search/*", kinds=["flip"]),
        unit("tests/search"),
    ),
    _check(
        "a search index: that it is opened, not made again",
        Instead(
            "search.leaf",
            "open_leaf",
            "tantivy.Index.open",
            """
            from diptych.search.documents import tantivy_schema
            index = tantivy.Index(tantivy_schema(schema), private)
            """,
        ),
        unit("tests/search"),
        damage("*/search/meta.json", kinds=["delete"]),
    ),
    _check(
        "a search index: Tantivy's CRC",
        Never("search.footer", "check_footer", "zlib.crc32"),
        unit("tests/search"),
    ),
    # Salvage and verification.
    _check(
        "salvage: a record's checksum",
        Always(_SALVAGE, "_walk", "record_checksum"),
        damage(
            "*/snapshot.msgpack",
            kinds=["flip"],
            sample="level",
            gone=["generations/*/search/*", "journal/*.wal"],
            words=_NOT_GIVEN_UP,
        ),
    ),
    _check(
        "salvage: a snapshot's store and LSN",
        Never(_SALVAGE, "_from_snapshot", "found.lsn"),
        FORGED,
    ),
    _check(
        "salvage: a search index's store and LSN",
        Never(_SALVAGE, "_from_search", "found.lsn"),
        FORGED,
    ),
    _check(
        "salvage: that a transaction has its beginning",
        Never(_SALVAGE, "transactions", "parts"),
        unit("tests/store/test_salvage_transactions.py"),
        _RECOVERY_TESTS,
    ),
    _check(
        "verify: the hash of a snapshot",
        Always("store.verify", "_snapshot_problems", "fs.hash_stable_file"),
        _FLIPPED_SNAPSHOT,
    ),
    _check(
        "verify: the hashes of a search index",
        Always("store.verify", "_search_problems", "fs.hash_stable_file"),
        damage("*/search/*", kinds=["flip"], sample="level"),
    ),
)
