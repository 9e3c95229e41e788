"""Reading commands on a small repository: what they print, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import diptych, document, text


def test_symbol_prints_place_kind_name_and_signature(indexed: Path) -> None:
    assert text("symbol", "parse", cwd=indexed).splitlines() == [
        "src/parser.py:14:5: function parse  def parse(path)",
        "src/parser.py:9:9: method HTTPServer.parse  def parse(self, text: str) -> list[str]",
    ]


def test_symbol_of_one_kind(indexed: Path) -> None:
    assert [hit["kind"] for hit in document("symbol", "parse", "--kind", "function", cwd=indexed)] == [
        "function"
    ]


def test_symbol_documents_carry_range_and_a_stable_id(indexed: Path, repository: Path) -> None:
    (hit,) = document("symbol", "HTTPServer", cwd=indexed)
    assert hit["path"] == "src/parser.py"
    assert hit["range"][:2] == [5, 0]
    assert hit["documentation"] == "Serves requests."
    (repository / "src/parser.py").write_text("\n\n" + (repository / "src/parser.py").read_text())
    diptych("index", cwd=repository)
    (moved,) = document("symbol", "HTTPServer", cwd=repository)
    assert moved["range"][:2] == [7, 0]
    assert moved["id"] == hit["id"]


def test_search_finds_a_word_inside_a_name_and_orders_by_score(indexed: Path) -> None:
    hits = document("search", "server OR requests", cwd=indexed)
    assert hits[0]["name"] == "HTTPServer"
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_search_joins_its_arguments_into_one_query(indexed: Path) -> None:
    found = {
        (hit["path"], hit["name"]) for hit in document("search", "parse", "AND", "kind:function", cwd=indexed)
    }
    assert found == {("src/parser.py", "parse")}


def test_search_limit(indexed: Path) -> None:
    assert len(text("search", "parse OR run OR server", "-n", "1", cwd=indexed).splitlines()) == 1


def test_refs_say_who_does_what(indexed: Path) -> None:
    assert (
        text("refs", "Base", "--kind", "extends", cwd=indexed)
        == "src/parser.py:6:18: HTTPServer extends Base\n"
    )
    calls = {
        (hit["path"], hit["source"]) for hit in document("refs", "parse", "--kind", "calls", cwd=indexed)
    }
    assert calls == {("main.go", "Run"), ("src/parser.py", "parse")}


def test_files_in_path_order_with_prefix_language_and_nul(indexed: Path) -> None:
    assert text("files", cwd=indexed) == "main.go\nsrc/parser.py\n"
    assert text("files", "src/", cwd=indexed) == "src/parser.py\n"
    assert text("files", "--language", "go", cwd=indexed) == "main.go\n"
    assert text("files", "-0", cwd=indexed) == "main.go\0src/parser.py\0"
    assert [found["symbols"] for found in document("files", cwd=indexed)] == [2, 3]


def test_export_writes_a_line_of_json_per_file_and_json_the_same_as_an_array(indexed: Path) -> None:
    lines = [json.loads(line) for line in text("export", cwd=indexed).splitlines()]
    assert [record["path"] for record in lines] == ["main.go", "src/parser.py"]
    assert document("export", cwd=indexed) == lines
    assert {symbol["name"] for symbol in lines[1]["symbols"]} == {"HTTPServer", "parse"}
    by_lookup = {hit["id"] for hit in document("symbol", "parse", cwd=indexed)}
    assert by_lookup == {symbol["id"] for symbol in lines[1]["symbols"] if symbol["name"] == "parse"}


def test_no_match_is_exit_code_1_and_an_empty_array(indexed: Path) -> None:
    for arguments in (
        ["symbol", "nobody"],
        ["refs", "nobody"],
        ["search", "zzzznobody"],
        ["files", "nowhere/"],
    ):
        done = diptych(*arguments, cwd=indexed, code=1)
        assert (done.stdout, done.stderr) == (b"", b"no match\n")
        assert document(*arguments, cwd=indexed, code=1) == []


def test_the_store_is_found_from_any_folder_below_by_option_and_by_environment(
    indexed: Path, tmp_path: Path
) -> None:
    assert text("files", cwd=indexed / "src").splitlines()[0] == "main.go"
    store = indexed / ".diptych"
    assert "main.go" in text("files", "--store", store, cwd=tmp_path)
    assert b"main.go" in diptych("files", cwd=tmp_path, env={"DIPTYCH_STORE": str(store)}).stdout
    diptych("files", cwd=tmp_path, code=3)


def test_status_for_people_and_for_programs(indexed: Path) -> None:
    shown = text("status", cwd=indexed)
    assert "2 files, 5 symbols" in shown
    assert "recovery:        nothing to do" in shown
    value = document("status", cwd=indexed)
    assert value["records"] == 2
    assert value["counts"]["symbols"] == 5
    assert value["state"]["status"] == "ready"
    assert value["lsn"] == 1
    assert value["modified_ms"] >= value["created_ms"] > 0


def test_status_check_tells_whether_files_changed(repository: Path) -> None:
    assert text("status", "--check", cwd=repository).endswith("files on disk:   as in the store\n")
    assert document("status", "--check", cwd=repository / "src")["stale"] == []
    (repository / "main.go").touch()
    diptych("status", "--check", cwd=repository)
    (repository / "main.go").unlink()
    (repository / "new.py").write_text("def new(): pass\n")
    (repository / "src/parser.py").write_text("def other(): pass\n")
    stale = document("status", "--check", cwd=repository, code=6)["stale"]
    assert stale == ["main.go", "new.py", "src/parser.py"]
    (repository / ".diptych/facts.msgpack").unlink()
    assert document("status", "--check", cwd=repository, code=6)["stale"] == stale
    assert "3 differ from the store (main.go, " in text("status", "--check", cwd=repository, code=6)
    diptych("index", cwd=repository)
    diptych("status", "--check", cwd=repository)


def test_reading_commands_change_nothing(repository: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted((repository / ".diptych").rglob("*"))
        }

    before = state()
    for arguments in (
        ["status"],
        ["verify", "--deep"],
        ["journal"],
        ["export"],
        ["search", "parse", "--fresh", "check"],
        ["symbol", "parse", "--fresh", "require"],
        ["files", "--fresh", "never"],
    ):
        diptych(*arguments, cwd=repository)
    diptych("repair", "--dry-run", cwd=repository)
    assert state() == before


def test_search_narrows_by_kind_language_and_path(indexed: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return [hit["name"] for hit in document("search", "parse OR run OR server", *arguments, cwd=indexed)]

    assert set(names("--kind", "method", "--kind", "CLASS")) == {"parse", "HTTPServer"}
    assert names("--language", "go") == ["Run"]
    assert set(names("--path", "src/*")) == {"HTTPServer", "parse"}
    assert names("--path", "*.go") == ["Run"]
    everything = names()
    assert names("-n", "2") + names("--offset", "2") == everything
    diptych("search", "parse", "--kind", "enum", cwd=indexed, code=1)


def test_search_prints_files_once_and_lines_of_source(repository: Path) -> None:
    found = text("search", "parse OR run", "-l", cwd=repository).splitlines()
    assert sorted(found) == ["main.go", "src/parser.py"]
    assert document("search", "Run", "-l", cwd=repository) == [{"path": "main.go"}]
    shown = text("search", "HTTPServer", "-C", "2", "-n", "1", cwd=repository).splitlines()
    assert shown[1:] == ["       6  class HTTPServer(Base):", '       7      """Serves requests."""']
    (hit,) = document("search", "HTTPServer", "-C", "1", "-n", "1", cwd=repository)
    assert hit["source"] == ["class HTTPServer(Base):"]
    (repository / "src/parser.py").write_text("changed\n")
    (stale,) = document("search", "HTTPServer", "-C", "1", "-n", "1", "--fresh", "never", cwd=repository)
    assert stale["source"] == []


def test_plain_words_take_anything(indexed: Path) -> None:
    for pasted in ("HTTPServer(", "a::b HTTPServer<int> ] AND", '-x: "HTTPServer', "NOT HTTPServer^"):
        assert " class HTTPServer " in text("search", "--plain", "--", pasted, cwd=indexed).splitlines()[0]
    diptych("search", "--plain", "()", cwd=indexed, code=1)
    diptych("search", "HTTPServer(", cwd=indexed, code=2)


def test_symbol_matches_in_any_case_by_beginning_and_with_errors(indexed: Path) -> None:
    def names(name: str, match: str) -> set[str]:
        return {hit["name"] for hit in document("symbol", name, "--match", match, cwd=indexed)}

    assert names("httpserver", "ignore-case") == {"HTTPServer"}
    assert names("http", "prefix") == {"HTTPServer"}
    assert names("parze", "fuzzy") == {"parse"}
    assert names("parse", "exact") == {"parse"}
    done = diptych("symbol", "httpserver", cwd=indexed, code=1)
    assert done.stderr == b"diptych: there is no httpserver; did you mean HTTPServer?\nno match\n"
    assert b"did you mean parse?" in diptych("symbol", "prase", cwd=indexed, code=1).stderr


def test_a_kind_or_language_that_no_symbol_has_brings_those_there_are(indexed: Path) -> None:
    assert document("symbol", "HTTPServer", "--kind", "Class", cwd=indexed)[0]["kind"] == "class"
    said = diptych("symbol", "HTTPServer", "--kind", "klass", cwd=indexed, code=1).stderr
    assert b"no symbol has the kind klass; there are " in said and b"class" in said
    narrow = ("--kind", "METHOD", "--language", "Pyton")
    said = diptych("search", "HTTPServer", *narrow, cwd=indexed, code=1).stderr
    assert b"no symbol has the language Pyton; there are " in said and b"the kind" not in said
    said = diptych("search", "HTTPServer kind:(klass OR method)", cwd=indexed, code=1).stderr
    assert b"no symbol has the kind klass; " in said and said.endswith(b"; did you mean class?\n")
    assert b"klass" not in diptych("search", "none -kind:klass", cwd=indexed, code=1).stderr
    assert b"the kind" not in diptych("search", "--plain", "kind:klass", cwd=indexed, code=1).stderr


def test_a_qualified_name_finds_its_last_part_within_the_others(indexed: Path) -> None:
    for name in ("HTTPServer.parse", "parser.HTTPServer.parse", "src::parser::HTTPServer::parse"):
        (hit,) = document("symbol", name, cwd=indexed)
        assert (hit["container"], hit["name"]) == ("HTTPServer", "parse")
        assert document("search", name, cwd=indexed)[0]["container"] == "HTTPServer"
    diptych("symbol", "other.parse", cwd=indexed, code=1)


def test_refs_the_other_way(indexed: Path) -> None:
    found = document("refs", "Run", "--from", "--kind", "calls", cwd=indexed)
    assert [hit["target"] for hit in found] == ["parse"]
