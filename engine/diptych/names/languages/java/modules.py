"""Java's packages: from the name of one to its folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diptych.names.source import Source

# Where a build tool has the sources of a program, and apart from these its tests: one package may be in both.
_SOURCES = re.compile(r"^(?:.*/)?src/[^/]+/java/")


def module_path(source: Source, importer: str, module: str) -> str | None:
    """The folder of the package `module`, with a `/`, nearest to `importer`; None if there is none."""
    wanted = module.replace(".", "/")
    found = [
        folder
        for folder in source.folders_named(module.rpartition(".")[2])
        if folder == wanted or folder.endswith(f"/{wanted}")
    ]
    if not found:
        return None
    return min(found, key=lambda folder: (-_common(folder, importer), len(folder), folder)) + "/"


def submodule_path(_source: Source, _path: str, _name: str) -> str | None:
    """A package has no packages inside."""
    return None


def spellings(_source: Source, path: str) -> Iterator[str]:
    """What imports of the class or the package of the file at `path` may say."""
    parts = _package(path.removesuffix(".java")).split("/")
    for start in range(max(0, len(parts) - 6), len(parts)):
        yield ".".join(parts[start:])
        if start < len(parts) - 1:
            yield ".".join(parts[start:-1])


def shares(path: str, other: str) -> bool:
    """Whether two files are of one package."""
    return other.endswith(".java") and _package(path).rpartition("/")[0] == _package(other).rpartition("/")[0]


def _package(path: str) -> str:
    return _SOURCES.sub("", path)


def _common(folder: str, importer: str) -> int:
    """How much of their paths two files have in common."""
    count = 0
    for one, other in zip(folder.split("/"), importer.split("/"), strict=False):
        if one != other:
            break
        count += 1
    return count
