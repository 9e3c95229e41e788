"""`diptych artifact push`, `pull`, `sync` and `recover`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from diptych.cli.arguments import Option
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.pushing import LEVEL, indexer_versions, push_to, updated
from diptych.cli.schemas import SchemaName
from diptych.cli.sharing import DryRun, NoCas, Quiet, RemoteUrl, SignKey, Timeout, shown
from diptych.cli.transfers import print_pulled, print_receipt

if TYPE_CHECKING:
    from diptych.artifact.pull import LocalChanges, Pulled
    from diptych.artifact.push import Receipt
    from diptych.cli.sharing import Repository

_BYTES_MAX = 2**50

Ref = Annotated[
    str | None,
    Option("--ref", parse=not_empty, help="branch/NAME, channel/NAME, pr/NUMBER … Default: the branch."),
]
Commit = Annotated[
    str | None, Option("--commit", parse=not_empty, help="The commit that was indexed. Default: HEAD.")
]
Dirty = Annotated[bool, Option("--dirty", help="Push although the working tree has uncommitted changes.")]
Force = Annotated[bool, Option("--force", help="Move the ref even where it names a later commit.")]
Level = Annotated[int, Option("--level", bounds=(1, 19), help="Of zstd.")]
Compact = Annotated[
    bool, Option("--compact", help="First write all records again: nothing of a removed one is left.")
]
At = Annotated[
    str | None,
    Option(
        "--at", parse=not_empty, metavar="COMMIT", help="The nearest commit with an artifact, from this one."
    ),
]
Nearest = Annotated[
    bool, Option("--nearest/--latest", help="By the nearest commit (default), or by the ref alone.")
]
Digest = Annotated[
    str | None, Option("--digest", parse=not_empty, help="Exactly this manifest: sha256:<64 digits>.")
]
Rebase = Annotated[
    bool, Option("--rebase", help="Where this store has changes: pull, and index the tree again.")
]
Replace = Annotated[bool, Option("--replace", help="Where this store has changes: pull, and keep it aside.")]
OtherRepo = Annotated[bool, Option("--allow-other-repo", help="Also an index of another repository.")]
MaxBytes = Annotated[int, Option("--max-bytes", bounds=(1, _BYTES_MAX), help="Refuse a larger artifact.")]
NoIndex = Annotated[bool, Option("--no-index", help="Do not index the tree's own changes after the pull.")]


def push(
    remote: RemoteUrl = None,
    ref: Ref = None,
    commit: Commit = None,
    dirty: Dirty = False,
    force: Force = False,
    level: Level = LEVEL,
    compact: Compact = False,
    sign: SignKey = None,
    no_cas: NoCas = False,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Publish this index for other machines.

    Only what the remote does not have is sent. The ref (of the branch, if no other is named) and that of the
    commit then name the index; where another push came first, the later commit stays.

    \b
    Examples:
      diptych artifact push file:///srv/indexes
      diptych artifact push --ref channel/nightly --dry-run
    """
    from diptych.cli.output import document
    from diptych.cli.sharing import plain, remote_for

    path, repository = updated(store, schema, commit)
    with remote_for(remote, path, without_swap=no_cas) as opened:
        receipt = push_to(
            opened,
            path,
            repository,
            schema,
            ref,
            dirty=dirty,
            force=force,
            level=level,
            compact=compact,
            sign=sign,
            timeout=timeout,
            dry_run=dry_run,
            quiet=quiet,
        )
    if as_json:
        document(plain(receipt))
    else:
        print_receipt(receipt)


