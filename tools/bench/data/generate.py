"""Records of files that do not exist, the same for the same seed: for sizes no source tree comes in."""

from __future__ import annotations

import random
from itertools import accumulate

from diptych.model import FileRecord, Range, Relation, Symbol, content_hash

_SYLLABLES = (
    "al", "an", "ar", "bel", "bo", "ca", "cor", "da", "den", "do", "el", "en", "fa", "fer", "ga", "gor",
    "ha", "im", "in", "ka", "ki", "la", "len", "lo", "ma", "men", "mi", "na", "nor", "o", "pa", "per",
    "qua", "ra", "ren", "ri", "sa", "sen", "so", "ta", "ter", "ti", "tra", "u", "va", "ver", "vi", "wa",
    "xe", "yo", "za",
)
_KINDS = ("function", "method", "class", "constant")
_TYPES = ("int", "str", "bytes", "bool", "float", "Path", "list[str]", "dict[str, int]", "Iterator[bytes]")


def _vocabulary(count: int) -> list[str]:
    rng = random.Random(20)
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))] = None
    return list(words)


WORDS = _vocabulary(4000)
# Words of a language: the second is half as common as the first, the third a third as common.
_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


def path_of(index: int) -> str:
    """The path of file number `index`: some thirty files a folder, in folders of folders."""
    folder = index // 30
    return f"{WORDS[folder % 97]}/{WORDS[(folder // 97) % 4000]}_{folder}/{WORDS[index % 3989]}_{index}.py"


def record(seed: int, index: int, symbols: int, *, path: str | None = None, mark: str = "") -> FileRecord:
    """File number `index`, with that many symbols and half as many relations.

    Another `seed` gives another content for the same path. `mark` is a word put into the documentation of
    the first symbol, for a search to find.
    """
    rng = random.Random(seed * 1_000_003 + index)
    path = path_of(index) if path is None else path
    words = rng.choices(WORDS, cum_weights=_WEIGHTS, k=symbols * 13)
    defined = []
    container = ""
    line = rng.randrange(40)
    for number in range(symbols):
        mine = words[number * 13 : number * 13 + 13]
        kind = _KINDS[rng.randrange(4)]
        # Three names of four occur once in the store; the fourth is shared by many files.
        name = f"{mine[0]}_{mine[1]}" if number % 4 == 0 else f"{mine[0]}_{mine[1]}_{index}_{number}"
        length = rng.randrange(2, 40)
        signature = f"def {name}({mine[2]}: {rng.choice(_TYPES)}, {mine[3]}: {rng.choice(_TYPES)})"
        documentation = " ".join(mine[4:])
        if mark and number == 0:
            documentation = f"{mark} {documentation}"
        defined.append(
            Symbol(name, kind, Range(line, 4, line + length, 8), container, signature, documentation)
        )
        if kind == "class":
            container = name
        line += length + 1
    relations = [
        Relation(
            "calls", defined[rng.randrange(symbols)].name, f"{words[number]}_{words[-1 - number]}",
            Range(number, 8, number, 30),
        )
        for number in range(symbols // 2)
    ]
    digest = content_hash(f"{seed}:{index}:{symbols}:{mark}".encode())
    return FileRecord(path, digest, "python", defined, relations)
