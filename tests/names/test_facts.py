"""The names part of a record: bytes that say what they said, and bytes that say nothing."""

from __future__ import annotations

import zlib

import msgpack
import pytest

from diptych import CorruptionError, FileRecord
from diptych.indexer.parse import record_of, rows_of
from diptych.names.facts import VERSION, Binding, FileFacts, Scope, pack_facts, unpack_facts
from diptych.names.source import Names
from diptych.schema.code import CODE

FACTS = FileFacts(
    (Scope(0, -1, (0, 0), (9, 0)), Scope(1, 0, (1, 0), (5, 2), "C", (1, 6), ("Base", "m.Other"))),
    (Binding("C", 0, (1, 6), 1, "", 1), Binding("x\udcff", 1, (2, 4), 0, ":int")),
    ((0, ".star"),),
    ("C",),
)


def test_facts_come_back_as_they_were() -> None:
    assert unpack_facts(pack_facts(FACTS)) == FACTS


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (0, 1, 3, 2, 4), (0, 4, 1, 2, 3)])
def test_the_innermost_scope_is_found_in_any_order(order: tuple[int, ...]) -> None:
    spans = [((0, 0), (9, 0)), ((1, 0), (6, 0)), ((2, 4), (3, 0)), ((4, 4), (5, 8)), ((7, 0), (8, 0))]
    scopes = tuple(Scope(2, 0, *spans[one]) for one in order)
    names = Names("a.py", "python", FileFacts(scopes, ()))
    for place in [(row, column) for row in range(11) for column in (0, 5)]:
        around = [number for number, one in enumerate(scopes) if one.start <= place < one.end]
        assert names.innermost(place) == (around[-1] if around else 0)


def test_a_part_of_another_version_is_ignored() -> None:
    assert unpack_facts(b"") is None
    assert unpack_facts(bytes((VERSION + 1,)) + pack_facts(FACTS)[1:]) is None


def test_every_cut_and_every_changed_byte_is_an_error_or_valid_facts() -> None:
    part = pack_facts(FACTS)
    for end in range(1, len(part)):
        with pytest.raises(ValueError, match=r"names part|scope|binding"):
            unpack_facts(part[:end])
    for index in range(1, len(part)):
        changed = part[:index] + bytes((part[index] ^ 0x15,)) + part[index + 1 :]
        try:
            found = unpack_facts(changed)
        except ValueError:
            continue
        assert isinstance(found, FileFacts)


@pytest.mark.parametrize(
    "body",
    [
        [],
        [[], [], [], None, False],
        [[(0, 0, 0, 0, 0, 0, "", 0, 0, (), "", ())], [], [], None, False],
        [[(0, -1, 0, 0, 0, 0, "", 0, 0, (), "", ())], [("x", 7, 0, 0, 0, "", -1)], [], None, False],
        "text",
    ],
)
def test_facts_that_make_no_sense_are_an_error(body: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_facts(bytes((VERSION,)) + zlib.compress(msgpack.packb(body)))


def test_a_part_that_grows_without_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        unpack_facts(bytes((VERSION,)) + zlib.compress(b"\xc0" * (70 * 1024 * 1024)))


def test_a_record_with_names_comes_back_and_one_without_is_as_before() -> None:
    record = record_of("a.py", "python", b"class A:\n    def f(self): return 1\n")
    assert record.names
    assert CODE.unpack(b"a.py", CODE.pack(record)) == record
    bare = FileRecord(*record[:5])
    payload = CODE.pack(bare)
    assert len(CODE.pack(record)) == len(payload) + len(record.names)
    assert CODE.unpack(b"a.py", payload).names == b""
    assert CODE.names_part(payload) == (record.content_hash, "python", b"")
    assert CODE.names_part(CODE.pack(record)) == (record.content_hash, "python", record.names)


def test_names_change_neither_terms_nor_documents() -> None:
    record = record_of("a.py", "python", b"class A(B):\n    def f(self): return g()\n")
    with_names, without = CODE.pack(record), CODE.pack(FileRecord(*record[:5]))
    assert CODE.project(b"a.py", with_names) == CODE.project(b"a.py", without)
    assert CODE.counts(with_names) == CODE.counts(without)


def test_a_cut_payload_is_corruption() -> None:
    payload = CODE.pack(record_of("a.py", "python", b"x = 1\n"))
    with pytest.raises(CorruptionError):
        CODE.names_part(payload[:-3])


def test_facts_of_an_indexed_file_are_those_that_other_files_see() -> None:
    source = (
        b"import os\nclass A(Base):\n    x = 1\n    def f(self, p: int):\n        y = 2\n        self.z = p\n"
    )
    facts = unpack_facts(rows_of("python", source)[4])
    assert facts is not None
    named = {(one.name, facts.scopes[one.scope].name, one.shape) for one in facts.bindings}
    assert named == {
        ("os", "", "<os"),
        ("A", "", ""),
        ("x", "A", "!int"),
        ("f", "A", ""),
        ("z", "A", ":int"),
    }
    assert facts.scopes[1].bases == ("Base",)
