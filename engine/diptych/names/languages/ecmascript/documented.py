"""What comments of JavaScript declare: `@typedef`, `@callback`, `@import`, and types without a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE, module_of, written_at
from diptych.names.facts import ASSIGNED, CLASS, DEFINED, FIELD, IMPORTED, Point, Scope
from diptych.names.languages.collected import Collected
from diptych.names.languages.ecmascript.doc import (
    Comment,
    Tag,
    Written,
    comment_of,
    is_doc,
    members_of_parameter,
    shape,
)
from diptych.names.languages.ecmascript.types import TYPE_ITSELF

_UNKNOWN = "?"
_PROPERTIES = frozenset({"property", "prop"})
_PARAMETERS = frozenset({"param", "arg", "argument"})
_RETURNED = frozenset({"returns", "return"})
_DECLARES = re.compile(rb"@(?:typedef|callback|import)")
_IMPORT = re.compile(rb"""@import\s+([^"'@]*?)\s*from\s*["']([^"'<>\n]+)["']""")
_ITEM = re.compile(rb"([\w$]+)(?:[ \t]+as[ \t]+([\w$]+))?")
_STAR = re.compile(rb"\*[ \t]+as[ \t]+([\w$]+)")


def declared_in(made: Collected, node: Node, scope: int) -> None:
    """Bind what a comment declares."""
    if not is_doc(made.source, node):
        return
    # Most declare nothing, and their types are read where a function or a value asks.
    if not made.complete and _DECLARES.search(made.source, node.start_byte, node.end_byte) is None:
        return
    comment = comment_of(made.source, node)
    tags = comment.tags()
    for number, tag in enumerate(tags):
        if tag.tag == "typedef" and tag.name:
            _type(made, comment, tag, _following(tags, number, _PROPERTIES), scope)
        elif tag.tag == "callback" and tag.name:
            _callback(made, comment, tag, _following(tags, number, _PARAMETERS | _RETURNED), scope)
        elif tag.tag == "import":
            _imports(made, comment, tag, scope)
        elif made.complete:
            _objects(made, tag.objects, scope)
            if tag.tag in _PARAMETERS and tag.type in ("", _UNKNOWN):
                given = [one for one in tags if one.tag in _PARAMETERS]
                listed = members_of_parameter(comment, given, tag.name)
                _objects(made, (listed,) if listed is not None else (), scope)


def _following(tags: Sequence[Tag], number: int, wanted: frozenset[str]) -> list[Tag]:
    """The tags that belong to the one of that number."""
    rest = tags[number + 1 :]
    end = next((at for at, one in enumerate(rest) if one.tag in ("typedef", "callback")), len(rest))
    return [one for one in rest[:end] if one.tag in wanted]


def _type(made: Collected, comment: Comment, tag: Tag, properties: list[Tag], scope: int) -> None:
    place = comment.place_of(tag.at)
    whole = next((one for one in tag.objects if written_at(one.start) == tag.type), None)
    properties = [one for one in properties if "." not in one.name and one.name]
    if whole is None and properties and tag.type in ("", _UNKNOWN):
        members = tuple((one.name, comment.place_of(one.at), shape(one.type)) for one in properties)
        whole = Written(comment.place_of(tag.start), comment.place_of(properties[-1].end), members)
        _objects(made, tuple(one for tag in properties for one in tag.objects), scope)
    else:
        _objects(made, tuple(one for one in tag.objects if one is not whole), scope)
    if whole is not None:
        inner = _opened(made, whole, scope, tag.name, place)
        made.bind(tag.name, scope, place, DEFINED, inner=inner)
    elif (imported := module_of(tag.type)) is not None and len(imported[1]) < 2 and "[" not in tag.type:
        item = f">{imported[1][0]}" if imported[1] else ""
        made.bind(tag.name, scope, place, IMPORTED, f"<{imported[0]}{item}")
    else:
        made.bind(tag.name, scope, place, ASSIGNED, f"{TYPE_ITSELF}{tag.type or _UNKNOWN}]")


def _callback(made: Collected, comment: Comment, tag: Tag, parts: list[Tag], scope: int) -> None:
    returned = next((one.type for one in parts if one.tag in _RETURNED), _UNKNOWN) or _UNKNOWN
    taken = [one.type or _UNKNOWN for one in parts if one.tag in _PARAMETERS]
    text = f"{TYPE_ITSELF}{FUNCTION_TYPE}[{', '.join([returned, *taken])}]]"
    made.bind(tag.name, scope, comment.place_of(tag.at), ASSIGNED, text)
    _objects(made, tuple(one for part in parts for one in part.objects), scope)


def _imports(made: Collected, comment: Comment, tag: Tag, scope: int) -> None:
    """`@import A, { B as C } from "./d"`."""
    match = _IMPORT.match(comment.source, tag.start, comment.end)
    if match is None:
        return
    module, (start, end) = match[2].decode("utf-8", "replace"), match.span(1)
    opening = comment.source.find(b"{", start, end)
    star = _STAR.search(comment.source, start, end)
    if star is not None:
        name = star[1].decode("utf-8", "replace")
        made.bind(name, scope, comment.place_of(star.start(1)), IMPORTED, f"<{module}")
    for item in _ITEM.finditer(comment.source, start, end) if star is None else ():
        name = item[1].decode("utf-8", "replace")
        is_default = opening < 0 or item.start() < opening
        local = 2 if item[2] else 1
        made.bind(
            item[local].decode("utf-8", "replace"),
            scope,
            comment.place_of(item.start(local)),
            IMPORTED,
            f"<{module}>{'default' if is_default else name}",
        )


def _objects(made: Collected, objects: tuple[Written, ...], scope: int) -> None:
    for one in objects:
        _opened(made, one, scope, "", (0, 0))


def _opened(made: Collected, written: Written, scope: int, name: str, place: Point) -> int:
    """The scope of the members of a type."""
    inner = len(made.scopes)
    made.scopes.append(
        Scope(CLASS, scope, written.start, written.end, name, place, decorators=("!type",))
    )
    for member, at, given in written.members:
        made.bind(member, inner, at, FIELD, given)
    return inner
