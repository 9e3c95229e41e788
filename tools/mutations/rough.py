"""A subject for the crash simulator: Diptych where something else goes wrong as well, before the power does.

A workload is `trouble:word`. The words are those of the subject `diptych`, and

    e  a transaction of three frames, of which the third cannot be written: it is rolled back
    o  a checkpoint whose new segment cannot be opened
    i  close, and delete the identity
    j  close, and damage the oldest segment
    g  close, and damage the manifest of the oldest generation
    |  what stands before is done by a process that dies in its last letter; another goes on with the rest

and the troubles

    failing      none but those of `e` and `o`
    unsynced     the process dies with its commits written and not synced
    midway       ... with two frames of a transaction written, of three
    torn         the same, and the two frames are on disk
    journal, generations, store
                 ... before it syncs that directory, in which it has renamed something
    joined       a second thread writes its commit while the first one's is synced
    clean        none: a crash alone must leave nothing that `verify` finds fault with
    repaired     none; what `repair` mended and set aside stays so
    salvaged     none; where the store does not open, repair it first
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from diptych import (
    CheckpointPolicy,
    DiptychError,
    FileRecord,
    Severity,
    Store,
    StoreNotFoundError,
    fs,
    repair,
    verify,
)
from diptych.fs import durable
from diptych.journal import format as journal_format
from diptych.journal import writer
from tools.crashsim.marks import Marks
from tools.crashsim.oracle import CheckError
from tools.crashsim.subjects import diptych_oracle, diptych_store
from tools.crashsim.subjects.diptych_plan import COMMITS, plan, record_of

WORKLOADS: tuple[str, ...] = ()
EXPECTED: Mapping[str, str] = {}
MODES = ("open", "repair")
recover = diptych_store.recover

_IN_FIRST_FRAME = 120
_MARKER = "symtornmarker"
_PLACES = {"journal": "/journal", "generations": "/generations", "store": "/store"}


def accepts(_workload: str) -> bool:
    """Any is tried."""
    return True


class _Life:
    """One process with a store."""

    def __init__(
        self, path: str, trouble: str, wanted: list[Any], *, number: int = 0, buffered: bool = False
    ) -> None:
        self.path, self.trouble, self.number, self.wanted = path, trouble, number, wanted
        self.buffered = buffered
        # Acknowledged late: what is acknowledged then tells the check that the rest has come about too.
        self.late = trouble == "repaired" or (trouble == "torn" and not number)
        self.marks = Marks()
        self.store = self._open()

    def _open(self) -> Store:
        store = Store.open(
            self.path,
            durability="buffered" if self.buffered else "journal",
            policy=CheckpointPolicy(automatic=False),
        )
        if store.lsn:
            # What a handle shows is no longer to be taken back.
            self._acked(store.lsn)
        return store

    def _acked(self, number: int) -> None:
        if not self.late:
            self.marks.acked(number)

    def do(self, letter: str) -> None:
        store = self.store
        if letter in COMMITS:
            self.number += 1
            self.marks.issued(self.number)
            diptych_store._commit(store, self.wanted[self.number - 1], self.path)
            if not self.buffered:
                self._acked(self.number)
        elif letter == "k":
            store.checkpoint()
        elif letter == "e":
            with _third_write(_full), contextlib.suppress(DiptychError), store.transaction() as txn:
                for record in self.parts():
                    txn.index_file(record)
        elif letter == "o":
            with _patched(writer.JournalWriter, "_open", _too_many), contextlib.suppress(DiptychError):
                store.checkpoint()
        elif letter == "i":
            store.close()
            os.unlink(self.path + "/IDENTITY")
            fs.fsync_dir(self.path)
        elif letter in "gj":
            store.close()
            if letter == "g":
                _damage_generation(self.path)
            else:
                _damage_segment(self.path)
            self.store = self._open()
        elif letter in "qpsf":
            store.close()
            if letter == "p":
                repair(self.path)
                self.marks.acked(self.number)
            elif letter in "sf":
                diptych_store._damage(self.path, letter)
            self.store = self._open()
        else:
            raise ValueError(letter)

    def parts(self) -> list[FileRecord]:
        """Three records; the first makes a frame as long as the next transaction's."""
        first = self.wanted[self.number].stored[0]
        return [first, record_of(f"rolled/{_MARKER}.py", 7), record_of("rolled/back.py", 8)]

    def die(self) -> NoReturn:
        """In the middle of a transaction, where that is the trouble."""
        if self.trouble in ("midway", "torn"):
            with _third_write(self._end), self.store.transaction() as txn:
                for record in self.parts():
                    txn.index_file(record)
        os._exit(0)

    def _end(self, journal: Any) -> NoReturn:
        if self.trouble == "torn":
            os.fsync(journal._fd)
            self.marks.acked(self.number)
        os._exit(0)


