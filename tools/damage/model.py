"""A store's contents by a model: what every surface must answer after each LSN. Shared by the campaigns.

The records are made so that the model needs no search engine: names are single lower-case words, so that a
query for one finds exactly the symbols of that name.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from diptych import CorruptionError, DiptychError, FileRecord, Range, Relation, Symbol, content_hash

State = Mapping[str, FileRecord]
Answers = dict[str, Any]

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
KINDS = ("function", "class", "method")
LANGUAGES = ("python", "rust")
QUERIES = ("name:alpha", "name:beta AND kind:function", "kind:class", "language:rust", "name:absent")
ABSENT = "no/such.py"
_ALL = 10_000


def make_record(path: str, version: int, rng: random.Random, *, symbols: int | None = None) -> FileRecord:
    """A record whose content hash tells its version, with symbols and relations of its own."""
    count = rng.randint(0, 4) if symbols is None else symbols
    return FileRecord(
        path,
        content_hash(f"{path} {version}".encode("utf-8", "surrogateescape")),
        rng.choice(LANGUAGES),
        [
            Symbol(rng.choice(NAMES), rng.choice(KINDS), Range(line, 0, line + 1, version % 100))
            for line in range(count)
        ],
        [
            Relation("calls", "", rng.choice(NAMES), Range(line, 4, line, 9))
            for line in range(rng.randint(0, 2))
        ],
    )


def expected(state: State, lsn: int) -> Answers:
    """What every surface must answer, by `state` alone."""
    files = [state[path] for path in sorted(state, key=lambda p: p.encode("utf-8", "surrogateescape"))]
    answers: Answers = {f"file {file.path}": file for file in files}
    answers[f"file {ABSENT}"] = None
    answers["files"] = files
    answers["len"] = len(files)
    answers["contains"] = [True] * len(files) + [False]
    for name in NAMES:
        answers[f"symbols {name}"] = [(f.path, s) for f in files for s in f.symbols if s.name == name]
        answers[f"references {name}"] = [(f.path, r) for f in files for r in f.relations if r.target == name]
    for query in QUERIES:
        answers[f"search {query}"] = sorted(_found(files, query))
    symbols, relations = sum(len(f.symbols) for f in files), sum(len(f.relations) for f in files)
    answers["stats"] = (lsn, len(files), {"symbols": symbols, "relations": relations})
    return answers


def _found(files: Iterable[FileRecord], query: str) -> Iterable[tuple[str, Symbol]]:
    wanted = [term.split(":") for term in query.split(" AND ")]
    for file in files:
        for symbol in file.symbols:
            facts = {"name": symbol.name, "kind": symbol.kind, "language": file.language}
            if all(facts[field] == term for field, term in wanted):
                yield file.path, symbol


def read_all(store: Any, paths: Iterable[str]) -> Answers:
    """What every surface of an open store answers; a DiptychError in the place of an answer it refused.

    Any other exception is let through: a store has no business raising it.
    """
    answers: Answers = {}

    def ask(surface: str, question: Any) -> None:
        try:
            answers[surface] = question()
        except DiptychError as error:
            answers[surface] = error

    known = list(paths)
    for path in [*known, ABSENT]:
        ask(f"file {path}", lambda path=path: store.file(path))
    ask("files", lambda: list(store.files()))
    ask("len", lambda: len(store))
    ask("contains", lambda: [path in store for path in [*known, ABSENT]])
    for name in NAMES:
        ask(f"symbols {name}", lambda name=name: [(h.path, h.symbol) for h in store.symbols(name)])
        ask(f"references {name}", lambda name=name: [(h.path, h.relation) for h in store.references(name)])
    for query in QUERIES:
        ask(f"search {query}", lambda query=query: _hits(store, query))
    if hasattr(store, "stats"):
        ask("stats", lambda: _stats(store))
    return answers


def _hits(store: Any, query: str) -> list[tuple[str, Symbol]]:
    return sorted((hit.path, hit.symbol) for hit in store.search(query, limit=_ALL))


def _stats(store: Any) -> tuple[int, int, dict[str, int]]:
    stats = store.stats()
    return stats.lsn, stats.records, dict(stats.counts)


def wrong_answers(found: Answers, wanted: Answers) -> list[str]:
    """A sentence for each answer that differs from the model's; a refusal is not one."""
    return [
        f"{surface}: {shown(found[surface])} instead of {shown(wanted[surface])}"
        for surface in found
        if not isinstance(found[surface], DiptychError) and found[surface] != wanted.get(surface)
    ]


def refusals(found: Answers) -> dict[str, DiptychError]:
    """The surfaces that raised, with what they raised."""
    return {surface: answer for surface, answer in found.items() if isinstance(answer, DiptychError)}


def is_damage(error: BaseException) -> bool:
    """Whether an error says that bytes are damaged, as opposed to another refusal."""
    return isinstance(error, CorruptionError)


def shown(value: object) -> str:
    """A value, cut to what a report can show."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"
