"""A state in words: what became of each pending effect, the calls around the crash, the files it left."""

from __future__ import annotations

from collections.abc import Sequence

from .effects import Change, Inode, Resize, Tree, Write
from .enumeration import Choice
from .recording import Recording
from .states import Point
from .variants import WHOLE, Variant

_CALLS_BEFORE = 8
_CALLS_AFTER = 3
_FATES_MAX = 40
_FILES_MAX = 60


def fates(recording: Recording, point: Point, choice: Choice) -> list[str]:
    """What became of each effect that was not durable, one line each; the lost ones first."""
    lines = []
    for atom, variant in sorted(zip(point.pending, choice, strict=True), key=lambda pair: pair[1] == WHOLE):
        lines.append(f"{_fate(variant)}: {effect_text(atom.effect, recording.inodes)}  [step {atom.step}]")
    if len(lines) > _FATES_MAX:
        lines[_FATES_MAX:] = [f"… and {len(lines) - _FATES_MAX} more"]
    return lines or ["everything was durable"]


def _fate(variant: Variant) -> str:
    word, cut = variant
    texts = {
        "whole": "kept",
        "missing": "lost",
        "torn": f"torn after {cut} bytes",
        "zeros": "zeros of its length",
        "grown": "size grown without the data",
        "patched": f"size grown with the first {cut} bytes",
        "late": f"first {cut} bytes lost, the rest kept",
    }
    return texts[word]


def effect_text(effect: Write | Resize | Change, inodes: Sequence[Inode]) -> str:
    """An effect in a few words."""
    if isinstance(effect, Write):
        return f"{len(effect.data)} bytes at {effect.offset} of file #{effect.inode}"
    if isinstance(effect, Resize):
        return f"size of file #{effect.inode} set to {effect.size}"
    parts = []
    for entry in effect.entries:
        if entry.inode is None:
            parts.append(f"{entry.name!r} removed from directory #{entry.directory}")
        else:
            kind = inodes[entry.inode].kind
            parts.append(f"{entry.name!r} in directory #{entry.directory} is {kind} #{entry.inode}")
    return " and ".join(parts)


def calls_around(recording: Recording, number: int) -> list[str]:
    """The calls before and after crash point `number`, with the crash between them."""
    lines = []
    steps = recording.steps
    for index in range(max(0, number - _CALLS_BEFORE), min(len(steps), number + _CALLS_AFTER)):
        if index == number:
            lines.append("---- power cut ----")
        lines.append(f"{index}: {recording.call_texts[steps[index].call]}")
    if number == len(steps):
        lines.append("---- power cut ----")
    return lines


def files(tree: Tree) -> list[str]:
    """The names and sizes that the crash left."""
    lines = []
    for path, value in sorted(tree.nodes.items()):
        size = (
            "directory"
            if value is None
            else f"-> {value}"
            if isinstance(value, str)
            else f"{len(value)} bytes"
        )
        lines.append(f"{path}  {size}")
    if len(lines) > _FILES_MAX:
        lines[_FILES_MAX:] = [f"… and {len(lines) - _FILES_MAX} more"]
    return lines or ["(nothing)"]
