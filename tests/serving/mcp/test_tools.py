"""The nine tools on a small repository: what they find, how much they say, and how they refuse."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import pytest
from tests.serving.mcp.conftest import Asking
from tests.workspace.watching import git

from diptych.serving.mcp.catalogue import TOOLS, listed_tools
from diptych.serving.mcp.inputs import TOKENS_DEFAULT, TOKENS_MAX, TOKENS_MIN
from diptych.serving.mcp.render import BYTES_PER_TOKEN

EVERY: dict[str, dict[str, Any]] = {
    "search": {"query": "total"},
    "symbol": {"symbol": "shapes.py#total"},
    "outline": {"path": "shapes.py"},
    "definition": {"path": "pkg/main.py", "line": 5, "name": "total"},
    "references": {"symbol": "shapes.py#total"},
    "calls": {"symbol": "shapes.py#total", "depth": 3},
    "impact": {"symbols": ["shapes.py#total"]},
    "changed": {"since": "HEAD"},
    "status": {},
}


def test_every_tool_is_listed_read_only_and_takes_no_other_keys() -> None:
    listed = {tool.name: tool for tool in listed_tools()}
    assert list(listed) == list(TOOLS) == list(EVERY)
    for tool in listed.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.input_schema["additionalProperties"] is False
    size = sum(len(tool.model_dump_json(exclude_none=True)) for tool in listed.values())
    assert size < 18_000, "an agent pays for it in every conversation"


@pytest.mark.parametrize("tool", EVERY)
def test_every_answer_ends_with_how_fresh_it_is(ask: Asking, tool: str) -> None:
    text = ask.text(tool, **EVERY[tool])
    head = git_head(ask)
    line = text.splitlines()[-1]
    assert line.startswith(
        "index degraded (no keeper: none runs, and none is to be started) · LSN 1 · 4 files"
    )
    assert f"HEAD {head[:7]}" in line
    assert "partial: until then, `grep -rn`" in line
    freshness = ask.value(tool, **EVERY[tool])["freshness"]
    assert (freshness["lsn"], freshness["files"], freshness["head"]) == (1, 4, head)
    assert (freshness["partial"], freshness["fallback"]) == (True, "grep")


def git_head(ask: Asking) -> str:
    import subprocess

    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ask.root, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def test_search_shows_ids_lines_signatures_and_the_total(ask: Asking) -> None:
    text = ask.text("search", query="total")
    assert text.splitlines()[0] == "2 hits for total"
    assert (
        "shapes.py#total line 22 function — def total(shapes: list[Shape]) -> float · The sum of all areas."
        in text
    )
    assert ask.value("search", query="total", kind="method")["total"] == 1
    assert ask.value("search", query="total", language="ruby")["hits"][0]["id"] == "lib/tool.rb#Tool.total"
    assert ask.value("search", query="total", path_glob="lib/*")["total"] == 1
    none = ask.text("search", query="total", kind="funktion")
    assert "no symbol has the kind funktion; there are " in none
    assert "is not valid" in ask.error("search", query="(") or "query" in ask.error("search", query="(")


def test_a_symbol_by_id_by_place_and_by_name(ask: Asking) -> None:
    for given in ("shapes.py#Square", "shapes.py#Square:class", "shapes.py:13", "Square"):
        value = ask.value("symbol", symbol=given)
        assert (value["id"], value["line"]) == ("shapes.py#Square", 12), given
        assert set(value["members"]) == {"__init__", "area"}
    text = ask.text("symbol", symbol="shapes.py#Square.area", body=True)
    assert "   18     def area(self) -> float:\n   19         return self.length * self.length" in text
    both = ask.value("symbol", symbol="area")
    assert both["ambiguous"] is True
    assert [one["id"] for one in both["candidates"]] == ["shapes.py#Shape.area", "shapes.py#Square.area"]
    assert "did you mean:\nshapes.py#total" in ask.text("symbol", symbol="totel")
    assert "there is no file nope.py in the index" in ask.error("symbol", symbol="nope.py#x")
    assert ask.value("symbol", symbol="shapes.py#gone")["found"] is False


def test_a_prototype_is_the_function_that_it_declares(ask: Asking) -> None:
    ask.write("c/list.h", "extern int limit;\nint push(int one);\nint only(void);\n")
    ask.write(
        "c/list.c",
        '#include "list.h"\nint limit = 1;\nint push(int one)\n{\n  return one + limit;\n}\n',
    )
    ask.write("c/main.c", '#include "list.h"\nint main(void)\n{\n  return push(limit) + only();\n}\n')
    ask.write("3rdparty/list.h", "int only(void);\n")
    ask.index_now()
    for name, line in (("push", 3), ("limit", 2)):
        value = ask.value("symbol", symbol=name)
        assert (value["id"], value["line"]) == (f"c/list.c#{name}", line)
        assert "ambiguous" not in ask.value("references", symbol=name)
    assert ask.value("calls", symbol="push")["calls"][0]["id"] == "c/main.c#main"
    assert ask.value("impact", symbols=["push"])["files"] == 1
    # By its id, the prototype itself.
    assert ask.value("symbol", symbol="c/list.h#push")["line"] == 2
    # The prototype of another program is another function.
    ask.write("c/static.c", "static int own(int a);\nstatic int own(int a)\n{\n  return a;\n}\n")
    ask.write("other/list.h", "int push(int one);\n")
    ask.index_now()
    assert ask.value("symbol", symbol="push")["ambiguous"] is True
    assert ask.value("symbol", symbol="own")["line"] == 2
    # Two prototypes without a function: neither is picked, and one's own comes first.
    both = ask.value("symbol", symbol="only")
    assert both["ambiguous"] is True
    assert [one["id"] for one in both["candidates"]] == ["c/list.h#only", "3rdparty/list.h#only"]


def test_an_id_is_the_same_after_an_edit_elsewhere_in_the_file(ask: Asking) -> None:
    before = ask.value("symbol", symbol="shapes.py#Square.area")
    ask.write("shapes.py", "import os\n\n\n" + (ask.root / "shapes.py").read_text())
    for _ in range(2):
        after = ask.value("symbol", symbol=before["id"])
        assert after["line"] == before["line"] + 3
        ask.index_now()


def test_outline_of_a_file_and_of_folders(ask: Asking) -> None:
    text = ask.text("outline", path="shapes.py", depth=1)
    assert "12-19 class Square" in text
    assert "area" not in text
    assert "  18-19 method area" in ask.text("outline", path="shapes.py")
    top = ask.value("outline", depth=1)
    assert top["files"] == 4
    assert {one["path"]: one["files"] for one in top["entries"]} == {
        "lib/": 1,
        "pkg/": 1,
        "shapes.py": 1,
        "tests/": 1,
    }
    # A folder is no file that has changed.
    assert "edited" not in ask.text("outline", path="pkg")
    ask.write("pkg/new.py", "def fresh(): ...\n")
    assert "1-1 function fresh" in ask.text("outline", path="pkg/new.py")
    assert "there is no file or folder nope in the index" in ask.error("outline", path="nope")
    assert "give a path relative to" in ask.error("outline", path="../x")


def test_definition_by_name_and_by_column(ask: Asking) -> None:
    value = ask.value("definition", path="pkg/main.py", line=5, name="total")
    (found,) = value["definitions"]
    assert (found["path"], found["line"], found["evidence"]) == ("shapes.py", 22, "exact")
    assert (
        ask.value("definition", path="pkg/main.py", line=5, column=12)["definitions"] == value["definitions"]
    )
    said = ask.error("definition", path="pkg/main.py", line=4, name="total")
    assert "line 4 of pkg/main.py does not have total; it is in 5, 1" in said
    assert "has 10 lines" in ask.error("definition", path="pkg/main.py", line=99, name="total")
    assert "give either name or column" in ask.error("definition", path="pkg/main.py", line=5)
    by_name = ask.value("definition", path="lib/tool.rb", line=2, name="total")
    assert by_name["evidence"] == "named"
    assert {one["id"] for one in by_name["definitions"]} == {"lib/tool.rb#Tool.total", "shapes.py#total"}


def test_references_have_totals_first_and_are_grouped_by_file(ask: Asking) -> None:
    text = ask.text("references", symbol="shapes.py#total")
    assert text.splitlines()[0].startswith("shapes.py#total: 3 references")
    assert (
        "pkg/main.py:\n  1 from shapes import Square, total\n  5 (in start) return total([Square(1.0)])"
        in text
    )
    value = ask.value("references", symbol="shapes.py#total", kind="import")
    assert value["by_kind"] == {"definition": 1, "import": 1, "use": 1}
    assert value["total"] == 1
    assert ask.value("references", symbol="total")["ambiguous"] is True


def test_calls_and_impact_follow_the_callers(ask: Asking) -> None:
    value = ask.value("calls", symbol="shapes.py#total", depth=3)
    assert value["by_depth"] == {"1": 1, "2": 2}
    assert [one["id"] for one in value["calls"]] == [
        "pkg/main.py#start",
        "pkg/main.py#twice",
        "tests/test_main.py#test_start",
    ]
    down = ask.value("calls", symbol="pkg/main.py#start", direction="callees")
    assert {one["id"] for one in down["calls"]} == {"shapes.py#total", "shapes.py#Square"}
    hit = ask.value("impact", symbols=["shapes.py#total"])
    assert (hit["by_depth"], hit["tests"], hit["complete"]) == (
        {"1": 1, "2": 2},
        ["tests/test_main.py"],
        True,
    )
    assert ask.value("impact", paths=["shapes.py"])["tests"] == ["tests/test_main.py"]
    assert "give symbols, paths or git_range" in ask.error("impact")


def test_changed_since_a_commit_the_last_call_and_an_lsn(ask: Asking) -> None:
    assert ask.value("changed", since="HEAD")["symbols"] == {"added": 0, "removed": 0, "altered": 0}
    text = (ask.root / "pkg/main.py").read_text()
    ask.write(
        "pkg/main.py", "\n\n" + text.replace("start() + start()", "2 * start()") + "\n\ndef fresh(): pass\n"
    )
    (ask.root / "lib/tool.rb").unlink()
    # Before it is indexed: by the files.
    value = ask.value("changed", since="HEAD")
    assert value["symbols"] == {"added": 1, "removed": 2, "altered": 1}
    assert [(one["how"], one["id"]) for one in value["changes"]] == [
        ("removed", "lib/tool.rb#Tool"),
        ("removed", "lib/tool.rb#Tool.total"),
        ("altered", "pkg/main.py#twice"),
        ("added", "pkg/main.py#fresh"),
    ]
    lsn = ask.index_now()
    assert lsn > 1
    last = ask.value("changed")
    # By records: the body of `twice` differs in what it calls.
    assert last["symbols"] == {"added": 1, "removed": 2, "altered": 1}
    assert last["until_lsn"] == lsn
    assert ask.value("changed")["symbols"] == {"added": 0, "removed": 0, "altered": 0}
    assert ask.value("changed", since=1)["symbols"] == last["symbols"]
    assert ask.value("changed", since="1")["symbols"] == last["symbols"]
    assert "git knows no commit 'nope'" in ask.error("changed", since="nope")
    assert "git knows no commit '--output=x'" in ask.error("changed", since="--output=x")
    assert ask.result("changed", since=lsn + 7).is_error
    hit = ask.value("impact", git_range="HEAD")
    assert hit["symbols"] == 2


def test_a_range_of_commits_is_a_range_of_files(ask: Asking) -> None:
    ask.write("pkg/main.py", (ask.root / "pkg/main.py").read_text() + "\n\ndef more(): pass\n")
    git(ask.root, "commit", "-am", "second")
    assert ask.value("impact", git_range="HEAD~1..HEAD")["symbols"] == 3


def test_status_says_what_to_run(ask: Asking) -> None:
    value = ask.value("status")
    assert (value["files"], value["lsn"], value["root"]) == (4, 1, str(ask.root))
    assert "run `diptych doctor`" in ask.text("status")


def test_mistakes_are_answered_with_what_there_is(ask: Asking) -> None:
    assert "qurey: is not known" in ask.error("search", qurey="x")
    assert "it takes max_tokens, query, kind" in ask.error("search", query=5)
    assert "max_tokens: " in ask.error("search", query="x", max_tokens=TOKENS_MAX + 1)
    assert "the tools are search, symbol" in ask.error("serch", query="x")


def test_no_line_is_shown_that_is_not_there(ask: Asking) -> None:
    ask.write("shapes.py", "# moved\n" * 5 + (ask.root / "shapes.py").read_text().replace("total", "summed"))
    found = {one["id"]: one for one in ask.value("search", query="area OR Square")["hits"] if "id" in one}
    lines = (ask.root / "shapes.py").read_text().splitlines()
    assert lines[found["shapes.py#Square.area"]["line"] - 1].strip().startswith("def area")
    gone = [
        one for one in ask.value("search", query="total", path_glob="shapes.py")["hits"] if one.get("gone")
    ]
    assert [one["name"] for one in gone] == ["total"]
    assert "+1 edited" in ask.text("symbol", symbol="shapes.py#Square")
    assert ask.value("symbol", symbol="shapes.py#summed")["line"] == 27
    assert ask.value("references", symbol="shapes.py#summed")["by_kind"] == {"definition": 1}


def test_an_answer_fits_and_its_pages_are_of_one_state(ask: Asking) -> None:
    body = "".join(f"def many_{n}():\n    '''Number {n} of many.'''\n\n\n" for n in range(200))
    ask.write("many.py", body)
    ask.index_now()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for page in range(100):
        result = ask.result("search", query="many*", limit=100, **cursor)
        (content,) = result.content
        assert len(content.text.encode()) <= TOKENS_DEFAULT * BYTES_PER_TOKEN
        value = result.structured_content
        assert len(json.dumps(value, ensure_ascii=False).encode()) <= TOKENS_DEFAULT * BYTES_PER_TOKEN
        assert value["total"] == 200
        seen += [one["id"] for one in value["hits"]]
        if page == 1:
            # Another state of the store: the pages go on in theirs.
            ask.write("more.py", body.replace("many_", "many_more_"))
            ask.index_now()
        if "cursor" not in value:
            break
        cursor = {"cursor": value["cursor"]}
    assert len(seen) == len(set(seen)) == 200
    assert ask.value("search", query="many*")["total"] == 400
    large = ask.result("search", query="many*", limit=100, max_tokens=TOKENS_MAX).content[0].text
    assert TOKENS_DEFAULT * BYTES_PER_TOKEN < len(large.encode()) <= TOKENS_MAX * BYTES_PER_TOKEN


@pytest.mark.parametrize("tool", EVERY)
def test_the_least_of_tokens_is_not_exceeded(ask: Asking, tool: str) -> None:
    words = " ".join(f"word{number}" for number in range(300))
    body = "".join(f"    total(  # {words}\n        [Round({number})])\n" for number in range(40))
    head = f"from shapes import Round, total\n\n\ndef use():\n    \"\"\"{words}\"\"\"\n"
    ask.write("pkg/large.py", head + body)
    ask.index_now()
    given = {**EVERY[tool], "max_tokens": TOKENS_MIN}
    for more in (given, {**given, "symbol": "pkg/large.py#use", "body": True} if tool == "symbol" else given):
        result = ask.result(tool, **more)
        (content,) = result.content
        assert len(content.text.encode()) <= TOKENS_MIN * BYTES_PER_TOKEN, content.text
        value = json.dumps(result.structured_content, ensure_ascii=False)
        assert len(value.encode()) <= TOKENS_MIN * BYTES_PER_TOKEN, value


def test_a_cursor_of_another_question_store_or_time_names_the_call_to_repeat(ask: Asking) -> None:
    ask.write("many.py", "".join(f"def many_{n}(): pass\n" for n in range(50)))
    ask.index_now()
    cursor = ask.value("search", query="many*", limit=5)["cursor"]
    assert "of another question" in ask.error("search", query="other", cursor=cursor)
    assert "this is no cursor" in ask.error("search", query="many*", cursor="xx")
    for number in range(8):
        ask.write("many.py", "".join(f"def many_{n}(): pass\n" for n in range(60 + number)))
        ask.index_now()
        ask.value("search", query="many*", limit=5)
    said = ask.error("search", query="many*", cursor=cursor)
    assert "this cursor has expired" in said
    assert "the same arguments and no cursor" in said


def test_names_that_are_not_utf_8_or_control_a_terminal_are_escaped(ask: Asking) -> None:
    import os

    name = os.fsdecode(b"caf\xe9\x1b[2J.py")
    ask.write(name, "def odd(): pass\n")
    ask.index_now()
    result = ask.result("search", query="odd")
    text = result.content[0].text
    assert "\x1b" not in text
    json.dumps(result.structured_content, ensure_ascii=False).encode()
    (hit,) = result.structured_content["hits"]
    assert ask.value("symbol", symbol=hit["id"])["line"] == 1


def test_without_an_index_the_answer_is_partial_and_names_the_fallback(root: Any) -> None:
    made = Asking(root)
    try:
        for tool, arguments in EVERY.items():
            if tool in ("status",):
                continue
            value = made.value(tool, **arguments)
            assert (value["found"], value["total"], value["freshness"]["partial"]) == (False, 0, True)
            assert "grep" in made.text(tool, **arguments)
        assert "not ready: no keeper" in made.text("status")
        assert not (root / ".diptych").exists()
    finally:
        made.index.close()


def test_a_damaged_store_is_said_in_one_sentence(ask: Asking) -> None:
    ask.index.close()
    (ask.root / ".diptych/IDENTITY").write_bytes(b"garbage")
    made = Asking(ask.root)
    try:
        assert "Next: " in made.error("search", query="total")
    finally:
        made.index.close()


def test_a_store_that_is_replaced_is_opened_again(ask: Asking) -> None:
    assert ask.value("search", query="total")["total"] == 2
    shutil.rmtree(ask.root / ".diptych")
    assert ask.value("search", query="total")["total"] == 0
    ask.write("new.py", "def total(): pass\n")
    ask.index_now()
    assert ask.value("search", query="total")["total"] == 3


def test_a_folder_that_is_replaced_is_read_as_it_is_now(ask: Asking) -> None:
    assert "start() + start()" in ask.text("symbol", symbol="pkg/main.py#twice", body=True)
    # As `git switch` does between branches.
    (ask.root / "pkg").rename(ask.root / "elsewhere")
    ask.write("pkg/main.py", "\n\n\ndef twice(): return 2\n")
    text = ask.text("symbol", symbol="pkg/main.py#twice", body=True)
    assert "    4 def twice(): return 2" in text
    assert ask.text("definition", path="pkg/main.py", line=4, name="twice").startswith(
        "twice at pkg/main.py:4: 1"
    )


def test_an_index_that_was_made_again_counts_from_the_start(ask: Asking) -> None:
    for _ in range(3):
        ask.write("new.py", (ask.root / "shapes.py").read_text() * (2 + ask.index_now()))
    lsn = ask.index_now()
    assert ask.value("changed")["until_lsn"] == lsn > 2
    shutil.rmtree(ask.root / ".diptych")
    ask.index_now()
    assert ask.value("changed")["until_lsn"] == 1
    said = ask.error("changed", since=lsn)
    assert said.startswith(f"the index is at LSN 1, and has never been at {lsn}")
    assert "verify" not in said


def test_names_that_no_file_or_symbol_has_are_answered(ask: Asking) -> None:
    for tool in ("symbol", "references", "calls"):
        assert "NUL" in ask.error(tool, symbol="shapes.py\0:3")
    assert "cannot be read" in ask.error("definition", path="shapes.py\0", line=1, column=1)
    said = ask.error("definition", path="shapes.py", line=1, name="\\udc80")
    assert "line 1 of shapes.py does not have \\udc80" in said


@pytest.mark.parametrize("path", ["shaeps.py", "pkg", "shapes.py\0"])
def test_the_impact_of_a_path_that_is_no_file_is_an_error(ask: Asking, path: str) -> None:
    assert "Next: give " in ask.error("impact", paths=["shapes.py", path])


@pytest.mark.parametrize("where", [".git/HEAD", ".git/packed-refs", ".git/refs/heads/main"])
def test_the_head_of_a_strangers_repository_is_read_from_files_alone(ask: Asking, where: str) -> None:
    (ask.root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (ask.root / where).unlink(missing_ok=True)
    shutil.rmtree(ask.root / ".git/refs")
    (ask.root / where).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(ask.root / where)
    assert ask.value("search", query="total")["freshness"]["head"] == ""


def test_lists_beside_the_items_fit_too(ask: Asking) -> None:
    folder = "tests/" + "/".join(f"a_rather_long_folder_name_{number}" for number in range(5))
    for number in range(60):
        ask.write(f"{folder}/test_{number}.py", "from shapes import total\n\n\ndef test():\n    total([])\n")
    ask.index_now()
    value = ask.value("impact", symbols=["shapes.py#total"])
    assert len(json.dumps(value)) <= TOKENS_DEFAULT * BYTES_PER_TOKEN
    assert value["tests_total"] == 61 > len(value["tests"]) > 0
