"""Python's modules: from what an import says to a path."""

from __future__ import annotations

from collections.abc import Iterator

from diptych.names.source import Source

_SUFFIXES = (".py", ".pyi")
_SOURCE_FOLDERS = ("src", "lib", "python")


def module_path(source: Source, importer: str, module: str) -> str | None:
    """The path of a module as the file `importer` names it, or None.

    A package is its `__init__.py`; a folder without one is its path with a `/` at the end.
    """
    name = module.lstrip(".")
    levels = len(module) - len(name)
    parts = [part for part in name.split(".") if part]
    if levels:
        folder = importer
        for _ in range(levels):
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
        return _below(source, folder, parts)
    if not parts:
        return None
    folder_found = None
    for root in _roots(source, importer, parts[0]):
        found = _below(source, root, parts)
        if found is not None and not found.endswith("/"):
            return found
        folder_found = folder_found or found
    # A namespace package, if no root has a module or package of that name.
    return folder_found


def submodule_path(source: Source, path: str, name: str) -> str | None:
    """The module `name` in the package at `path`, or None."""
    if path.endswith("/"):
        return _below(source, path[:-1], [name])
    folder, _, file = path.rpartition("/")
    return _below(source, folder, [name]) if file.startswith("__init__.") else None


def _below(source: Source, folder: str, parts: list[str]) -> str | None:
    base = "/".join([folder, *parts] if folder else parts)
    for suffix in _SUFFIXES:
        for path in (f"{base}/__init__{suffix}", f"{base}{suffix}") if base else (f"__init__{suffix}",):
            if source.exists(path):
                return path
    return f"{base}/" if source.is_folder(base) else None


def _roots(source: Source, importer: str, package: str) -> Iterator[str]:
    """Where an absolute import may begin: folders around the importer, source folders, other roots."""
    folder = importer.rpartition("/")[0]
    seen = set()
    while True:
        is_package = folder and source.exists(f"{folder}/__init__.py")
        if not is_package:
            for below in ("", *_SOURCE_FOLDERS):
                root = f"{folder}/{below}".strip("/")
                if root not in seen:
                    seen.add(root)
                    yield root
        if not folder:
            break
        folder = folder.rpartition("/")[0]
    yield from (root for root in source.roots_of(package) if root not in seen)


def spellings(_source: Source, path: str) -> Iterator[str]:
    """What imports of the module at `path` may say: in full, from a root, or relatively."""
    folder, _, file = path.rpartition("/")
    stem = file.partition(".")[0]
    dotted = [part for part in [*folder.split("/"), *([stem] if stem != "__init__" else [])] if part]
    for start in range(len(dotted)):
        ending = ".".join(dotted[start:])
        yield from (ending, f".{ending}", f"..{ending}")
    if stem == "__init__":
        yield "."
