"""C and C++ before the preprocessor: conditionals that no grammar can place.

A grammar takes `#if` where a declaration or a statement may be. Where its branches open a brace that is
closed elsewhere, or where it is inside of an expression, an initializer or a list of parameters, nothing
around it is read. There the first branch is kept, and the rest is blanked with the directives, as ctags does.
Offsets stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tree_sitter import Node

from diptych.indexer.languages.c_blanks import blank

_TOKEN = re.compile(
    rb"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*+\"|'(?:\\.|[^'\\\n])*+'"
    rb"|^[ \t]*+\#[ \t]*+(?P<directive>if|ifdef|ifndef|else|elif|endif)\b(?P<rest>(?:[^\n\\]|\\.)*+)"
    rb"|^[ \t]*+\#(?:[^\n\\]|\\.)*+|(?P<open>[({\[])|(?P<close>[)}\]])",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(rb"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_SPACE = re.compile(rb"(?:\s+|//[^\n]*|/\*.*?(?:\*/|\Z))*+", re.DOTALL)
# Another conditional may be the first thing in one.
_LEADING = re.compile(rb"(?:\s+|//[^\n]*|/\*.*?(?:\*/|\Z)|\#(?:[^\n\\]|\\.)*+){0,40}+", re.DOTALL)
# Before a brace that begins a list of values.
_BEFORE_VALUES = (b"=", b",", b"(", b"{")
_BEFORE_OPERAND = (b"=", b"+", b"-", b"|", b"&", b"?", b"!", b".", b">")
# `static`, and the function after it.
_BEFORE_DECLARATION = re.compile(
    rb"\b(?:static|extern|inline|const|constexpr|virtual|explicit|unsigned|signed|long|short|int|char|void|bool)\Z"
)
_ENUM = re.compile(rb"\benum\b[^;]*\Z")
# A part of any list, of the initializers of a constructor, or of an `if`.
_CONTINUES = re.compile(rb",|:(?!:)|else\b")
# `weak_function` or `[[noreturn]]`, alone before the rest of a declaration.
_ATTRIBUTE = re.compile(rb"(?!(?:else|do|return|break|continue)\b)\w+|\[\[[^\[\]]*+\]\]")
_AFTER_OPERAND = (b"=", b"+", b"-", b"|", b"&", b"?", b".", b",", b";")
_CONDITIONAL = re.compile(rb"#[ \t]*(?:if|el|endif)")
# How far from a conditional the error may be that it causes.
_NEAR_BYTES = 200
_HEAD_BYTES = 600
_OPEN, _CLOSE = b"()"
_BEFORE_CONDITION = re.compile(rb"(?:\A|[\s;{}])(?<!\bdefine )(?:if|while|for|switch)\s*\Z")
_ELSE = re.compile(rb"(?:\A|[\s;}])(?:else|do)\Z")
_NEVER = re.compile(rb"\s+0\b")


@dataclass(slots=True)
class _Branch:
    begin: int
    end: int
    depth: int = 0
    lowest: int = 0


@dataclass(slots=True)
class _Group:
    """A conditional: its branches, its directives, and whether it is where no grammar takes one."""

    split: bool
    never: bool
    branches: list[_Branch] = field(default_factory=list)
    directives: list[tuple[int, int]] = field(default_factory=list)


def has_split_conditionals(root: Node, source: bytes) -> bool:
    """Whether a syntax error is near a conditional."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            start = max(node.start_byte - _NEAR_BYTES, 0)
            if _CONDITIONAL.search(source, start, node.end_byte + _NEAR_BYTES):
                return True
        else:
            nodes += [child for child in node.children if child.has_error]
    return False


