"""What a file consists of."""

from __future__ import annotations

from typing import NamedTuple

from diptych.names.definitions import found_of
from diptych.names.facts import CLASS, DEFINED, FIELD, MODULE
from diptych.names.values import Target
from diptych.serving.answers.definition import parsed_file
from diptych.serving.source import StoreSource


class Entry(NamedTuple):
    """A definition in a file. `depth` is 0 at the top level; the end is where it ends, not its name."""

    name: str
    kind: str
    depth: int
    row: int
    column: int
    end_row: int
    end_column: int


def outline(source: StoreSource, path: str) -> tuple[Entry, ...]:
    """The classes, functions, fields and variables of a file that others can see, in its order.

    Raises InvalidArgumentError for a file without names.
    """
    source.begin()
    names = parsed_file(source, path).names
    entries, seen, places = [], set(), set()
    for binding in sorted(names.facts.bindings, key=lambda one: one.place):
        scope = names.scopes[binding.scope]
        is_member = binding.how == FIELD or scope.kind in (MODULE, CLASS)
        if not (binding.how == DEFINED or is_member) or binding.shape.startswith("<"):
            continue
        if (binding.scope, binding.name) in seen and (binding.how != DEFINED or binding.place in places):
            continue
        seen.add((binding.scope, binding.name))
        places.add(binding.place)
        found = found_of(Target(names, binding), "exact")
        row, column = binding.place
        end = (row, column + len(binding.name.encode()))
        if binding.how == DEFINED and binding.inner >= 0:
            end = names.scopes[binding.inner].end
        entries.append(Entry(found.qualified, found.kind, found.qualified.count("."), row, column, *end))
    return tuple(entries)
