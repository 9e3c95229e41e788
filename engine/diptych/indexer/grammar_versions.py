"""The versions that affect the result of parsing. If one changes, every file is parsed again."""

from __future__ import annotations

import importlib.util
import os

from diptych.indexer.languages import LANGUAGES
from diptych.indexer.settings import INDEXER_VERSION

_DIST_INFO = ".dist-info"


def current() -> dict[str, str]:
    """The versions of the indexer, of tree-sitter and of each grammar's wheel; "" if missing."""
    found = {"diptych.indexer": str(INDEXER_VERSION)}
    listings: dict[str, list[str]] = {}
    for module in sorted({"tree_sitter"} | {language.module for language in LANGUAGES.values()}):
        found[module] = _version(module, listings)
    return found


def _version(module: str, listings: dict[str, list[str]]) -> str:
    """A wheel's version, from the name of the `.dist-info` directory next to its package.

    `importlib.metadata` gives the same result but imports an e-mail parser, which would take most of the time
    of a run with nothing changed.
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
    """For other installations: an editable wheel, or one with a differently spelled name."""
    from importlib import metadata

    try:
        return metadata.version(module.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return ""
