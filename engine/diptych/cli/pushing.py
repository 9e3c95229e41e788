"""Pushing the store of a repository: what `push`, `sync` and `pack` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diptych.cli.sharing import Repository, default_ref, repository_at, shown, signing_key

if TYPE_CHECKING:
    from diptych.artifact.push import Receipt
    from diptych.artifact.remotes.base import Remote

LEVEL = 4
"""Of zstd: that of `diptych.artifact.encode`, which the start of a command does not import."""


def updated(store: str | None, schema: str | None, commit: str | None) -> tuple[str, Repository]:
    """The store to push, up to date with its tree, and the repository.

    A store of another schema, or of no repository, is pushed as it is.
    """
    from dataclasses import replace

    from diptych.cli.place import find_store

    path = find_store(store)
    if schema is not None:
        return path, Repository("")
    from diptych.workspace.freshness import Policy, ensure_fresh

    ensured = ensure_fresh(Policy.AUTO, path)
    root = ensured.evidence.root if ensured.evidence is not None else ""
    repository = repository_at(root) if root else Repository("")
    if commit is not None:
        repository = replace(repository, commit=repository.commits(commit)[0])
    return path, repository


def push_to(
    remote: Remote,
    path: str,
    repository: Repository,
    schema: str | None,
    ref: str | None,
    *,
    dirty: bool = False,
    force: bool = False,
    level: int = LEVEL,
    compact: bool = False,
    sign: str | None = None,
    timeout: float = 0.0,
    dry_run: bool = False,
    quiet: bool = False,
    remember: bool = True,
) -> Receipt:
    """Push the store at `path`, which is of `repository`, as these options say. Raises what that raises."""
    from diptych.artifact.errors import LocalChangesError
    from diptych.artifact.push import push as push_artifact
    from diptych.cli.schemas import schema_of

    target = ref or default_ref(repository)
    if repository.dirty and not dirty and not target.startswith("user/"):
        raise LocalChangesError(
            "the working tree has changes that are in no commit, so its index is that of none",
            advice="commit them first; or push with --dirty, or to --ref user/NAME",
        )
    return push_artifact(
        path,
        remote,
        ref=target,
        schema=schema_of(path, schema),
        source=repository.source,
        history=repository,
        indexer=indexer_versions(schema),
        root=repository.root or None,
        compact=compact,
        level=level,
        force=force,
        key=signing_key(sign),
        dry_run=dry_run,
        remember=remember,
        progress=shown(quiet),
        timeout_s=timeout,
    )


def indexer_versions(schema: str | None) -> dict[str, str]:
    """What an index of code is made with here."""
    if schema is not None:
        return {}
    from diptych.indexer import grammar_versions

    return grammar_versions.current()
