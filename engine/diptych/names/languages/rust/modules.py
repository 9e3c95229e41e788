"""Rust's modules: from `crate`, `super`, a `mod` or another crate's name to a file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diptych.names.source import Source

MOD = "mod "
"""What the module of an import begins with that is a `mod` without a body; the modules around it follow."""
_ROOTS = ("lib.rs", "main.rs")
# Each file in them is a crate.
_CRATES = frozenset({"tests", "examples", "benches", "bin"})
_NAME = re.compile(r"^\s*name\s*=\s*\"([^\"]+)\"", re.MULTILINE)


def module_path(source: Source, importer: str, module: str) -> str | None:
    """The file of a module as seen from the file at `importer`, or None."""
    if module.startswith(MOD):
        return _child(source, importer, module[len(MOD) :])
    if module == "super":
        return _parent(source, importer)
    if module == "crate":
        return _root(source, importer)
    return _crate(source, importer, module)


def submodule_path(_source: Source, _path: str, _name: str) -> str | None:
    """A module says what modules it has."""
    return None


def spellings(_source: Source, path: str) -> Iterator[str]:
    """What imports of the module of the file at `path` may say."""
    folder, _, file = path.rpartition("/")
    stem = file.removesuffix(".rs")
    parts = [part for part in folder.split("/") if part != "src"]
    parts += [stem] if file not in (*_ROOTS, "mod.rs") else []
    for start in range(max(0, len(parts) - 4), len(parts)):
        yield "::".join(parts[start:])
        yield "::".join(["crate", *parts[start:]])
    yield "super"


def same_crate(path: str, other: str) -> bool:
    """Whether two files may be of one crate."""
    return other.endswith(".rs") and _crate_folder(path) == _crate_folder(other)


def _crate_folder(path: str) -> str:
    folder = path.rpartition("/")[0]
    before, middle, _ = f"/{folder}/".rpartition("/src/")
    return before if middle else folder


def _child(source: Source, importer: str, name: str) -> str | None:
    folder, _, file = importer.rpartition("/")
    if file not in (*_ROOTS, "mod.rs") and folder.rpartition("/")[2] not in _CRATES:
        folder = f"{folder}/{file.removesuffix('.rs')}".lstrip("/")
    within = f"{folder}/{name}".lstrip("/")
    return next((path for path in (f"{within}.rs", f"{within}/mod.rs") if source.exists(path)), None)


def _parent(source: Source, importer: str) -> str | None:
    folder, _, file = importer.rpartition("/")
    if file in _ROOTS:
        return None
    if file == "mod.rs":
        folder = folder.rpartition("/")[0]
    near = [f"{folder}/{name}".lstrip("/") for name in ("mod.rs", *_ROOTS)]
    return next((path for path in (*near, f"{folder}.rs") if path != importer and source.exists(path)), None)


def _root(source: Source, importer: str) -> str | None:
    path = importer
    while (above := _parent(source, path)) is not None:
        path = above
    return path


def _crate(source: Source, importer: str, name: str) -> str | None:
    """The root of a crate of that name: one of the workspace, or the library beside a program."""
    for path in source.files_named("lib.rs"):
        folder = path.removesuffix("src/lib.rs")
        said = _NAME.search(source.text_of(f"{folder}Cargo.toml"))
        if path != importer and said is not None and said[1].replace("-", "_") == name:
            return path
    return None
