"""What must hold of a remote, an installed store and its forks after a crash.

Every ref names a manifest that is there, whose blobs are there and complete; what a file is called is what it
has. The installed store is what was installed last or what was being installed; a store that is kept aside is
intact. A fork is of the store that it was made of, and what is written to it never reaches its base.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from typing import NamedTuple

from diptych import FileRecord, Store, StoreNotFoundError, verify
from diptych.artifact.inspection import verify_artifact
from diptych.artifact.pull import pull
from diptych.artifact.refs import manifest_at, read_state
from diptych.artifact.remotes.file import FileRemote

from ..oracle import CheckError, shorten
from .diptych_plan import record_of

MAIN, PR = "branch/main", "pr/1"
Files = dict[str, FileRecord]


class Place(NamedTuple):
    """The recorded folder."""

    directory: str

    @property
    def remote(self) -> str:
        """What is pushed to."""
        return f"{self.directory}/remote"

    @property
    def store(self) -> str:
        """What is pulled into."""
        return f"{self.directory}/there"


def letters_of(workload: str) -> tuple[str, str]:
    """(setting, word) of a workload's name."""
    setting, _, word = workload.partition(":")
    return setting, word


def fork_path(place: Place, number: int) -> str:
    """Where the fork goes that operation `number` makes."""
    return f"{place.directory}/fork-{number}"


@lru_cache(maxsize=32)
def content(number: int) -> Files:
    """What operation `number` pushes: a file that stays, one that changes and one that is new."""
    records = (
        record_of("pkg/same.py", 0),
        record_of("pkg/changes.py", number),
        record_of(f"pkg/new{number}.py", number),
    )
    return {record.path: record for record in records}


class Steps(NamedTuple):
    """What the refs and the installed store may be after operation `number`; 0 is before the first."""

    main: int
    """The operation whose content branch/main names; 0 for none."""
    pr: int
    there: int
    kept: tuple[tuple[int, int], ...] = ()
    """Stores aside: their content, and the operation that committed on top."""


@lru_cache(maxsize=64)
def plan(word: str) -> list[Steps]:
    """The state before the first operation and after each."""
    states = [Steps(0, 0, 0)]
    for number, letter in enumerate(word, 1):
        before = states[-1]
        if letter == "P":
            before = before._replace(main=number)
        elif letter == "Q":
            before = before._replace(pr=number)
        elif letter == "D":
            before = before._replace(pr=0)
        elif letter == "K":
            before = before._replace(there=before.main, kept=(*before.kept, (before.there, number)))
        elif letter == "I":
            before = before._replace(there=before.main)
        states.append(before)
    return states


def check(workload: str, directory: str, acked: int, issued: int) -> str:
    """Check everything; then pull again, and write to a fork. Raises CheckError."""
    place = Place(directory)
    _, word = letters_of(workload)
    # A ref that is removed again leaves what was there before it: such a state was seen before, too.
    allowed = plan(word)[acked : max(acked, issued) + 1]
    remote = FileRemote(place.remote)
    main = _check_ref(remote, MAIN, {one.main for one in allowed})
    _check_ref(remote, PR, {one.pr for one in allowed})
    _check_names(place.remote)
    there = _check_store(place, word, acked, allowed)
    _check_aside(place, allowed[0])
    _check_forks(place, word, acked)
    if main:
        _check_pull(place, remote, main)
    return f"main {main}, there {there}"


_PULLED_OF = 4
"""A pull, with a deep verification, is made in one state of so many."""
_SEEN_MOST = 4_096
_seen: dict[str, Files | None] = {}
"""What a store had, by a digest of all that is in its folder: most states differ elsewhere."""


