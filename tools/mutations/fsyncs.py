"""Each fsync taken away, of files and of directories."""

from __future__ import annotations

from .edits import Drop, Edit, Replace
from .hunts import crash, rough, unit
from .mutation import Mutation

_WRITER = "journal.writer"
_DURABLE = "fs.durable"
_PUBLISH = "store.checkpoint.unpublished"
_APPLY = "store.recovery.apply"
_BACKUP = "store.backup"
_COPYING = "store.copying"
_IN_BACKUP = unit("tests/store/test_backup_order.py")
_ADOPTING = "store.adopting"
_ADOPTION = unit("tests/store/test_adoption.py")
_INSTALL = unit("tests/artifact/test_install.py")
_VERSIONS = unit("tests/versions/test_version_order.py")
_LEFT_BY_A_KILL = unit("tests/store/test_directories_of_killed.py")
_AFTER_RENAME = Drop(_PUBLISH, "UnpublishedGeneration.publish", "fs.fsync_dir(os.path.dirname(self._path))")
_IN_TRIM = Drop("store.checkpoint.retention", "trim", "fs.fsync_dir")
_LAST_SEGMENT = Drop(_APPLY, "prepare_for_writing", "fs.fsync_file")


def _fsync(name: str, edits: Edit | tuple[Edit, ...], *hunts: object, **more: object) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "fsync", edits, hunts, **more)  # type: ignore[arg-type]


