"""What the figures were measured on: no figure means anything without it."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib import metadata
from typing import Any

_PACKAGES = ("diptych", "tantivy", "msgpack", "lmdb", "rocksdict", "duckdb", "tree-sitter")


def environment() -> dict[str, Any]:
    """Machine and versions, as plain values."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "sqlite": sqlite3.sqlite_version,
        "versions": versions,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