def without_split_conditionals(source: bytes, *, cpp: bool) -> bytes:
    """`source` with one branch left of each conditional that splits what it is in."""
    blanks: list[tuple[int, int]] = []
    groups: list[_Group] = []
    brackets: list[bytes] = []
    code_end = 0
    for token in _TOKEN.finditer(source):
        start, end = token.span()
        # The last group of a directive is its rest.
        sort = token.lastgroup
        if sort == "open":
            opened = token[0]
            if opened == b"{":
                before = _code(source, code_end, start)
                if before[-1:] in _BEFORE_VALUES:
                    opened = b"="
                elif _ENUM.search(before[-_NEAR_BYTES:]):
                    opened = b"enum"
            brackets.append(opened)
            if groups:
                _count(groups, 1)
        elif sort == "close":
            del brackets[-1:]
            if groups:
                _count(groups, -1)
        elif sort == "rest" and (directive := token["directive"]) in (b"if", b"ifdef", b"ifndef"):
            before = _code(source, code_end, start)
            split = (
                brackets[-1:] in ([b"("], [b"["], [b"="])
                or before[-1:] in _BEFORE_OPERAND
                or _BEFORE_DECLARATION.search(before) is not None
                or (before[-1:] == b"," and brackets[-1:] != [b"enum"])
            )
            never = (
                _NEVER.match(token["rest"])
                if directive == b"if"
                else not cpp and b"__cplusplus" in token["rest"]
            )
            groups.append(_Group(split, bool(never and directive != b"ifndef")))
            groups[-1].branches.append(_Branch(end, end))
            groups[-1].directives.append((start, end))
        elif sort == "rest" and groups:
            group = groups[-1]
            group.branches[-1].end = start
            group.directives.append((start, end))
            if directive == b"endif":
                groups.pop()
                kept = _closed(group, source, blanks)
                if groups and kept:
                    last = groups[-1].branches[-1]
                    last.lowest = min(last.lowest, last.depth + kept.lowest)
                    last.depth += kept.depth
            else:
                group.branches.append(_Branch(end, end))
        if not source.startswith(b"/", start):
            code_end = end
    blanked = bytearray(source)
    for start, end in blanks:
        blank(blanked, start, end)
    return bytes(blanked)


def _count(groups: list[_Group], step: int) -> None:
    """A bracket in the innermost conditional."""
    branch = groups[-1].branches[-1]
    branch.depth += step
    branch.lowest = min(branch.lowest, branch.depth)


def _closed(group: _Group, source: bytes, blanks: list[tuple[int, int]]) -> _Branch | None:
    """The branch that counts for the code around a complete conditional; what else to blank is added."""
    after = _end(_SPACE, source, group.directives[-1][1])
    split = (
        group.split
        or source[after : after + 1] in _AFTER_OPERAND
        or any(_CONTINUES.match(source, _end(_LEADING, source, branch.begin)) for branch in group.branches)
        or any(_wants_value(source, branch) for branch in group.branches)
        or any(_wants_statement(source, branch) for branch in group.branches)
    )
    if not split and all(branch.depth == 0 and branch.lowest == 0 for branch in group.branches):
        return None
    branches = group.branches[1:] if group.never or _is_attribute(group, source, after) else group.branches
    kept = branches[0] if branches else None
    blanks += group.directives
    blanks += [(branch.begin, branch.end) for branch in group.branches if branch is not kept]
    return kept


def _is_attribute(group: _Group, source: bytes, after: int) -> bool:
    """Whether a conditional begins with nothing but an attribute for what comes after it."""
    first = group.branches[0]
    if first.end - first.begin > _NEAR_BYTES:
        return False
    alone = _ATTRIBUTE.fullmatch(_code(source, first.begin, first.end).strip())
    return alone is not None and source[after : after + 1] != b"}"


def _code(source: bytes, begin: int, end: int) -> bytes:
    """What is there but comments, without white space after it."""
    return _COMMENT.sub(b"", source[begin:end]).rstrip()


def _wants_value(source: bytes, branch: _Branch) -> bool:
    """Whether a branch ends with `name =`."""
    code = _code(source, max(branch.begin, branch.end - _NEAR_BYTES), branch.end)
    return code.endswith(b"=") and not code.rpartition(b"\n")[2].lstrip().startswith(b"#")


def _wants_statement(source: bytes, branch: _Branch) -> bool:
    """Whether a branch ends with `if (a)` or `else`."""
    code = _code(source, max(branch.begin, branch.end - _HEAD_BYTES), branch.end)
    before, _, last = code.rpartition(b"\n")
    if last.lstrip().startswith(b"#") or before.endswith((b"\\", b"\\\r")):
        # The end of a macro's body.
        return False
    if not code.endswith(b")"):
        return _ELSE.search(code) is not None
    depth, at = 0, len(code)
    while at > 0:
        at -= 1
        depth += (code[at] == _CLOSE) - (code[at] == _OPEN)
        if depth == 0:
            return _BEFORE_CONDITION.search(code, max(at - _NEAR_BYTES, 0), at) is not None
    return False


def _end(space: re.Pattern[bytes], source: bytes, begin: int) -> int:
    """Where the first thing begins that is none of `space`."""
    match = space.match(source, begin)
    return match.end() if match else begin
