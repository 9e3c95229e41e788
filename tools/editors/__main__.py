"""`python -m tools.editors STORE_ROOT`: what the language server costs, by an editor's clock.

STORE_ROOT is a repository that is indexed (`diptych index`). One server answers everything, without a keeper:
random names of random files. Prints for each request the median and the 99th percentile of the editor's
clock, and the server's processor time for each; at the end the memory of the server.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from diptych.serving.lsp.uris import uri_of
from tools.editors.client import Editor, Process, ResponseError, initialize
from tools.editors.sites import Place, drawn

_MS = 1_000.0
_FEW = 1_000
_REFERRING = {"context": {"includeDeclaration": True}}


class Cost(NamedTuple):
    """What one request took, in milliseconds: by the editor's clock, and of the server's processor time."""

    clock_ms: float
    cpu_ms: float


class Server:
    """A server in a process, with a look at what it costs."""

    def __init__(self, process: Process) -> None:
        self.editor: Editor = process.editor
        self._tasks = Path(f"/proc/{process.child.pid}/task")
        self._rollup = Path(f"/proc/{process.child.pid}/smaps_rollup")

    def cpu_ms(self) -> float:
        """Processor time since its start, of all threads."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self._tasks.iterdir()) / 1e6

    def memory_mib(self) -> dict[str, float]:
        """Resident memory, and what of it is the process's own."""
        found = dict(line.split(":", 1) for line in self._rollup.read_text().splitlines()[1:])
        return {name: int(found[name].split()[0]) / 1024 for name in ("Rss", "Anonymous")}

    def cost(self, job: Callable[[], Any]) -> Cost:
        """What a request costs."""
        cpu_ms, begun = self.cpu_ms(), time.perf_counter()
        job()
        clock_ms = (time.perf_counter() - begun) * _MS
        return Cost(clock_ms, self.cpu_ms() - cpu_ms)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.editors", description=__doc__)
    parser.add_argument("root", type=Path, help="a repository that is indexed")
    parser.add_argument("--count", type=int, default=200, help="how many requests of each kind")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    root = given.root.resolve()
    places = drawn(root, given.count, given.seed)
    with Process() as process:
        server = Server(process)
        hello = server.cost(lambda: initialize(server.editor, root))
        print(
            f"{'initialize':24} {hello.clock_ms:9.1f} ms       cpu {server.cpu_ms():9.1f} ms from the start"
        )
        first = server.cost(lambda: server.editor.ask("textDocument/definition", _at(root, places[0])))
        print(f"{'first definition':24} {first.clock_ms:9.1f} ms       cpu {first.cpu_ms:9.1f} ms")
        for name, costs in _rows(server, root, places):
            _print(name, costs)
            sys.stdout.flush()
        memory = server.memory_mib()
        print(f"{'memory':24} {memory['Rss']:9.1f} MiB resident, {memory['Anonymous']:.1f} MiB its own")
    return 0


def _rows(server: Server, root: Path, places: list[Place]) -> Iterator[tuple[str, list[Cost]]]:
    editor = server.editor

    def ask(method: str, params: dict[str, Any]) -> Any:
        try:
            return editor.ask(method, params)
        except ResponseError as error:
            print(f"  {method}: {error}")

    def each(method: str, more: Callable[[Place], dict[str, Any]]) -> list[Cost]:
        return [server.cost(partial(ask, method, {**_at(root, one), **more(one)})) for one in places]

    yield "definition, first asked", each("textDocument/definition", lambda _: {})
    yield "definition", each("textDocument/definition", lambda _: {})
    yield "hover", each("textDocument/hover", lambda _: {})
    yield "completion", each("textDocument/completion", lambda _: {})
    yield "document symbols", each("textDocument/documentSymbol", lambda _: {})
    yield "folding", each("textDocument/foldingRange", lambda _: {})
    for name, length in (("1 letter", 1), ("3 letters", 3), ("a name", 100)):
        costs = [
            server.cost(partial(ask, "workspace/symbol", {"query": one.name[:length]})) for one in places
        ]
        yield f"symbols, {name}", costs
    yield "edit, then definition", [_edit(server, root, one) for one in places[:60]]
    yield "references, first part", [_first_part(server, root, one) for one in places]
    # Last: a name that is used everywhere takes seconds.
    few: list[Cost] = []
    many: list[Cost] = []
    for one in places:
        found: list[Any] = []
        cost = server.cost(partial(_references, editor, root, one, found))
        (few if len(found) <= _FEW else many).append(cost)
    yield "references, up to 1,000", few
    if many:
        yield "references, more", many


def _references(editor: Editor, root: Path, place: Place, found: list[Any]) -> None:
    found += editor.ask("textDocument/references", {**_at(root, place), **_REFERRING}) or ()


def _first_part(server: Server, root: Path, place: Place) -> Cost:
    """The references to a name, until the first of them are there; the rest is not waited for."""
    editor = server.editor

    def first() -> None:
        token = f"{place.path}:{place.row}:{place.column}"
        asked = {**_at(root, place), **_REFERRING, "partialResultToken": token}
        number = editor.begin("textDocument/references", asked)
        editor.part_of(number, token)
        editor.tell("$/cancelRequest", {"id": number})

    cost = server.cost(first)
    # Whatever was cancelled has ended when the next question is answered.
    editor.ask("diptych/status", {})
    editor.ask("textDocument/foldingRange", {"textDocument": _at(root, place)["textDocument"]})
    return cost


def _edit(server: Server, root: Path, place: Place) -> Cost:
    """An edit in an open document, until an answer knows it."""
    text = (root / place.path).read_text("utf-8", "replace")
    document = {"uri": uri_of(str(root / place.path)), "languageId": "python", "version": 1, "text": text}
    server.editor.tell("textDocument/didOpen", {"textDocument": document})
    asked = _at(root, place)
    server.editor.ask("textDocument/definition", asked)
    at = {"line": place.row, "character": 0}
    change = {"range": {"start": at, "end": at}, "text": "\n"}
    versioned = {"uri": document["uri"], "version": 2}
    moved = {**asked, "position": {"line": place.row + 1, "character": place.column}}

    def edit() -> None:
        server.editor.tell("textDocument/didChange", {"textDocument": versioned, "contentChanges": [change]})
        server.editor.ask("textDocument/definition", moved)

    cost = server.cost(edit)
    server.editor.tell("textDocument/didClose", {"textDocument": {"uri": document["uri"]}})
    return cost


def _at(root: Path, place: Place) -> dict[str, Any]:
    position = {"line": place.row, "character": place.column}
    return {"textDocument": {"uri": uri_of(str(root / place.path))}, "position": position}


def _print(name: str, costs: list[Cost]) -> None:
    clock, cpu = sorted(one.clock_ms for one in costs), sorted(one.cpu_ms for one in costs)
    shown = [_of(values, percent) for values in (clock, cpu) for percent in (50, 99)]
    print(
        "{:24} {:9.1f} {:9.1f} ms   cpu {:9.1f} {:9.1f} ms   ({} requests)".format(name, *shown, len(costs))
    )


def _of(values: list[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)]


if __name__ == "__main__":
    raise SystemExit(main())
