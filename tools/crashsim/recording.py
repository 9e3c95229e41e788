"""A recording: what a workload did to a directory, in a form that is kept and replayed."""

from __future__ import annotations

import os
import pickle
import re
from dataclasses import dataclass, field

from .effects import Inode, Mark, Step, Tree
from .errors import RecordingError, UsageError
from .live import LiveTree
from .strace_lines import parse
from .translate import Translator

_FORMAT = 1
_TEXT_CHARACTERS_MAX = 160


@dataclass(frozen=True, slots=True)
class Recording:
    """`steps` on `initial` give `final`; `call_texts` are the calls that had effects, for people to read."""

    subject: str
    workload: str
    initial: Tree
    final: Tree
    inodes: tuple[Inode, ...]
    initial_inodes: int
    steps: tuple[Step, ...]
    call_texts: dict[int, str] = field(default_factory=dict)
    mode: str = "workload"
    marks_before: tuple[str, ...] = ()

    def live_tree(self) -> LiveTree:
        """The tree that the recording starts from, with the same inode numbers."""
        return LiveTree(self.initial)

    def save(self, path: str) -> None:
        """Write the recording to a file of its own, replacing what was there."""
        with open(path + ".new", "wb") as file:
            pickle.dump((_FORMAT, self), file, protocol=5)
        os.replace(path + ".new", path)


def load(path: str) -> Recording:
    """Read a recording that this tool wrote (it is a pickle: open none from a stranger). Raises
    UsageError.
    """
    try:
        with open(path, "rb") as file:
            version, recording = pickle.load(file)
    except (OSError, pickle.UnpicklingError, ValueError, TypeError) as error:
        raise UsageError(f"{path} cannot be read as a recording: {error}.") from error
    if version != _FORMAT or not isinstance(recording, Recording):
        raise UsageError(f"{path} is a recording of format {version}; this tool reads format {_FORMAT}.")
    return recording


def from_trace(
    trace_path: str,
    *,
    root: str,
    marks: str,
    directory: str,
    initial: Tree,
    final: Tree,
    subject: str,
    workload: str,
    mode: str = "workload",
    marks_before: tuple[str, ...] = (),
) -> Recording:
    """Translate a trace, and hold it against what the program really left behind.

    Raises RefusedError for what has no model, RecordingError where the trace does not give `final`.
    """
    with open(trace_path, encoding="ascii", errors="replace") as lines:
        calls = list(parse(lines))
    translator = Translator(root, marks, directory, initial)
    initial_inodes = len(translator.live.inodes)
    translator.run(calls)
    replayed = translator.live.tree()
    difference = first_difference(replayed, final)
    if difference:
        raise RecordingError(f"The trace is not complete: {difference}.")
    texts = {}
    for step in translator.steps:
        call = calls[step.call]
        if isinstance(step.effect, Mark):
            texts[step.call] = f"the workload says: {step.effect.text}"
        else:
            texts[step.call] = readable(call.name, call.arguments, root)
    return Recording(
        subject,
        workload,
        initial,
        final,
        tuple(translator.live.inodes),
        initial_inodes,
        tuple(translator.steps),
        texts,
        mode,
        marks_before,
    )


def first_difference(replayed: Tree, found: Tree) -> str:
    """The first way in which two trees differ, in words; "" when they are the same."""
    for path in sorted(replayed.nodes.keys() | found.nodes.keys()):
        if path not in found.nodes:
            return f"{path!r} is in the trace and not on disk"
        if path not in replayed.nodes:
            return f"{path!r} is on disk and not in the trace"
        if replayed.nodes[path] != found.nodes[path]:
            return f"{path!r} has other contents on disk than the trace gives"
    if replayed.links != found.links:
        return "hard links differ"
    return ""


def readable(name: str, arguments: tuple[str, ...], root: str) -> str:
    """A call as a person reads it: text instead of hexadecimal, paths from the root, long data cut."""

    def decode(match: re.Match[str]) -> str:
        data = bytes.fromhex(match[0].replace("\\x", ""))
        text = data.decode("latin-1")
        if text.startswith(root):
            return text[len(root) :].lstrip("/") or "."
        shown = "".join(character if " " <= character <= "~" else "." for character in text[:40])
        return shown + (f"… ({len(data)} bytes)" if len(data) > 40 else "")

    text = f"{name}({', '.join(arguments)})"
    text = re.sub(r"(?:\\x[0-9a-f]{2})+", decode, text)
    text = re.sub(r"AT_FDCWD<[^>]*>", "AT_FDCWD", text)
    return text if len(text) <= _TEXT_CHARACTERS_MAX else text[: _TEXT_CHARACTERS_MAX - 1] + "…"
