"""Diptych's indexer: from the source files of a repository to records, by tree-sitter.

    report = index_repository("path/to/repository", store)

Importing this is cheap: the parsers are imported when there is something to parse.
"""

from typing import TYPE_CHECKING, Any

from diptych.indexer.settings import IndexReport, Notice, Progress, Settings

if TYPE_CHECKING:
    from diptych.indexer.pipeline import index_repository


def __getattr__(name: str) -> Any:
    if name != "index_repository":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from diptych.indexer.pipeline import index_repository

    globals()[name] = index_repository
    return index_repository


__all__ = ["IndexReport", "Notice", "Progress", "Settings", "index_repository"]
