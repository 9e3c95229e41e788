"""Diptych's indexer: from the source files of a repository to records, by tree-sitter.

    report = index_repository("path/to/repository", store)

Importing this is cheap: the parsers are imported when there is something to parse.
"""

from diptych.indexer.pipeline import index_repository
from diptych.indexer.settings import IndexReport, Notice, Progress, Settings

__all__ = ["IndexReport", "Notice", "Progress", "Settings", "index_repository"]
