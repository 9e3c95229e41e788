"""Complete versions of an index directory: stage, publish by one rename, roll back, verify, prune."""

from diptych.versions.assets import (
    Asset,
    DiptychStore,
    DuckDbCatalogue,
    FaissIndex,
    Files,
    LuceneIndex,
    LucenePair,
    ScipIndex,
)
from diptych.versions.catalogue import VersionInfo
from diptych.versions.difference import VersionDiff
from diptych.versions.manager import Pruned, Switched, VersionManager
from diptych.versions.manifest import Embedding
from diptych.versions.reader import AssetInfo, OpenVersion, Watch, open_current, open_version
from diptych.versions.report import Finding, VersionReport
from diptych.versions.states import State

__all__ = [
    "Asset",
    "AssetInfo",
    "DiptychStore",
    "DuckDbCatalogue",
    "Embedding",
    "FaissIndex",
    "Files",
    "Finding",
    "LuceneIndex",
    "LucenePair",
    "OpenVersion",
    "Pruned",
    "ScipIndex",
    "State",
    "Switched",
    "VersionDiff",
    "VersionInfo",
    "VersionManager",
    "VersionReport",
    "Watch",
    "open_current",
    "open_version",
]
