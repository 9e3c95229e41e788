"""`diptych artifact list`, `info`, `diff` and `verify`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument, Option
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.schemas import SchemaName
from diptych.cli.sharing import Quiet, RemoteOption, RemoteUrl

ArtifactName = Annotated[str, Argument("REF", parse=not_empty, help="A ref, or sha256:<64 digits>.")]


def list_refs(
    remote: RemoteUrl = None,
    pattern: Annotated[
        str,
        Option("--filter", parse=not_empty, metavar="PATTERN", help="Only refs that match, as in a shell."),
    ] = "*",
    store: StorePath = None,
    as_json: Json = False,
) -> int:
    """List the refs of a remote. Exit code 1 if there are none.

    \b
    Example: diptych artifact list --filter 'branch/*'
    """
    import time

    from diptych.artifact.inspection import list_artifacts
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import array, line, tell
    from diptych.cli.sharing import plain, remote_for, store_at
    from diptych.indexer.settings import Notice

    with remote_for(remote, store_at(store)[0]) as opened:
        found = list_artifacts(opened, pattern)
        if as_json:
            return ExitCode.DONE if array(plain(one) for one in found) else ExitCode.FINDINGS
        count = 0
        for one in found:
            count += 1
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.moved_ms / 1000))
            rest = one.problem or f"serial {one.serial:,}, sha256:{one.manifest[:12]}"
            line(f"{one.ref:<48} {moment}  {rest}")
        if not count:
            matching = "" if pattern == "*" else f" that matches {pattern!r:.80}"
            tell(Notice(f"{opened.url} has no ref{matching}", "`diptych artifact push` makes one"))
    return ExitCode.DONE if count else ExitCode.FINDINGS


def info(
    name: ArtifactName,
    remote: RemoteOption = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Show what an artifact is: its commit, contents, sizes and versions.

    \b
    Example: diptych artifact info branch/main
    """
    from diptych.artifact.inspection import find
    from diptych.cli.output import document, line, size
    from diptych.cli.sharing import plain, remote_for, store_at

    with remote_for(remote, store_at(store)[0]) as opened:
        listed, manifest = find(opened, name)
    if as_json:
        document(
            {
                **plain(listed),
                "artifact": plain(manifest),
                "size_bytes": manifest.size_bytes,
                "encoded_bytes": manifest.encoded_bytes,
            }
        )
        return
    of = manifest.store
    rows = [
        ("manifest", f"sha256:{listed.manifest}"),
        ("content", manifest.content_id),
        ("commit", manifest.source.commit or "unknown"),
        ("made by", manifest.tool),
        ("schema", f"{of.schema}, version {of.schema_version}"),
        ("records", f"{of.records:,}"),
        *((name, f"{count:,}") for name, count in of.counts.items()),
        ("LSN", f"{of.lsn:,}"),
        ("size", f"{size(manifest.size_bytes)}, {size(manifest.encoded_bytes)} to fetch"),
        ("files", f"{len(manifest.files):,}, and {len(manifest.bases):,} that others are decoded with"),
        ("before", f"sha256:{manifest.parent}" if manifest.parent else "nothing"),
    ]
    for label, value in rows:
        line(f"{label:<12} {value}")


def diff(
    old: Annotated[str, Argument("OLD", parse=not_empty)],
    new: Annotated[str, Argument("NEW", parse=not_empty)],
    remote: RemoteOption = None,
    store: StorePath = None,
    as_json: Json = False,
) -> int:
    """Compare two artifacts of a remote. Exit code 1 if their contents differ."""
    from diptych.artifact.inspection import difference, find
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line, size
    from diptych.cli.sharing import plain, remote_for, store_at

    with remote_for(remote, store_at(store)[0]) as opened:
        found = difference(find(opened, old)[1], find(opened, new)[1])
    if as_json:
        document(plain(found))
    else:
        for sign, paths in (("+", found.added), ("-", found.removed)):
            for path in paths:
                line(f"{sign} {path}")
        same = "the same content" if found.same_content else "another content"
        line(f"{same}: {found.records[0]:,} and {found.records[1]:,} records, {size(found.new_bytes)} new")
    return ExitCode.DONE if found.same_content else ExitCode.FINDINGS


def verify(
    name: ArtifactName,
    deep: Annotated[bool, Option("--deep", help="Read and verify every byte.")] = False,
    remote: RemoteOption = None,
    store: StorePath = None,
    schema: SchemaName = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Verify an artifact, and change nothing. Exit code 1 for damage."""
    from diptych.artifact.inspection import find, verify_artifact
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line
    from diptych.cli.schemas import schema_of
    from diptych.cli.sharing import plain, remote_for, shown, store_at

    path = store_at(store)[0]
    with remote_for(remote, path) as opened:
        listed, manifest = find(opened, name)
        problems = verify_artifact(
            opened, manifest, deep=deep, schema=schema_of(path, schema), progress=shown(quiet)
        )
    if as_json:
        found = [plain(problem) for problem in problems]
        document({"ok": not problems, "manifest": listed.manifest, "problems": found})
    else:
        for problem in problems:
            line(f"{problem.where}: {problem.message}")
        line(f"{name} is {'damaged' if problems else 'intact'}")
    return ExitCode.FINDINGS if problems else ExitCode.DONE
