"""Which versions decide what a parse gives. When one changes, every file is parsed again."""

from __future__ import annotations

from importlib import metadata

from diptych.indexer.languages import LANGUAGES
from diptych.indexer.settings import INDEXER_VERSION


def current() -> dict[str, str]:
    """The versions of the indexer, of tree-sitter and of each grammar's wheel; "" where one is missing."""
    distributions = {"tree_sitter"} | {language.module for language in LANGUAGES.values()}
    ours = {"diptych.indexer": str(INDEXER_VERSION)}
    return ours | {name: _version(name) for name in sorted(distributions)}


def _version(module: str) -> str:
    try:
        return metadata.version(module.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return ""
