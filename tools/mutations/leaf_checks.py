"""Each test of a checksum in the two leaves, and of what belongs together, taken away."""

from __future__ import annotations

from .hunts import FORGED, damage, exchanged, unit
from .mutation import Edit, Hunt, Mutation

_SCAN = "store/recovery/scan_generations.py"
_SNAPSHOT = "snapshot/reader.py"
_LEAF = "snapshot/format.py"
_APPLY = "store/recovery/apply.py"
_SALVAGE = "store/salvage.py"

# Where more is damaged than a store must survive, something may be given up, but said wrongly never.
_NOT_GIVEN_UP = ["wrong", "lost", "blessed", "unrepaired", "exception", "panic"]
# The snapshot is read from the search leaf.
_REBUILT = damage(
    "*/search/*", kinds=["flip"], gone=["generations/*/snapshot.msgpack"], words=_NOT_GIVEN_UP, sample="level"
)
_WHOLE_FILES = ["predecessor", "exchange", "foreign"]
_RECOVERY_TESTS = unit(
    "tests/store/test_recovery_odd.py", "tests/regressions/test_repair_of_exchanged_files.py"
)
_FLIPPED_SNAPSHOT = damage("*/snapshot.msgpack", kinds=["flip"], sample="level")
_SNAPSHOT_TESTS = unit("tests/snapshot", "tests/regressions/test_trailer_that_points_nowhere.py")


def _check(
    name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False
) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "check", edits, hunts, share)


LEAF_CHECKS = (
    # The snapshot leaf.
    _check(
        "a snapshot: its store and LSN",
        Edit(
            _SCAN,
            "    if (snapshot.lsn, snapshot.store_id) != (manifest.lsn, manifest.identity.store_id):",
            "    if False:",
        ),
        FORGED,
    ),
    _check(
        "a snapshot: how many records it has",
        Edit(
            _SCAN,
            "    elif len(snapshot) != manifest.records or snapshot.trailer.lsn != manifest.lsn:",
            "    elif False:",
        ),
        FORGED,
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
        FORGED,
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
        exchanged(),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: a record's check",
        Edit(
            _SNAPSHOT,
            "        if xxh3_64_intdigest(payload, xxh3_64_intdigest(place.key)) != place.check:",
            "        if False:",
        ),
        _FLIPPED_SNAPSHOT,
        share=True,
    ),
    _check(
        "a snapshot: which record it is",
        Edit(_SNAPSHOT, "        if place.id != record_id:", "        if False:"),
        exchanged(),
        _SNAPSHOT_TESTS,
    ),
    _check(
        "a snapshot: the order of its records",
        Edit(
            _SNAPSHOT,
            "            if previous is not None and record.key <= previous:",
            "            if False:",
        ),
        FORGED,
    ),
    _check(
        "a snapshot: all of it, before it is copied",
        Edit(
            "store/checkpoint.py",
            "if base is not None and not rewrite_snapshot and not _whole(base):",
            "if False:",
        ),
        _FLIPPED_SNAPSHOT,
    ),
    # The search leaf.
    _check(
        "a search leaf: its hashes, before it is searched",
        Edit(
            "store/generation.py",
            "                        verify_files(self.search_path, files)\n",
            "                        pass\n",
        ),
        damage("*/search/*", kinds=["flip"], sample="level"),
    ),
    _check(
        "a search leaf: its hashes, before it is linked",
        Edit(
            "store/checkpoint.py",
            "        verify_files(base.search_path, files)\n        return SearchWriter",
            "        return SearchWriter",
        ),
        FORGED,
    ),
    _check(
        "a search leaf: the sizes of its files",
        Edit(_SCAN, "        if status.st_size != sizes[name]:\n", "        if False:\n"),
        FORGED,
    ),
    _check(
        "a search leaf: its watermark, before it is searched",
        Edit("store/generation.py", "                    compare_watermark(index, self.manifest)\n", ""),
        FORGED,
    ),
    _check(
        "a search leaf: its hashes, before a snapshot is rebuilt",
        Edit(_APPLY, "    verify_files(directory, manifest.of_search())\n", ""),
        FORGED,
    ),
    _check(
        "a search leaf: its watermark, before a snapshot is rebuilt",
        Edit(_APPLY, "    compare_watermark(leaf, manifest)\n", ""),
        FORGED,
    ),
    _check(
        "a search leaf: that the rebuilt snapshot has all",
        Edit(
            _APPLY,
            "    if written.records != manifest.records or written.counts != "
            "tuple(manifest.counts.values()):",
            "    if False:",
        ),
        FORGED,
    ),
    _check(
        "a search leaf: a record's check",
        Edit(
            "search/documents.py",
            "        if len(key) == length and check_of(key, payload) == check:",
            "        if len(key) == length:",
        ),
        damage("*/search/*", kinds=["flip"]),
        unit("tests/search"),
    ),
    _check(
        "a search leaf: that it is opened, and not made anew",
        Edit(
            "search/leaf.py",
            "index = tantivy.Index.open(private)",
            "from diptych.search.documents import tantivy_schema\n"
            "                    index = tantivy.Index(tantivy_schema(schema), private)",
        ),
        unit("tests/search"),
        damage("*/search/meta.json", kinds=["delete"]),
    ),
    _check(
        "a search leaf: Tantivy's CRC",
        Edit(
            "search/footer.py",
            "    if zlib.crc32(data[: footer.body_length]) != footer.crc:",
            "    if False:",
        ),
        unit("tests/search"),
    ),
    # Salvage and verification.
    _check(
        "salvage: a record's check",
        Edit(_SALVAGE, "        if check_of(place.key, payload) == place.check:", "        if True:"),
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
        Edit(
            _SALVAGE,
            "            if head != (store_id, found.lsn):\n                return {}, None, {}\n",
            "",
        ),
        FORGED,
    ),
    _check(
        "salvage: a search leaf's store and LSN",
        Edit(
            _SALVAGE,
            "        if (mark.store_id, mark.lsn) != (store_id, found.lsn):\n            return {}, None\n",
            "",
        ),
        FORGED,
    ),
    _check(
        "salvage: that a transaction has its beginning",
        Edit(
            _SALVAGE,
            "            elif not parts:\n"
            "                # Its beginning is in the damage: half a transaction is none.\n"
            "                continue\n",
            "",
        ),
        unit("tests/store/test_salvage_transactions.py"),
        _RECOVERY_TESTS,
    ),
    _check(
        "verify: the hash of a snapshot",
        Edit(
            "store/verify.py",
            "        if fs.hash_stable_file(where, expected_bytes=size)[1].hex() == blake3_hex:\n"
            "            return\n",
            "        return\n",
        ),
        _FLIPPED_SNAPSHOT,
    ),
    _check(
        "verify: the hashes of a search leaf",
        Edit(
            "store/verify.py",
            "            if fs.hash_stable_file(path, expected_bytes=size)[1].hex() == blake3_hex:\n                continue\n",
            "            continue\n",
        ),
        damage("*/search/*", kinds=["flip"], sample="level"),
    ),
)
