"""ECMAScript's modules: from what an import says to a path."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from diptych.names.source import Source

_SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".d.mts", ".d.cts")
# A file that is compiled is imported by the name of what it is compiled to.
_COMPILED = {
    ".js": (".ts", ".tsx", ".d.ts"),
    ".jsx": (".tsx",),
    ".mjs": (".mts", ".d.mts"),
    ".cjs": (".cts", ".d.cts"),
}
_SOURCE_FOLDERS = ("src",)
_MAX_LEVELS = 6
_ALIASES = ("@/", "~/")


def module_path(source: Source, importer: str, module: str) -> str | None:
    """The path of a module as the file `importer` names it, or None for a package from elsewhere."""
    folder = importer.rpartition("/")[0]
    if module.startswith("."):
        return _file(source, posixpath.normpath(posixpath.join(folder, module)), module)
    inner = next((module[len(alias) :] for alias in _ALIASES if module.startswith(alias)), module)
    if "/" not in inner and inner == module:
        return None
    # Without a configuration, a path is looked for below the folders around the file.
    for root in _roots(folder):
        if source.is_folder(f"{root}{inner.partition('/')[0]}") or inner != module:
            found = _file(source, f"{root}{inner}", inner)
            if found is not None:
                return found
    return None


def submodule_path(_source: Source, _path: str, _name: str) -> str | None:
    """A module has no modules inside."""
    return None


def _roots(folder: str) -> Iterator[str]:
    while True:
        prefix = f"{folder}/" if folder else ""
        for below in _SOURCE_FOLDERS:
            yield f"{prefix}{below}/"
        yield prefix
        if not folder:
            return
        folder = folder.rpartition("/")[0]


def _file(source: Source, base: str, module: str) -> str | None:
    if base.startswith("../") or base == "..":
        return None
    base = "" if base == "." else base
    names_folder = module.endswith(("/", "/.", "/..")) or module in (".", "..")
    if base and not names_folder:
        if base.endswith(_SUFFIXES) and source.exists(base):
            return base
        stem, dot, suffix = base.rpartition(".")
        for compiled in _COMPILED.get(dot + suffix, ()):
            if source.exists(stem + compiled):
                return stem + compiled
        for suffix in _SUFFIXES:
            if source.exists(base + suffix):
                return base + suffix
    inside = f"{base}/index" if base else "index"
    return next((inside + suffix for suffix in _SUFFIXES if source.exists(inside + suffix)), None)


def spellings(_source: Source, path: str) -> Iterator[str]:
    """What imports of the file at `path` may say: each end of the path, from each folder near it."""
    suffix = next((one for one in sorted(_SUFFIXES, key=len, reverse=True) if path.endswith(one)), "")
    stem = path[: len(path) - len(suffix)]
    written = [stem, path, *(stem + compiled for compiled, sources in _COMPILED.items() if suffix in sources)]
    if stem.rpartition("/")[2] == "index":
        folder = stem[: -len("/index")] if "/" in stem else ""
        written += [folder, f"{folder}/"]
        yield from (".", "./", "..", "../", "../..", "../../")
    for one in written:
        parts = one.split("/")
        for start in range(len(parts)):
            ending = "/".join(parts[start:])
            yield ending
            yield f"./{ending}"
            yield from ("../" * levels + ending for levels in range(1, _MAX_LEVELS + 1))
