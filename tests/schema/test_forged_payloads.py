"""Payloads that nobody packed: what a projection takes, a whole read and look-ups agree on.

A projection is made of all that is indexed, and when a store is verified.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych import FileRecord, Range, Relation, Symbol
from diptych.errors import CorruptionError
from diptych.schema.code import CODE
from diptych.schema.code_tables import HEAD, LITERALS, SOURCES, SOURCES_AT, Tables, is_packed

KEY = b"a.py"
LONG = "a" * 40


def _symbol(
    name: str, kind: str, line: int, container: str, signature: str, documentation: str = ""
) -> Symbol:
    named = Range(line, 4, line, 4 + len(name.encode()))
    return Symbol(name, kind, Range(line, 0, line + 2, 5), container, signature, documentation, named)


RECORD = FileRecord(
    "a.py",
    "abc",
    "python",
    (
        _symbol("foo", "function", 1, "", "def foo(a)", "documented"),
        _symbol("bar", "method", 3, "foo", "def bar()"),
        _symbol("bar", "method", 6, "foo", "def bar()"),
        _symbol("Ünï", "zork", 9, LONG, "another signature"),
    ),
    (
        Relation("calls", "foo", "print", Range(2, 4, 2, 9)),
        Relation("calls", "foo.bar", "x.y", Range(4, 1, 5, 2)),
        Relation("other", "", "x.y", Range(4, 1, 4, 4)),
        Relation("calls", f"{LONG}.Ünï", "print", Range(10, 1, 10, 6)),
        Relation("imports", "text", "os", Range(0, 1, 0, 3)),
    ),
    b"names",
)


def _older(version: int) -> bytes:
    symbols = []
    for name, kind, (a, b, c, d), container, signature, documentation, (e, f, _, h) in RECORD.symbols:
        place = (a, b, c, d) if version == 1 else (a, b, c, d, e - a, f, h - f)
        symbols.append((name, kind, place, container, signature, documentation))
    fields: list[Any] = [RECORD.content_hash, RECORD.language, symbols, [tuple(r) for r in RECORD.relations]]
    return bytes(msgpack.packb(fields if version == 1 else [*fields, RECORD.names]))


PAYLOADS = {1: _older(1), 2: _older(2), 3: CODE.pack(RECORD)}
TELLING = (0, 1, 2, 3, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC3, 0xCA, 0xCC, 0xFF)


def answer(method: Callable[..., Any], *arguments: object) -> Any:
    """None where it is refused. Any other error fails the test."""
    try:
        return method(*arguments)
    except CorruptionError:
        return None


def require_agreement(payload: bytes) -> bool:
    """Whether a projection takes it; then the others must say the same."""
    record, projection = answer(CODE.unpack, KEY, payload), answer(CODE.project, KEY, payload)
    if projection is None:
        return False
    assert record is not None
    counts, (names, targets), _ = projection
    symbols = CODE.symbols(payload)
    assert tuple(symbol for symbol, _ in symbols) == record.symbols
    assert tuple(counts) == tuple(CODE.counts(payload)) == (len(record.symbols), len(record.relations))
    assert [list(terms) for terms in CODE.terms(payload)] == [list(names), list(targets)]
    found = [CODE.matches(0, name, KEY, payload, [item]) for name, item in names]
    assert [(hit.symbol, hit.occurrence) for [hit] in found] == symbols
    assert [CODE.item(KEY, payload, item)[1:] for _, item in names] == symbols
    found = [CODE.matches(1, target, KEY, payload, [item]) for target, item in targets]
    assert tuple(hit.relation for [hit] in found) == record.relations
    return True


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(PAYLOADS[draw(st.sampled_from(sorted(PAYLOADS)))])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["value", "value", "bit", "cut", "more", "copy"])):
            case "value":
                data[at] = draw(st.sampled_from(TELLING) | st.integers(0, 255))
            case "bit":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + 1]
            case "more":
                data.insert(at, draw(st.integers(0, 255)))
            case "copy":
                begin = draw(st.integers(0, len(data) - 1))
                data[at : at + 3] = data[begin : begin + 3]
    return bytes(data)


@pytest.mark.parametrize("version", PAYLOADS)
def test_what_is_not_forged_is_taken(version: int) -> None:
    assert is_packed(PAYLOADS[version]) == (version == 3)
    assert require_agreement(PAYLOADS[version])


@settings(max_examples=1_500, deadline=None)
@given(mutated())
def test_a_forged_payload_is_refused_or_read_alike(payload: bytes) -> None:
    require_agreement(payload)


def test_a_source_must_be_where_its_symbol_is() -> None:
    """A look-up reads its name by the offset, a whole read by the number."""
    payload = bytearray(PAYLOADS[3])
    tables = Tables(PAYLOADS[3])
    numbers, offsets, _ = tables.columns(SOURCES)
    row = tables.rows[SOURCES]
    literals = tables.count(LITERALS)
    [one, other] = [at for at, number in enumerate(numbers) if number >= literals][:2]
    begin = HEAD.unpack_from(payload)[SOURCES_AT]
    values = [*row.unpack_from(payload, begin + one * row.size)]
    values[1] = offsets[other]
    row.pack_into(payload, begin + one * row.size, *values)
    assert not require_agreement(bytes(payload))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("field", range(6))
def test_a_field_of_a_symbol_of_another_type(version: int, field: int) -> None:
    fields = msgpack.unpackb(PAYLOADS[version])
    fields[2][0][field] = 7
    assert not require_agreement(bytes(msgpack.packb(fields)))
