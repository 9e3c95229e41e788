"""How a name is like what a person typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.search.names import alike
from diptych.search.typed import (
    BEGINS,
    BEGINS_IN_ANY_CASE,
    EXACT,
    HUMPS,
    LETTERS_IN_ORDER,
    SAME_LETTERS,
    Typed,
)


@pytest.mark.parametrize(
    ("typed", "name", "likeness"),
    [
        ("parse", "parse", EXACT),
        ("get_user", "getUser", SAME_LETTERS),
        ("par", "parse", BEGINS),
        ("getu", "get_user_name", BEGINS_IN_ANY_CASE),
        ("par", "_Parser", BEGINS_IN_ANY_CASE),
        ("gUN", "getUserName", HUMPS),
        ("gUN", "get_user_name", HUMPS),
        ("g_u_n", "getUserName", HUMPS),
        ("gun", "getUserName", HUMPS),
        ("HS", "HTTPServer", HUMPS),
        ("HSrv", "HTTPServer", HUMPS),
        ("HSrv", "HTTPSuperServer", HUMPS),
        ("HTTPSer", "HTTP2Server", HUMPS),
        ("gUN", "gaming", None),
        ("prsr", "Parser", LETTERS_IN_ORDER),
        ("rsrp", "Parser", None),
        ("_", "_private", BEGINS),
        ("_", "public", None),
        ("((", "call", None),
        ("e", "École", LETTERS_IN_ORDER),
        ("éc", "École", BEGINS_IN_ANY_CASE),
    ],
)
def test_likeness(typed: str, name: str, likeness: int | None) -> None:
    assert Typed(typed).likeness(name) == likeness


@given(st.text("abAB_1", max_size=9), st.text("abAB_1", max_size=4))
def test_names_by_humps_have_the_letters_in_their_order(name: str, text: str) -> None:
    typed = Typed(text)
    if typed.has_humps and typed.is_by_humps(name.encode()):
        assert typed.letters.match(b"\n" + alike(name).encode())
        likeness = typed.likeness(name)
        assert likeness is not None and likeness <= HUMPS


def test_a_long_name_is_gone_through_once() -> None:
    # Letter by letter, with all that may lie between, it would take years.
    assert Typed("A" * 40 + "B").likeness("aA_" * 500) is None


def test_a_long_text_is_compared_to_its_end() -> None:
    assert Typed("x" * 5_000).likeness("X" * 5_000) == SAME_LETTERS
    assert Typed("x" * 5_000).likeness("x" * 4_999) is None
