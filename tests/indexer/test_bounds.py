"""Sources that no one wrote by hand: each ends soon, by counted work, and the next file is parsed as ever."""

from __future__ import annotations

import ast
import dataclasses
import re
import signal
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diptych
from diptych import Store, fs
from diptych.indexer import bounded, index_repository, pool
from diptych.indexer.bounded import matches_in, parsed_tree
from diptych.indexer.errors import TooSlowError
from diptych.indexer.extract import extract
from diptych.indexer.grammar import Prepared, prepared
from diptych.indexer.languages import LANGUAGES, kotlin_words, language_of_content, swift_words
from diptych.indexer.parse import parse, record_of
from diptych.indexer.plan import Job
from diptych.indexer.settings import Settings
from diptych.indexer.text import comment, without_marks

from .repository import make_repository, write


def found(language: str, source: bytes) -> tuple[list[Any], list[Any]]:
    extracted = extract(prepared(language), source)
    return extracted.symbols, extracted.relations


# Where a step of the grammar takes memory by the square of its input. A worker, which has a limit, parses
# such a source: here it is as long as the longest that is parsed without one.
SQUARE = {("lua", b"*"), ("lua", b"a::")}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("opener", [b"(", b"[", b"{", b"f(", b"a[", b"!", b"-", b"*", b"a.", b"a::"])
def test_nesting_without_end_is_refused_or_read(language: str, opener: bytes) -> None:
    """Each took a query up to two minutes, quadratically; all of it now takes seconds at most."""
    size = Settings().in_process_file_bytes if (language, opener) in SQUARE else 120_000
    try:
        symbols, _ = found(language, opener * (size // len(opener)))
    except TooSlowError:
        return
    assert len(symbols) < 10


def test_a_file_of_parentheses_is_counted_as_too_slow(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"(" * 250_000)
    with fs.Beneath(str(tmp_path)) as tree:
        parsed = parse(tree, Job("a.py", "python", 250_000), 1_000_000)
    assert (parsed.skipped, parsed.payload) == ("too slow to parse", b"")
    assert len(parsed.content_hash) == 64
    with pytest.raises(TooSlowError, match="side by side"):
        record_of("a.py", "python", b"(" * 250_000)


@pytest.mark.parametrize(
    ("source", "reason"),
    [(b"[" * 100_000, "side by side"), (b"f(" * 50_000 + b")" * 50_000, "nests too deeply")],
)
def test_what_a_query_would_cost_is_told_before_it_runs(source: bytes, reason: str) -> None:
    made = prepared("javascript")
    tree = parsed_tree(made.parser, source)

    class NoCursor:
        """One that must not be asked."""

    with pytest.raises(TooSlowError, match=reason):
        matches_in(NoCursor(), tree)  # type: ignore[arg-type]


def test_the_steps_of_a_parse_are_counted_and_the_next_is_parsed_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = b"def f():\n    g()\n" * 4_000
    expected = found("python", source)
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(bounded, "MAX_PARSE_STEPS", 2_000)
            with pytest.raises(TooSlowError, match="too many steps"):
                found("python", source)
        # Not the rest of the one before.
        assert [symbol.name for symbol in found("python", b"def other(): pass\n")[0]] == ["other"]
        assert found("python", source) == expected


def test_no_source_code_comes_near_a_bound() -> None:
    """Large, ordinary sources: what a generator or a bundler writes."""
    large = {
        "python": b"def f(a, b=None):\n    return [g(x)[0].y for x in a if x < 3 and not b]\n\n" * 20_000,
        "javascript": b"function f(a){return a.b.c(function(x){return x+1}).map(y=>({y,z:[1,2]}))};" * 20_000,
        "c": b"#define A(x) ((x) + 1)\nstatic int f(int a) { return a ? g(a, &h[1]) : -1; }\n" * 18_000,
    }
    for language, source in large.items():
        symbols, relations = found(language, source)
        assert len(symbols) >= 18_000, language
        assert len(relations) >= 18_000, language


def interrupted_parser(made: Prepared, where: str) -> Any:
    """A parser at whose tenth call back, or whose second read, Ctrl-C is pressed."""
    calls = 0

    class Interrupted:
        """As the parser is used."""

        reset = made.parser.reset

        def parse(self, read: Callable[..., bytes], progress_callback: Callable[..., bool]) -> Any:
            def counted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
                def call(*arguments: Any) -> Any:
                    nonlocal calls
                    calls += name == where
                    if calls == (10 if where == "progress" else 2):
                        signal.raise_signal(signal.SIGINT)
                    return function(*arguments)

                return call

            return made.parser.parse(
                counted(read, "read"), progress_callback=counted(progress_callback, "progress")
            )

    return Interrupted()


@pytest.mark.parametrize("where", ["progress", "read"])
def test_ctrl_c_is_answered_in_the_midst_of_a_parse(where: str) -> None:
    made = prepared("rust")
    broken = dataclasses.replace(made, parser=interrupted_parser(made, where))
    with pytest.raises(KeyboardInterrupt):
        extract(broken, b'"' * 300_000)
    assert [symbol.name for symbol in found("rust", b"fn after() {}\n")[0]] == ["after"]


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("c", b"/**/" * 100_000),
        ("c", b"int a;/* b */" * 30_000),
        ("java", b"@A\n" * 60_000 + b"class A {} " * 20_000),
        ("c", b"typedef int " + b"a, " * 60_000 + b"b;"),
        ("c", b"int " + b"a," * 60_000 + b"a;"),
        ("c", b"// " + b" " * 15_000 + b"x\nint f(void) {}\n"),
        ("c", b"/* " + b"*" * 15_000 + b"x */\nint f(void) {}\n"),
        ("rust", b"use " + b"a" * 100_000 + b"::{" + b"b, " * 50_000 + b"};"),
        ("python", b"class A:\n    '''" + b"\t" * 100_000 + b"x'''\n"),
        ("javascript", b"f(a=function(){}," * 2_000),
        ("javascript", b"class A { m(b) { if (b) {\n" + b"this.a = b;\n" * 16_000 + b"} } }\n"),
        ("javascript", b"/** @type {A} */\nvar a = 1" + b", b = 1" * 16_000 + b";\n"),
        ("javascript", b"a = /b*/\nfunction f() {}\n" * 16_000),
        ("kotlin", b"fun a( {\n" + b"$" * 4_000),
        ("kotlin", b"fun a( {\nget(a" + b" " * 200_000),
    ],
)
def test_our_own_walk_over_it_is_not_quadratic(language: str, source: bytes) -> None:
    found(language, source)


