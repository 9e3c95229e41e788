"""Each step out of its order, or left out where another rests on it."""

from __future__ import annotations

from .edits import After, Before, Drop, Edit, Instead, Move, Never, Replace
from .hunts import crash, fault, rough, unit
from .mutation import Hunt, Mutation

_WRITER = "journal.writer"
_DURABLE = "fs.durable"
_STORE_WRITER = "store.writer"
_PUBLISHER = "store.checkpoint.publish"
_APPLY = "store.recovery.apply"
_REPAIR = "store.repair"
_MIGRATION = "store.migration"
_MIGRATED = (crash("format-1:nkxkn"), crash("format-1:nkxknxk"))
_FAILURES = unit("tests/store/test_commit_failures.py")


def _order(
    name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False
) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "order", edits, hunts, share)


ORDERS = (
    _order(
        "making a store: the identity first",
        Move(_APPLY, "create", "encode_identity", before="GENERATIONS"),
        crash("n"),
    ),
    _order(
        "a checkpoint: its segment after its generation",
        (
            Instead(_PUBLISHER, "Publisher._publish", "journal.rotate", "journal.sync(lsn)"),
            Replace(_PUBLISHER, "Publisher._publish", "journal.file.header.chain", "journal.chain"),
            After(_PUBLISHER, "Publisher._publish", "self._build", "journal.rotate()"),
        ),
        crash("nk"),
        crash("nkn"),
        share=True,
    ),
    _order(
        "a replaced file: the rename before the fsync",
        (
            Instead(
                _DURABLE, "atomic_write", "write_file", 'with open(temporary, "xb") as file: file.write(data)'
            ),
            After(_DURABLE, "atomic_write", "rename", "fsync_file(path)"),
        ),
        crash("n"),
        crash("nk"),
    ),
    _order(
        "a replaced file: written in place",
        Replace(_DURABLE, "atomic_write", "os.path.join(...)", "os.fspath(path)"),
        crash("n"),
    ),
    _order(
        "a generation: written in its place",
        Replace(
            "store.checkpoint.unpublished",
            "UnpublishedGeneration.__init__",
            "os.path.join(store, GENERATIONS, temporary_name(self._name))",
            "self._path",
        ),
        crash("nk"),
        rough("clean:nk"),
    ),
    _order(
        "a generation: its segments after it",
        (
            Drop("store.checkpoint.unpublished", "UnpublishedGeneration.publish", "fs.rename(built, target)"),
            After(
                "store.checkpoint.unpublished",
                "UnpublishedGeneration.publish",
                "fs.fsync_dir(os.path.dirname(self._path))",
                """
                for digest, built in segments.items():
                    fs.rename(built, segment_path(self._store, digest))
                fs.fsync_dir(directory)
                """,
            ),
        ),
        rough("clean:nk"),
        crash("nknknk"),
    ),
    _order(
        "a generation that goes: its segments first",
        Replace(
            "store.checkpoint.retention",
            "trim",
            "_remove_segments(store, left, needed_segments)",
            "_remove_segments(store, [name for name in left if name not in removed], needed_segments)",
        ),
        unit("tests/store/test_retention.py"),
    ),
    _order(
        "a migration: the identity after the generation",
        (
            Drop(_MIGRATION, "_publish", "fs.atomic_write"),
            After(
                _MIGRATION,
                "_publish",
                "unpublished.publish",
                "fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(identity))",
            ),
        ),
        unit("tests/store/test_migration.py"),
    ),
    _order(
        "a migration: format 1 removed before its records are published",
        (
            Before(
                _MIGRATION,
                "_publish",
                "unpublished.publish",
                """
                for directory in _directories_of_format_1(path):
                    _remove(directory)
                """,
            ),
            Drop(_MIGRATION, "migrate", "_remove"),
        ),
        *_MIGRATED,
    ),
    _order(
        "a change of the schema: the old generation removed before the new one was looked at",
        Replace("store.opening", "_open_locked", "not _has_base_of(path, schema)", "False"),
        unit("tests/store/test_schema_change_order.py"),
    ),
    _order(
        "a migration: a generation removed under its name",
        (
            Replace(_MIGRATION, "_remove", "temporary_name(directory)", "directory"),
            Drop(_MIGRATION, "_remove", "fs.remove_tree(doomed)", nth=1),
            Drop(_MIGRATION, "_remove", "fs.rename"),
        ),
        unit("tests/store/test_migration.py"),
    ),
    _order(
        "a torn end: cut off, and not set aside",
        Drop(_APPLY, "cut", "_keep_tail"),
        rough("torn:n|n"),
    ),
    _order(
        "a torn end: cut off before it is set aside",
        (
            Drop(_APPLY, "cut", "_keep_tail"),
            Before(_APPLY, "cut", "fs.translated", "kept = list(_chunks(path, end, size))"),
            After(
                _APPLY,
                "cut",
                "fs.translated",
                """
            fs.make_dir(os.path.join(store, QUARANTINE))
            fs.atomic_write(
                os.path.join(store, QUARANTINE, f"{os.path.basename(path)}-{end}"), b"".join(kept)
            )
            """,
            ),
        ),
        rough("torn:n|n"),
    ),
    _order(
        "a close: the clean-shutdown marker before the fsync",
        (
            Drop(_WRITER, "JournalWriter.finish", "self._sync_rest_locked"),
            After(
                _STORE_WRITER, "StoreWriter._close_journal", "encode_closed", "fs.fdatasync_fd(journal._fd)"
            ),
        ),
        crash("buffered:nn"),
    ),
    _order(
        "a commit: acknowledged with what was written during the fsync",
        (
            Replace(_WRITER, "JournalWriter._sync_locked", "target", "self.last_lsn"),
            Drop(_WRITER, "JournalWriter._sync_locked", "target"),
        ),
        rough("joined:nnn"),
    ),
    _order(
        "a frame: claims as synced what was written during the fsync",
        Replace(_WRITER, "JournalWriter._sync_locked", "offset", "self.offset"),
        rough("joined:nnn"),
    ),
    _order(
        "a commit: shown before the fsync",
        Before(_STORE_WRITER, "StoreWriter.commit", "_BUFFERED_COMMITS", "self.current.advance(lsn)"),
        _FAILURES,
        fault("syscalls", "EIO on fsync"),
    ),
    _order(
        "a failed fsync: the journal does not remember it",
        Drop(_WRITER, "JournalWriter._sync_locked", "self.set_poison"),
        _FAILURES,
        unit("tests/journal/test_journal_writer.py"),
        fault("syscalls", "EIO on fsync"),
    ),
    _order(
        "an interrupted commit: the journal does not remember it",
        Drop(_STORE_WRITER, "StoreWriter._refuse_doubt", "self._journal.set_poison"),
        _FAILURES,
        fault("interrupts"),
    ),
    _order(
        "a failed commit: its frames stay",
        Drop(_WRITER, "JournalWriter._undo", "os.ftruncate"),
        rough("failing:nen"),
    ),
    _order(
        "an interrupted commit: taken back though it is complete",
        Never(_WRITER, "JournalWriter._undo", "os.fstat"),
        unit("tests/regressions/test_interrupt_behind_a_whole_write.py"),
        fault("interrupts"),
    ),
    _order(
        "a failed rotation: its segment stays",
        Drop(_WRITER, "JournalWriter._go_on_in", "fs.remove_file"),
        rough("failing:non"),
    ),
    _order(
        "salvage: the segment after the generation",
        (
            Instead(_REPAIR, "_salvage", "_begin_journal_file", 'journal_file, chain = "", 7'),
            After(
                _REPAIR,
                "_salvage",
                "unpublished.publish",
                """
            header = JournalHeader(identity.store_id, proven + 1, 7, chain)
            segment = create_journal_file(os.path.join(found.path, JOURNAL), header)
            """,
            ),
        ),
        rough("salvaged:nnip"),
    ),
    _order(
        "salvage: everything else set aside before the generation",
        After(
            _REPAIR,
            "_salvage",
            "_begin_journal_file",
            """
            for item in aside:
                if os.path.lexists(item) and item != journal_file:
                    set_aside(found.path, item)
            """,
        ),
        rough("salvaged:nnip"),
    ),
)
