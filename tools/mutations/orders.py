"""Each step out of its order, or left out where another rests on it."""

from __future__ import annotations

from .hunts import crash, fault, rough, unit
from .mutation import Edit, Hunt, Mutation

_WRITER = "journal/writer.py"
_DURABLE = "fs/durable.py"
_CORE = "store/core.py"
_PUBLISHER = "store/publisher.py"
_APPLY = "store/recovery/apply.py"
_REPAIR = "store/repair.py"
_SEARCH_WRITER = "search/writer.py"
_IDENTITY = "    fs.atomic_write(os.path.join(path, IDENTITY), encode_identity(identity))\n"
_MAKE_DIRECTORIES = (
    "    for name in (JOURNAL, GENERATIONS):\n        fs.make_dir(os.path.join(path, name), follow=False)\n"
)
_ASIDE = "    _keep_tail(store, path, end, size)\n"
_SALVAGE_SEGMENT = "    segment, chain = _begin_segment(found, identity, proven)\n"
_SALVAGE_ASIDE = "    for item in aside:\n        if fs.exists(item) and item not in (path, segment"
_FAILURES = unit("tests/store/test_commit_failures.py")


def _order(
    name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt, share: bool = False
) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "order", edits, hunts, share)


ORDERS = (
    _order(
        "making a store: the identity first",
        (
            Edit(_APPLY, _MAKE_DIRECTORIES, _IDENTITY + _MAKE_DIRECTORIES),
            Edit(
                _APPLY,
                "an interrupted making is told from a damaged store.\n" + _IDENTITY,
                "an interrupted making is told from a damaged store.\n",
            ),
        ),
        crash("n"),
    ),
    _order(
        "a checkpoint: its segment after its generation",
        (
            Edit(_PUBLISHER, "            lsn = journal.rotate()\n", "            journal.sync(lsn)\n"),
            Edit(_PUBLISHER, "else journal.segment.header.chain\n", "else journal.chain\n"),
            Edit(
                _PUBLISHER,
                "            path = self._build(target, lsn, mend)\n",
                "            path = self._build(target, lsn, mend)\n            journal.rotate()\n",
            ),
        ),
        crash("nk"),
        crash("nkn"),
        share=True,
    ),
    _order(
        "a Tantivy writer: its first delete stamped like the commit before it",
        Edit(
            _SEARCH_WRITER,
            '            self._writer.delete_documents_by_term("_key", NO_KEY_TERM)\n',
            "",
        ),
        unit("tests/search/test_reopened_writers.py"),
        crash("reopen"),
    ),
    _order(
        "a Tantivy writer: in the directory of the one before",
        Edit(_SEARCH_WRITER, "secrets.token_hex(8)", '"live"'),
        unit("tests/search/test_reopened_writers.py"),
        crash("reopen"),
    ),
    _order(
        "a replaced file: the rename before the fsync",
        Edit(
            _DURABLE,
            "        write_file(temporary, data)\n        rename(temporary, path)\n",
            '        with open(temporary, "xb") as file:\n'
            "            file.write(data)\n"
            "        rename(temporary, path)\n"
            "        fsync_file(path)\n",
        ),
        crash("n"),
        crash("nk"),
    ),
    _order(
        "a replaced file: written in place",
        Edit(_DURABLE, 'os.path.join(directory, f".{name}.{os.getpid()}.tmp")', "os.fspath(path)"),
        crash("n"),
    ),
    _order(
        "a generation: built in its place",
        Edit(
            "store/generation.py",
            "os.path.join(generations, temporary_name(name)), os",
            "os.path.join(generations, name), os",
        ),
        crash("nk"),
        rough("clean:nk"),
    ),
    _order(
        "a generation that goes: deleted under its name",
        Edit(
            "store/retention.py",
            "        fs.rename(os.path.join(generations, name), doomed)\n        fs.remove_tree(doomed)\n",
            "        fs.remove_tree(os.path.join(generations, name))\n",
        ),
        rough("clean:nknknk"),
    ),
    _order(
        "a torn end: cut off, and not set aside",
        Edit(_APPLY, _ASIDE, ""),
        rough("torn:n|n"),
    ),
    _order(
        "a torn end: cut off before it is set aside",
        (
            Edit(_APPLY, _ASIDE, ""),
            Edit(
                _APPLY,
                '    with fs.translated("truncate", path)',
                '    kept = list(_chunks(path, end, size))\n    with fs.translated("truncate", path)',
            ),
            Edit(
                _APPLY,
                "        file.truncate(end)\n\n\ndef set_aside",
                "        file.truncate(end)\n"
                "    fs.make_dir(os.path.join(store, QUARANTINE))\n"
                "    fs.atomic_write(os.path.join(store, QUARANTINE, "
                'f"{os.path.basename(path)}-{end}"), b"".join(kept))\n'
                "\n"
                "\n"
                "def set_aside",
            ),
        ),
        rough("torn:n|n"),
    ),
    _order(
        "a close: the mark before the fsync",
        (
            Edit(
                _WRITER,
                "            if self.synced_lsn < self.last_lsn:\n                self._sync_locked()\n",
                "",
            ),
            Edit(
                _CORE,
                "encode_closed(mark))\n",
                "encode_closed(mark))\n                fs.fdatasync_fd(journal._fd)\n",
            ),
        ),
        crash("buffered:nn"),
    ),
    _order(
        "a commit: acknowledged with what was written during the fsync",
        (
            Edit(
                _WRITER,
                "        target = self.last_lsn\n        try:\n            fs.fdatasync_fd",
                "        try:\n            fs.fdatasync_fd",
            ),
            Edit(_WRITER, "        self.synced_lsn = target\n", "        self.synced_lsn = self.last_lsn\n"),
        ),
        rough("joined:nnn"),
    ),
    _order(
        "a frame: claims as synced what was written during the fsync",
        Edit(
            _WRITER,
            "        self._synced_offset = offset\n        self.synced_lsn",
            "        self._synced_offset = self.offset\n        self.synced_lsn",
        ),
        rough("joined:nnn"),
    ),
    _order(
        "a commit: shown before the fsync",
        Edit(
            _CORE,
            "                self._apply(frames, receipt[0])\n",
            "                self._apply(frames, receipt[0])\n            self._current.advance(lsn)\n",
        ),
        _FAILURES,
        fault("syscalls", "EIO on fsync"),
    ),
    _order(
        "a failed fsync: the journal does not remember it",
        Edit(
            _WRITER,
            "        except BaseException as error:\n"
            "            self.set_poison(error)\n"
            "            if isinstance(error, OSError):\n"
            "                raise PoisonedError(",
            "        except BaseException as error:\n"
            "            if isinstance(error, OSError):\n"
            "                raise PoisonedError(",
        ),
        _FAILURES,
        unit("tests/journal/test_journal_writer.py"),
        fault("syscalls", "EIO on fsync"),
    ),
    _order(
        "an interrupted commit: the journal does not remember it",
        Edit(
            _CORE,
            "            journal.set_poison(error)\n            raise CommitInDoubtError(",
            "            raise CommitInDoubtError(",
        ),
        _FAILURES,
        fault("interrupts"),
    ),
    _order(
        "a failed commit: its frames stay",
        Edit(_WRITER, "            os.ftruncate(self._fd, self.offset)\n", ""),
        rough("failing:nen"),
    ),
    _order(
        "an interrupted commit: taken back though it is whole",
        Edit(
            _WRITER, "            if whole and os.fstat(self._fd).st_size >= whole:", "            if False:"
        ),
        unit("tests/regressions/test_interrupt_behind_a_whole_write.py"),
        fault("interrupts"),
    ),
    _order(
        "a failed rotation: its segment stays",
        Edit(
            _WRITER,
            "                fs.remove_file(os.path.join(self._directory, segment_name(header.first_lsn)))\n",
            "",
        ),
        rough("failing:non"),
    ),
    _order(
        "salvage: the segment after the generation",
        (
            Edit(_REPAIR, _SALVAGE_SEGMENT, '    segment, chain = "", 7\n'),
            Edit(
                _REPAIR,
                _SALVAGE_ASIDE,
                "    header = SegmentHeader(identity.store_id, proven + 1, 7, chain)\n"
                "    segment = create_segment(os.path.join(found.path, JOURNAL), header)\n" + _SALVAGE_ASIDE,
            ),
        ),
        rough("salvaged:nnip"),
    ),
    _order(
        "salvage: all the rest set aside before the generation",
        Edit(
            _REPAIR,
            _SALVAGE_SEGMENT,
            _SALVAGE_SEGMENT
            + "    for item in aside:\n"
            + "        if os.path.lexists(item) and item != segment:\n"
            + "            set_aside(found.path, item)\n",
        ),
        rough("salvaged:nnip"),
    ),
)
