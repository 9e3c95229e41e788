"""Each test of a checksum, a salt, a chain in the journal, the identity, the manifests, taken away."""

from __future__ import annotations

from .edits import Always, Drop, Edit, Never, Replace, WithoutArgument
from .hunts import FORGED, damage, diverged, under_a_reader, unit
from .mutation import Hunt, Mutation

_FORMAT = "journal.format"
_READER = "journal.reader"
_PLAN = "store.recovery.plan"
_SCAN = "store.recovery.scan"
_SCAN_JOURNAL = "store.recovery.scan_journal"
_SCAN_GENERATIONS = "store.recovery.scan_generations"

_WHOLE_FILES = ["predecessor", "exchange", "foreign"]
_JOURNAL_TESTS = unit("tests/journal")
_RECOVERY_TESTS = unit(
    "tests/store/test_recovery_odd.py", "tests/regressions/test_repair_of_exchanged_files.py"
)
_FLIPPED_JOURNAL = damage("journal/*.wal", kinds=["flip"])
_MIXED_JOURNAL = damage("journal/*", kinds=_WHOLE_FILES)
_MIXED = damage("*", kinds=_WHOLE_FILES)


def _check(name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "check", edits, hunts, share)


JOURNAL_CHECKS = (
    # The journal.
    _check(
        "a segment's header: its checksum",
        Never(_FORMAT, "decode_header", "xxh3_64_intdigest"),
        damage("journal/*.wal", kinds=["flip"], span=[0, 64]),
        _JOURNAL_TESTS,
    ),
    _check(
        "a segment's header: the name of its file",
        Never(_SCAN_JOURNAL, "_scan_file", "header.first_lsn"),
        FORGED,
    ),
    _check(
        "a segment's header: its store",
        Never(_SCAN_JOURNAL, "_scan_file", "header.store_id"),
        _MIXED_JOURNAL,
        _RECOVERY_TESTS,
    ),
    _check(
        "a segment's header: its chain",
        Never(_PLAN, "_Replay._follow", "file.header.chain"),
        diverged(),
    ),
    _check(
        "a frame: its checksum",
        Never(_FORMAT, "decode_frame", "xxh3_64_intdigest"),
        _FLIPPED_JOURNAL,
        share=True,
    ),
    _check(
        "a frame: its salt",
        (
            WithoutArgument(_FORMAT, "decode_frame", "xxh3_64_intdigest", "salt"),
            WithoutArgument(_FORMAT, "encode_frame", "xxh3_64_intdigest", "salt"),
        ),
        _MIXED_JOURNAL,
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its chain",
        Never(_READER, "FrameReader.__iter__", "frame.chain"),
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its padding",
        Drop(_FORMAT, "decode_frame", "any(...)"),
        _FLIPPED_JOURNAL,
        damage("journal/*.wal", kinds=["cut"]),
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its LSN follows",
        Never(_SCAN_JOURNAL, "_frame_problem", "frame.lsn"),
        FORGED,
    ),
    _check(
        "a frame: that its transaction has its beginning",
        Never(_SCAN_JOURNAL, "_frame_problem", "frame.continues"),
        FORGED,
    ),
    _check(
        "a frame: no control frame within a transaction",
        Replace(_SCAN_JOURNAL, "_frame_problem", "... if unfinished else ...", '""'),
        FORGED,
    ),
    _check(
        "a bad end: that it was on disk, by a frame after it",
        Never(_READER, "FrameReader.tail", "frame.synced"),
        _JOURNAL_TESTS,
    ),
    _check(
        "a bad end: an intact frame out of the chain",
        Never(_READER, "FrameReader.tail", "frame.offset == self.offset"),
        _JOURNAL_TESTS,
    ),
    _check(
        "the journal's end: by the clean-shutdown marker",
        Drop(_PLAN, "_proven_lsn", "scan.closed.lsn"),
        damage("journal/*.wal", kinds=["cut"]),
    ),
    _check(
        "the journal's end: by a later segment",
        Drop(_PLAN, "_proven_lsn", "f.proven_lsn"),
        FORGED,
    ),
    _check(
        "the journal's end: by a frame after a damaged one",
        Drop(_PLAN, "_proven_lsn", "f.tail.resumes_lsn"),
        FORGED,
    ),
    _check(
        "the journal's end: by a generation",
        Never(_PLAN, "_proven_lsn", "g.manifest"),
        FORGED,
    ),
    _check(
        "the journal's end: the segment that a generation promises",
        Never(_PLAN, "_Replay.__init__", "promised"),
        damage("journal/*", kinds=["delete", "delete-directory"]),
        _RECOVERY_TESTS,
    ),
    _check(
        "a record in the overlay: its checksum",
        Never("journal.file", "JournalPlace.read", "record_checksum"),
        under_a_reader(),
    ),
    # Identity, manifest, clean-shutdown marker.
    _check(
        "identity, manifest, marker: the checksum",
        Never("sealed", "_open", "_checksum"),
        damage("IDENTITY", "generations/*", "journal/CLOSED", kinds=["flip"]),
        share=True,
    ),
    _check(
        "identity, manifest, marker: which of them it is",
        (
            Never("sealed", "_open", "parts[0]"),
            WithoutArgument("sealed", "_checksum", "xxh3_64_intdigest", "xxh3_64_intdigest"),
        ),
        _MIXED,
        unit("tests/store/test_sealed_and_names.py"),
    ),
    _check(
        "a manifest: the name of its generation",
        Never(_SCAN_GENERATIONS, "_scan_generation", "manifest.lsn"),
        damage("generations/*", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "a manifest: its store",
        Never(_SCAN_GENERATIONS, "_scan_generation", "manifest.identity.store_id"),
        damage("generations/*", "IDENTITY", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "the clean-shutdown marker: its store",
        Always(_PLAN, "_proven_lsn", "scan.closed.store_id"),
        FORGED,
    ),
    _check(
        "an identity: that all the rest is of the same store",
        Never(_SCAN, "scan", "_is_stranger"),
        damage("IDENTITY", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
)
