"""Ask the tools while a thread edits the files: every line that is shown must have the name it is shown for.

A file may change between an answer and its check, so a line counts as right if it was so in any text that the
file had while the question was asked.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diptych.serving.mcp.answering import answered
from diptych.serving.mcp.index import AgentIndex
from diptych.workspace.keeper import Place, ensure_keeper

FILES = 12
_FUNCTIONS = 12
_IDLE_S = 2.0


@dataclass
class Result:
    """What came of a campaign. Milliseconds of processor time, by tool."""

    hits: int = 0
    edits: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Files:
    """The files, and each text that each of them had."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: dict[str, list[str]] = {}
        self._versions = [0] * FILES

    def edit(self, file: int) -> None:
        """Write the next version of a file: its functions move, and some get other names."""
        self._versions[file] += 1
        path, version = f"pkg/m{file}.py", self._versions[file]
        text = _text(file, version)
        # Before it is on the disk: who reads it may be quicker than this thread.
        self.texts.setdefault(path, []).append(text)
        made = self.root / f"{path}.new"
        made.parent.mkdir(exist_ok=True)
        made.write_text(text)
        made.replace(self.root / path)

    def counts(self) -> dict[str, int]:
        """How many texts each file had so far."""
        return {path: len(texts) for path, texts in self.texts.items()}

    def has(self, path: str, line: int, name: str, since: dict[str, int]) -> bool:
        """Whether that line had the name in any text of the file since then, or in the one before."""
        for text in self.texts.get(path, ())[max(0, since.get(path, 0) - 2) :]:
            lines = text.split("\n")
            if line <= len(lines) and name in lines[line - 1]:
                return True
        return False


def _text(file: int, version: int) -> str:
    parts = ["import os\n" * (version % 5)]
    for number in range(_FUNCTIONS):
        # A third of the names goes with each version.
        name = f"work_{file}_{number}" + (f"_{version}" if number % 3 == 0 else "")
        used = f"work_{(file + 1) % FILES}_{1 + 3 * (number // 3)}"
        parts.append(f"from pkg.m{(file + 1) % FILES} import {used}\n" if number == 1 else "")
        parts.append("\n" * (1 + version % 3) + f"def {name}(value):\n    return {used}(value)\n")
    return "".join(parts)


def run(folder: Path, *, hits: int, seed: int = 1) -> Result:
    """Ask until so many hits were checked."""
    root = folder / "repository"
    root.mkdir(parents=True)
    (root / ".git").mkdir()
    files, result, dice = Files(root), Result(), random.Random(seed)
    for file in range(FILES):
        files.edit(file)
    place = Place(str(root), str(root / ".diptych"))
    index = AgentIndex(place, ensure_keeper(place, idle_s=_IDLE_S))
    stop = threading.Event()
    editor = threading.Thread(target=_edit, args=(files, stop, result, random.Random(seed + 1)))
    try:
        index.keeper.wait(ready=True, timeout_s=120)
        editor.start()
        while result.hits < hits and len(result.wrong) < 20:
            _ask(index, files, dice, result)
    finally:
        stop.set()
        if editor.is_alive():
            editor.join()
        index.close()
    return result


def _edit(files: Files, stop: threading.Event, result: Result, dice: random.Random) -> None:
    while not stop.wait(0.02):
        files.edit(dice.randrange(FILES))
        result.edits += 1


def _ask(index: AgentIndex, files: Files, dice: random.Random, result: Result) -> None:
    file, number = dice.randrange(FILES), dice.randrange(_FUNCTIONS)
    name, path = f"work_{file}_{number}", f"pkg/m{file}.py"
    tool, arguments = dice.choice(
        [
            ("search", {"query": f"work {number}", "limit": 20}),
            ("search", {"query": "work*", "limit": 50, "max_tokens": 5_000}),
            ("symbol", {"symbol": name}),
            ("outline", {"path": path}),
            ("references", {"symbol": f"{path}#work_{file}_1", "max_tokens": 5_000}),
            ("calls", {"symbol": f"{path}#work_{file}_1"}),
        ]
    )
    since = files.counts()
    began_s = time.thread_time()
    found = answered(index, tool, arguments)
    result.cpu_ms.setdefault(tool, []).append((time.thread_time() - began_s) * 1000)
    result.calls[tool] += 1
    if found.is_error:
        result.errors[f"{tool}: {found.structured_content['error']['code']}"] += 1
        return
    for path, line, name in _shown(tool, found.structured_content):
        result.hits += 1
        if not files.has(path, line, name, since):
            result.wrong.append(f"{tool} {arguments}: {path}:{line} lacks {name}")


def _shown(tool: str, value: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Each path, line and name in an answer."""
    if tool == "symbol" and "line" in value:
        yield value["path"], value["line"], value["name"].rpartition(".")[2]
    for hit in [*value.get("hits", ()), *value.get("candidates", ())]:
        if not hit.get("gone"):
            yield hit["path"], hit["line"], hit["name"].rpartition(".")[2]
    for entry in value.get("symbols", ()):
        path, _, name = entry["id"].partition("#")
        yield path, entry["line"], name.rpartition(".")[2].partition("~")[0]
    for reference in value.get("references", ()):
        # The text is that of the line, which has the name of the symbol that was asked for.
        yield reference["path"], reference["line"], "work_"
    for call in value.get("calls", ()):
        path, _, line = call["call"].rpartition(":")
        yield path, int(line), "work_"
