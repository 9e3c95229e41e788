"""Names of a segment by how they are typed, held against a look at each."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from diptych.search.names import alike
from diptych.search.typed import BEGINS_IN_ANY_CASE, Typed
from diptych.segment.names import names_of_terms

NAMES = st.text("aAbBzZ_1$ é\n\0É😀", max_size=8)


@given(st.sets(NAMES, max_size=30), NAMES.filter(alike))
def test_the_same_names_as_one_by_one(names: set[str], text: str) -> None:
    typed = Typed(text)
    made = names_of_terms({name.encode(): 1 for name in names})
    begin = {name for name in names if alike(name).startswith(typed.plain)}
    like = {name for name in names if _has_letters(alike(name), typed.plain)}
    # Twice: what is made of one letter is kept.
    for _ in range(2):
        letter = made.of_letter(typed.plain[0])
        assert Counter(letter.beginning(typed)) == Counter(name.encode() for name in begin)
        assert Counter(letter.with_letters(typed)) == Counter(name.encode() for name in like)
    for name in names:
        likeness = typed.likeness(name)
        assert name not in like or likeness is not None
        assert (name in begin) == (likeness is not None and likeness <= BEGINS_IN_ANY_CASE)


@given(st.sets(NAMES, min_size=1, max_size=30))
def test_the_shortest_come_first(names: set[str]) -> None:
    made = names_of_terms({name.encode(): 1 for name in names})
    sizes = sorted(len(alike(name).encode()) for name in names if alike(name).startswith("a"))
    found = made.of_letter("a").beginning(Typed("a"))
    assert [len(alike(name.decode()).encode()) for name in found] == sizes


def test_bytes_that_do_not_decode_are_found_by_the_letters_beside_them() -> None:
    made = names_of_terms({b"par\xffse": 1, b"\xffother": 1, b"": 1, b"___": 1})
    assert list(made.of_letter("p").beginning(Typed("par"))) == [b"par\xffse"]
    assert list(made.of_letter("o").beginning(Typed("other"))) == [b"\xffother"]
    assert list(names_of_terms({}).of_letter("a").beginning(Typed("a"))) == []


def _has_letters(name: str, letters: str) -> bool:
    rest = iter(name)
    return name[:1] == letters[:1] and all(letter in rest for letter in letters)
