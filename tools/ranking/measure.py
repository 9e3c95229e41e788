"""Ask a store what people ask, and see which place the wanted answer has."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from diptych import FileRecord, SearchHit, Store

EVERYDAY = os.path.join(os.path.dirname(__file__), "everyday.txt")
PLACES = 10
DESCRIBED = 600
_SENTENCE = re.compile(r"\.(?:\s|\Z)|\n\s*\n")
_TESTS = re.compile(r"(?:^|/)(?:tests?|idle_test|[a-z]*_test)/|(?:^|/)test_")
_WORD = re.compile(r"[A-Za-z]{3,}")


class Question(NamedTuple):
    """A query, and the definitions that answer it, each as `path:Container.name`."""

    query: str
    wanted: tuple[str, ...]


class Answer(NamedTuple):
    """What a question found. `place` counts from 1; 0: not among the first ten."""

    question: Question
    place: int
    first: str


def everyday(path: str = EVERYDAY) -> list[Question]:
    """The questions of a file, one a line."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    questions = []
    for line in lines:
        if line and not line.startswith("#"):
            query, _, wanted = line.partition(" = ")
            questions.append(Question(query, tuple(wanted.split(" or "))))
    return questions


def described(records: Iterable[FileRecord], seed: int = 1) -> list[Question]:
    """Public definitions outside of tests by the first sentence of their documentation: 600 by `seed`."""
    found = []
    for record in records:
        for symbol in record.symbols:
            if symbol.name.startswith("_") or _TESTS.search(record.path):
                continue
            sentence = " ".join(_SENTENCE.split(symbol.documentation.strip(), maxsplit=1)[0].split())
            if len(_WORD.findall(sentence)) >= 4:
                found.append(Question(sentence, (place_of(record.path, symbol.container, symbol.name),)))
    return random.Random(seed).sample(found, min(DESCRIBED, len(found)))


def ask(store: Store, questions: Iterable[Question], *, plain: bool = False) -> Iterator[Answer]:
    """Each question's answer."""
    for question in questions:
        hits = list(map(_place, store.search(question.query, limit=PLACES, plain=plain)))
        places = [number for number, place in enumerate(hits, 1) if place in question.wanted]
        yield Answer(question, places[0] if places else 0, hits[0] if hits else "nothing")


def place_of(path: str, container: str, name: str) -> str:
    """A definition in one line."""
    return f"{path}:{container}.{name}" if container else f"{path}:{name}"


def _place(hit: SearchHit) -> str:
    return place_of(hit.path, hit.symbol.container, hit.symbol.name)


def first_share(answers: list[Answer]) -> float:
    """The share of the questions whose answer comes first."""
    return sum(answer.place == 1 for answer in answers) / len(answers)


def reciprocal_rank(answers: list[Answer]) -> float:
    """The mean of 1 / place, 0 beyond the first ten."""
    return sum(1 / answer.place for answer in answers if answer.place) / len(answers)
