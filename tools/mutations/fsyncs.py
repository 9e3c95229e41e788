"""Each fsync taken away, of files and of directories."""

from __future__ import annotations

from diptych.layout import WORK

from .hunts import FORGED, crash, rough, unit
from .mutation import Edit, Mutation

_WRITER = "journal/writer.py"
_DURABLE = "fs/durable.py"
_PUBLISH = "store/generation.py"
_APPLY = "store/recovery/apply.py"
# Files of the store's directory in which Tantivy works: its own fsyncs must not hide a missing one of ours.
_TANTIVYS = f"/{WORK}/"
_VERSIONS = unit("tests/versions/test_version_order.py")
_AFTER_RENAME = Edit(
    _PUBLISH, "    # leave neither.\n    fs.fsync_dir(generations)\n", "    # leave neither.\n"
)
_IN_TRIM = Edit("store/retention.py", "        return\n    fs.fsync_dir(generations)\n", "        return\n")
_SEARCH_NAMES = Edit(_PUBLISH, "        fs.fsync_dir(os.path.join(temporary, SEARCH))\n", "")
_LAST_SEGMENT = Edit(_APPLY, "        fs.fsync_file(segment.path)\n", "")


def _fsync(name: str, edits: Edit | tuple[Edit, ...], *hunts: object, **more: object) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "fsync", edits, hunts, **more)  # type: ignore[arg-type]


