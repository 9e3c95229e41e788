"""Sharing: a folder to push to, a store that is pulled into, and its forks.

    P  push the next content as branch/main         I  install what branch/main names
    Q  push another content as pr/1                 K  commit here, then install and keep that store aside
    D  remove pr/1                                  F  fork the installed store
    G  collect without a grace, twice

`exchange:` is how stores change places on Linux; with `renames:` it is done as where the system has no such
call. What is pushed is made outside of the recorded folder: only the remote and installed stores can be hurt.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from unittest import mock

from diptych import CheckpointPolicy, Store, fs
from diptych.artifact.gc import collect
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.remotes.file import FileRemote

from ..marks import Marks
from ..models import MODELS
from .diptych_plan import record_of
from .sharing_oracle import MAIN, PR, Place, check, content, fork_path, letters_of

__all__ = ["EXPECTED", "MODES", "WORKLOADS", "accepts", "check", "models_of", "recover", "run"]

EXPECTED: dict[str, str] = {}
MODES = ("again",)
_WORDS = ("PP", "PQDG", "PIPI", "PIF", "PIFPIG", "PIPKPI", "PQIDGPI", "PIQPDGKFI")
WORKLOADS = tuple(f"{setting}:{word}" for setting in ("exchange", "renames") for word in _WORDS)


def accepts(workload: str) -> bool:
    """Any word in which something is pushed before it is installed, and installed before it is forked."""
    setting, _, word = workload.partition(":")
    if setting not in ("exchange", "renames") or not word or set(word) - set("PQDGIKF"):
        return False
    return all("P" in word[:at] for at in _places(word, "IKG")) and all(
        "I" in word[:at] for at in _places(word, "FK")
    )


def models_of(workload: str) -> tuple[str, ...]:
    """By the letter of POSIX a power cut may lose a directory that is renamed: no store can be moved."""
    setting, word = letters_of(workload)
    return ("ordered",) if setting == "renames" or "K" in word else MODELS


def _places(word: str, letters: str) -> Iterator[int]:
    return (at for at, letter in enumerate(word) if letter in letters)


def run(workload: str, directory: str) -> None:
    """The recorded program."""
    marks = Marks()
    setting, word = letters_of(workload)
    place = Place(directory)
    with tempfile.TemporaryDirectory() as elsewhere, _exchanging(setting):
        remote = FileRemote(place.remote)
        pushed = os.path.join(elsewhere, "pushed")
        for number, letter in enumerate(word, 1):
            if letter in "PQ":
                _fill(pushed, number)
            marks.issued(number)
            _do(letter, number, pushed, remote, place)
            marks.acked(number)


def _do(letter: str, number: int, pushed: str, remote: FileRemote, place: Place) -> None:
    if letter in "PQ":
        push(pushed, remote, ref=MAIN if letter == "P" else PR, force=True)
    elif letter == "D":
        found = remote.read_ref(PR)
        if found is not None:
            remote.delete_ref(PR, expected=found.version)
    elif letter == "G":
        collect(remote, grace_ms=0)
        collect(remote, grace_ms=0)
    elif letter == "F":
        with Store.open(place.store, read_only=True) as store:
            store.fork(fork_path(place, number))
    else:
        if letter == "K":
            with Store.open(place.store) as store, store.transaction() as transaction:
                transaction.index_file(record_of(f"kept/k{number}.py", number))
        pull(remote, place.store, ref=MAIN, local_changes="replace")


def _fill(path: str, number: int) -> None:
    """Make the store that is pushed have the content of this operation, and nothing else."""
    wanted = content(number)
    with Store.open(path, policy=CheckpointPolicy(automatic=False)) as store:
        with store.transaction() as transaction:
            for old in [record.path for record in store.files()]:
                if old not in wanted:
                    transaction.remove_file(old)
            for record in wanted.values():
                transaction.index_file(record)
        store.checkpoint()


def _exchanging(setting: str) -> mock._patch[object]:  # type: ignore[type-arg]
    """How stores change places."""
    exchange = fs.exchange if setting == "exchange" else lambda *_: False
    return mock.patch.object(fs, "exchange", exchange)


def recover(workload: str, directory: str, mode: str) -> None:  # noqa: ARG001
    """Install again what branch/main names, if anything does: that resumes what was cut off."""
    place = Place(directory)
    remote = FileRemote(place.remote)
    with _exchanging(letters_of(workload)[0]):
        if remote.read_ref(MAIN) is not None:
            pull(remote, place.store, ref=MAIN, local_changes="replace")