FSYNCS = (
    _fsync(
        "a commit: its frames",
        Drop(_WRITER, "JournalWriter._sync_locked", "fs.fdatasync_fd"),
        crash("nn"),
        share=True,
    ),
    _fsync(
        "a new file: its bytes",
        Drop(_DURABLE, "write_file", "fsync_fd"),
        crash("n"),
        crash("nk"),
    ),
    _fsync(
        "a replaced file: its name",
        Drop(_DURABLE, "atomic_write", "fsync_dir"),
        crash("n"),
        crash("nk"),
    ),
    _fsync(
        "a new directory: its name",
        Drop(_DURABLE, "make_dir", "fsync_dir"),
        crash("n"),
    ),
    _fsync(
        "a copy, where there are no links: its bytes",
        Drop(_DURABLE, "link_or_copy", "fsync_file"),
        unit("tests/fs/test_fs_durable.py"),
    ),
    _fsync(
        "a failed commit: that it was cut off again",
        Drop(_WRITER, "JournalWriter._undo", "fs.fsync_fd"),
        rough("failing:nen", states=4000),
        rough("failing:nenn", states=4000, after=0.4),
    ),
    _fsync(
        "a failed rotation: that its segment was removed again",
        Drop(_WRITER, "JournalWriter._go_on_in", "fs.fsync_fd"),
        rough("failing:non"),
        rough("failing:nonn"),
    ),
    _fsync(
        "a rotation: the old segment",
        Drop(_WRITER, "JournalWriter.rotate", "self._sync_rest_locked"),
        crash("buffered:nnk"),
    ),
    _fsync(
        "a close: the journal before the clean-shutdown marker",
        Drop(_WRITER, "JournalWriter.finish", "self._sync_rest_locked"),
        crash("buffered:nn"),
    ),
    _fsync(
        "a backup: its segments",
        Drop(_COPYING, "copy_file", "fs.fsync_file"),
        _IN_BACKUP,
    ),
    _fsync(
        "a backup: the names in its segments",
        Drop(_COPYING, "copy_segment", "fs.fsync_dir"),
        _IN_BACKUP,
    ),
    _fsync(
        "a backup: its journal",
        Drop(_BACKUP, "_copy_journal", "fs.fsync_file"),
        _IN_BACKUP,
    ),
    _fsync(
        "a backup: the names in its directories",
        Drop(_COPYING, "new_store", "fs.fsync_dir(os.path.join(made, name))"),
        _IN_BACKUP,
    ),
    _fsync(
        "a backup: the names of its directories",
        Drop(_COPYING, "new_store", "fs.fsync_dir(made)"),
        _IN_BACKUP,
    ),
    _fsync(
        "a backup: its own name",
        Drop(_COPYING, "new_store", "fs.fsync_dir(parent)"),
        _IN_BACKUP,
    ),
    _fsync(
        "a worktree's fork: its own name",
        Drop("workspace.freshness.forking", "_fork", "fs.fsync_dir"),
        unit("tests/workspace/freshness/test_forking.py"),
    ),
    _fsync(
        "a feed: what it gives of another process's journal",
        Drop("store.feed.cursor", "JournalCursor._make_durable", "fs.fdatasync_fd"),
        unit("tests/store/feed/test_changes.py"),
    ),
    _fsync(
        "a segment: its records, its bundle and its SEAL",
        Drop("snapshot.hashed", "HashedFile.finish", "fsync_fd"),
        rough("clean:nk"),
    ),
    _fsync(
        "a segment: Tantivy's files",
        Drop("segment.builder", "_completing", "fs.fsync_file"),
        unit("tests/segment"),
    ),
    _fsync(
        "a segment: the names in it",
        Drop("segment.builder", "_completing", "fs.fsync_dir"),
        rough("clean:nk"),
        unit("tests/segment"),
    ),
    _fsync(
        "a segment: its own name",
        Drop(_PUBLISH, "UnpublishedGeneration.publish", "fs.fsync_dir(directory)"),
        rough("clean:nk"),
        crash("nk"),
    ),
    _fsync(
        "segments: the name of their directory",
        Drop("store.generation", "make_segments_directory", "fs.fsync_dir"),
        rough("clean:nk"),
        crash("nk"),
    ),
    _fsync(
        "a segment built elsewhere: the name of its directory",
        Drop("segment.builder", "SegmentBuilder.finish", "fs.fsync_dir"),
        _ADOPTION,
    ),
    _fsync(
        "an adopted segment: its files",
        Drop(_ADOPTING, "Adopting._sync", "fs.fsync_file"),
        _ADOPTION,
    ),
    _fsync(
        "an adopted segment: the names in it",
        Drop(_ADOPTING, "Adopting._sync", "fs.fsync_dir"),
        _ADOPTION,
    ),
    _fsync(
        "an adopted segment: its own name",
        Drop(_ADOPTING, "Adopting.take_in", "fs.fsync_dir"),
        crash("l"),
        crash("nl"),
    ),
    _fsync(
        "a generation: its own name",
        _AFTER_RENAME,
        rough("failing:nknkgfp", after=0.85),
    ),
    _fsync(
        "removed generations, before what they need",
        _IN_TRIM,
        rough("clean:nknknk", after=0.85),
    ),
    _fsync(
        "a generation: its own name, and before what it replaces goes",
        (_AFTER_RENAME, _IN_TRIM),
        crash("nknknk"),
    ),
    _fsync(
        "opening: the removal of generations, before the segments that none lists go",
        Drop(_APPLY, "prepare_for_writing", "fs.fsync_dir(os.path.join(...))"),
        unit("tests/store/test_retention.py"),
    ),
    _fsync(
        "opening: the journal's last segment, and that a torn end of it was cut off",
        _LAST_SEGMENT,
        rough("torn:n|n"),
        rough("unsynced:nn|n"),
    ),
    _fsync(
        "opening: the names of the journal",
        Drop(_APPLY, "prepare_for_writing", "fs.fsync_dir(journal)"),
        rough("journal:nk|n"),
    ),
    _fsync(
        "opening: the names of the store",
        Drop(_APPLY, "prepare_for_writing", "fs.fsync_dir(scan.path)"),
        rough("store:q|nn"),
    ),
    _fsync(
        "salvage: a torn end, before a segment follows it",
        Drop("store.repair", "_begin_journal_file", "fs.fsync_file"),
        unit("tests/store/test_salvage_torn_end.py"),
    ),
    _fsync(
        "salvage: the indexer's caches, before a generation without what is lost",
        Drop("store.repair", "_salvage", "fs.fsync_dir(found.path)"),
        unit("tests/store/test_salvage_caches.py"),
    ),
    _fsync(
        "a torn end: the bytes that are kept",
        Drop(_APPLY, "_keep_tail", "fs.fsync_fd"),
        rough("torn:n|n"),
    ),
    _fsync(
        "a torn end: the name of what is kept",
        Drop(_APPLY, "_keep_tail", "fs.fsync_dir"),
        rough("torn:n|n"),
    ),
    _fsync(
        "a directory that a killed process made: its name",
        Drop(_DURABLE, "_sync_entry", "fsync_dir"),
        _LEFT_BY_A_KILL,
    ),
    _fsync(
        "a consumer: directories that are there count as synced",
        Replace("store.feed.consumer", "Consumer.__init__", "not fs.exists(path)", "False"),
        _LEFT_BY_A_KILL,
    ),
    _fsync(
        "set aside: the name in the quarantine",
        Drop(_APPLY, "set_aside", "fs.fsync_dir(quarantine)"),
        rough("repaired:nksp", states=4000, after=0.5),
        rough("repaired:nnkjp", states=4000, after=0.5),
    ),
    _fsync(
        "set aside: the name that it had",
        Drop(_APPLY, "set_aside", "fs.fsync_dir(os.path.dirname(path))"),
        rough("repaired:nnkjp", after=0.6),
    ),
    _fsync(
        "a version: the files brought from outside",
        Drop("versions.sharing", "bring", "fsync_file"),
        _VERSIONS,
    ),
    _fsync(
        "a version: the files shared as copies",
        Drop("versions.sharing", "share", "fsync_file"),
        _VERSIONS,
        unit("tests/versions/test_version_assets.py"),
    ),
    _fsync(
        "a version: the names in its directories",
        Drop("versions.staging", "Filler.finish", "fsync_dir(os.path.join(...))"),
        _VERSIONS,
    ),
    _fsync(
        "a version: the names in it",
        Drop("versions.staging", "Filler.finish", "fsync_dir(self._root)"),
        _VERSIONS,
    ),
    _fsync(
        "a version: its staged name",
        Drop("versions.manager", "VersionManager.stage", "fsync_dir"),
        _VERSIONS,
    ),
    _fsync(
        "a version: its published name",
        Drop("versions.base", "BaseDirectory.name_published", "fsync_dir"),
        _VERSIONS,
    ),
    _fsync(
        "a version: the name taken away before it is removed",
        Drop("versions.base", "BaseDirectory._set_aside", "fsync_dir"),
        _VERSIONS,
    ),
    _fsync(
        "a remote in a folder: the name taken away",
        Drop("artifact.remotes.file", "FileRemote._remove", "fs.fsync_dir"),
        unit("tests/artifact/remotes/test_file.py"),
    ),
    _fsync(
        "an artifact or an index in a file: its bytes",
        Drop(_DURABLE, "replacing", "fsync_fd"),
        unit("tests/artifact/test_archiving.py"),
    ),
    _fsync(
        "an artifact or an index in a file: its name",
        Drop(_DURABLE, "replacing", "fsync_dir"),
        unit("tests/artifact/test_archiving.py"),
    ),
    _fsync(
        "a pull: the decoded files",
        Drop("artifact.fetching", "_decode_file", "fs.fsync_file"),
        _INSTALL,
    ),
    _fsync(
        "a pull: the names in the new store",
        Drop("artifact.install", "assemble", "fs.fsync_dir"),
        _INSTALL,
    ),
    _fsync(
        "a pull: the stores that changed places",
        Drop("artifact.install", "_exchanged", "fs.fsync_dir"),
        _INSTALL,
    ),
    _fsync(
        "a pull: the new store's name",
        Drop("artifact.install", "_rename", "fs.fsync_dir"),
        _INSTALL,
    ),
    _fsync(
        "a version: the symlink",
        Drop("versions.pointer", "switch_link", "fsync_dir"),
        _VERSIONS,
    ),
)
