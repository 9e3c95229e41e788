"""`diptych versions`: publish, roll back, inspect and remove versions of an index directory.

Each verb prints a line, or one JSON document with `--json`. Errors are DiptychErrors, which the main command
turns into a message and an exit code.
"""

from __future__ import annotations

import dataclasses
import enum
import time
from pathlib import Path
from typing import Annotated, Any

from diptych.cli.arguments import Argument, BadValueError, Command, Option
from diptych.cli.exit_codes import ExitCode
from diptych.cli.options import SECONDS_MAX, not_empty
from diptych.cli.output import document, line
from diptych.versions import (
    Asset,
    DiptychStore,
    DuckDbCatalogue,
    Embedding,
    FaissIndex,
    Files,
    LucenePair,
    ScipIndex,
    State,
    Switched,
    VersionInfo,
    VersionManager,
)
from diptych.versions.errors import InvalidAssetError, UnknownVersionError

_DIMENSION_MAX = 2**31 - 1
_VERSIONS_MAX = 1_000_000
_DAYS_MAX = 366_000.0


def _path(text: str) -> Path:
    # Path("") would be the current folder.
    return Path(not_empty(text))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadValueError(f"{text!r} does not have the form NAME=VALUE")
    return name, value


Base = Annotated[
    Path,
    Option(
        "--base",
        env="DIPTYCH_VERSIONS",
        parse=_path,
        metavar="PATH",
        help="The directory that holds the versions.",
    ),
]
Json = Annotated[bool, Option("--json", help="Print one JSON document.")]
Timeout = Annotated[
    float,
    Option(
        "--timeout",
        bounds=(0, SECONDS_MAX),
        metavar="S",
        help="Seconds to wait for another manager.",
    ),
]
Name = Annotated[str, Argument("VERSION", help="The version's name.")]
Pairs = Annotated[list[tuple[str, str]] | None, Option(metavar="NAME=PATH", parse=_pair)]

_HERE = Path()


def list_versions(base: Base = _HERE, as_json: Json = False) -> int:
    """List every version, unpublished ones first, then the newest. Exit code 1 if there are none."""
    infos = VersionManager(base, read_only=True).list()
    if as_json:
        _print_json([_info(info) for info in infos])
    else:
        for info in infos:
            when = info.published_ns or info.created_ns
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when / 1e9)) if when else "-"
            attrs = " ".join(f"{name}={value}" for name, value in sorted((info.attrs or {}).items()))
            mark = "*" if info.state is State.CURRENT else " "
            shown = f"{mark} {info.version:<24} {info.state.value:<10} {moment:<19} {info.size_bytes:>14,} B"
            line(f"{shown}  {info.problem or attrs}".rstrip())
    return ExitCode.DONE if infos else ExitCode.FINDINGS


