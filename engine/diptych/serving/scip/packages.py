"""The package that files are of, as its manifest at the root of the repository names it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from diptych.schema.precise_symbols import Package
from diptych.serving.files import Files

SCHEME = "scip-diptych"

_MAX_CHARS = 200
_GO_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)


def package_of(files: Files | None, language: str) -> Package:
    """The package of files in a language; one without a name where no manifest says it."""
    manager, manifest, read = _MANIFESTS.get(language, ("", "", _nothing))
    data = files.raw(manifest) if files is not None and manifest else None
    if data is None:
        return Package(SCHEME, manager)
    try:
        name, version = read(data.decode("utf-8"))
    except (ValueError, RecursionError):
        # Whatever is wrong with it, it names no package.
        return Package(SCHEME, manager)
    return Package(SCHEME, manager, _plain(name), _plain(version))


def _plain(value: object) -> str:
    """A value that can be a part of a symbol; "" for any other."""
    if not isinstance(value, str) or len(value) > _MAX_CHARS or not value.isprintable():
        return ""
    return "" if value.strip() in ("", ".") else value.strip()


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _pyproject(text: str) -> tuple[object, object]:
    project = _table(tomllib.loads(text).get("project"))
    return project.get("name"), project.get("version")


def _package_json(text: str) -> tuple[object, object]:
    package = _table(json.loads(text))
    return package.get("name"), package.get("version")


def _cargo(text: str) -> tuple[object, object]:
    package = _table(tomllib.loads(text).get("package"))
    return package.get("name"), package.get("version")


def _go_mod(text: str) -> tuple[object, object]:
    match = _GO_MODULE.search(text)
    return match[1] if match else "", ""


def _nothing(_: str) -> tuple[object, object]:
    return "", ""


_Manifest = tuple[str, str, Callable[[str], tuple[object, object]]]
_NPM: _Manifest = ("npm", "package.json", _package_json)
_MANIFESTS: dict[str, _Manifest] = {
    "python": ("python", "pyproject.toml", _pyproject),
    "javascript": _NPM,
    "typescript": _NPM,
    "tsx": _NPM,
    "go": ("gomod", "go.mod", _go_mod),
    "rust": ("cargo", "Cargo.toml", _cargo),
}
