"""The tree of errors is the one drawn in the docstring of `diptych.errors`."""

from __future__ import annotations

import builtins
import re

import pytest

from diptych import errors

_LINE = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+Error)(?P<rest>.*)$")


def drawn() -> dict[str, tuple[str | None, set[str]]]:
    """Each class of the drawing, with its parent in it and the built-in classes in parentheses."""
    tree: dict[str, tuple[str | None, set[str]]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 4
        del above[depth:]
        also = re.match(r"\s+\(([\w, ]+)\)", found["rest"])
        tree[found["name"]] = (above[-1] if above else None, set(also[1].split(", ")) if also else set())
        above.append(found["name"])
    return tree


CLASSES = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}


def test_the_drawing_has_every_class() -> None:
    assert set(drawn()) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_parents_are_as_drawn(name: str) -> None:
    parent, also = drawn()[name]
    bases = {base.__name__ for base in CLASSES[name].__bases__}
    expected = ({parent} if parent else {"Exception"}) | also
    # A built-in base may be named at the root of a branch alone.
    assert bases == expected
    assert all(issubclass(CLASSES[name], getattr(builtins, base)) for base in also)


@pytest.mark.parametrize("name", CLASSES)
def test_each_carries_message_and_advice(name: str) -> None:
    error = CLASSES[name]("it is so", advice="do this")
    assert (str(error), error.message, error.advice) == ("it is so", "it is so", "do this")
    assert CLASSES[name]("it is so").advice == ""


def test_what_the_caller_would_catch() -> None:
    locked = errors.StoreLockedError("x", pid=7)
    assert locked.pid == 7
    assert errors.CorruptJournalError("x", where="a.wal@64").where == "a.wal@64"
    full = errors.StorageFullError("x", errno=28)
    assert isinstance(full, OSError)
    assert full.errno == 28
    assert isinstance(errors.UnknownFileError("x"), KeyError)
