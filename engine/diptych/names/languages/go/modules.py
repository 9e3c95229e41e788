"""Go's packages: from the path of an import to a folder, whose first file stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diptych.names.source import Source

# Of the standard library, and of what is copied beside a module.
_ROOTS = ("src/", "vendor/")
_MODULE = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)


def module_path(source: Source, importer: str, module: str) -> str | None:
    """The first file of the package that `importer` imports as `module`, or None."""
    for folder in _folders(source, importer, module):
        files = [one for one in source.files_in(folder) if one.endswith(".go")]
        if files:
            return next((one for one in files if not one.endswith("_test.go")), files[0])
    return None


def submodule_path(_source: Source, _path: str, _name: str) -> str | None:
    """A package has no packages inside."""
    return None


def _folders(source: Source, importer: str, module: str) -> Iterator[str]:
    """Where the package may be: the path in full, then without the module's own part of it."""
    yield module
    parts = module.split("/")
    yield f"vendor/{module}"
    if "." not in parts[0]:
        # A package of the standard library, if it is not here in full.
        yield f"src/{module}"
        named, around = _module_around(source, importer.rpartition("/")[0])
        if named and f"{module}/".startswith(f"{named}/"):
            yield f"{around}/{module[len(named) + 1 :]}".strip("/")
        return
    # The module's path is at the repository's root, or at a folder around the importer.
    around = importer.rpartition("/")[0]
    for start in range(1, len(parts) + 1):
        yield "/".join(parts[start:])
    while around:
        yield "/".join([around.rpartition("/")[0], parts[-1]]).strip("/")
        around = around.rpartition("/")[0]


def spellings(source: Source, path: str) -> Iterator[str]:
    """What imports of the package of the file at `path` may say."""
    folder = path.rpartition("/")[0]
    yield folder
    if folder.startswith(_ROOTS):
        yield folder.partition("/")[2]
    named, around = _module_around(source, folder)
    if named:
        yield f"{named}/{folder[len(around) :].strip('/')}".rstrip("/")


def _module_around(source: Source, folder: str) -> tuple[str, str]:
    """The path of the module that a folder is in, "" if it is in none, and the module's own folder."""
    around = folder
    while True:
        settings = source.text_of(f"{around}/go.mod" if around else "go.mod")
        if (named := _MODULE.search(settings)) is not None:
            return named[1], around
        if not around:
            return "", ""
        around = around.rpartition("/")[0]


def shares(path: str, other: str) -> bool:
    """Whether two files are of one package."""
    return other.endswith(".go") and path.rpartition("/")[0] == other.rpartition("/")[0]
