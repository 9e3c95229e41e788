"""Which versions decide what a parse gives. When one changes, every file is parsed again."""

from __future__ import annotations

import importlib.util
import os

from diptych.indexer.languages import LANGUAGES
from diptych.indexer.settings import INDEXER_VERSION

_DIST_INFO = ".dist-info"


def current() -> dict[str, str]:
    """The versions of the indexer, of tree-sitter and of each grammar's wheel; "" where one is missing."""
    found = {"diptych.indexer": str(INDEXER_VERSION)}
    listings: dict[str, list[str]] = {}
    for module in sorted({"tree_sitter"} | {language.module for language in LANGUAGES.values()}):
        found[module] = _version(module, listings)
    return found


def _version(module: str, listings: dict[str, list[str]]) -> str:
    """A wheel's version, by the name of the directory that was installed beside its package.

    `importlib.metadata` would say the same, but imports an e-mail parser: more than all else that a run
    with nothing changed does.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return ""
    folder = os.path.dirname(spec.submodule_search_locations[0])
    if folder not in listings:
        listings[folder] = [name for name in os.listdir(folder) if name.endswith(_DIST_INFO)]
    for name in listings[folder]:
        if name.startswith(f"{module}-"):
            return name[len(module) + 1 : -len(_DIST_INFO)]
    return _version_by_metadata(module)


def _version_by_metadata(module: str) -> str:
    """For what is installed in another way: an editable wheel, or one whose name is written otherwise."""
    from importlib import metadata

    try:
        return metadata.version(module.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return ""
