"""How a name is like what a person typed."""

from __future__ import annotations

import pytest

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


def test_a_long_text_is_compared_to_its_end() -> None:
    assert Typed("x" * 5_000).likeness("X" * 5_000) == SAME_LETTERS
    assert Typed("x" * 5_000).likeness("x" * 4_999) is None