def _digest(folder: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for where, folders, names in sorted(os.walk(folder)):
        digest.update(f"{where[len(folder) :]}\0{sorted(folders)}\0".encode())
        for name in sorted(names):
            with open(os.path.join(where, name), "rb") as file:
                data = file.read()
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _check_ref(remote: FileRemote, ref: str, allowed: set[int]) -> int:
    """Which operation's content a ref names."""
    state = read_state(remote, ref)
    if not state.manifest:
        if 0 not in allowed:
            raise CheckError("lost-push", f"{ref} is not there, and a push of it was acknowledged.")
        return 0
    manifest, _ = manifest_at(remote, state.manifest)
    problems = verify_artifact(remote, manifest)
    if problems:
        raise CheckError("dangling-ref", f"{ref}: {shorten(problems)}")
    for number in sorted(allowed - {0}):
        if manifest.content_id == _content_id(number):
            return number
    raise CheckError("wrong-ref", f"{ref} names no content of {sorted(allowed)}.")


@lru_cache(maxsize=32)
def _content_id(number: int) -> str:
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/s") as store:
        with store.transaction() as transaction:
            for record in content(number).values():
                transaction.index_file(record)
        store.checkpoint()
        return store.stats().content_id


def _check_names(remote: str) -> None:
    """A blob or manifest under its name is complete, whether anything names it or not."""
    for where, _, names in os.walk(remote):
        for name in names:
            if len(name) == 64 and "/refs/" not in where:
                with open(os.path.join(where, name), "rb") as file:
                    if hashlib.sha256(file.read()).hexdigest() != name:
                        raise CheckError("half-object", f"{name[:12]}… is not what its name says.")


def _files(path: str) -> Files | None:
    """The records of a store; None where there is none."""
    key = _digest(path)
    if key not in _seen:
        if len(_seen) >= _SEEN_MOST:
            _seen.clear()
        try:
            with Store.open(path, read_only=True) as store:
                _seen[key] = {record.path: record for record in store.files()}
        except StoreNotFoundError:
            _seen[key] = None
    return _seen[key]


def _check_store(place: Place, word: str, acked: int, allowed: list[Steps]) -> int:
    """Which operation's content the installed store has; its own commits count, and nothing else."""
    found = _files(place.store)
    if found is None:
        # A rename may be half done: the next pull undoes it, as any that finds no store.
        found = next(
            (files for aside in (".aside", ".before") if (files := _files(place.store + aside)) is not None),
            None,
        )
    numbers = {one.there for one in allowed}
    if found is None:
        if 0 not in numbers:
            raise CheckError("lost-store", "The installed store is not there, nor aside.")
        return 0
    for number in sorted(numbers - {0}):
        if found == content(number):
            return number
        own = acked + 1
        if word[acked : acked + 1] == "K" and found == {**content(number), **_own(own)}:
            return number
    raise CheckError("wrong-store", f"It has none of {sorted(numbers)}: {shorten(sorted(found))}")


def _own(number: int) -> Files:
    return {f"kept/k{number}.py": record_of(f"kept/k{number}.py", number)}


def _check_aside(place: Place, done: Steps) -> None:
    """Every store that was replaced with commits of its own is beside, with them."""
    base = os.path.basename(place.store)
    beside = [name for name in os.listdir(place.directory) if name.startswith(f"{base}.before")]
    found = [_files(os.path.join(place.directory, name)) for name in beside]
    for number, own in done.kept:
        if {**content(number), **_own(own)} not in found:
            raise CheckError("lost-changes", f"Of the commit of operation {own} nothing is left in {beside}.")


def _check_forks(place: Place, word: str, acked: int) -> None:
    """A fork has what its base had; written to, it leaves the base alone."""
    for number, letter in enumerate(word, 1):
        path = fork_path(place, number)
        if letter != "F":
            continue
        found = _files(path)
        wanted = content(plan(word)[number].there)
        if found is None:
            if number <= acked:
                raise CheckError("lost-fork", f"{path} is not there.")
            continue
        if found != wanted:
            raise CheckError("wrong-fork", f"{path} has {shorten(sorted(found))}")
        before = _digest(place.store)
        key = f"fork {_digest(path)} {before}"
        if key in _seen:
            continue
        with Store.open(path) as store, store.transaction() as transaction:
            transaction.index_file(record_of("fork/own.py", 999))
        if _files(path) != {**wanted, "fork/own.py": record_of("fork/own.py", 999)}:
            raise CheckError("wrong-fork", f"{path} has not what was written to it.")
        if _digest(place.store) != before:
            raise CheckError("base-written", f"A commit to {path} changed its base.")
        _seen[key] = None


def _check_pull(place: Place, remote: FileRemote, number: int) -> None:
    """What branch/main names installs, over whatever the crash left."""
    if int(_digest(place.directory), 16) % _PULLED_OF:
        return
    pull(remote, place.store, ref=MAIN, local_changes="replace")
    if _files(place.store) != content(number):
        raise CheckError("wrong-pull", f"A pull did not install the content of operation {number}.")
    report = verify(place.store, deep=True)
    if not report.ok:
        raise CheckError("damaged-store", shorten(report.findings))
    if os.path.exists(f"{place.store}.incoming"):
        raise CheckError("left-behind", "A pull that is done left its working folder.")