def pull(
    remote: RemoteUrl = None,
    ref: Ref = None,
    at: At = None,
    nearest: Nearest = True,
    digest: Digest = None,
    rebase: Rebase = False,
    replace: Replace = False,
    allow_other_repo: OtherRepo = False,
    max_bytes: MaxBytes = 8 * 1024**3,
    no_index: NoIndex = False,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Install an index that was pushed, and bring it up to date with this tree.

    That of the nearest commit before this one is taken, or that of the branch. Nothing is fetched that is
    here already. The store that was there stays until the new one has opened; one with changes that no
    remote has is never dropped.

    \b
    Examples:
      diptych artifact pull file:///srv/indexes
      diptych artifact pull --ref channel/stable --rebase
    """
    from diptych.cli.output import document
    from diptych.cli.sharing import plain, remote_for, repository_at, store_at

    path, root = store_at(store)
    repository = repository_at(root)
    with remote_for(remote, path) as opened:
        from diptych.artifact.pull import pull as pull_artifact
        from diptych.artifact.trust import Trust, parse_pin
        from diptych.cli.schemas import schema_of

        named, pin = parse_pin(ref or "")
        pin = pin or (digest or "").removeprefix("sha256:")
        use_nearest = nearest and not named and not pin and bool(repository.commit)
        pulled = pull_artifact(
            opened,
            path,
            ref=named or _fallback_ref(repository),
            digest=pin,
            commits=repository.commits(at or "HEAD") if use_nearest else (),
            trust=Trust.from_file(),
            schema=schema_of(path, schema),
            local_changes=_local_changes(rebase, replace),
            repo_id="" if allow_other_repo else repository.repo_id,
            indexer=indexer_versions(schema),
            max_bytes=max_bytes,
            dry_run=dry_run,
            progress=shown(quiet),
            timeout_s=timeout,
        )
    indexed = _index(path, root, schema, quiet=quiet) if not (dry_run or no_index) else False
    if indexed and rebase and pulled.kept:
        _remove_kept(pulled)
    if as_json:
        document({**plain(pulled), "indexed": indexed})
    else:
        print_pulled(pulled, indexed=indexed)


def sync(
    remote: RemoteUrl = None,
    ref: Ref = None,
    pull_only: Annotated[bool, Option("--pull-only", help="Send nothing.")] = False,
    push_only: Annotated[bool, Option("--push-only", help="Install nothing.")] = False,
    dirty: Dirty = False,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Both ways: install what is newer at the remote, index the tree, and push what is newer here.

    \b
    Example: diptych artifact sync file:///srv/indexes
    """
    import os

    from diptych.artifact.errors import NoAncestorError, UnknownArtifactError
    from diptych.artifact.pull import pull as pull_artifact
    from diptych.artifact.trust import Trust
    from diptych.cli.output import document
    from diptych.cli.schemas import schema_of
    from diptych.cli.sharing import plain, remote_for, repository_at, store_at

    path, root = store_at(store)
    repository = repository_at(root)
    pulled: Pulled | None = None
    receipt: Receipt | None = None
    with remote_for(remote, path) as opened:
        if not push_only:
            try:
                pulled = pull_artifact(
                    opened,
                    path,
                    ref=ref or _fallback_ref(repository),
                    commits=repository.commits() if repository.commit and not ref else (),
                    schema=schema_of(path, schema),
                    # The tree is what counts: it is indexed again right after this.
                    local_changes="rebase",
                    trust=Trust.from_file(),
                    repo_id=repository.repo_id,
                    indexer=indexer_versions(schema),
                    dry_run=dry_run,
                    progress=shown(quiet),
                    timeout_s=timeout,
                )
            except (UnknownArtifactError, NoAncestorError):
                # The first sync of all.
                if pull_only:
                    raise
            if not dry_run and _index(path, root, schema, quiet=quiet) and pulled is not None and pulled.kept:
                _remove_kept(pulled)
        if not pull_only and (not dry_run or os.path.exists(path)):
            path, repository = updated(store, schema, None)
            receipt = push_to(
                opened,
                path,
                repository,
                schema,
                ref,
                dirty=dirty,
                timeout=timeout,
                dry_run=dry_run,
                quiet=quiet,
            )
    if as_json:
        document(
            {
                "pulled": plain(pulled) if pulled is not None else None,
                "pushed": plain(receipt) if receipt is not None else None,
            }
        )
        return
    if pulled is not None:
        print_pulled(pulled, indexed=not dry_run)
    if receipt is not None:
        print_receipt(receipt)


def recover(
    remote: RemoteUrl = None,
    branch: Annotated[
        str | None, Option("--branch", parse=not_empty, help="The index of this branch.")
    ] = None,
    commit: Annotated[
        str | None, Option("--commit", parse=not_empty, help="The index of this commit.")
    ] = None,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Install the index of a branch or a commit in the place of a store that is damaged or lost.

    What was there is kept aside, whatever it is.

    \b
    Example: diptych artifact recover --branch main
    """
    from diptych.artifact.pull import pull as pull_artifact
    from diptych.artifact.trust import Trust
    from diptych.cli.output import document
    from diptych.cli.schemas import schema_of
    from diptych.cli.sharing import plain, remote_for, repository_at, store_at
    from diptych.errors import InvalidArgumentError

    if (branch is None) == (commit is None):
        raise InvalidArgumentError("one of --branch and --commit is needed", advice="give one of them")
    path, root = store_at(store)
    repository = repository_at(root)
    with remote_for(remote, path) as opened:
        pulled = pull_artifact(
            opened,
            path,
            ref=f"branch/{branch}" if branch else f"commit/{repository.commits(commit or '')[0]}",
            schema=schema_of(path, schema),
            local_changes="recover",
            trust=Trust.from_file(),
            repo_id=repository.repo_id,
            dry_run=dry_run,
            progress=shown(quiet),
            timeout_s=timeout,
        )
    if as_json:
        document(plain(pulled))
    else:
        print_pulled(pulled, indexed=False)


def _fallback_ref(repository: Repository) -> str:
    from diptych.cli.sharing import default_ref

    return default_ref(repository)


def _local_changes(rebase: bool, replace: bool) -> LocalChanges:
    from diptych.errors import InvalidArgumentError

    if rebase and replace:
        raise InvalidArgumentError("--rebase and --replace exclude each other", advice="give one of them")
    return "rebase" if rebase else "replace" if replace else "refuse"


def _index(path: str, root: str, schema: str | None, *, quiet: bool) -> bool:
    """Index the tree's own changes; whether that was done."""
    import os

    if schema is not None or not os.path.lexists(os.path.join(root, ".git")):
        return False
    from diptych.cli.progress import Progressing
    from diptych.store.code import Store
    from diptych.workspace.freshness import hide_from_git, recorded_settings, update

    with Store.open(path) as opened:
        hide_from_git(opened.path)
        with Progressing(shown=not quiet) as progressing:
            update(root, opened, settings=recorded_settings(opened), progress=progressing.show)
    return True


def _remove_kept(pulled: Pulled) -> None:
    """Remove the store that was there: what was in it is in the index of the tree again."""
    from diptych import fs

    fs.remove_tree(pulled.kept)
