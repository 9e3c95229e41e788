"""From system calls to effects on the recorded tree, refusing what has no model."""

from __future__ import annotations

import os
from collections.abc import Callable

from .effects import Entry, Mark, Resize, Sync, Tree, Write
from .errors import RecordingError, RefusedError
from .names import Names
from .processes import OpenFile, in_order
from .strace_lines import Call, descriptor, text_bytes, vector_bytes

_EARLY = frozenset({"close", "clone", "clone3", "fork", "vfork"})
_SYNCS = frozenset({"fsync", "fdatasync", "sync", "syncfs"})
_REFUSED_ALWAYS = {
    "io_uring_setup": "io_uring",
    "io_submit": "asynchronous I/O (io_submit)",
}
_REFUSED_ON_TREE = frozenset({"splice", "tee", "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat"})
_WRITES = frozenset({"write", "writev", "pwrite64", "pwritev", "pwritev2"})


class Translator(Names):
    """Turns one program's calls into steps. `marks` is the file by which the workload says where it is."""

    def __init__(self, root: str, marks: str, directory: str, initial: Tree) -> None:
        super().__init__(root, directory, initial)
        self._marks = marks
        self._sync_began: dict[tuple[int, int], int] = {}
        self._handlers: dict[str, Callable[[Call], None]] = {
            name[4:]: getattr(self, name) for name in dir(self) if name.startswith("_on_")
        }

    def run(self, calls: list[Call]) -> None:
        """Translate all calls. Raises RefusedError or RecordingError."""
        numbers = {id(call): number for number, call in enumerate(calls)}
        for call, begins in in_order(calls, _EARLY, _SYNCS):
            self._call_number = numbers[id(call)]
            if begins:
                self._sync_began[call.pid, call.entered] = len(self.steps)
            elif not call.failed:
                self._apply(call)

    def _apply(self, call: Call) -> None:
        if call.name in _REFUSED_ALWAYS:
            raise RefusedError(
                f"The program uses {_REFUSED_ALWAYS[call.name]}: its writes do not show in a trace of calls."
            )
        handler = self._handlers.get(call.name)
        if call.name in _WRITES:
            self._write(call)
        elif call.name in _REFUSED_ON_TREE:
            if self._mentions_tree(call):
                raise RefusedError(f"The program calls {call.name} on the recorded directory: not modelled.")
        elif handler is not None:
            handler(call)

    # -- opening, closing, moving about ---------------------------------------------------------------------

    def _open(self, call: Call, path: str | None, flags: str) -> None:
        if path is None and call.opened:
            path = self._inside(call.opened)  # by way of a link that stands elsewhere
        if path is None or call.result is None:
            return
        words = set(flags.split("|"))
        if "O_TMPFILE" in words:
            raise RefusedError("The program uses O_TMPFILE in the recorded directory: not modelled.")
        inode = self.live.lookup(path)
        if inode is None:
            if "O_CREAT" not in words:
                raise RecordingError(f"The trace opens {path!r}, which the model does not have.")
            directory, name = self._place(path, follow_last=True)
            inode = self.live.add(b"")
            self._change([Entry(directory, name, inode)], [inode], creates=True)
        elif "O_TRUNC" in words and self.live.size(inode):
            self._resize(inode, 0)
        synchronous = "all" if "O_SYNC" in words else "data" if "O_DSYNC" in words else ""
        self._processes.of(call.pid).descriptors[call.result] = OpenFile(
            inode, "O_APPEND" in words, synchronous
        )

    def _on_open(self, call: Call) -> None:
        self._open(call, self._path(call, call.arguments[0]), call.arguments[1])

    def _on_openat(self, call: Call) -> None:
        self._open(call, self._path(call, call.arguments[1], call.arguments[0]), call.arguments[2])

    def _on_openat2(self, call: Call) -> None:
        flags = call.arguments[2].partition("flags=")[2].split(",")[0].rstrip("}")
        self._open(call, self._path(call, call.arguments[1], call.arguments[0]), flags)

    def _on_creat(self, call: Call) -> None:
        self._open(call, self._path(call, call.arguments[0]), "O_WRONLY|O_CREAT|O_TRUNC")

    def _on_close(self, call: Call) -> None:
        number, _ = descriptor(call.arguments[0])
        if number is not None:
            self._processes.of(call.pid).descriptors.pop(number, None)

    def _on_dup(self, call: Call) -> None:
        opened = self._file(call, call.arguments[0])
        if call.result is not None:
            descriptors = self._processes.of(call.pid).descriptors
            if opened is None:
                descriptors.pop(call.result, None)
            else:
                descriptors[call.result] = opened

    _on_dup2 = _on_dup3 = _on_dup

    def _on_fcntl(self, call: Call) -> None:
        if call.arguments[1].startswith("F_DUPFD"):
            self._on_dup(call)
        elif call.arguments[1] == "F_SETFL":
            opened = self._file(call, call.arguments[0])
            if opened is not None:
                opened.append = "O_APPEND" in call.arguments[2]

    def _on_clone(self, call: Call) -> None:
        self._processes.clone(call)

    _on_clone3 = _on_fork = _on_vfork = _on_clone

    def _on_chdir(self, call: Call) -> None:
        path = text_bytes(call.arguments[0]).decode("utf-8", "surrogateescape")
        box = self._processes.of(call.pid).directory
        box[0] = os.path.normpath(os.path.join(box[0], path))

    def _on_fchdir(self, call: Call) -> None:
        self._processes.of(call.pid).directory[0] = descriptor(call.arguments[0])[1]

    def _on_lseek(self, call: Call) -> None:
        opened = self._file(call, call.arguments[0])
        if opened is not None and call.result is not None:
            opened.offset = call.result

    def _on_read(self, call: Call) -> None:
        opened = self._file(call, call.arguments[0])
        if opened is not None and call.result is not None:
            opened.offset += call.result

    _on_readv = _on_read

    # -- contents -------------------------------------------------------------------------------------------

    def _put(self, inode: int, offset: int, data: bytes) -> None:
        if data:
            self._do(Write(inode, offset, data, self.live.size(inode)))
            self.live.write(inode, offset, data)

    def _resize(self, inode: int, size: int) -> None:
        if size != self.live.size(inode):
            self.live.resize(inode, size)
            self._do(Resize(inode, size))

    def _write(self, call: Call) -> None:
        _, path = descriptor(call.arguments[0])
        data = vector_bytes(call.arguments[1]) if "writev" in call.name else text_bytes(call.arguments[1])
        if path == self._marks:
            for line in data.decode("utf-8").splitlines():
                self._do(Mark(line))
            return
        opened = self._file(call, call.arguments[0])
        if opened is None:
            return
        if call.result is None:
            raise RefusedError(
                "The program was killed in the middle of a write: how much was written is unknown."
            )
        data = data[: call.result]
        positioned = call.name.startswith("pwrite") and call.arguments[3] != "-1"
        offset = int(call.arguments[3]) if positioned else opened.offset
        flags = call.arguments[4] if call.name == "pwritev2" else ""
        if (opened.append or "RWF_APPEND" in flags) and "RWF_NOAPPEND" not in flags:
            offset = self.live.size(opened.inode)
        self._put(opened.inode, offset, data)
        if not positioned:
            opened.offset = offset + len(data)
        if opened.synchronous or "SYNC" in flags:
            last = len(self.steps) - 1
            data_only = opened.synchronous != "all" and "RWF_SYNC" not in flags
            self._do(Sync(opened.inode, last, data_only=data_only, extent=True))

    def _on_ftruncate(self, call: Call) -> None:
        opened = self._file(call, call.arguments[0])
        if opened is not None:
            self._resize(opened.inode, int(call.arguments[1]))

    def _on_truncate(self, call: Call) -> None:
        path = self._path(call, call.arguments[0])
        inode = None if path is None else self.live.lookup(path)
        if inode is not None:
            self._resize(inode, int(call.arguments[1]))

    def _on_fallocate(self, call: Call) -> None:
        opened = self._file(call, call.arguments[0])
        if opened is None:
            return
        offset, length = int(call.arguments[2]), int(call.arguments[3])
        modes = set(call.arguments[1].split("|"))
        size = self.live.size(opened.inode)
        if modes == {"0"}:
            self._resize(opened.inode, max(size, offset + length))
        elif modes <= {"FALLOC_FL_KEEP_SIZE", "FALLOC_FL_PUNCH_HOLE", "FALLOC_FL_ZERO_RANGE"}:
            if modes != {"FALLOC_FL_KEEP_SIZE"}:
                end = min(size, offset + length) if "FALLOC_FL_KEEP_SIZE" in modes else offset + length
                self._put(opened.inode, offset, bytes(max(0, end - offset)))
        else:
            raise RefusedError(f"The program calls fallocate with {call.arguments[1]}: not modelled.")

    def _copy(self, call: Call, source: str, source_at: str, target: str, target_at: str) -> None:
        into = self._file(call, target)
        origin = self._file(call, source)
        if call.result is None or (into is None and origin is None):
            return
        start = _offset(source_at)
        if into is not None:
            if origin is None:
                raise RefusedError(f"The program copies into the directory with {call.name} from outside it.")
            begin = origin.offset if start is None else start
            at = _offset(target_at)
            data = bytes(self.live.contents[origin.inode][begin : begin + call.result])
            self._put(into.inode, into.offset if at is None else at, data)
            into.offset += call.result if at is None else 0
        if origin is not None and start is None:
            origin.offset += call.result

    def _on_copy_file_range(self, call: Call) -> None:
        self._copy(call, *call.arguments[:4])

    def _on_sendfile(self, call: Call) -> None:
        self._copy(call, call.arguments[1], call.arguments[2], call.arguments[0], "NULL")

    _on_sendfile64 = _on_sendfile

    def _on_ioctl(self, call: Call) -> None:
        if "FICLONE" in call.arguments[1] and self._file(call, call.arguments[0]) is not None:
            raise RefusedError("The program clones file ranges in the recorded directory: not modelled.")

    def _on_mmap(self, call: Call) -> None:
        if "MAP_SHARED" in call.arguments[3] and "PROT_WRITE" in call.arguments[2]:
            number, path = descriptor(call.arguments[4])
            if number is not None and self._inside(path) is not None:
                raise RefusedError(
                    f"The program maps {path} shared and writable: what it writes there is not in the trace."
                )

    # -- directory entries ----------------------------------------------------------------------------------

    def _on_mkdir(self, call: Call, path_at: int = 0) -> None:
        path = self._path(call, call.arguments[path_at], call.arguments[0] if path_at else None)
        if path is not None:
            directory, name = self._place(path)
            inode = self.live.add(None)
            self._change([Entry(directory, name, inode)], [inode], creates=True)

    def _on_mkdirat(self, call: Call) -> None:
        self._on_mkdir(call, 1)

    def _on_unlink(self, call: Call, path_at: int = 0) -> None:
        path = self._path(call, call.arguments[path_at], call.arguments[0] if path_at else None)
        if path == "":
            raise RefusedError("The program removes the recorded directory itself: record one level higher.")
        if path is not None:
            directory, name = self._place(path)
            self._change([Entry(directory, name, None)], [self.live.entries[directory].get(name)])

    _on_rmdir = _on_unlink

    def _on_unlinkat(self, call: Call) -> None:
        self._on_unlink(call, 1)

    def _on_symlink(self, call: Call) -> None:
        self._symlink(call, self._path(call, call.arguments[1]))

    def _on_symlinkat(self, call: Call) -> None:
        self._symlink(call, self._path(call, call.arguments[2], call.arguments[1]))

    def _symlink(self, call: Call, path: str | None) -> None:
        if path is not None:
            directory, name = self._place(path)
            inode = self.live.add(text_bytes(call.arguments[0]).decode("utf-8", "surrogateescape"))
            self._change([Entry(directory, name, inode)], [inode], creates=True)

    def _on_link(self, call: Call) -> None:
        self._link(self._path(call, call.arguments[0]), self._path(call, call.arguments[1]))

    def _on_linkat(self, call: Call) -> None:
        arguments = call.arguments
        self._link(self._path(call, arguments[1], arguments[0]), self._path(call, arguments[3], arguments[2]))

    def _link(self, source: str | None, target: str | None) -> None:
        if target is None:
            return  # a name outside adds nothing inside
        inode = None if source is None else self.live.lookup(source)
        if inode is None:
            raise RefusedError(f"A file from outside is linked into the recorded directory as {target!r}.")
        directory, name = self._place(target)
        self._change([Entry(directory, name, inode)], [inode])

    def _on_rename(self, call: Call) -> None:
        self._rename(self._path(call, call.arguments[0]), self._path(call, call.arguments[1]), "0")

    def _on_renameat(self, call: Call) -> None:
        old_at, old, new_at, new = call.arguments[:4]
        flags = call.arguments[4] if len(call.arguments) > 4 else "0"
        self._rename(self._path(call, old, old_at), self._path(call, new, new_at), flags)

    _on_renameat2 = _on_renameat

    def _rename(self, old: str | None, new: str | None, flags: str) -> None:
        if old is None and new is None:
            return
        if not old or not new:
            raise RefusedError(
                "The program renames across the border of the recorded directory: record one higher."
            )
        old_place, new_place = self._place(old), self._place(new)
        moved = self.live.entries[old_place[0]].get(old_place[1])
        replaced = self.live.entries[new_place[0]].get(new_place[1])
        if moved is None:
            raise RecordingError(f"The trace renames {old!r}, which the model does not have.")
        if "RENAME_WHITEOUT" in flags:
            raise RefusedError("The program renames with RENAME_WHITEOUT: not modelled.")
        if moved == replaced:
            return  # two names of one file: POSIX says that nothing happens
        left_behind = replaced if "RENAME_EXCHANGE" in flags else None
        entries = [
            Entry(new_place[0], new_place[1], moved),
            Entry(old_place[0], old_place[1], left_behind),
        ]
        self._change(entries, [moved, replaced])

    # -- durability -----------------------------------------------------------------------------------------

    def _on_fsync(self, call: Call) -> None:
        opened = self._file(call, call.arguments[0])
        if opened is not None:
            covers = self._sync_began[call.pid, call.entered]
            self._do(Sync(opened.inode, covers, data_only=call.name == "fdatasync"))

    _on_fdatasync = _on_fsync

    def _on_sync(self, call: Call) -> None:
        self._do(Sync(None, self._sync_began[call.pid, call.entered]))

    def _on_syncfs(self, call: Call) -> None:
        if self._file(call, call.arguments[0]) is not None:
            self._on_sync(call)


def _offset(argument: str) -> int | None:
    """The offset that copy_file_range or sendfile was given: `[5]`, `[5] => [9]`, or NULL."""
    first = argument.split("=>")[0].strip()
    return None if first == "NULL" else int(first.strip("[]"))


TRACED = (
    *sorted(name[4:] for name in dir(Translator) if name.startswith("_on_")),
    *sorted(_WRITES | _REFUSED_ON_TREE | set(_REFUSED_ALWAYS)),
)
