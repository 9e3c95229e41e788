"""The names part of a record: the scopes of a file, what each binds, and the shape of what is bound.

Shapes are short strings, so that they pack well and compare cheaply. Alternatives are separated by a newline.
Each is one of

    name.attr()[]*@~    a chain: a name, then attributes, calls, items, iteration, `with`, `await`
    name.attr(2)        a call with two arguments, where these decide what is called
    name.attr()[1]      the second of several results
    name.attr>0>1       the first parameter of what is called, and of that function the second
    <module>            a module, in an expression; a chain may follow
    ^ or ^^             an instance of the enclosing class, or that class; a chain may follow
    :annotation         an instance of what the annotation says; `{3:4}` is what is written at that place
    !str                a value of a built-in type
    <module             a module, as an import names it (leading dots are levels)
    <module>item        an item of a module; without a module, of this file

A file's part is a msgpack array, compressed, with a version in front: a part of another version is ignored,
and the file is parsed when one asks.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import msgpack

VERSION = 1
# One packer for all: a new one takes a buffer of a megabyte.
_pack = msgpack.Packer(unicode_errors="surrogateescape", autoreset=True).pack
# No source file within the indexer's limits has as many facts.
MAX_UNPACKED_BYTES = 64 * 1024 * 1024

Point = tuple[int, int]
"""A row and a column, both from zero; columns count UTF-8 bytes."""

MODULE, CLASS, FUNCTION, LAMBDA, COMPREHENSION, BLOCK, NAMESPACE, EXPORTS = range(8)
"""Kinds of scopes. What a module passes on under other names is bound in its `EXPORTS`, which no name sees.

A `BLOCK` is one of statements; a `NAMESPACE` is like a class to others.
"""

# Marks a scope that has methods of a class defined elsewhere, maybe in another file.
METHODS = "!methods"
# Marks a function that no other file can call.
PRIVATE = "!private"
# Marks a method that does not change its object: C++ may have another with the same parameters that does.
CONST = "!const"
# Marks a method of a class itself, not of its instances.
OF_CLASS = "!static"
# Begins a decorator which is the shape of an interface that a class implements.
IMPLEMENTED = "+"
# Ends a decorator which says that the function has the parameters of another, which is before it.
WRAPPED = ".__wrapped__"
# Marks a parameter that may be left out.
OPTIONAL = "?"
# Marks a parameter for any number of arguments.
REST = "*"
# What a function returns that only its complete facts say.
UNREAD = "?"
# What an import binds when it means all that a module is: `module.exports = …`.
EXPORTED = "export="

# How a name is bound.
ASSIGNED, DEFINED, PARAMETER, IMPORTED, FIELD, GLOBAL, NONLOCAL, DELETED, MACRO, DECLARED, STATIC = range(11)
"""`DECLARED` is what is said here to be defined, maybe in another file: a prototype, an `extern` variable.

`STATIC` is a field of a class itself, not of its instances.
"""


class Scope(NamedTuple):
    """A scope. `parent` is an index, -1 for the file's own. `bases` and `returns` are shapes.

    `place` is the name's. `decorators` are chains, and with a `!` what kind of class it is, with a `+` what a
    class implements. `returns` may be `UNREAD`. The `bases` of a function are its parameters, in languages
    that choose among functions by these; with a `REST` in front, one that takes any number of arguments.
    """

    kind: int
    parent: int
    start: Point
    end: Point
    name: str = ""
    place: Point = (0, 0)
    bases: tuple[str, ...] = ()
    returns: str = ""
    decorators: tuple[str, ...] = ()


class Binding(NamedTuple):
    """A name bound in a scope, by index.

    `inner` is the scope that a definition opens, or of whose members the value consists; -1 for none. A
    parameter of a class is one of its type parameters.
    """

    name: str
    scope: int
    place: Point
    how: int
    shape: str = ""
    inner: int = -1


class FileFacts(NamedTuple):
    """What one file says about names.

    `stars` are `(scope, module)` of star imports. `exported` is `__all__`, or None if the file has none. With
    `complete`, the bindings of functions are included; without, those that other files can see.
    """

    scopes: tuple[Scope, ...]
    bindings: tuple[Binding, ...]
    stars: tuple[tuple[int, str], ...] = ()
    exported: tuple[str, ...] | None = None
    complete: bool = False


def pack_facts(facts: FileFacts) -> bytes:
    """The names part of a record."""
    scopes = [
        (kind, parent, *start, *end, name, *place, bases, returns, decorators)
        for kind, parent, start, end, name, place, bases, returns, decorators in facts.scopes
    ]
    bindings = [
        (name, scope, *place, how, shape, inner) for name, scope, place, how, shape, inner in facts.bindings
    ]
    body = _pack((scopes, bindings, facts.stars, facts.exported, facts.complete))
    return bytes((VERSION,)) + zlib.compress(body, 1)


def unpack_facts(part: bytes) -> FileFacts | None:
    """The facts in a names part; None for another version. Raises ValueError for malformed bytes."""
    if not part or part[0] != VERSION:
        return None
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(part[1:], MAX_UNPACKED_BYTES)
        if not inflater.eof:
            raise ValueError("the names part is cut off, or too large")
        return _unpacked(body)
    except (zlib.error, TypeError, LookupError, msgpack.UnpackException) as error:
        raise ValueError(f"the names part does not decode: {error}") from error


def _unpacked(body: bytes) -> FileFacts:
    scopes, bindings, stars, exported, complete = msgpack.unpackb(
        body, use_list=False, unicode_errors="surrogateescape"
    )
    made = FileFacts(_scopes(scopes), _bindings(bindings), stars, exported, complete)
    count = len(made.scopes)
    # Lookups go from a scope to its parent until -1: each parent comes before its child.
    if not count or any(not -1 <= scope.parent < number for number, scope in enumerate(made.scopes)):
        raise ValueError("a scope has no valid parent")
    if any(not 0 <= bound.scope < count or not -1 <= bound.inner < count for bound in made.bindings):
        raise ValueError("a binding is of no scope")
    return made


def _scopes(rows: Any) -> tuple[Scope, ...]:
    # Not `Scope(…)`, whose arguments cost more than all else here.
    new = tuple.__new__
    return tuple(
        [
            new(Scope, (kind, parent, (a, b), (c, d), name, (e, f), bases, returns, decorators))
            for kind, parent, a, b, c, d, name, e, f, bases, returns, decorators in rows
        ]
    )


def _bindings(rows: Any) -> tuple[Binding, ...]:
    new = tuple.__new__
    return tuple(
        [
            new(Binding, (name, scope, (a, b), how, shape, inner))
            for name, scope, a, b, how, shape, inner in rows
        ]
    )
