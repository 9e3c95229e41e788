"""What a change of some symbols may affect: what calls them, and what calls that, by distance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from diptych.names.definitions import CALLABLE, Found, found_of
from diptych.names.facts import DEFINED, Point
from diptych.names.values import Target
from diptych.serving.answers.calls import Call, calls
from diptych.serving.answers.current import Located
from diptych.serving.source import StoreSource

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec", "specs"})


class Impact(NamedTuple):
    """The callers of some symbols, each once, the nearest first.

    Of `unresolved` no callers can be told: they are no functions or classes, or their language is not
    resolved. `searched` of the functions that were reached were asked for their callers; where that is not
    `reached`, there may be more callers.
    """

    callers: tuple[Call, ...]
    unresolved: tuple[Located, ...]
    searched: int
    reached: int

    @property
    def by_depth(self) -> dict[int, int]:
        """How many callers there are at each distance."""
        counts: dict[int, int] = {}
        for one in self.callers:
            counts[one.depth] = counts.get(one.depth, 0) + 1
        return counts

    @property
    def files(self) -> list[str]:
        """The files that the callers are in, sorted."""
        return sorted({one.path for one in self.callers})

    @property
    def tests(self) -> list[str]:
        """Those of the files that look like tests."""
        return [path for path in self.files if is_test(path)]


def impact(
    source: StoreSource,
    symbols: Iterable[Located],
    *,
    depth: int = 3,
    enough: Callable[[], bool] = lambda: False,
) -> Impact:
    """What calls these symbols, up to `depth` calls away.

    `enough` is asked before each function whose callers are looked for: True ends it with what was found.
    Raises CorruptionError.
    """
    edge: list[Found] = []
    unresolved = []
    for one in symbols:
        start = found_at(source, one.path, one.symbol.name_range[:2])
        if start is None or start.kind not in CALLABLE:
            unresolved.append(one)
        else:
            edge.append(start)
    seen = {(start.path, start.place) for start in edge}
    found: list[Call] = []
    searched, reached = 0, len(edge)
    for level in range(1, depth + 1):
        following: list[Found] = []
        for start in edge:
            if enough():
                return Impact(tuple(found), tuple(unresolved), searched, reached)
            searched += 1
            for call in calls(source, start, direction="callers"):
                place = (call.row, call.column)
                if (call.path, place) in seen:
                    continue
                seen.add((call.path, place))
                found.append(call._replace(depth=level))
                caller = found_at(source, call.path, place)
                if caller is not None and caller.kind in CALLABLE:
                    following.append(caller)
        edge = following
        if level < depth:
            reached += len(edge)
    return Impact(tuple(found), tuple(unresolved), searched, reached)


def found_at(source: StoreSource, path: str, place: Point) -> Found | None:
    """The definition whose name is at a place, as the resolver has it; None where there is none."""
    names = source.names_around(path, place)
    for binding in names.at_place(place) if names is not None else ():
        assert names is not None
        found = found_of(Target(names, binding), "exact")
        return found if binding.how == DEFINED or found.kind != "import" else None
    return None


def is_test(path: str) -> bool:
    """Whether a path looks like that of a test."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    return (
        not _TEST_FOLDERS.isdisjoint(folders)
        or stem.startswith("test_")
        or stem.endswith(("_test", "Test", "Tests"))
        or ".test." in name
        or ".spec." in name
    )
