"""Sources that are wrong, odd or huge: what can be made of them is, and nothing breaks."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from diptych import fs
from diptych.indexer import parse, text
from diptych.indexer.expand import expanded
from diptych.indexer.languages import LANGUAGES
from diptych.indexer.parse import packed, record_of, rows_of
from diptych.indexer.plan import Job
from diptych.model import FileRecord
from diptych.schema.code import CODE


def record(source: str | bytes, language: str = "python") -> FileRecord:
    return record_of("file", language, source.encode() if isinstance(source, str) else source)


def names(found: FileRecord) -> list[str]:
    return [symbol.name for symbol in found.symbols]


def test_syntax_errors_hide_nothing_but_what_they_spoil() -> None:
    found = record("def before(): pass\n\nx = = 3\nfor in in:\n\ndef after():\n    call()\n")
    assert {"before", "after"} <= set(names(found))
    assert "call" in [relation.target for relation in found.relations]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize(
    "source", [b"", b"\n", b"\xff\xfe\x00", b"\x00" * 100, b"}{)(" * 1000, b"\xef\xbb\xbf", "ünï🦀".encode()]
)
def test_any_bytes_give_a_record_that_packs(language: str, source: bytes) -> None:
    found_language, symbols, relations, _, part = rows_of(language, source)
    record = FileRecord("file", "", found_language, symbols, relations, part)
    assert CODE.unpack(b"file", packed(record)) == record


def test_a_name_of_a_megabyte_is_cut() -> None:
    name = "n" * 1_000_000
    found = record(f"def {name}():\n    {name}()\n    def inner(): pass\n")
    assert found.symbols[0].name == name[: text.NAME_MAX_CHARS]
    assert found.symbols[1].container == name[: text.NAME_MAX_CHARS]
    assert found.relations[0].target == name[: text.NAME_MAX_CHARS]
    assert len(found.symbols[0].signature) == text.SIGNATURE_MAX_CHARS


def test_definitions_nested_a_thousand_deep_keep_short_containers() -> None:
    depth = 1000
    source = (
        "".join(f"{' ' * level}def level_{level}():\n" for level in range(depth)) + " " * depth + "pass\n"
    )
    found = record(source)
    assert len(found.symbols) > 100
    assert max(len(symbol.container) for symbol in found.symbols) <= text.CONTAINER_MAX_CHARS


def test_a_very_long_line_is_read_to_its_end() -> None:
    found = record("x = [" + "f(1), " * 40_000 + "]\ndef last(): pass\n")
    assert len(found.relations) == 40_000
    assert found.relations[-1].range.start_column == 5 + 39_999 * 6
    assert names(found) == ["x", "last"]


def test_columns_count_bytes() -> None:
    found = record('é = "ü"; f(ö)\n')
    assert found.relations[0].range == (0, 11, 0, 12)
    assert found.symbols[0].name == "é"


def test_utf_16_with_a_mark_is_read_as_the_same_text() -> None:
    source = "def grüße():\n    '''Doc ü.'''\n"
    plain = record(source)
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        data = mark + source.encode(encoding)
        assert not text.is_binary(data)
        assert record(data).symbols == plain.symbols


def test_a_byte_order_mark_does_not_hide_the_first_line() -> None:
    assert names(record(b"\xef\xbb\xbfdef first(): pass\n")) == ["first"]


def test_bytes_that_are_not_utf_8_become_replacement_characters() -> None:
    found = record("def f():\n    'Größe'\n".encode("latin-1"))
    assert found.symbols[0].documentation == "Gr\ufffd\ufffde"


def test_windows_line_ends_are_no_part_of_documentation_or_signature() -> None:
    found = record("// One.\r\n// Two.\r\nint f(int a,\r\n      int b);\r\n", "c")
    assert found.symbols[0].documentation == "One.\nTwo."
    assert found.symbols[0].signature == "int f(int a, int b)"


def test_documentation_is_capped() -> None:
    found = record('def f():\n    """' + "word " * 10_000 + '"""\n')
    assert len(found.symbols[0].documentation) == text.DOCUMENTATION_MAX_CHARS


def test_a_comment_documents_only_what_is_right_below_it() -> None:
    source = "int a; // of a\nint b;\n\n/* far */\n\nint c;\n/* code */ int d;\nint e;\n// of f\nint f;\n"
    found = record(source, "c")
    assert {symbol.name: symbol.documentation for symbol in found.symbols} == {
        "a": "",
        "b": "",
        "c": "",
        "d": "",
        "e": "",
        "f": "of f",
    }


def test_an_attribute_on_a_definition_s_own_line_lends_its_comment_to_no_other() -> None:
    found = record("/// Of f.\n#[inline] fn f() {}\nfn g() {}\n", "rust")
    assert [(symbol.name, symbol.documentation) for symbol in found.symbols] == [("f", "Of f."), ("g", "")]


def test_a_comment_between_head_and_body_is_no_part_of_the_signature() -> None:
    found = record("def f(a='#', b=1):  # why\n    pass\nclass A(  # base\n    B):\n    pass\n")
    assert found.symbols[0].signature == "def f(a='#', b=1)"


def test_a_deep_use_tree_ends() -> None:
    assert len(expanded("use", b"a::{" * 500 + b"b" + b"}" * 500)) <= 2


def test_each_name_of_a_use_tree_is_imported() -> None:
    expected = ["a::b", "b", "a::d::e", "e", "a::d", "d", "a::*"]
    assert expanded("use", b"a::{b as c, d::{e, self}, *}") == expected
    assert expanded("use", b"a :: {\n  b as c ,\n  d::{ e, self }, * ,\n}") == expected


def test_binary_is_what_git_calls_binary() -> None:
    assert text.is_binary(b"a" * 8191 + b"\0")
    assert not text.is_binary(b"a" * 8192 + b"\0")
    assert not text.is_binary(b"")
    assert text.is_binary(codecs.BOM_UTF32_LE + b"a\0\0\0")


@pytest.mark.parametrize(
    "source",
    ["class A:\n", "def f():\n    # none\n", "def f():\n", "class A: 1, 'y'\n", "def f(): 'a' + g()\n"],
)
def test_a_body_without_a_statement_has_no_docstring(source: str) -> None:
    assert [symbol.documentation for symbol in record(source).symbols] in ([""], [])


def test_a_parser_that_raises_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(language: str, data: bytes) -> None:
        raise RuntimeError("in the parser")

    monkeypatch.setattr(parse, "rows_of", fail)
    (tmp_path / "a.py").write_text("x = 1\n")
    parsed = parse.parse(fs.Beneath(tmp_path), Job("a.py", "python", 6), 1000)
    assert (parsed.skipped, parsed.payload) == ("parser died", b"")


@pytest.mark.parametrize("encoding", ["latin-1", "iso8859-15", "cp1252", "koi8-r", "shift_jis"])
@pytest.mark.parametrize(
    "line", ["# -*- coding: {} -*-\n", "#!/usr/bin/python\n# vim: set fileencoding={} :\n"]
)
def test_python_is_read_in_the_encoding_that_it_declares(encoding: str, line: str) -> None:
    name = "naïve" if encoding not in ("koi8-r", "shift_jis") else "имя"
    source = line.format(encoding) + f"def {name}(): {name}()  # {name}\n"
    found = record(source.encode(encoding))
    assert names(found) == [name]
    assert [relation.target for relation in found.relations] == [name]
    assert found.symbols[0].name_range.end_column == 4 + len(name.encode())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "zip", "rot13", "idna", "punycode", "no-such", "utf-16", "undefined"]
)
def test_what_is_no_encoding_of_a_source_is_read_as_utf_8(encoding: str) -> None:
    assert names(record(f"# coding: {encoding}\ndef größe(): pass\n")) == ["größe"]


@pytest.mark.parametrize("language", ["python", "c", "javascript", "go"])
def test_a_name_next_to_an_invalid_byte_is_no_name(language: str) -> None:
    sources = {
        "python": "def café(): ünter()\ndef après(): pass\ndef plain(): hit()\n",
        "c": "int café(void) { ünter(); }\nint après;\nvoid plain(void) { hit(); }\n",
        "javascript": "function café() { ünter(); }\nvar après;\nfunction plain() { hit(); }\n",
        "go": "package p\nfunc café() { ünter() }\nvar après = 1\nfunc plain() { hit() }\n",
    }
    found = record(sources[language].encode("latin-1"), language)
    spoiled = {"caf", "apr", "s", "nter"}
    assert not spoiled & {*names(found), *(relation.target for relation in found.relations)}
    assert "plain" in names(found)


@pytest.mark.parametrize(
    ("source", "language", "size"),
    [
        ("def f(): pass\n", "python", 0),
        ("x = = 3\ndef f(): pass\n", "python", 1),
        ("int f( { return 1; }\n", "c", 1),
        ("function f() { return 1;\n", "javascript", 1),
        (")" * 1_000, "javascript", 1_000),
    ],
)
def test_the_bytes_in_syntax_errors_are_counted(source: str, language: str, size: int) -> None:
    counted = rows_of(language, source.encode())[3]
    assert (counted >= size) if size else counted == 0
    assert counted <= len(source)