def stage(
    version: Name,
    base: Base = _HERE,
    file: Pairs = None,
    store: Pairs = None,
    duckdb: Pairs = None,
    scip: Pairs = None,
    faiss: Annotated[list[tuple[str, str]] | None, Option(metavar="NAME=INDEX,IDMAP", parse=_pair)] = None,
    lucene: Annotated[list[tuple[str, str]] | None, Option(metavar="NAME=BM25,SPLADE", parse=_pair)] = None,
    attr: Annotated[
        list[tuple[str, str]] | None, Option(metavar="NAME=VALUE", parse=_pair, help="An attribute.")
    ] = None,
    model: Annotated[str, Option(help="The embedding model of the vectors.")] = "",
    dimension: Annotated[
        int, Option(bounds=(0, _DIMENSION_MAX), help="The number of components of a vector.")
    ] = 0,
    metric: Annotated[str, Option(help="cosine, inner_product or l2.")] = "cosine",
    origin: Annotated[
        str | None, Option("--from", metavar="VERSION", help="Take all other assets from this version.")
    ] = None,
    without: Annotated[
        list[str] | None, Option(metavar="NAME", help="Leave out this asset of --from.")
    ] = None,
    share: Annotated[
        str, Option(help="auto, copy, or link (you promise that nobody writes to the files again).")
    ] = "auto",
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> None:
    """Make a version from files and directories, ready to publish.

    Example: diptych versions stage 2026-01 --store code=.diptych --faiss vectors=v.faiss,ids.bin
    """
    assets: dict[str, Asset] = {}
    for kind, pairs in ((Files, file), (DiptychStore, store), (DuckDbCatalogue, duckdb), (ScipIndex, scip)):
        for name, path in pairs or ():
            assets[name] = kind(path)
    for name, paths in faiss or ():
        assets[name] = FaissIndex(*_two(name, paths))
    for name, paths in lucene or ():
        assets[name] = LucenePair(*_two(name, paths))
    info = VersionManager(base, lock_timeout_s=timeout).stage(
        version,
        assets,
        dict(attr or ()),
        embedding=Embedding(model, dimension, metric) if model else None,
        base=origin,
        without=without or (),
        share=share,
    )
    _say(_info(info), [f"{version} is staged: {info.files:,} files, {info.size_bytes:,} bytes"], as_json)


def publish(version: Name, base: Base = _HERE, timeout: Timeout = 0.0, as_json: Json = False) -> None:
    """Verify a staged version, and make it the current one."""
    _switched(VersionManager(base, lock_timeout_s=timeout).publish(version), as_json)


def rollback(
    version: Annotated[str | None, Argument("VERSION", help="Default: the previous one.")] = None,
    base: Base = _HERE,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> None:
    """Verify an earlier version, and make it current again."""
    _switched(VersionManager(base, lock_timeout_s=timeout).rollback(version), as_json)


def current(base: Base = _HERE, as_json: Json = False) -> int:
    """Print the current version's name. Exit code 1 if none has been published."""
    version = VersionManager(base, read_only=True).current()
    if as_json:
        _print_json({"current": version})
    elif version is not None:
        line(version)
    return ExitCode.FINDINGS if version is None else ExitCode.DONE


def verify(
    version: Annotated[str | None, Argument("VERSION", help="Default: the current one.")] = None,
    deep: Annotated[bool, Option("--deep", help="Verify each Diptych store in it too.")] = False,
    base: Base = _HERE,
    as_json: Json = False,
) -> int:
    """Compare every byte of a version with its manifest. Changes nothing. Exit code 1 for damage."""
    manager = VersionManager(base, read_only=True)
    chosen = version if version is not None else manager.current()
    if chosen is None:
        raise UnknownVersionError(f"no version was published in {base} yet", advice="name one")
    report = manager.verify(chosen, deep=deep)
    if as_json:
        _print_json({**dataclasses.asdict(report), "ok": report.ok})
    else:
        for finding in report.findings:
            line(f"{finding.kind}: {finding.where}: {finding.message}")
        verdict = "is intact" if report.ok else "is damaged"
        line(f"{chosen} {verdict} ({report.files:,} files, {report.bytes_read:,} bytes)")
    return ExitCode.DONE if report.ok else ExitCode.FINDINGS


def diff(
    old: Annotated[str, Argument("OLD")],
    new: Annotated[str, Argument("NEW")],
    base: Base = _HERE,
    as_json: Json = False,
) -> int:
    """Print the differences between two versions. Exit code 1 if there are any."""
    found = VersionManager(base, read_only=True).diff(old, new)
    if as_json:
        _print_json({**dataclasses.asdict(found), "same": found.same})
    else:
        for sign, paths in (("+", found.added), ("-", found.removed), ("~", found.changed)):
            for path in paths:
                line(f"{sign} {path}")
        for name, (before, after) in found.attrs.items():
            line(f"@ {name}: {before!r} -> {after!r}")
        if found.embedding:
            line(f"@ embedding: {found.embedding[0]} -> {found.embedding[1]}")
        line(f"{found.unchanged:,} files are the same; {found.bytes_new:,} bytes are new in {new}")
    return ExitCode.DONE if found.same else ExitCode.FINDINGS


def prune(
    base: Base = _HERE,
    keep: Annotated[int, Option(bounds=(1, _VERSIONS_MAX), help="Number of published versions to keep.")] = 2,
    older_than: Annotated[
        float | None,
        Option(
            bounds=(0, _DAYS_MAX),
            metavar="DAYS",
            help="Remove only versions published longer ago.",
        ),
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only show what would be removed.")] = False,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> None:
    """Remove old versions that no reader holds, and unfinished stagings."""
    pruned = VersionManager(base, lock_timeout_s=timeout).prune(
        keep=keep, older_than_s=None if older_than is None else older_than * 86400, dry_run=dry_run
    )
    verb = "would remove" if dry_run else "removed"
    lines = [f"{verb} {name}" for name in pruned.removed]
    lines += [f"{verb} the unfinished staging of {name}" for name in pruned.abandoned]
    lines += [f"kept {name}: a reader holds it" for name in pruned.in_use]
    _say(dataclasses.asdict(pruned), lines or ["nothing to remove"], as_json)


def discard(version: Name, base: Base = _HERE, timeout: Timeout = 0.0, as_json: Json = False) -> None:
    """Remove one version, staged or published, that is not current."""
    VersionManager(base, lock_timeout_s=timeout).discard(version)
    _say({"discarded": version}, [f"{version} is removed"], as_json)


def _switched(switched: Switched, as_json: bool) -> None:
    before = f" (before: {switched.previous})" if switched.previous not in (None, switched.version) else ""
    times = f"verified in {switched.verify_ms:.0f} ms, switched in {switched.switch_ms:.1f} ms"
    _say(dataclasses.asdict(switched), [f"{switched.version} is current{before}; {times}"], as_json)


def _two(name: str, paths: str) -> tuple[str, str]:
    first, comma, second = paths.partition(",")
    if not comma or not first or not second:
        raise InvalidAssetError(f"{name} needs two paths separated by a comma", advice="see --help")
    return first, second


def _info(info: VersionInfo) -> dict[str, Any]:
    return dataclasses.asdict(info)


def _say(value: Any, sentences: list[str], as_json: bool) -> None:
    if as_json:
        _print_json(value)
    else:
        for sentence in sentences:
            line(sentence)


def _print_json(value: Any) -> None:
    document(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


VERBS: dict[str, Command] = {
    "list": list_versions,
    "stage": stage,
    "publish": publish,
    "rollback": rollback,
    "current": current,
    "verify": verify,
    "diff": diff,
    "prune": prune,
    "discard": discard,
}
