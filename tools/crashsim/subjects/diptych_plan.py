"""Workloads of Diptych as words over an alphabet of operations, and what each transaction must leave.

    n  a transaction that stores a new file        k  a checkpoint
    x  one that replaces a file                    q  close and reopen
    d  one that removes a file                     p  close, repair, reopen
    t  one that does all three                     r  a transaction that is rolled back
    b  one that stores more than a frame holds
    w  one that stores twenty new files
    l  one that adopts a segment, built beside the store, of a new file and one that it replaces, and that
       removes another file
    y  one that replaces two files: one of the first two in turn, and the third
    c  a checkpoint that rewrites everything as one segment
    s  close, damage the records of the newest segment, reopen
    v  close, verify, reopen; verify must find nothing
    f  close, damage the search index of the newest segment, reopen
    u  a backup                                    o  a fork
    a  a named consumer reads everything and acknowledges it
    m  close, open with a schema of another shape and back, each of which builds the generation again

A workload's name is `word`, or `setting:word` where the store is opened otherwise than by default. With the
setting "format-1" the first letters are those of a store of that format, and opening it migrates it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from diptych import FileRecord, Range, Relation, Symbol, content_hash

COMMITS = "nxdtbwyl"
ALPHABET = "nxdrkqp"
OTHERS = "sfvcuoam"
_FILES_NEEDED = {"x": 1, "d": 1, "t": 1, "y": 3}
_SETTINGS = ("full", "buffered", "auto")
_FORMAT_1 = "format-1"
FORMAT_1_WORD = "nkxkn"
"""What the store of format 1 in this folder went through; its writer was killed."""
_MIX_LENGTH = 40
_LARGE_WORDS = 75_000

Files = dict[str, FileRecord]


class Transaction(NamedTuple):
    """What one transaction stores and removes; with `adopts`, what it stores is in a segment."""

    stored: tuple[FileRecord, ...]
    removed: tuple[str, ...]
    adopts: bool = False


def sequences(length_max: int = 3) -> Iterator[str]:
    """Every word up to this length in which nothing is replaced or removed where there is no file."""
    for length in range(1, length_max + 1):
        for letters in itertools.product(ALPHABET, repeat=length):
            word = "".join(letters)
            if possible(word):
                yield word


def possible(word: str) -> bool:
    """Whether each operation has the file that it needs."""
    files = 0
    for letter in word:
        if files < _FILES_NEEDED.get(letter, 0):
            return False
        files += {"n": 1, "b": 2, "w": 20, "l": 1, "d": -1}.get(letter, 0)
    return True


def mix(seed: int) -> str:
    """A long word drawn from a seed; commits and checkpoints are the most frequent."""
    source = random.Random(f"mix {seed}")
    word = "nn"
    while len(word) < _MIX_LENGTH:
        letter = source.choices("nxdtrkqp", weights=(8, 6, 3, 4, 2, 5, 2, 1))[0]
        if possible(word + letter):
            word += letter
    return word


# Segments folded over many reopenings, each of which begins with a file that earlier writers had to do with.
_REOPENED = "ynkv" * 7
NAMED = {
    "large": "nbx",
    "fold": "nk" * 12,
    "fold-removals": "nknknkxkdknkxkdknkxkdknk",
    "compact": "nkxkncdkc",
    "reopen": "w" + _REOPENED * 4,
    **{f"mix-{seed}": mix(seed) for seed in range(1, 9)},
    **{f"{setting}:mix": mix(100 + place) for place, setting in enumerate(_SETTINGS)},
    **{
        word: word
        for word in ("nksp", "nkxksxp", "nksxk", "nkfp", "nknkfxp", "nkfxk", "nxkskx", "nkdfrkn", "nknkscx")
    },
    **{
        word: word
        for word in ("l", "nl", "nlk", "nklxk", "nxllkck", "nlqxklp", "alnklkna", "nlukon", "lklklklkc")
    },
    **{word: word for word in ("nuxkun", "nokxon", "ankxaknakd", "nkmx", "nxkdmnkm", "anxkmna")},
    **{
        f"{setting}:{word}": word
        for setting in _SETTINGS
        for word in ("nnn", "nxd", "nkx", "ntkt", "nqn", "nknkn", "nkpxk", "nlxl")
    },
    **{f"{_FORMAT_1}:{FORMAT_1_WORD}{end}": f"{FORMAT_1_WORD}{end}" for end in ("", "xk", "kckq", "dkfxk")},
}
WORKLOADS = (*NAMED, *sequences())


def word_of(workload: str) -> tuple[str, str]:
    """(setting, word) of a workload's name; the setting is "" for the default."""
    setting, _, rest = workload.rpartition(":")
    return setting, NAMED.get(workload, rest)


def accepts(workload: str) -> bool:
    """Whether this is a workload: any word that makes sense is, listed or not."""
    setting, word = word_of(workload)
    known = setting in ("", *_SETTINGS) or (setting == _FORMAT_1 and word.startswith(FORMAT_1_WORD))
    return known and set(word) <= set(ALPHABET + COMMITS + OTHERS) and bool(word) and possible(word)


def begins_with_format_1(workload: str) -> bool:
    """Whether its first letters were done by a version that wrote format 1."""
    return word_of(workload)[0] == _FORMAT_1


def name_of(number: int) -> str:
    """A word of letters alone, that no tokenizer takes apart: transaction 3's symbol is `symd`."""
    letters = ""
    while True:
        letters = chr(ord("a") + number % 26) + letters
        number //= 26
        if not number:
            return "sym" + letters


def record_of(path: str, number: int, *, large: bool = False) -> FileRecord:
    """What transaction `number` knows of a file; two large ones do not fit in one frame of the journal."""
    padding = "padding " * (_LARGE_WORDS if large else number % 5 * 40)
    place = Range(number, 0, number + 1, 4)
    symbols = [
        Symbol(name_of(number), "function", place, "", f"def {name_of(number)}()", padding),
        Symbol("common", "class", place),
    ]
    relations = [
        Relation("calls", name_of(number), "target", place),
        Relation("imports", "", path[:-3], place),
    ]
    return FileRecord(path, content_hash(b"%d" % number), "python", symbols, relations)


@lru_cache(maxsize=64)
def plan(workload: str) -> tuple[list[Transaction], list[Files]]:
    """The transactions of a workload, and the files before the first and after each."""
    transactions: list[Transaction] = []
    states: list[Files] = [{}]
    turn = 0
    for letter in word_of(workload)[1]:
        if letter not in COMMITS:
            continue
        turn += letter == "y"
        number = len(states)
        files = dict(states[-1])
        known = sorted(files)
        stored: list[FileRecord] = []
        removed: list[str] = []
        if letter in "ntl":
            stored.append(record_of(f"pkg/f{number}.py", number))
        if letter == "b":
            stored = [record_of(f"pkg/{name}{number}.py", number, large=True) for name in "fg"]
        if letter == "w":
            stored = [record_of(f"pkg/b{number}_{place:02}.py", number) for place in range(20)]
        if letter == "y":
            stored = [record_of(known[place], number) for place in (turn % 2, 2)]
        if letter in "xt" or (letter == "l" and known):
            stored.append(record_of(known[number % len(known)], number))
        if letter == "d" or (letter in "tl" and len(known) > 1):
            removed.append(known[(number + 1) % len(known)])
        for record in stored:
            files[record.path] = record
        for path in removed:
            del files[path]
        stored = [record for record in stored if record.path not in removed]
        transactions.append(Transaction(tuple(stored), tuple(removed), letter == "l"))
        states.append(files)
    return transactions, states
