"""Each test of a checksum, a salt, a chain in the journal, the identity, the manifests, taken away."""

from __future__ import annotations

from .hunts import FORGED, damage, diverged, under_a_reader, unit
from .mutation import Edit, Hunt, Mutation

_FORMAT = "journal/format.py"
_READER = "journal/reader.py"
_PLAN = "store/recovery/plan.py"
_SCAN = "store/recovery/scan.py"
_SCAN_JOURNAL = "store/recovery/scan_journal.py"
_SCAN_GENERATIONS = "store/recovery/scan_generations.py"

_WHOLE_FILES = ["predecessor", "exchange", "foreign"]
_JOURNAL_TESTS = unit("tests/journal")
_RECOVERY_TESTS = unit(
    "tests/store/test_recovery_odd.py", "tests/regressions/test_repair_of_exchanged_files.py"
)
_FLIPPED_JOURNAL = damage("journal/*.wal", kinds=["flip"])
_MIXED_JOURNAL = damage("journal/*", kinds=_WHOLE_FILES)
_MIXED = damage("*", kinds=_WHOLE_FILES)


def _check(
    name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False
) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "check", edits, hunts, share)


JOURNAL_CHECKS = (
    # The journal.
    _check(
        "a segment's header: its checksum",
        Edit(
            _FORMAT,
            "    if magic != MAGIC or checksum != xxh3_64_intdigest(data[:56]):",
            "    if magic != MAGIC:",
        ),
        damage("journal/*.wal", kinds=["flip"], span=[0, 64]),
        _JOURNAL_TESTS,
    ),
    _check(
        "a segment's header: the name of its file",
        Edit(_SCAN_JOURNAL, "        elif header.first_lsn != first:", "        elif False:"),
        FORGED,
    ),
    _check(
        "a segment's header: its store",
        Edit(_SCAN_JOURNAL, "        if store_id is not None and header.store_id != store_id:", "        if False:"),
        _MIXED_JOURNAL,
        _RECOVERY_TESTS,
    ),
    _check(
        "a segment's header: its chain",
        Edit(_PLAN, "segment.first_lsn == self.last_lsn + 1 and segment.header.chain != self.chain", "False"),
        diverged(),
    ),
    _check(
        "a frame: its checksum",
        Edit(
            _FORMAT,
            "    if xxh3_64_intdigest(data[at + 8 : end], salt) != checksum:\n        return None\n",
            "",
        ),
        _FLIPPED_JOURNAL,
        share=True,
    ),
    _check(
        "a frame: its salt",
        (
            Edit(
                _FORMAT,
                "xxh3_64_intdigest(data[at + 8 : end], salt)",
                "xxh3_64_intdigest(data[at + 8 : end])",
            ),
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
        Edit(
            _FORMAT,
            "    if end + padding > len(data) or any(data[end : end + padding]):\n        return None\n",
            "",
        ),
        _FLIPPED_JOURNAL,
        damage("journal/*.wal", kinds=["cut"]),
        _JOURNAL_TESTS,
    ),
    _check(
        "a frame: its LSN follows",
        Edit(_SCAN_JOURNAL, "    if frame.lsn != found.last_lsn + 1:", "    if False:"),
        FORGED,
    ),
    _check(
        "a frame: that its transaction has its beginning",
        Edit(_SCAN_JOURNAL, "    if frame.continues != found.unfinished:", "    if False:"),
        FORGED,
    ),
    _check(
        "a frame: no control frame within a transaction",
        Edit(_SCAN_JOURNAL, 'return "a control frame within a transaction" if found.unfinished else ""', 'return ""'),
        FORGED,
    ),
    _check(
        "a bad end: that it was on disk, by a frame behind it",
        Edit(
            _READER,
            "if frame.synced > self.offset or frame.offset == self.offset:",
            "if frame.offset == self.offset:",
        ),
        _JOURNAL_TESTS,
    ),
    _check(
        "a bad end: a whole frame out of the chain",
        Edit(
            _READER,
            "if frame.synced > self.offset or frame.offset == self.offset:",
            "if frame.synced > self.offset:",
        ),
        _JOURNAL_TESTS,
    ),
    _check(
        "the journal's end: by the mark of a close",
        Edit(_PLAN, "        proofs.append(scan.closed.lsn)\n", "        pass\n"),
        damage("journal/*.wal", kinds=["cut"]),
    ),
    _check(
        "the journal's end: by a later segment",
        Edit(_PLAN, "    proofs += [s.proven_lsn for s in scan.segments]\n", ""),
        FORGED,
    ),
    _check(
        "the journal's end: by a frame behind a damaged one",
        Edit(
            _PLAN,
            "    proofs += [s.tail.resumes_lsn for s in scan.segments if s.tail and "
            "s.tail.kind is TailKind.DAMAGED]\n",
            "",
        ),
        FORGED,
    ),
    _check(
        "the journal's end: by a generation",
        Edit(_PLAN, "    proofs = [g.lsn for g in scan.generations if g.manifest]\n", "    proofs = [0]\n"),
        FORGED,
    ),
    _check(
        "the journal's end: the segment that a generation promises",
        Edit(
            _PLAN,
            "        if not any(s.first_lsn == promised + 1 for s in scan.segments) or self.used is None:",
            "        if self.used is None:",
        ),
        damage("journal/*", kinds=["delete", "delete-directory"]),
        _RECOVERY_TESTS,
    ),
    _check(
        "a record in the overlay: its check",
        Edit("store/overlay.py", "if check_of(self.key, payload) != self.check:", "if False:"),
        under_a_reader(),
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
            Edit(
                "sealed.py",
                'xxh3_64_intdigest(packed, xxh3_64_intdigest(f"{magic} {version}".encode()))',
                "xxh3_64_intdigest(packed)",
            ),
        ),
        _MIXED,
        unit("tests/store/test_sealed_and_names.py"),
    ),
    _check(
        "a manifest: the name of its generation",
        Edit(_SCAN_GENERATIONS, "    if manifest.lsn != lsn:", "    if False:"),
        damage("*/manifest.msgpack", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "a manifest: its store",
        Edit(
            _SCAN_GENERATIONS,
            "    if found.identity is not None and manifest.identity.store_id != found.identity.store_id:",
            "    if False:",
        ),
        damage("*/manifest.msgpack", "IDENTITY", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
    _check(
        "the mark of a close: its store",
        Edit(_PLAN, "(scan.identity is None or scan.closed.store_id == scan.identity.store_id)", "True"),
        FORGED,
    ),
    _check(
        "an identity: that all the rest is of the same store",
        Edit(_SCAN, "    if _is_stranger(found):", "    if False:"),
        damage("IDENTITY", kinds=_WHOLE_FILES),
        _RECOVERY_TESTS,
    ),
)
