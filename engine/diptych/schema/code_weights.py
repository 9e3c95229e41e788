"""How much a symbol counts among others of its name: by where its file is, and by what it is.

A project's own code counts more than tests, examples and code of others; what can be used from elsewhere more
than what is inside a function; a type or a function more than a variable.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Folders by their names, and files by theirs. `re` compiles them when the first document is made: reading
# needs none.
_TESTS = (
    r"(?:^|/)(?:tests?|testing|testdata|[a-z]*_tests?|selftests?|__tests__|specs?|mocks?|fixtures|bench(?:marks?)?"
    r"|examples?|samples?|demos?)/"
    r"|(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*[._-](?:test|tests|spec)\.[a-z]+|mock_[^/]*)$"
)
_OTHERS = (
    r"(?:^|/)(?:\.[^/]+|vendor|vendored|_vendor|third[_-]?party|3rd[_-]?party|deps|node_modules|bower_components"
    r"|site-packages|external|extern)/"
)
# What a project is made with: at its root, a folder of programs beside it.
_TOOLS = r"^(?:tools|scripts|hack)/"
# A file or a folder that its project calls internal.
_INTERNAL = r"(?:^|/)(?:_(?!_init__)[^/]*|internal|private|compat|legacy|deprecated)(?:/|$)"

_TYPES = frozenset(("class", "struct", "enum", "interface", "trait", "union"))
_CALLED = frozenset(("function", "method"))


@lru_cache(maxsize=1_024)
def place_weight(path: str) -> float:
    """Of a path, from 0 to 1."""
    if re.search(_TESTS, path, re.IGNORECASE):
        return 0.4
    if re.search(_OTHERS, path, re.IGNORECASE):
        return 0.5
    if re.search(_INTERNAL, path):
        return 0.8
    return 0.85 if re.search(_TOOLS, path) else 1.0


def symbol_weight(place: float, kind: str, container: str) -> int:
    """Of a symbol in a place of that weight: what its document has as `_weight`."""
    return weight_at(place, kind, depth_of(container))


def depth_of(container: str) -> int:
    """How deep a symbol in that container is: 0 at the top, 1 in a class, 2 deeper: inside a function."""
    return 0 if not container else 1 if "." not in container else 2


@lru_cache(maxsize=1_024)
def weight_at(place: float, kind: str, depth: int) -> int:
    """`symbol_weight` by what it hangs on: few, where symbols are many."""
    factor = place * (1.0 if kind in _TYPES else 0.97 if kind in _CALLED else 0.85)
    factor *= (1.0, 0.94, 0.8)[depth]
    return _WEIGHTS[round(factor * 100)]


def order_of(path: str, kind: str, container: str, name: str) -> tuple[float, bool, int, int, str]:
    """By which definitions of one name ascend, the likeliest first.

    After the place and before the kind, what a file is named after (`printk.h`); last, what is less deep.
    """
    place = place_weight(path)
    stem = path.rpartition("/")[2].partition(".")[0]
    is_namesake = not container and stem.casefold() == name.casefold()
    return -place, not is_namesake, -symbol_weight(place, kind, container), path.count("/"), path


# Tantivy multiplies a score by the binary logarithm of two more than this: by up to 6.
_WEIGHTS = [round(max(2 ** (6 * hundredths / 100) - 2, 0)) for hundredths in range(101)]
