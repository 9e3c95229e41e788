"""Imports: what they store, what they refuse, and what is answered from it until a file changes."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgpack
import pytest
from tests.names.asking import Asking, asking
from tests.support.scip import Row, document_bytes, index_bytes

from diptych.errors import CorruptionError, NotAStoreError
from diptych.fs import Beneath
from diptych.schema.precise import PRECISE
from diptych.serving import files
from diptych.serving.files import Files
from diptych.serving.precise import precise_path, refuse_link
from diptych.serving.scip import importing
from diptych.serving.scip.errors import ScipError
from diptych.serving.scip.importing import Imported, import_index
from diptych.store.store import RecordStore

FILES = {
    "parser.py": "class Parser:\n    def parse(self, text):\n        return text\n\n\n"
    "def make():\n    return Parser()\n",
    "main.py": "import parser\n\nmade = parser.make()\nmade.parse('')\nother = made\nother.parse('')\n",
}
MODULE, PARSER = "scip-test python app 1 parser/__init__:", "scip-test python app 1 parser/Parser#"
PARSE, MAKE = f"{PARSER}parse().", "scip-test python app 1 parser/make()."
MADE = "scip-test python app 1 main/made."
DEFINED: list[Row] = [
    ([0, 0, 0], MODULE, 1),
    ([0, 6, 12], PARSER, 1),
    ([1, 8, 13], PARSE, 1),
    ([1, 20, 24], "local 0", 1),
    ([2, 15, 19], "local 0", 8),
    ([5, 4, 8], MAKE, 1),
    ([6, 11, 17], PARSER, 8),
]
USED: list[Row] = [
    ([0, 7, 13], MODULE, 2),
    ([2, 0, 4], MADE, 1),
    ([2, 7, 13], MODULE, 8),
    ([2, 14, 18], MAKE, 8),
    ([3, 0, 4], MADE, 8),
    ([3, 5, 10], PARSE, 8),
    ([5, 6, 11], PARSE, 8),
]
INDEX = index_bytes(document_bytes("parser.py", DEFINED), document_bytes("main.py", USED))


def imported(root: Path, data: bytes, prefix: str | None = None) -> Imported:
    opened = Files(str(root))
    with RecordStore.open_with(precise_path(str(root / ".diptych")), PRECISE) as store:
        try:
            return import_index(BytesIO(data), "index.scip", opened, store, prefix=prefix)
        finally:
            opened.close()


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asking]:
    with asking(tmp_path, FILES) as found:
        yield found


def test_answers_are_precise_for_files_that_have_not_changed(asked: Asking) -> None:
    assert asked.first("main.py", "other.@parse('')") == "parser.py:2 inferred"
    done = imported(asked.root, INDEX)
    assert (done.producer, done.documents, done.occurrences, done.refused) == ("scip-test 1", 2, 14, ())
    found = asked.definition("main.py", "other.@parse('')")
    assert [
        (one.path, one.row, one.column, one.kind, one.name, one.evidence) for one in found.definitions
    ] == [("parser.py", 1, 8, "method", "Parser.parse", "precise")]
    assert (found.name, found.place) == ("parse", (5, 6))
    assert found.definitions[0].text == "def parse(self, text):"
    assert asked.lines("parser.py", "return @text") == ["parser.py:2 precise"]
    assert asked.lines("main.py", "import @parser") == ["parser.py:1 precise"]
    assert [one.kind for one in asked.definition("main.py", "import @parser").definitions] == ["module"]
    # What the index says nothing of is ours to answer.
    assert asked.lines("main.py", "@other = made") == ["main.py:5 exact"]


def test_references_are_precise_and_ours_where_nothing_was_imported(tmp_path: Path) -> None:
    extra = "import parser\n\nparser.make().parse('')\n"
    with asking(tmp_path, {**FILES, "extra.py": extra}) as asked:
        imported(tmp_path, INDEX)
        found = asked.references("parser.py", "def @parse")
        lines = [(one.path, one.row + 1, one.role, one.evidence) for one in found.references]
        assert lines == [
            ("parser.py", 2, "definition", "precise"),
            ("main.py", 4, "use", "precise"),
            ("main.py", 6, "use", "precise"),
            ("extra.py", 3, "use", "inferred"),
        ]
        local = asked.references("parser.py", "return @text").references
        assert [one.role for one in local] == ["definition", "use"]


def test_once_a_file_has_changed_ours_takes_over(asked: Asking) -> None:
    imported(asked.root, INDEX)
    (asked.root / "main.py").write_text("# moved\n" + FILES["main.py"])
    assert asked.lines("main.py", "other.@parse('')") == ["parser.py:2 inferred"]
    assert {one.evidence for one in asked.references("parser.py", "def @parse").references} == {
        "precise",
        "inferred",
    }
    # Written back, it is the file that was imported.
    (asked.root / "main.py").write_text(FILES["main.py"])
    assert asked.lines("main.py", "other.@parse('')") == ["parser.py:2 precise"]
    # A definition in a file that has changed is where that says it is now.
    (asked.root / "parser.py").write_text("\n" + FILES["parser.py"])
    assert asked.lines("main.py", "other.@parse('')") == ["parser.py:3 inferred"]
    (asked.root / "parser.py").unlink()
    assert asked.lines("main.py", "other.@parse('')") == []


def test_documents_of_other_texts_are_refused_and_named_and_the_rest_is_imported(asked: Asking) -> None:
    (asked.root / "main.py").write_text("# moved\n" + FILES["main.py"])
    gone = document_bytes("gone.py", [([0, 0, 1], "local 0", 1)])
    outside = document_bytes("../secret.py", [([0, 0, 1], "local 0", 1)])
    bad = document_bytes("parser.py", [([0, 6, 12], "no symbol", 1)])
    done = imported(asked.root, INDEX + index_bytes(gone, outside, bad))
    assert done.documents == 1
    assert [one.path for one in done.refused] == ["main.py", "gone.py", "../secret.py", "parser.py"]
    reasons = [one.reason for one in done.refused]
    assert "names are not where it says" in reasons[0]
    assert reasons[1] == "there is no such file, or it cannot be read"
    assert "`..` component" in reasons[2]
    assert "no scheme and package" in reasons[3]
    assert asked.lines("parser.py", "return @text") == ["parser.py:2 precise"]


def test_a_second_document_of_one_file_is_refused(asked: Asking) -> None:
    done = imported(asked.root, INDEX + index_bytes(document_bytes("main.py", USED[:1])))
    assert (done.documents, done.refused) == (
        2,
        (("main.py", "the index has another document of it before"),),
    )
    assert asked.lines("main.py", "other.@parse('')") == ["parser.py:2 precise"]


def test_a_link_in_place_of_the_precise_answers_is_not_followed(asked: Asking, tmp_path: Path) -> None:
    imported(asked.root, INDEX)
    folder = Path(precise_path(str(asked.root / ".diptych")))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert asked.lines("main.py", "other.@parse('')") != ["parser.py:2 precise"]
    with pytest.raises(NotAStoreError, match="symbolic link"):
        refuse_link(str(folder))


@pytest.mark.parametrize("root", ["file:///a%00b", "file://[bad/x", "file://" + "/a" * 10_000, "no url"])
def test_a_project_root_that_is_none_is_the_folder_of_the_files(asked: Asking, root: str) -> None:
    assert imported(asked.root, index_bytes(document_bytes("parser.py", DEFINED), root=root)).documents == 1


def test_documents_without_occurrences_are_committed_as_well(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_COMMIT_BYTES", 1)
    with pytest.raises(ScipError, match="ends within a field"):
        imported(asked.root, index_bytes(document_bytes("main.py", [])) + INDEX[:-3])
    with RecordStore.open_with(precise_path(str(asked.root / ".diptych")), PRECISE, read_only=True) as store:
        assert store.lsn == 2


def test_a_file_that_changes_during_its_import_has_no_precise_answers(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = files.read_regular

    def read_and_changed(tree: Beneath, path: str, most_bytes: int) -> bytes:
        data = read(tree, path, most_bytes)
        (asked.root / "parser.py").write_text(FILES["parser.py"].replace("text", "word"))
        return data

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_regular", read_and_changed)
        assert imported(asked.root, index_bytes(document_bytes("parser.py", DEFINED))).documents == 1
    assert asked.lines("parser.py", "return @word") == ["parser.py:2 exact"]


def test_what_was_committed_before_the_end_of_a_cut_off_file_stays(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_COMMIT_OCCURRENCES", 1)
    with pytest.raises(ScipError, match="ends within a field"):
        imported(asked.root, INDEX[:-3])
    assert asked.lines("parser.py", "return @text") == ["parser.py:2 precise"]


@pytest.mark.parametrize("by", ["project root", "prefix"])
def test_paths_are_relative_to_the_project_root_or_to_the_folder_given(tmp_path: Path, by: str) -> None:
    with asking(tmp_path, {f"sub dir/{path}": text for path, text in FILES.items()}) as asked:
        documents = document_bytes("parser.py", DEFINED), document_bytes("main.py", USED)
        root = (tmp_path / "sub dir").as_uri() if by == "project root" else ""
        done = imported(tmp_path, index_bytes(*documents, root=root), "sub dir" if by == "prefix" else None)
        assert (done.documents, done.refused) == (2, ())
        assert asked.first("sub dir/main.py", "other.@parse('')") == "sub dir/parser.py:2 precise"


def test_a_store_of_precise_answers_that_cannot_be_read_leaves_ours(
    asked: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    imported(asked.root, INDEX)
    identity = Path(precise_path(str(asked.root / ".diptych"))) / "IDENTITY"
    identity.write_bytes(b"damage" + identity.read_bytes())
    for generation in (identity.parent / "generations").iterdir():
        generation.write_bytes(b"damage")
    assert asked.lines("main.py", "other.@parse('')") == ["parser.py:2 inferred"]
    assert "there are no precise answers" in caplog.text


def test_packages_of_one_name_in_one_repository_have_their_own_symbols(tmp_path: Path) -> None:
    parser, main = FILES["parser.py"], FILES["main.py"]
    tree = {
        "one/parser.py": parser,
        "one/main.py": main,
        "two/parser.py": "# Another.\n" + parser,
        "two/main.py": main,
        "three/main.py": main,
    }
    below = [([row + 1, *rest], symbol, roles) for (row, *rest), symbol, roles in DEFINED]
    used = document_bytes("main.py", USED)
    with asking(tmp_path, tree) as asked:
        imported(asked.root, index_bytes(document_bytes("parser.py", DEFINED), used), "one")
        imported(asked.root, index_bytes(document_bytes("parser.py", below), used), "two")
        imported(asked.root, index_bytes(used), "three")
        assert asked.lines("one/main.py", "other.@parse('')") == ["one/parser.py:2 precise"]
        assert asked.lines("two/main.py", "other.@parse('')") == ["two/parser.py:3 precise"]
        # What defines none may be of either.
        assert asked.lines("three/main.py", "other.@parse('')") == [
            "one/parser.py:2 precise",
            "two/parser.py:3 precise",
        ]
        used_by_all = [f"three/main.py:{line} use" for line in (4, 6)]
        for own, line in (("one", 2), ("two", 3)):
            uses = asked.uses(f"{own}/parser.py", "def @parse")
            used_by_own = [f"{own}/main.py:{row} use" for row in (4, 6)]
            assert uses == [f"{own}/parser.py:{line} definition", *sorted(used_by_own + used_by_all)]


def test_a_record_of_the_first_version_is_read(tmp_path: Path) -> None:
    with asking(tmp_path, FILES) as asked:
        imported(asked.root, INDEX)
        with RecordStore.open_with(precise_path(str(tmp_path / ".diptych")), PRECISE) as store:
            record = store.get("parser.py")
    assert record is not None
    payload = PRECISE.pack(record)
    values = msgpack.unpackb(payload)
    older = bytes(msgpack.packb(values[:-1]))
    assert PRECISE.upgrade(1, older) == payload
    assert PRECISE.terms(PRECISE.upgrade(1, older)) == PRECISE.terms(payload)
    for broken in (b"", b"\x95" + older[1:], payload):
        with pytest.raises(CorruptionError, match="version 1"):
            PRECISE.upgrade(1, broken)
