"""The strings in a packed value are found whatever it is, as by a walk through each of its parts."""

from __future__ import annotations

import zlib
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.artifact.strings import strings_in

_ROWS = st.integers(0, 4).flatmap(
    lambda width: st.lists(
        st.tuples(*[st.one_of(st.text(max_size=3), st.integers(0, 9)) for _ in range(width)]), max_size=40
    )
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=3), _ROWS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=20), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=60,
)


def walked(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    return set().union(*map(walked, value)) if isinstance(value, list | tuple) else set()


@given(_VALUES)
def test_every_string_of_a_value_is_found(value: Any) -> None:
    assert strings_in(value) == walked(value)
    packed = msgpack.packb([value])
    assert strings_in(packed) == walked(value)
    assert strings_in([1, b"\x01" + zlib.compress(packed)]) == walked(value)


@pytest.mark.parametrize("many", [1, 40])
def test_extension_types_are_looked_into(many: int) -> None:
    extension = msgpack.ExtType(5, msgpack.packb(["inner"]))
    for value in (extension, [1, extension], {"a": extension}):
        assert "inner" in strings_in(msgpack.packb([value] * many))
        assert "inner" in strings_in((bytearray(msgpack.packb(value)),) * many)


@pytest.mark.parametrize("depth", [31, 64, 400])
def test_what_is_nested_deep_is_found(depth: int) -> None:
    value: Any = "inner"
    for _ in range(depth):
        value = [value]
    assert strings_in(msgpack.packb(value)) == {"inner"}


def test_bytes_that_pack_nothing_are_a_string() -> None:
    assert strings_in(b"\xc1 text \xff") == {"\ufffd text \ufffd"}
