"""What the resolver is told where records and files disagree."""

from __future__ import annotations

from pathlib import Path

from tests.names.asking import asking

from diptych import FileRecord, Store
from diptych.serving.answers import definition
from diptych.serving.empty import NoRecords
from diptych.serving.files import Files
from diptych.serving.source import StoreSource

FILES = {"lib.py": "def work(): pass\n", "main.py": "from lib import work\nwork()\n"}


def test_a_file_that_has_changed_is_parsed_as_it_is_now(tmp_path: Path) -> None:
    with asking(tmp_path, FILES) as ask:
        assert ask.first("main.py", "\n@work") == "lib.py:1 exact"
        (tmp_path / "lib.py").write_text("\n\n\ndef work(): pass\n")
        assert ask.first("main.py", "\n@work") == "lib.py:4 exact"


def test_a_file_that_is_gone_defines_nothing(tmp_path: Path) -> None:
    with asking(tmp_path, FILES) as ask:
        (tmp_path / "lib.py").unlink()
        assert ask.first("main.py", "\n@work") == "main.py:1 exact"


def test_a_record_without_a_names_part_or_with_a_bad_one_is_parsed(tmp_path: Path) -> None:
    with asking(tmp_path, FILES) as ask:
        record = ask.source.view.file("lib.py")
    assert record is not None
    for part in (b"", b"\x01garbage", b"\x63of a later version"):
        with Store.open(tmp_path / ".diptych") as store:
            with store.transaction() as txn:
                txn.index_file(FileRecord(*record[:5], part))
            files = Files(str(tmp_path))
            with store.view() as view:
                (found,) = definition(StoreSource(view, files), "main.py", 1, 0).definitions
            files.close()
        assert (found.path, found.row, found.evidence) == ("lib.py", 0, "exact")


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("def work(): pass\n")
    root = tmp_path / "root"
    root.mkdir()
    with asking(root, FILES) as ask:
        (root / "lib.py").unlink()
        (root / "lib.py").symlink_to(outside)
        assert ask.first("main.py", "\n@work") == "main.py:1 exact"


def test_nothing_is_carried_over_from_a_store_that_was_made_again(tmp_path: Path) -> None:
    # Both are at LSN 1.
    paths = {"first": "src/old.py", "second": "src/fresh.py"}
    source = StoreSource(NoRecords(), None)
    for name, path in paths.items():
        (tmp_path / name).mkdir()
        with asking(tmp_path / name, {path: "import helper\n"}) as ask:
            source.move_to(ask.source.view)
            assert ask.source.view.lsn == 1
            assert list(source.files_in("src")) == [path]
            assert source.importers_of(["helper"]) == {path}
        source.move_to(NoRecords())


def test_whether_a_text_is_ascii_is_known_as_it_is_now(tmp_path: Path) -> None:
    files = Files(str(tmp_path))
    shifted = "# coding: utf-7\nname = '日本'\n".encode("utf-7")
    for data in (b"x = 1\n", "é = 1\n".encode(), b"# coding: latin-1\nx = '\xe9'\n", shifted):
        (tmp_path / "a.py").write_bytes(data)
        files.begin()
        text = files.bytes_of("a.py")
        assert text is not None and files.is_ascii("a.py") == text.isascii()
    assert not files.is_ascii("gone.py")
    files.close()
