"""No test passes or fails by speed: how the tests may wait, held over their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.waiting import HANG_S

TESTS = Path(__file__).parent
# The second is where the waiting is done. The third waits by itself, with bounds of a minute.
LEFT_OUT = ("test_waiting.py", "support/waiting.py", "workspace/test_watch.py")
FILES = sorted({*TESTS.rglob("*.py")} - {TESTS / name for name in LEFT_OUT})
# Names of a bound on time, as keyword or as the parameter of a test's own function.
BOUNDS = frozenset(("timeout", "timeout_s", "limit_s", "lock_timeout_s", "wait_s"))
# Called with a time, or with none, to wait for what another thread or process does.
WAITS = frozenset(("wait", "join", "poll", "result", "communicate"))
ADVICE = "wait with tests/support/waiting.py"


def faults(source: str, name: str = "") -> list[str]:
    """What is wrong in the source of a test, with the line."""
    tree = ast.parse(source)
    # What must run out may be short: it is expected to.
    expected = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and any("raises" in ast.unparse(item) for item in node.items)
        for inner in ast.walk(node)
    }
    return [
        f"{name}:{node.lineno}: {what}: {ADVICE}"  # type: ignore[attr-defined]
        for node in ast.walk(tree)
        for what in _wrong(node, expected=id(node) in expected)
    ]


def _wrong(node: ast.AST, *, expected: bool) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        if any(alias.name == "sleep" for alias in node.names):
            yield "time.sleep"
    elif isinstance(node, ast.Attribute) and node.attr == "sleep":
        yield "a sleep"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        # A program for another process.
        if "sleep(" in node.value:
            yield "a sleep in a program"
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args]
        defaults = [*zip(named[len(named) - len(arguments.defaults) :], arguments.defaults, strict=True)]
        defaults += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d]
        for argument, default in defaults:
            if argument.arg in BOUNDS and _short(default):
                yield f"{argument.arg} is {ast.unparse(default)} by default"
    elif isinstance(node, ast.Call):
        yield from _wrong_call(node, expected=expected)


def _wrong_call(node: ast.Call, *, expected: bool) -> Iterator[str]:
    for keyword in node.keywords:
        if keyword.arg in BOUNDS and not expected and _short(keyword.value):
            yield f"{keyword.arg}={ast.unparse(keyword.value)}"
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in WAITS:
        return
    if not expected and any(_short(argument) for argument in node.args):
        yield f"{ast.unparse(node)} passes or fails by speed"
    # A barrier has its bound from its making; a module's function (`os.wait`) is given nothing.
    if node.func.attr == "join" and not node.args and not node.keywords:
        yield f"{ast.unparse(node)} has no end where the other hangs"


def _short(value: ast.expr) -> bool:
    """Whether it is a number that a slow machine may need more than. 0 asks without waiting."""
    return (
        isinstance(value, ast.Constant)
        and isinstance(value.value, int | float)
        and not isinstance(value.value, bool)
        and 0 < value.value < HANG_S
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_passes_or_fails_by_speed(path: Path) -> None:
    assert faults(path.read_text(), path.name) == []


@pytest.mark.parametrize(
    "source",
    [
        "time.sleep(1)",
        "from time import sleep",
        "asyncio.sleep(0)",
        "run('import time; time.sleep(5)')",
        "event.wait(30)",
        "thread.join()",
        "thread.join(10)",
        "thread.join(timeout=10)",
        "process.communicate(timeout=60)",
        "subprocess.run(['x'], timeout=2.5)",
        "Barrier(4, timeout=30)",
        "Store.open(p, lock_timeout_s=5)",
        "def run(script, timeout_s=120): pass",
        "def run(script, *, timeout_s=120): pass",
        "with pytest.raises(ValueError):\n    time.sleep(1)",
    ],
)
def test_what_depends_on_speed_is_seen(source: str) -> None:
    assert faults(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "wait_for(event)",
        "event.wait(HANG_S)",
        "barrier.wait()",
        "', '.join(names)",
        "process.poll()",
        "subprocess.run(['x'], timeout=HANG_S)",
        "Store.open(p, lock_timeout_s=0)",
        "with pytest.raises(StoreLockedError):\n    Store.open(p, lock_timeout_s=0.05)",
        "with pytest.raises(TimeoutExpired) as caught:\n    process.wait(SHORT_S)",
    ],
)
def test_what_does_not_depend_on_it_passes(source: str) -> None:
    assert faults(source) == []
