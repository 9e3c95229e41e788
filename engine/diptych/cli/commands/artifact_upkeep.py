"""`diptych artifact promote`, `cleanup` and `gc`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument, Option
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.sharing import DryRun, RemoteOption, RemoteUrl, SignKey

_DAYS_MAX = 366_000.0
_COUNT_MAX = 1_000_000


def promote(
    source: Annotated[
        str, Argument("REF", parse=not_empty, help="What to promote, such as commit/<40 digits>.")
    ],
    target: Annotated[str, Argument("CHANNEL", parse=not_empty, help="Such as channel/stable, or stable.")],
    sign: SignKey = None,
    remote: RemoteOption = None,
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Make a channel name what another ref names. Channels are kept for ever.

    What is promoted must be as trust.toml requires; with --sign, where nothing is required, signed by the
    same key. REF@sha256:<64 digits> promotes exactly that manifest.

    \b
    Examples:
      diptych artifact promote branch/main stable
      diptych artifact promote branch/main stable --sign ~/diptych.key
    """
    from diptych.artifact.promote import promote as promote_ref
    from diptych.artifact.remembered import load
    from diptych.artifact.trust import Trust
    from diptych.cli.output import document, line
    from diptych.cli.sharing import plain, remote_for, signing_key, store_at

    path = store_at(store)[0]
    with remote_for(remote, path) as opened:
        channel = target if "/" in target else f"channel/{target}"
        done = promote_ref(
            opened,
            source,
            channel,
            key=signing_key(sign),
            trust=Trust.from_file(),
            remembered=load(path),
        )
    if as_json:
        document(plain(done))
    else:
        line(f"{done.ref} is at serial {done.serial:,}, sha256:{done.manifest[:12]}")


def cleanup(
    remote: RemoteUrl = None,
    older_than: Annotated[
        float | None,
        Option(
            "--older-than", bounds=(0, _DAYS_MAX), metavar="DAYS", help="For every kind of ref but channels."
        ),
    ] = None,
    keep_latest: Annotated[
        int, Option("--keep-latest", bounds=(0, _COUNT_MAX), help="Newest commits kept however old they are.")
    ] = 5,
    default_branch: Annotated[
        str, Option("--default-branch", parse=not_empty, help="Its ref is kept for ever.")
    ] = "main",
    store: StorePath = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove the refs that are no longer needed.

    Those of pull requests and commits go after 7 days, of branches after 14. A commit that a branch or a
    channel names is kept as long as that. The bytes are removed by `gc`.
    """
    from dataclasses import replace

    from diptych.artifact.retention import Policy
    from diptych.artifact.retention import cleanup as clean_up
    from diptych.cli.output import document, line
    from diptych.cli.sharing import plain, remote_for, store_at

    policy = Policy(keep_latest=keep_latest, default_branch=default_branch)
    if older_than is not None:
        policy = replace(policy, days=dict.fromkeys(policy.days, older_than))
    with remote_for(remote, store_at(store)[0]) as opened:
        removed = clean_up(opened, policy, dry_run=dry_run)
    if as_json:
        document({"removed": [plain(one) for one in removed], "dry_run": dry_run})
        return
    verb = "would remove" if dry_run else "removed"
    for one in removed:
        line(f"{verb} {one.name}: {one.reason}")
    if not removed:
        line("nothing to remove")


def gc(
    remote: RemoteUrl = None,
    grace: Annotated[
        float,
        Option(
            "--grace",
            bounds=(0, _DAYS_MAX),
            metavar="HOURS",
            help="Below 24: only while nobody pushes, or pushes last half of it at most.",
        ),
    ] = 24.0,
    store: StorePath = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove the bytes that no ref leads to, in two runs at least --grace apart.

    Pushes and pulls may go on meanwhile. The first run lists candidates, a later one removes those that still
    nothing leads to. With --grace 0, two runs one after the other remove all of it.
    """
    from diptych.artifact.gc import collect
    from diptych.cli.output import document, line, plural, size
    from diptych.cli.sharing import plain, remote_for, store_at

    with remote_for(remote, store_at(store)[0]) as opened:
        done = collect(opened, grace_ms=int(grace * 3_600_000), dry_run=dry_run)
    if as_json:
        document(plain(done))
        return
    verb = "would remove" if dry_run else "removed"
    line(
        f"{verb} {plural(done.removed_blobs, 'blob')} of {size(done.freed_bytes)}"
        f" and {plural(done.removed_manifests, 'manifest')}; {done.waiting:,} wait for a later run;"
        f" {plural(done.live_blobs, 'blob')} of {size(done.live_bytes)} in use"
    )