def test_what_is_written_otherwise_for_a_parser_is_found_in_one_walk() -> None:
    source = b"a()," * 100_000
    assert len(swift_words.rewritten(source)) == len(source)
    source = b"$" * 200_000
    assert kotlin_words.rewritten(source) == source


@pytest.mark.parametrize(
    "source",
    [
        b"class a\n" * 200_000,
        b"class " + b"a" * 1_000_000 + b"(",
        b"namespace a\n" * 200_000,
        b"using " + b"a" * 1_000_000 + b"(",
        b" " * 1_000_000 + b"x",
        b"\n" * 1_000_000,
    ],
)
def test_a_header_that_is_no_header_is_told_from_cpp_soon(source: bytes) -> None:
    assert language_of_content("c", source) == "c"


_MARKS = re.compile(r"^[ \t]*(?:///?!?|/\*\*?!?|\*(?!/)|#+!?)?[ \t]?(.*?)[ \t]*(?:\*+/)?[ \t]*$")


@settings(max_examples=1_000, deadline=None)
@given(st.text("/*#! \tab", max_size=9))
def test_the_marks_of_a_comment_are_those_of_the_pattern(line: str) -> None:
    match = _MARKS.match(line)
    assert match is not None
    assert without_marks(line) == match[1]


def test_a_comment_of_white_space_has_no_text() -> None:
    assert comment(b"/* " + b" \t" * 7_000 + b"*/") == ""


def test_a_file_that_is_not_small_is_parsed_in_a_worker_in_a_short_run_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "def a(): pass\n", "b.py": "def b(): pass\n"})
    started: list[str] = []
    workers = pool.parsed_in_workers

    def noted(jobs: list[Job], *arguments: Any, **options: Any) -> Any:
        started.extend(job.path for job in jobs)
        return workers(jobs, *arguments, **options)

    with Store.open(tmp_path / "store") as store:
        index_repository(root, store, processes=1)
        monkeypatch.setattr(pool, "parsed_in_workers", noted)
        write(root, {"a.py": "def a(): return 1\n"})
        assert index_repository(root, store, processes=1).indexed == 1
        assert "a.py" not in started
        write(root, {"a.py": "def a(): return 2\n" + "# long\n" * 1_000})
        assert index_repository(root, store, processes=1).indexed == 1
        assert "a.py" in started


def test_what_is_too_slow_is_said_and_not_tried_again_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "def a(): pass\n", "b.py": "(" * 250_000})
    with Store.open(tmp_path / "store") as store:
        report = index_repository(root, store, processes=1)
        assert report.skipped == {"too slow to parse": 1}
        assert report.skipped_paths == {"b.py": "too slow to parse"}
        assert (report.indexed, len(store)) == (1, 1)
        with monkeypatch.context() as patch:
            # In this process, where it would be parsed now.
            patch.setattr("diptych.indexer.extract.matches_in", lambda *_: [])
            again = index_repository(root, store, processes=0)
        assert again.skipped_paths == {"b.py": "too slow to parse"}
        assert len(store) == 1
        write(root, {"b.py": "def b(): pass\n"})
        assert index_repository(root, store, processes=1).indexed == 1
        assert len(store) == 2


def test_collecting_asks_no_node_for_its_text() -> None:
    """It would read and copy 64 KB of the source for each, since the parser was given pieces of it."""
    package = Path(diptych.__file__).parent
    modules = [*(package / "indexer").rglob("*.py"), *(package / "names" / "languages").rglob("*.py")]
    asking = []
    for module in modules:
        tree = ast.parse(module.read_text("utf-8"))
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        asking += [
            f"{module.relative_to(package)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr == "text" and id(node) not in called
            # Asked for one name at a time, by a person.
            if module.name != "sites.py"
        ]
    assert len(modules) > 50 and asking == []


def test_the_text_that_was_parsed_is_freed() -> None:
    parser = prepared("python").parser
    parsed_tree(parser, b"name = 0\n" * 20_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1, 10):
            # Another text each time, as files are.
            source = b"name = %d\n" % number * 20_000
            assert parsed_tree(parser, source).root_node.child_count == 20_000
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2 * len(source)
