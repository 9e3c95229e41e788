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


@dataclass(frozen=True, slots=True)
class Point:
    """A crash after the first `number` steps. `pending` are the atoms whose fate is open."""

    number: int
    pending: tuple[Atom, ...]
    marks: tuple[str, ...]


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
        self._whole: dict[int, tuple[int, bytearray]] = {}
        self._base: tuple[int, dict[int, dict[str, int]], dict[int, tuple[int, str]]] | None = None

    def point(self, number: int) -> Point:
        """The crash point after `number` steps (0 is before the first)."""
        pending = tuple(atom for atom in self.atoms if atom.step < number < atom.durable_at)
        effects = [step.effect for step in self.recording.steps[:number]]
        marks = tuple(effect.text for effect in effects if isinstance(effect, Mark))
        return Point(number, pending, (*self.recording.marks_before, *marks))

    def digest(self, point: Point, choice: Sequence[Variant]) -> bytes:
        """What tells this state from others: names, kinds, contents, and which names are one file."""
        hasher = blake2b(digest_size=16)
        for path, number in self._walk(point, choice):
            value = self._content(point, choice, number)
            kind = self.recording.inodes[number].kind
            shown = value[0] if value else self.recording.inodes[number].target.encode()
            hasher.update(
                b"%d %s %d " % (len(path), path.encode("utf-8", "surrogateescape"), number if value else 0)
            )
            hasher.update(kind[0].encode() + shown)
        return hasher.digest()

    def tree(self, point: Point, choice: Sequence[Variant]) -> Tree:
        """The tree that the crash leaves."""
        nodes: dict[str, bytes | str | None] = {}
        names: dict[int, list[str]] = {}
        for path, number in self._walk(point, choice):
            value = self._content(point, choice, number)
            inode = self.recording.inodes[number]
            if value is not None:
                nodes[path] = value[1]
                names.setdefault(number, []).append(path)
            else:
                nodes[path] = inode.target if inode.kind == "symlink" else None
        links = tuple(sorted(tuple(sorted(group)) for group in names.values() if len(group) > 1))
        return Tree(nodes, links)

    def legal(self, point: Point, choice: Sequence[Variant]) -> tuple[Variant, ...]:
        """The nearest choice that the model allows."""
        return legal(self.model, point.pending, choice)

    # -- entries --------------------------------------------------------------------------------------------

    def _durable_entries(self, number: int) -> tuple[dict[int, dict[str, int]], dict[int, tuple[int, str]]]:
        if self._base is not None and self._base[0] == number:
            return self._base[1], self._base[2]
        entries = {directory: dict(names) for directory, names in self._initial_entries.items()}
        places: dict[int, tuple[int, str]] = {}
        for atom in self.atoms:
            if atom.step >= number:
                break
            if isinstance(atom.effect, Change) and atom.durable_at <= number:
                self._change(entries, places, atom.effect)
        self._base = (number, entries, places)
        return entries, places

    def _change(
        self, entries: dict[int, dict[str, int]], places: dict[int, tuple[int, str]], change: Change
    ) -> None:
        for entry in change.entries:
            names = entries.setdefault(entry.directory, {})
            if entry.inode is None:
                names.pop(entry.name, None)
            else:
                names[entry.name] = entry.inode
                if self.recording.inodes[entry.inode].kind == "directory":
                    places[entry.inode] = (entry.directory, entry.name)

    def _walk(self, point: Point, choice: Sequence[Variant]) -> list[tuple[str, int]]:
        base, base_places = self._durable_entries(point.number)
        kept = [
            atom.effect
            for atom, variant in zip(point.pending, choice, strict=True)
            if variant is WHOLE or variant == WHOLE
            if isinstance(atom.effect, Change)
        ]
        entries, places = base, base_places
        if kept:
            entries, places = dict(base), dict(base_places)
            for directory in {entry.directory for change in kept for entry in change.entries}:
                entries[directory] = dict(entries.get(directory, {}))
            for change in kept:
                self._change(entries, places, change)
        found: list[tuple[str, int]] = []
        waiting = [("", ROOT)]
        inodes = self.recording.inodes
        while waiting:
            prefix, directory = waiting.pop()
            for name, number in sorted(entries.get(directory, {}).items()):
                if inodes[number].kind == "directory":
                    if places.get(number, (directory, name)) != (directory, name):
                        continue  # a directory has one place: the newest
                    waiting.append((f"{prefix}{name}/", number))
                found.append((prefix + name, number))
        return found

    # -- contents -------------------------------------------------------------------------------------------

    def _content(self, point: Point, choice: Sequence[Variant], inode: int) -> _Content | None:
        """A file's (digest, content) in this state; None for what is not a file."""
        if self.recording.inodes[inode].kind != "file":
            return None
        count, open_places = self._layout(point).get(inode, (0, ()))
        fates = tuple([choice[position] for _, position in open_places])
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