FSYNCS = (
    _fsync(
        "a commit: its frames",
        Edit(_WRITER, "            fs.fdatasync_fd(self._fd)\n", "            pass\n"),
        crash("nn"),
        share=True,
    ),
    _fsync(
        "a new file: its bytes",
        Edit(
            _DURABLE,
            "            file.flush()\n            fsync_fd(file.fileno())\n",
            "            file.flush()\n",
        ),
        crash("n"),
        crash("nk"),
    ),
    _fsync(
        "a replaced file: its name",
        Edit(_DURABLE, '        raise\n    fsync_dir(directory or ".")\n', "        raise\n"),
        crash("n"),
        crash("nk"),
    ),
    _fsync(
        "a new directory: its name",
        Edit(_DURABLE, "        fsync_dir(os.path.dirname(directory))\n", ""),
        crash("n"),
    ),
    _fsync(
        "a copy, where there are no links: its bytes",
        Edit(_DURABLE, "    fsync_file(target)\n    return False", "    return False"),
        rough("linkless:nknk"),
    ),
    _fsync(
        "a failed commit: that it was cut off again",
        Edit(
            _WRITER,
            "            # this transaction behind the next one, which reads as damage.\n"
            "            fs.fsync_fd(self._fd)\n",
            "",
        ),
        rough("failing:nen", states=4000),
        rough("failing:nenn", states=4000, after=0.4),
    ),
    _fsync(
        "a failed rotation: that its segment was removed again",
        Edit(
            _WRITER,
            "                if self._directory_fd >= 0:\n"
            "                    fs.fsync_fd(self._directory_fd)\n",
            "",
        ),
        rough("failing:non"),
        rough("failing:nonn"),
    ),
    _fsync(
        "a rotation: the old segment",
        Edit(
            _WRITER,
            "            if self.last_lsn >= self.segment.header.first_lsn:\n"
            "                # All of the old segment first: the new one's existence "
            "claims that the old was whole.\n"
            "                self._sync_locked()\n",
            "            if self.last_lsn >= self.segment.header.first_lsn:\n",
        ),
        crash("buffered:nnk"),
    ),
    _fsync(
        "a control frame",
        Edit(_WRITER, "                raise\n        self._sync_all()\n", "                raise\n"),
        FORGED,
    ),
    _fsync(
        "a close: the journal before the mark",
        Edit(
            _WRITER,
            "            if self.synced_lsn < self.last_lsn:\n                self._sync_locked()\n",
            "",
        ),
        crash("buffered:nn"),
    ),
    _fsync(
        "the snapshot leaf: its bytes",
        Edit(
            "snapshot/hashed.py",
            "            fsync_fd(self._fd)\n        self.close()",
            "            pass\n        self.close()",
        ),
        rough("clean:nk"),
    ),
    _fsync(
        "the search leaf: its bytes",
        Edit("search/writer.py", "                fs.fsync_file(path)\n", ""),
        rough("clean:nk", withheld=_TANTIVYS),
    ),
    _fsync(
        "the search leaf: its names",
        _SEARCH_NAMES,
        rough("clean:nk"),
    ),
    _fsync(
        "a generation: the names inside",
        Edit(_PUBLISH, "        fs.fsync_dir(temporary)\n", ""),
        rough("clean:nk"),
    ),
    _fsync(
        "a generation: its own name",
        _AFTER_RENAME,
        rough("failing:nknkgfp", after=0.85),
    ),
    _fsync(
        "removed generations, before the journal is trimmed",
        _IN_TRIM,
        rough("clean:nknknk"),
    ),
    _fsync(
        "a generation: its own name, and before the journal is trimmed",
        (_AFTER_RENAME, _IN_TRIM),
        crash("nknknk"),
    ),
    _fsync(
        "opening: the journal's last segment, and that a torn end of it was cut off",
        _LAST_SEGMENT,
        rough("torn:n|n"),
        rough("unsynced:nn|n"),
    ),
    _fsync(
        "opening: the names of the journal",
        Edit(_APPLY, "    fs.fsync_dir(journal)\n", ""),
        rough("journal:nk|n"),
    ),
    _fsync(
        "opening: the names of the store",
        Edit(_APPLY, "    fs.fsync_dir(scan.path)\n", ""),
        rough("store:q|nn"),
    ),
    _fsync(
        "salvage: a torn end, before a segment follows it",
        Edit(
            "store/repair.py",
            "        fs.fsync_file(last.path)\n",
            "",
        ),
        unit("tests/store/test_salvage_torn_end.py"),
    ),
    _fsync(
        "a torn end: the bytes that are kept",
        Edit(_APPLY, "            fs.fsync_fd(kept.fileno())\n", ""),
        rough("torn:n|n"),
    ),
    _fsync(
        "a torn end: the name of what is kept",
        Edit(
            _APPLY,
            "        fs.rename(temporary, target)\n    fs.fsync_dir(quarantine)\n",
            "        fs.rename(temporary, target)\n",
        ),
        rough("torn:n|n"),
    ),
    _fsync(
        "set aside: the name in the quarantine",
        Edit(_APPLY, "    fs.fsync_dir(quarantine)\n    fs.fsync_dir(os", "    fs.fsync_dir(os"),
        rough("repaired:nksp", states=4000, after=0.5),
        rough("repaired:nnkjp", states=4000, after=0.5),
    ),
    _fsync(
        "set aside: the name that it had",
        Edit(_APPLY, "    fs.fsync_dir(os.path.dirname(path))\n", ""),
        rough("repaired:nnkjp", after=0.6),
    ),
    _fsync(
        "a version: the files brought from outside",
        Edit(
            "versions/sharing.py",
            "    entry = digest_stable_file(target)\n    fsync_file(target)\n",
            "    entry = digest_stable_file(target)\n",
        ),
        _VERSIONS,
    ),
    _fsync(
        "a version: the files shared as copies",
        Edit(
            "versions/sharing.py",
            "        fsync_file(target)\n        linked = False",
            "        linked = False",
        ),
        _VERSIONS,
        unit("tests/versions/test_version_assets.py"),
    ),
    _fsync(
        "a version: the names in its directories",
        Edit(
            "versions/staging.py",
            "            fsync_dir(os.path.join(self._root, os.fsdecode(path)))\n",
            "            pass\n",
        ),
        _VERSIONS,
    ),
    _fsync(
        "a version: the names in it",
        Edit("versions/staging.py", "        fsync_dir(self._root)\n", ""),
        _VERSIONS,
    ),
    _fsync(
        "a version: its staged name",
        Edit("versions/manager.py", "                fsync_dir(self._base.versions)\n", ""),
        _VERSIONS,
    ),
    _fsync(
        "a version: its published name",
        Edit(
            "versions/base.py",
            "os.path.join(self.versions, version))\n        fsync_dir(self.versions)\n",
            "os.path.join(self.versions, version))\n",
        ),
        _VERSIONS,
    ),
    _fsync(
        "a version: the name taken away before it is removed",
        Edit(
            "versions/base.py",
            "        fsync_dir(self.versions)\n        return removed",
            "        return removed",
        ),
        _VERSIONS,
    ),
    _fsync(
        "a version: the symlink",
        Edit("versions/pointer.py", "    fsync_dir(base)\n", ""),
        _VERSIONS,
    ),
)
