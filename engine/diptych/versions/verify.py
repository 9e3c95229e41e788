"""Find every difference between a version's directory and its manifest."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator

from diptych.errors import DiptychError
from diptych.fs import translated
from diptych.versions.manifest import Manifest
from diptych.versions.names import MANIFEST
from diptych.versions.report import Finding, VersionReport
from diptych.versions.sharing import digest_stable_file


def check_version(directory: str, manifest: Manifest) -> VersionReport:
    """Compare `directory` with `manifest`."""
    started = time.perf_counter()
    findings = list(check_files(directory, manifest))
    return VersionReport(
        version=manifest.version,
        findings=tuple(findings),
        files=len(manifest.files),
        bytes_read=manifest.size_bytes,
        elapsed_ms=(time.perf_counter() - started) * 1e3,
    )


def check_files(root: str, manifest: Manifest) -> Iterator[Finding]:
    """Every difference of the directory `root` from `manifest`. Reads every byte; changes nothing."""
    entries = dict(scan(root))
    present = {path for path, is_file in entries.items() if is_file}
    directories = {path for path, is_file in entries.items() if is_file is False}
    for path in sorted(manifest.directories - directories):
        yield _finding("missing" if path not in entries else "type", path, "the directory is missing")
    for path in sorted(entries.keys() - manifest.files.keys() - manifest.directories):
        yield _finding("extra", path, "it is not in the manifest")
    for path in sorted(manifest.files):
        if path not in present:
            kind = "type" if path in entries else "missing"
            yield _finding(kind, path, "it is not a file" if kind == "type" else "the file is missing")
            continue
        expected = manifest.files[path]
        try:
            with translated("read", os.fsdecode(path)):
                size_bytes = os.lstat(os.path.join(os.fsencode(root), path)).st_size
            if size_bytes != expected.size_bytes:
                sizes = f"it has {size_bytes} bytes instead of {expected.size_bytes}"
                yield _finding("size", path, sizes)
            elif digest_stable_file(os.path.join(root, os.fsdecode(path))) != expected:
                yield _finding("content", path, "its contents changed after staging")
        except DiptychError as error:
            yield _finding("unreadable", path, error.message)


def scan(root: str) -> Iterator[tuple[bytes, bool | None]]:
    """Every path below `root` but the manifest: True for a file, False for a directory, else None.

    Raises StorageError if a directory cannot be read.
    """
    pending = [b""]
    top = os.fsencode(root)
    while pending:
        directory = pending.pop()
        with translated("read", os.fsdecode(os.path.join(top, directory))):
            with os.scandir(os.path.join(top, directory)) as listing:
                entries = [(entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in listing]
        for name, mode in entries:
            path = directory + b"/" + name if directory else name
            if path == MANIFEST.encode():
                continue
            if stat.S_ISDIR(mode):
                pending.append(path)
                yield path, False
            else:
                yield path, True if stat.S_ISREG(mode) else None


def _finding(kind: str, path: bytes, message: str) -> Finding:
    return Finding(
        kind,
        os.fsdecode(path),
        message,
        advice="stage it again, or roll back to an intact version",
    )
