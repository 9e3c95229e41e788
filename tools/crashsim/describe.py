"""A state in words: what became of each pending effect, the calls around the crash, the files it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .effects import ROOT, Change, Inode, Resize, Tree, Write
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
    names = _names(recording)
    for atom, variant in sorted(zip(point.pending, choice, strict=True), key=lambda pair: pair[1] == WHOLE):
        lines.append(
            f"{_fate(variant)}: {effect_text(atom.effect, recording.inodes, names)}  [step {atom.step}]"
        )
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


def _names(recording: Recording) -> dict[int, str]:
    """For each inode the newest name it had, so that a person knows which file is meant."""
    names = {ROOT: "the root"}
    for entries in recording.live_tree().entries.values():
        names.update({inode: name for name, inode in entries.items()})
    for step in recording.steps:
        if isinstance(step.effect, Change):
            names.update(
                {entry.inode: entry.name for entry in step.effect.entries if entry.inode is not None}
            )
    return names


def effect_text(effect: Write | Resize | Change, inodes: Sequence[Inode], names: Mapping[int, str]) -> str:
    """An effect in a few words; `names` has a name for each inode."""
    if isinstance(effect, Write):
        return f"{len(effect.data)} bytes at {effect.offset} of file #{effect.inode} ({names[effect.inode]})"
    if isinstance(effect, Resize):
        return f"size of file #{effect.inode} ({names[effect.inode]}) set to {effect.size}"
    parts = []
    for entry in effect.entries:
        where = f"directory #{entry.directory} ({names[entry.directory]})"
        if entry.inode is None:
            parts.append(f"{entry.name!r} removed from {where}")
        else:
            parts.append(f"{entry.name!r} in {where} is {inodes[entry.inode].kind} #{entry.inode}")
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
