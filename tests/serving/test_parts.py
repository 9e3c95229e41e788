"""A question is answered from a part of a file as from all of it; where a file is broken, rather better."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from diptych.indexer.pipeline import index_repository
from diptych.serving.answers import definition
from diptych.serving.files import Files
from diptych.serving.source import StoreSource
from diptych.store.code import Store

SOURCE = '''\
"""Text that looks like code:

def hidden(): pass
"""
import functools
from other import helper as helped, Base

LIMIT = 3
ROWS = [row for row in range(LIMIT)]
PAIRS = {one: (lambda two: (two, one, LIMIT)) for one in ROWS}
if LIMIT:
    def chosen(count=LIMIT): return [count for _ in ROWS]
    AFTER = chosen(LIMIT)
else:
    AFTER = helped
    def chosen(): return AFTER
    LIMIT += 1
if (found := chosen()): LIMIT = found


@functools.wraps(helped)
@helped
def decorated(first: Base, *rest: int) -> Base:
    local = first

    class Inner(Base):
        kept = local

        def method(self): return local, self.kept
    return Inner() if rest else local


class Outer(Base, metaclass=helped(LIMIT)):
    """A class.

    x = hidden
    """

    size = LIMIT
    table = [entry for entry in [size]]

    @property
    def area(self): return self.size * self.width

    if LIMIT:
        width = size

        @functools.cache
        def nested(self): return self.area
        size = width
    else:
        def nested(self): return Outer.width

    class Within:
        depth = LIMIT

        @helped
        def deep(self): return self.depth, Outer().area

        height = depth

    last = Within.depth
    size += 1


match AFTER:
    case [Outer(area=got), *others]:
        print(got, others)


# The end.
def tail(): return Outer().last, decorated(Base()), Outer.Within().deep()
TAIL = tail; tail()
'''
OTHER = "class Base:\n    width = 1\n\n\ndef helper(x): return x\n"
BROKEN = SOURCE.replace("    last = Within.depth\n", "    last = Within.depth +\n    ) [\n")


@pytest.fixture
def sources(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[StoreSource, StoreSource]]:
    """Two sources of the same files: one that parses parts, and one that has parsed all."""
    (tmp_path / "main.py").write_text(request.param)
    (tmp_path / "other.py").write_text(OTHER)
    with Store.open(tmp_path / ".diptych") as store:
        index_repository(tmp_path, store, processes=0)
        with store.view() as view:
            made = StoreSource(view, Files(str(tmp_path))), StoreSource(view, Files(str(tmp_path)))
            yield made
            for source in made:
                assert source.files is not None
                source.files.close()


@pytest.mark.parametrize(
    "sources", [SOURCE, SOURCE.rstrip("\n"), BROKEN], indirect=True, ids=["", "end", "broken"]
)
def test_every_name_of_a_file(sources: tuple[StoreSource, StoreSource]) -> None:
    parts, complete = sources
    parsed = complete.parsed("main.py")
    assert parsed is not None
    assert parsed.names.facts.complete
    is_broken = b"+\n" in parsed.source
    asked = answered = 0
    for row, line in enumerate(parsed.lines):
        for word in re.finditer(rb"\w+", line):
            for column in word.span():
                asked += 1
                found = definition(parts, "main.py", row, column)
                wanted = definition(complete, "main.py", row, column)
                assert (found.name, found.place) == (wanted.name, wanted.place)
                if not is_broken:
                    # `x += 1` is no definition to other parts of the file, but the first one is the same.
                    assert found.definitions[:1] == wanted.definitions[:1], (row, column)
                    assert set(found.definitions) <= set(wanted.definitions), (row, column)
                part = parts.parsed("main.py")
                assert part is not None
                answered += not part.is_parsed
                # Nothing that one question parsed is there for the next.
                part.__dict__.pop("names", None)
    assert answered > asked * (0.5 if is_broken else 0.9)
