"""A client: asks without end, and checks every answer against what was ever written."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import Counter

from diptych.errors import DiptychError, InvalidArgumentError, OpenError
from diptych.serving.answers import definition
from diptych.serving.files import Files
from diptych.serving.source import StoreSource
from diptych.store.code import CodeView, Store
from diptych.workspace.keeper import KeeperClient, Place, ensure_keeper

_NAME = re.compile(r"work_(\d+)_(\d+)\Z")


def text_of(file: int, version: int) -> str:
    """What version `version` of file number `file` says: two functions, one of which calls the other."""
    name = f"work_{file}_{version}"
    above = f"# {version}\n" * (version % 7)
    return f"{above}def {name}():\n    return 1\n\n\ndef use_{name}():\n    return {name}()\n"


def path_of(file: int) -> str:
    """The path of file number `file`."""
    return f"pkg/m{file}.py"


class Asker:
    """Asks about each file in turn. `faults` are answers that are wrong."""

    def __init__(self, place: Place, files: int, idle_s: float) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self._files = files
        self._lsn = 0
        self._keeper: KeeperClient = ensure_keeper(place, idle_s=idle_s)
        self._texts = Files(place.root)
        self._store: Store | None = None
        self._place = place

    def close(self) -> None:
        """End."""
        if self._store is not None:
            self._store.close()
        self._texts.close()
        self._keeper.close()

    def ask(self) -> None:
        """One round."""
        said = self._keeper.state()
        self.counts[f"state {type(said.state).__name__}"] += 1
        if self._store is None:
            try:
                self._store = Store.open(self._place.store, read_only=True)
            except OpenError:
                self.counts["no store yet"] += 1
                return
        lsn = self._store.refresh()
        if lsn < self._lsn:
            self.faults.append(f"the LSN went back from {self._lsn} to {lsn}")
        self._lsn = lsn
        with self._store.view() as view:
            for file in range(self._files):
                self._ask_record(view, file)
                self._ask_definition(view, file)

    def _ask_record(self, view: CodeView, file: int) -> None:
        """A record is that of one version, complete."""
        record = view.file(path_of(file))
        if record is None:
            return
        self.counts["records"] += 1
        names = {symbol.name for symbol in record.symbols}
        versions = {match[2] for name in names if (match := _NAME.match(name.removeprefix("use_")))}
        if len(names) != 2 or len(versions) != 1:
            self.faults.append(f"{path_of(file)} at LSN {self._lsn} has {sorted(names)}")

    def _ask_definition(self, view: CodeView, file: int) -> None:
        """A call leads to a line that has the name."""
        source = StoreSource(view, self._texts)
        source.begin()
        parsed = source.parsed(path_of(file))
        if parsed is None or len(parsed.lines) < 2:
            return
        row = len(parsed.lines) - 2
        try:
            answer = definition(source, path_of(file), row, parsed.lines[row].find(b"work_"))
        except InvalidArgumentError:
            # The file changed between the two questions.
            self.counts["changed meanwhile"] += 1
            return
        for found in answer.definitions:
            self.counts["hits"] += 1
            if answer.name not in found.text:
                self.faults.append(f"{answer.name} is not in {found.path}:{found.row + 1}: {found.text!r}")


def main(arguments: list[str]) -> int:
    """Ask until standard input ends; then print the counts."""
    root, store, files, idle_s = arguments
    asker = Asker(Place(root, store), int(files), float(idle_s))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        try:
            asker.ask()
        except DiptychError as error:
            asker.faults.append(f"{type(error).__name__}: {error}")
        asker.counts["asked"] += 1
        time.sleep(0.01)
    asker.close()
    print(json.dumps({"counts": asker.counts, "faults": asker.faults[:20]}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
