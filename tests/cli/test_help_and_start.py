"""Help: every verb has an example that works, and starting imports no more than is needed."""

from __future__ import annotations

import inspect
import json
import re
import resource
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from tests.cli.command import COMMAND, diptych, environment, error_output, text

from diptych import __version__
from diptych.cli.app import VERBS

COSTLY = {"rich", "tantivy", "tree_sitter", "filelock", "pathspec", "watchfiles", "pydantic", "asyncio"}


# What takes as long to import as an interpreter to start, or more, and no question needs.
NEEDLESS = {
    *("logging", "traceback", "dataclasses", "inspect"),
    *("ctypes", "tempfile", "shutil", "random", "hashlib", "secrets", "decimal"),
    *("diptych.store.writer", "diptych.store.backup", "diptych.store.migration", "diptych.store.verify"),
    *("diptych.store.checkpoint.build", "diptych.store.feed.changes", "diptych.indexer.pipeline"),
}
# Of all kinds, those of Python itself included. A start without them has 25.
MODULES_MAX = 270


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a command has imported when it ends, and the packages that they are in."""
    code = (
        "import json, sys\n"
        f"sys.argv = {['diptych', *arguments]!r}\n"
        "from diptych.cli.shell import run\n"
        "run()\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment(), capture_output=True, check=True
    )
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    return modules | {name.partition(".")[0] for name in modules}


def test_help_imports_nothing_costly(tmp_path: Path) -> None:
    assert imported("--help", cwd=tmp_path) & COSTLY == set()


def test_a_lookup_by_name_imports_neither_the_search_leaf_nor_a_parser(indexed: Path) -> None:
    assert imported("symbol", "parse", cwd=indexed) & (COSTLY - {"pydantic"}) == set()


@pytest.mark.parametrize("question", [("status",), ("symbol", "parse"), ("search", "parse")])
def test_a_question_imports_no_more_than_it_needs(question: tuple[str, ...], indexed: Path) -> None:
    modules = imported(*question, cwd=indexed)
    assert modules & NEEDLESS == set()
    assert len(modules) <= MODULES_MAX


@pytest.mark.parametrize("question", [("status",), ("symbol", "parse"), ("files",)])
def test_what_asks_for_no_words_imports_nothing_that_searches(
    question: tuple[str, ...], indexed: Path
) -> None:
    searching = {"diptych.search.index", "diptych.search.query.grammar"}
    assert imported(*question, cwd=indexed) & searching == set()


def test_importing_the_package_imports_nothing_costly() -> None:
    code = "import sys, diptych; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert roots & (COSTLY | {"argparse"}) == set()


def test_the_version(tmp_path: Path) -> None:
    assert text("--version", cwd=tmp_path) == f"diptych {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_with_an_example(verb: str, tmp_path: Path) -> None:
    shown = text(verb, "--help", cwd=tmp_path)
    assert f"Usage: diptych {verb}" in shown
    if verb not in ("artifact", "scip", "versions"):
        assert re.search(rf"Examples?:\s+diptych {verb}", shown)


@pytest.mark.parametrize("verb", VERBS)
def test_the_list_of_verbs_says_what_each_verb_says_of_itself(verb: str) -> None:
    module, summary, attribute = VERBS[verb]
    found = getattr(import_module(module), attribute)
    if verb not in ("artifact", "scip", "versions"):
        assert inspect.getdoc(found).splitlines()[0] == summary


def examples() -> list[str]:
    """The examples in the verbs' help that need no other program and no other place."""
    lines = []
    for verb, (module, _, attribute) in VERBS.items():
        if verb in ("watch", "versions", "lsp", "mcp"):
            continue
        doc = inspect.getdoc(getattr(import_module(module), attribute)) or ""
        lines += re.findall(rf"^  (diptych {verb}\b[^|>~\n]*)$", doc, re.MULTILINE)
    return lines


@pytest.mark.parametrize("example", examples())
def test_each_example_in_the_help_is_understood(example: str, repository: Path) -> None:
    done = diptych(*shlex.split(example)[1:], cwd=repository, code=None)
    assert done.returncode in (0, 1), done.stderr


def test_there_are_examples() -> None:
    assert len(examples()) >= 15


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_completion_of_verbs_and_options_in_bash(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(text("--print-completion", "bash", cwd=tmp_path))
    for words, expected in (("diptych se", "search"), ("diptych verify --de", "--deep")):
        given = words.split()
        program = (
            f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(given) - 1}; "
            f"$(complete -p diptych | grep -o '_shtab[^ ]*'); printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [expected], done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish", "powershell"])
def test_completion_of_other_shells_has_every_verb(shell: str, tmp_path: Path) -> None:
    script = text("--print-completion", shell, cwd=tmp_path)
    assert all(verb in script for verb in VERBS)


def test_completion_of_an_unknown_shell_is_an_error_of_usage(tmp_path: Path) -> None:
    assert "zsh" in error_output("--print-completion", "cmd", cwd=tmp_path, code=2)


def processor_s(*line: str) -> float:
    """The processor time of a process, the least of some: what else runs on the machine hardly counts."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(line, env=environment(), stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_starting_costs_a_bounded_multiple_of_starting_python() -> None:
    # Measured: 2 and 7. The bounds stand for 60 ms and 200 ms where Python takes 10.
    python = processor_s(sys.executable, "-c", "pass")
    assert processor_s(sys.executable, "-c", "import diptych") < 6 * python
    assert processor_s(*COMMAND, "--help") < 20 * python
