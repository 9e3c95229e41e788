"""From a choice at a crash point to the directory tree that the crash leaves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from .effects import ROOT, Change, Mark, Resize, Tree, Write
from .models import Atom, atoms, legal
from .recording import Recording
from .variants import WHOLE, Variant, apply_resize, apply_write

_CONTENTS_BYTES_MAX = 256 << 20
_Content = tuple[bytes, bytes]  # (digest, content)
_Layout = tuple[
    int, tuple[tuple[int, int], ...]
]  # changes so far; (place among them, position in the choice)

Places = dict[int, tuple[int, str, int]]
"""By the inode of a directory: where its newest name is, and the step that gave it."""



@dataclass(frozen=True, slots=True)
class Point:
    """A crash after the first `number` steps. `pending` are the atoms whose fate is open."""

    number: int
    pending: tuple[Atom, ...]
    marks: tuple[str, ...]


@dataclass(slots=True)
class _Still:
    """What no pending effect touches at a point: digests of files, and directories with all below them."""

    point: Point
    contents: dict[int, bytes]
    directories: set[int]
    sums: dict[tuple[str, int], int]


class StateBuilder:
    """Builds the states of one recording under one model. Points are cheapest asked for in rising order."""

    def __init__(self, recording: Recording, model: str) -> None:
        self.recording = recording
        self.model = model
        self.atoms = atoms(model, recording.steps, recording.inodes)
        live = recording.live_tree()
        self._initial_entries = {number: dict(names) for number, names in live.entries.items()}
        self._initial_contents = {number: bytes(content) for number, content in live.contents.items()}
        self._of_inode: dict[int, list[Atom]] = {}
        for atom in self.atoms:
            if not isinstance(atom.effect, Change):
                self._of_inode.setdefault(atom.effect.inode, []).append(atom)
        self._contents: OrderedDict[tuple[object, ...], _Content] = OrderedDict()
        self._layouts: tuple[Point, dict[int, _Layout]] | None = None
        self._contents_bytes = 0
        self._still: _Still | None = None
        self._hashes: dict[tuple[str, bytes], int] = {}
        self._whole: dict[int, tuple[int, bytearray]] = {}
        self._base: tuple[int, dict[int, dict[str, int]], dict[int, tuple[int, str]]] | None = None

    def point(self, number: int) -> Point:
        """The crash point after `number` steps (0 is before the first)."""
        pending = tuple(atom for atom in self.atoms if atom.step < number < atom.durable_at)
        effects = [step.effect for step in self.recording.steps[:number]]
        marks = tuple(effect.text for effect in effects if isinstance(effect, Mark))
        return Point(number, pending, (*self.recording.marks_before, *marks))

    def digest(self, point: Point, choice: Sequence[Variant]) -> int:
        """What tells this state from others: a number that stands for all its names, kinds and contents.

        It is the sum of the hashes of its entries, so that what no pending effect touches is added up once
        for each point and not once for each choice.
        """
        entries, places = self._entries(point, choice)
        still = self._still_of(point)
        total = 0
        waiting = [("", ROOT)]
        inodes = self.recording.inodes
        while waiting:
            prefix, directory = waiting.pop()
            for name, number in entries.get(directory, {}).items():
                path = prefix + name
                inode = inodes[number]
                if inode.kind == "file":
                    known = still.contents.get(number)
                    if known is None:
                        known = self._content(point, choice, number)[0]
                    total += self._hash(path, known)
                elif inode.kind == "symlink":
                    total += self._hash(path, b"->" + inode.target.encode())
                elif places.get(number, (directory, name))[:2] == (directory, name):
                    total += self._hash(path, b"")
                    if number in still.directories:
                        total += self._still_sum(still, path + "/", number)
                    else:
                        waiting.append((path + "/", number))
        return total

    def tree(self, point: Point, choice: Sequence[Variant]) -> Tree:
        """The tree that the crash leaves."""
        nodes: dict[str, bytes | str | None] = {}
        names: dict[int, list[str]] = {}
        for path, number in self._walk(point, choice):
            inode = self.recording.inodes[number]
            if inode.kind == "file":
                nodes[path] = self._content(point, choice, number)[1]
                names.setdefault(number, []).append(path)
            else:
                nodes[path] = inode.target if inode.kind == "symlink" else None
        links = tuple(sorted(tuple(sorted(group)) for group in names.values() if len(group) > 1))
        return Tree(nodes, links)

    def legal(self, point: Point, choice: Sequence[Variant]) -> tuple[Variant, ...]:
        """The nearest choice that the model allows."""
        return legal(self.model, point.pending, choice)

    # -- entries --------------------------------------------------------------------------------------------

    def _durable_entries(self, number: int) -> tuple[dict[int, dict[str, int]], Places]:
        if self._base is not None and self._base[0] == number:
            return self._base[1], self._base[2]
        entries = {directory: dict(names) for directory, names in self._initial_entries.items()}
        places: Places = {}
        for atom in self.atoms:
            if atom.step >= number:
                break
            if isinstance(atom.effect, Change) and atom.durable_at <= number:
                self._change(entries, places, atom.effect, atom.step)
        self._base = (number, entries, places)
        return entries, places

    def _change(
        self, entries: dict[int, dict[str, int]], places: Places, change: Change, step: int
    ) -> None:
        for entry in change.entries:
            names = entries.setdefault(entry.directory, {})
            if entry.inode is None:
                names.pop(entry.name, None)
            else:
                names[entry.name] = entry.inode
                # What was pending longest is applied last, and may be older than what is durable.
                newer = step >= places.get(entry.inode, (0, "", -1))[2]
                if newer and self.recording.inodes[entry.inode].kind == "directory":
                    places[entry.inode] = (entry.directory, entry.name, step)

    def _entries(
        self, point: Point, choice: Sequence[Variant]
    ) -> tuple[dict[int, dict[str, int]], Places]:
        base, base_places = self._durable_entries(point.number)
        kept = [
            (atom.effect, atom.step)
            for atom, variant in zip(point.pending, choice, strict=True)
            if variant == WHOLE
            if isinstance(atom.effect, Change)
        ]
        if not kept:
            return base, base_places
        entries, places = dict(base), dict(base_places)
        for directory in {entry.directory for change, _ in kept for entry in change.entries}:
            entries[directory] = dict(entries.get(directory, {}))
        for change, step in kept:
            self._change(entries, places, change, step)
        return entries, places

    def _walk(self, point: Point, choice: Sequence[Variant]) -> list[tuple[str, int]]:
        entries, places = self._entries(point, choice)
        found: list[tuple[str, int]] = []
        waiting = [("", ROOT)]
        inodes = self.recording.inodes
        while waiting:
            prefix, directory = waiting.pop()
            for name, number in sorted(entries.get(directory, {}).items()):
                if inodes[number].kind == "directory":
                    if places.get(number, (directory, name))[:2] != (directory, name):
                        continue  # a directory has one place: the newest
                    waiting.append((f"{prefix}{name}/", number))
                found.append((prefix + name, number))
        return found

    # -- what no pending effect touches ---------------------------------------------------------------------

    def _still_of(self, point: Point) -> _Still:
        if self._still is not None and self._still.point is point:
            return self._still
        moving: set[int] = set()
        for atom in point.pending:
            if isinstance(atom.effect, Change):
                moving.update(entry.directory for entry in atom.effect.entries)
            else:
                moving.add(atom.effect.inode)
        base, _ = self._durable_entries(point.number)
        still = _Still(point, {}, set(), {})
        for number, inode in enumerate(self.recording.inodes):
            if inode.kind == "file" and number not in moving:
                still.contents[number] = self._content(point, (), number, settled=True)[0]
        for number in sorted(base, reverse=True):  # what is inside a directory mostly has the higher numbers
            inside = base[number].values()
            if number not in moving and all(
                one in still.contents or one in still.directories for one in inside
            ):
                still.directories.add(number)
        self._still = still
        return still

    def _still_sum(self, still: _Still, prefix: str, directory: int) -> int:
        """The sum of the hashes below a directory in which all is durable."""
        known = still.sums.get((prefix, directory))
        if known is None:
            known = 0
            for name, number in self._durable_entries(still.point.number)[0][directory].items():
                content = still.contents.get(number, b"")
                known += self._hash(prefix + name, content)
                if number in still.directories:
                    known += self._still_sum(still, f"{prefix}{name}/", number)
            still.sums[prefix, directory] = known
        return known

    def _hash(self, path: str, content: bytes) -> int:
        key = (path, content)
        known = self._hashes.get(key)
        if known is None:
            text = path.encode("utf-8", "surrogateescape") + b"\0" + content
            known = self._hashes[key] = int.from_bytes(blake2b(text, digest_size=16).digest(), "little")
        return known

    # -- contents -------------------------------------------------------------------------------------------

    def _content(
        self, point: Point, choice: Sequence[Variant], inode: int, *, settled: bool = False
    ) -> _Content:
        """A file's (digest, content) in this state; with `settled`, where nothing of it is pending."""
        count, open_places = self._layout(point).get(inode, (0, ()))
        fates = () if settled else tuple([choice[position] for _, position in open_places])
        key = (inode, count, open_places, fates)
        found = self._contents.get(key)
        if found is None:
            chosen = [WHOLE] * count
            for (place, _), fate in zip(open_places, fates, strict=True):
                chosen[place] = fate
            content = self._compute(inode, self._of_inode.get(inode, [])[:count], chosen)
            found = self._contents[key] = (blake2b(content, digest_size=16).digest(), content)
            self._contents_bytes += len(content)
            while self._contents_bytes > _CONTENTS_BYTES_MAX:
                self._contents_bytes -= len(self._contents.popitem(last=False)[1][1])
        return found

    def _layout(self, point: Point) -> dict[int, _Layout]:
        """For each file: how many changes of its contents came before, and which of them are pending
        where.
        """
        if self._layouts is None or self._layouts[0] is not point:
            positions = {id(atom): position for position, atom in enumerate(point.pending)}
            layouts: dict[int, _Layout] = {}
            for inode, history in self._of_inode.items():
                before = [atom for atom in history if atom.step < point.number]
                places = [
                    (place, positions[id(atom)]) for place, atom in enumerate(before) if id(atom) in positions
                ]
                layouts[inode] = (len(before), tuple(places))
            self._layouts = (point, layouts)
        return self._layouts[1]

    def _compute(self, inode: int, history: list[Atom], chosen: Sequence[Variant]) -> bytes:
        whole = next((place for place, variant in enumerate(chosen) if variant != WHOLE), len(chosen))
        done, known = self._whole.get(inode, (0, bytearray(self._initial_contents.get(inode, b""))))
        if done > whole:
            done, known = 0, bytearray(self._initial_contents.get(inode, b""))
        for atom in history[done:whole]:
            _apply(known, atom, WHOLE)
        self._whole[inode] = (whole, known)
        if whole == len(chosen):
            return bytes(known)
        content = bytearray(known)
        for atom, variant in zip(history[whole:], chosen[whole:], strict=False):
            _apply(content, atom, variant)
        return bytes(content)


def _apply(content: bytearray, atom: Atom, variant: Variant) -> None:
    if isinstance(atom.effect, Write):
        apply_write(content, atom.effect, variant)
    elif isinstance(atom.effect, Resize) and variant == WHOLE:
        apply_resize(content, atom.effect.size)