def run(workload: str, directory: str) -> None:
    """The recorded program."""
    path = directory + "/store"
    trouble, word = workload.split(":")
    before, bar, after = word.partition("|")
    wanted = plan(workload)[0]
    journal_format.FRAME_TARGET_BYTES = 1
    if trouble == "joined":
        _join(path, wanted)
        return
    if not bar:
        before, after = "", word
    elif (child := os.fork()) == 0:
        _first_life(path, trouble, before, wanted)
    elif os.waitpid(child, 0)[1]:
        raise RuntimeError("the first process failed")
    done = sum(letter in COMMITS for letter in before)
    life = _Life(path, trouble, wanted, number=done)
    for letter in after:
        life.do(letter)
    life.store.close()
    if trouble != "repaired":
        life.marks.acked(life.number)


def _damage_segment(path: str) -> None:
    with open(min(glob.glob(path + "/journal/*.wal")), "r+b") as file:
        file.seek(_IN_FIRST_FRAME)
        file.write(b"?")
        file.flush()
        os.fsync(file.fileno())


def _damage_generation(path: str) -> None:
    descriptor = os.open(min(glob.glob(path + "/generations/*")), os.O_RDWR)
    os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
    os.fsync(descriptor)
    os.close(descriptor)


def _first_life(path: str, trouble: str, word: str, wanted: list[Any]) -> NoReturn:
    try:
        if trouble == "store":
            _dying_before(path, "IDENTITY")
        life = _Life(path, trouble, wanted, buffered=trouble == "unsynced")
        for letter in word[:-1]:
            life.do(letter)
        if trouble in _PLACES:
            _dying_before(path + _PLACES[trouble].removeprefix("/store"))
        life.do(word[-1])
        life.die()
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        os._exit(9)


def _dying_before(place: str, present: str = "") -> None:
    """From now on the process dies where it would sync directory `place`."""
    really = durable.fsync_dir

    def fsync_dir(path: Any) -> None:
        if os.fspath(path) == place and os.path.exists(os.path.join(place, present)):
            os._exit(0)
        really(path)

    fs.fsync_dir = durable.fsync_dir = fsync_dir


def _join(path: str, wanted: list[Any]) -> None:
    marks = Marks()
    store = Store.open(path, policy=CheckpointPolicy(automatic=False))
    really, threads = fs.fdatasync_fd, []

    def commit(number: int) -> None:
        marks.issued(number)
        diptych_store._commit(store, wanted[number - 1], path)
        marks.acked(number)

    def another() -> None:
        number = len(threads) + 2
        threads.append(threading.Thread(target=commit, args=(number,)))
        threads[-1].start()
        while store._handle.writer()._journal.last_lsn < number:
            time.sleep(0.001)

    def fdatasync_fd(fd: int) -> None:
        # The second commit comes behind the first one's fsync, the third before the second one's.
        if len(threads) == 1:
            another()
        really(fd)
        if not threads:
            another()

    fs.fdatasync_fd = fdatasync_fd
    commit(1)
    for thread in threads:
        thread.join()
    store.close()


@contextlib.contextmanager
def _patched(owner: Any, name: str, value: Any) -> Any:
    old = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, old)


def _third_write(end: Callable[[Any], None]) -> Any:
    really, count = writer.JournalWriter._write, [0]

    def write(journal: Any, data: bytes) -> None:
        count[0] += 1
        if count[0] == 3:
            end(journal)
        really(journal, data)

    return _patched(writer.JournalWriter, "_write", write)


def _full(_journal: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _too_many(*_arguments: Any) -> int:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def check(workload: str, directory: str, acked: int, issued: int) -> str:
    """What the subject `diptych` checks, and what the trouble asks for."""
    path = directory + "/store"
    trouble = workload.split(":")[0]
    in_journal = _has_marker(path, "journal")
    if trouble == "torn" and acked and not _has_marker(path, "journal", "quarantine"):
        raise CheckError("not-kept", "The bytes of the transaction that was cut off are nowhere.")
    if trouble == "clean" or (trouble == "repaired" and acked):
        _no_fault(path)
    if trouble == "repaired" and acked and not glob.glob(path + "/quarantine/*"):
        raise CheckError("not-kept", "What repair set aside is gone.")
    if trouble == "salvaged":
        with contextlib.suppress(StoreNotFoundError):
            given_up = repair(path).given_up
            if given_up and acked == len(plan(workload)[0]):
                raise CheckError("given-up", f"Repair, begun again, gives up {given_up[0]}")
    said = diptych_oracle.check(workload, directory, acked, issued)
    if in_journal and not _has_marker(path, "journal", "quarantine"):
        raise CheckError("not-kept", "Recovery kept nothing of the bytes that it cut off.")
    return said


def _no_fault(path: str) -> None:
    try:
        findings = verify(path).findings
    except StoreNotFoundError:
        return
    if faults := [finding for finding in findings if finding.severity is not Severity.NOTE]:
        raise CheckError("verify", f"After a crash alone verify finds {faults[0]}")


def _has_marker(path: str, *names: str) -> bool:
    for name in names:
        for file in filter(os.path.isfile, glob.glob(f"{path}/{name}/*")):
            with open(file, "rb") as opened:
                if _MARKER.encode() in opened.read():
                    return True
    return False
