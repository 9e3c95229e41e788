"""Columns in bytes and in an editor's units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.serving.lsp.positions import Encoding, chosen, column_of, units_of
from diptych.serving.lsp.uris import path_of, uri_of

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
LETTERS = st.text(
    st.characters(exclude_characters="\n", exclude_categories=("Cs",)) | st.sampled_from("aé漢😀")
)


def units(text: str, encoding: Encoding) -> int:
    """How many units Python's own codecs make of a text."""
    sizes = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
    codec, size = sizes[encoding]
    return len(text.encode(codec)) // size


@given(before=LETTERS, after=LETTERS, encoding=st.sampled_from(ENCODINGS))
def test_columns_are_those_of_the_codecs(before: str, after: str, encoding: Encoding) -> None:
    line, column = (before + after).encode(), len(before.encode())
    assert units_of(line, column, encoding) == units(before, encoding)
    assert column_of(line, units(before, encoding), encoding) == column


@given(line=st.binary(), column=st.integers(0, 60), encoding=st.sampled_from(ENCODINGS))
def test_any_bytes_and_any_column_have_a_place_in_the_line(
    line: bytes, column: int, encoding: Encoding
) -> None:
    at = column_of(line, column, encoding)
    assert 0 <= at <= len(line)
    assert units_of(line, at, encoding) <= max(column, 0)
    assert column_of(line, units_of(line, at, encoding), encoding) == at


def test_within_a_character_is_its_beginning() -> None:
    line = "a😀b".encode()
    assert [column_of(line, units, "utf-16") for units in range(6)] == [0, 1, 1, 5, 6, 6]
    assert [column_of(line, units, "utf-8") for units in range(7)] == [0, 1, 1, 1, 1, 5, 6]


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (None, "utf-16"),
        ([], "utf-16"),
        (["utf-16", "utf-8"], "utf-8"),
        (["utf-16", "utf-32"], "utf-32"),
        (["ebcdic"], "utf-16"),
    ],
)
def test_the_cheapest_encoding_that_is_offered_is_taken(offered: list[str] | None, taken: str) -> None:
    assert chosen(offered) == taken


@given(name=st.binary(min_size=1).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_paths_come_back_from_their_uris(name: bytes) -> None:
    import os

    path = os.path.normpath(os.path.join("/folder", os.fsdecode(name)))
    assert path_of(uri_of(path)) == path


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "untitled:1",
        "http://x/y",
        "file://elsewhere/x",
        "file:relative",
        "file:///a%00b",
        "file://[",
        "\0",
    ],
)
def test_what_is_no_file_of_this_machine_has_no_path(uri: str) -> None:
    assert path_of(uri) is None
