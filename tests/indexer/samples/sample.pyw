"""Shapes.

A module of them.
"""
from __future__ import annotations

import os.path as p, sys
from collections.abc import Iterable, Mapping as M
from . import sibling
from ..pkg.mod import *

MAX_SHAPES = 10
current: Shape | None = None
_table = build(MAX_SHAPES)

type Pair[T] = tuple[T, T]


def top(a: int, *, b: "str" = "x#y") -> Iterable[M]:  # a comment
    'One line.'
    local = helper(a)

    def nested(): return local.method().chained()

    return nested()


@decorate
@registry.register("name")
class Shape(Base, pkg.Figure, Generic[T], metaclass=Meta):
    r"""A shape.

        Indented.
    """

    sides = 3
    name: str = "shape"

    @property
    def area(self) -> float:
        """In pixels."""
        return self._compute(self.sides)

    async def walk(
        self,
        *points,
    ) -> None:
        async with lock():
            await super().walk()

    class Meta:
        ordering = ["x"]

        def inner(self): pass


if __name__ == "__main__":
    main(sys.argv)

passing = lambda **given: dict(**given)
