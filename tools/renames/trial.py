"""One rename in a copy of a package, applied, held against the resolver, the compiler and imports, undone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from diptych import Store
from diptych.errors import InvalidArgumentError
from diptych.indexer import index_repository
from diptych.indexer.parse import record_of
from diptych.names.facts import DEFINED, FIELD, IMPORTED, Binding, Point
from diptych.serving.answers import definition, references
from diptych.serving.answers.rename import Edit, Rename, rename
from diptych.serving.errors import RenameRefusedError
from diptych.serving.files import Files
from diptych.serving.source import StoreSource

_NEW = "renamed_by_trial"
_SHOWN_BYTES = 400


@dataclass(slots=True)
class Outcome:
    """What became of one rename. `broken` says what it broke, in lines."""

    path: str
    place: Point
    name: str
    refused: str = ""
    edits: int = 0
    asked: int = 0
    broken: list[str] = field(default_factory=list)


class Trial:
    """A copy of a package, indexed. Close it, or use `with`."""

    def __init__(self, root: Path, package: str) -> None:
        self.root, self.package = root, package
        self._store = Store.open(root / ".diptych")
        index_repository(root, self._store, processes=0)
        self._files = Files(str(root))
        self._source = StoreSource(self._store.view(), self._files)

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.view.close()
        self._files.close()
        self._store.close()

    def names(self) -> Iterator[tuple[str, Binding]]:
        """All that can be renamed: definitions, fields and variables, of all files."""
        for path in sorted(record.path for record in self._store.files()):
            names = self._source.complete_names_of(path)
            for binding in names.facts.bindings if names is not None else ():
                if binding.how not in (IMPORTED,) and binding.name.isidentifier():
                    yield path, binding

    def rename(self, path: str, binding: Binding) -> Outcome:
        """Rename one, look, and undo it."""
        outcome = Outcome(path, binding.place, binding.name)
        try:
            before = references(self._source, path, *binding.place).references
            made = rename(self._source, path, *binding.place, _NEW)
        except (RenameRefusedError, InvalidArgumentError) as error:
            outcome.refused = str(error)
            return outcome
        sure = [edit for edit in made.edits if not edit.needs_confirmation]
        outcome.edits, outcome.asked = len(sure), len(made.edits) - len(sure)
        kept = {edit.path: (self.root / edit.path).read_bytes() for edit in sure}
        try:
            for changed in kept:
                self._write(changed, edited(kept[changed], [e for e in sure if e.path == changed], made.name))
            outcome.broken += self._unresolved(made, [(one.path, one.row, one.column) for one in before])
            outcome.broken += self.does_not_run()
        finally:
            for changed, data in kept.items():
                self._write(changed, data)
        return outcome

    def _write(self, path: str, data: bytes) -> None:
        """Change a file, and index it."""
        (self.root / path).write_bytes(data)
        with self._store.transaction() as txn:
            txn.index_file(record_of(path, "python", data))
        before = self._source.view
        self._source.move_to(self._store.view())
        before.close()

    def _unresolved(self, made: Rename, before: list[tuple[str, int, int]]) -> Iterator[str]:
        """Each old reference that is not a reference to the new name now."""
        by_row: dict[tuple[str, int], list[Edit]] = {}
        for edit in made.edits:
            if not edit.needs_confirmation:
                by_row.setdefault((edit.path, edit.row), []).append(edit)
        growth = len(_NEW) - len(made.name.encode())
        for path, row, column in before:
            moved = column + growth * sum(edit.column < column for edit in by_row.get((path, row), ()))
            text = (self.root / path).read_bytes().split(b"\n")[row][moved:]
            if not text.startswith(_NEW.encode()):
                if text.startswith(made.name.encode()):
                    yield f"{path}:{row + 1}:{moved + 1} still says {made.name}"
                continue
            found = definition(self._source, path, row, moved).definitions
            if not found or found[0].evidence == "named" or not found[0].name.endswith(_NEW):
                yield f"{path}:{row + 1}:{moved + 1} leads to {found[0].name if found else 'nothing'}"

    def does_not_run(self) -> Iterator[str]:
        """What the compiler, and the import of each module, say."""
        compiled = [sys.executable, "-m", "compileall", "-q", "-f", self.package]
        imports = [sys.executable, "-c", _IMPORT_ALL, self.package]
        for what, command in (("does not compile", compiled), ("does not import", imports)):
            done = subprocess.run(
                command, cwd=self.root, capture_output=True, text=True, check=False,
                env={**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip
            if done.returncode:
                yield f"{what}: {(done.stderr or done.stdout).strip()[-_SHOWN_BYTES:]}"


# Modules that cannot be imported here do not count if the unchanged package has the same.
_IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
failed = []
for module in pkgutil.walk_packages(getattr(package, "__path__", []), sys.argv[1] + "."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        # What this machine does not have; a name that is gone is told by "cannot import name".
        if "cannot import name" in str(error):
            failed.append(f"{module.name}: {error}")
    except Exception as error:
        failed.append(f"{module.name}: {error!r}")
print("\\n".join(failed), file=sys.stderr)
sys.exit(bool(failed))
"""


def edited(data: bytes, edits: list[Edit], name: str) -> bytes:
    """The bytes with the edits applied."""
    lines = data.split(b"\n")
    old = name.encode()
    for edit in sorted(edits, reverse=True):
        line = lines[edit.row]
        assert line[edit.column :].startswith(old), (edit, line)
        lines[edit.row] = line[: edit.column] + _NEW.encode() + line[edit.column + len(old) :]
    return b"\n".join(lines)


__all__ = ["DEFINED", "FIELD", "Outcome", "Trial", "edited"]
