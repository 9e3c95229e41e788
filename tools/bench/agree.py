"""Comparing what the contestants answered: a figure beside a different answer is worth nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgpack

Answers = Mapping[str, Any]


class AnswersDifferError(Exception):
    """Two contestants answered one question differently: the row's figures are refused."""


def digest(value: Any) -> str:
    """A short name for a value made of tuples, lists, strings, bytes and numbers."""
    packed = msgpack.packb(value, unicode_errors="surrogateescape")
    return hashlib.blake2b(packed, digest_size=12).hexdigest()


def found(hits: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Hits in an order that does not depend on who found them."""
    return sorted(hits)


def require_agreement(answers: Mapping[str, Answers]) -> list[str]:
    """Check that every question has one answer; return the questions that at least two answered.

    `answers` maps a contestant to its answers by question; a question it lacks is not held against it.
    Raises AnswersDifferError, naming the question and who said what.
    """
    questions: dict[str, dict[str, Any]] = {}
    for contestant, given in answers.items():
        for question, answer in given.items():
            questions.setdefault(question, {})[contestant] = answer
    for question, given in questions.items():
        said: dict[Any, list[str]] = {}
        for contestant, answer in given.items():
            key = answer if isinstance(answer, (str, int, bool)) else digest(answer)
            said.setdefault(key, []).append(contestant)
        if len(said) > 1:
            sides = "; ".join(f"{', '.join(names)}: {answer}" for answer, names in said.items())
            raise AnswersDifferError(f"the answers to {question!r} differ ({sides})")
    return [question for question, given in questions.items() if len(given) > 1]


def require_search_is_right(
    contestant: str, query: tuple[str, ...], hits: list[tuple[str, Any]], *, matches: int, limit: int
) -> None:
    """Check a ranked answer, whose order each engine is free to choose, against a scan of the data.

    `matches` is how many symbols hold every term as a whole word: that many must come back, up to the
    limit, and each of those must hold every term. Raises AnswersDifferError.
    """
    if len(hits) < min(matches, limit):
        raise AnswersDifferError(
            f"{contestant} found {len(hits)} symbols for {' '.join(query)!r}; a scan finds {matches}"
        )
    if len(hits) > limit:
        raise AnswersDifferError(f"{contestant} returned {len(hits)} hits, over the limit of {limit}")
    if len({digest(hit) for hit in hits}) < len(hits):
        raise AnswersDifferError(f"{contestant} returned a symbol twice for {' '.join(query)!r}")
    for path, symbol in hits:
        text = " ".join((path, symbol[0], symbol[1], symbol[3], symbol[4], symbol[5])).lower()
        for term in query:
            if term not in text:
                raise AnswersDifferError(
                    f"{contestant} returned {symbol[0]} in {path}, which does not hold {term!r}"
                )
