"""`diptych artifact remote`: which remote is used, which are known, and what one can do."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument
from diptych.cli.options import Json, StorePath, not_empty

_ACTIONS = ("add", "check", "list")


def remote(
    action: Annotated[
        str | None,
        Argument("ACTION|URL", parse=not_empty, help="add, check or list; a URL alone is added."),
    ] = None,
    url: Annotated[
        str | None, Argument("URL", parse=not_empty, help="The remote: see docs/remotes.md.")
    ] = None,
    store: StorePath = None,
    as_json: Json = False,
) -> int:
    """Show or set the remote that is used where none is named. Exit code 1 if there is none.

    `add` sets it. `list` shows those that this store pushed to or pulled from; exit code 1 if there are
    none. `check` finds out what a remote can do, and probes an object store again for whether it compares and
    swaps; exit code 1 where refs of branches cannot be moved safely.

    \b
    Examples:
      diptych artifact remote add file:///srv/indexes
      diptych artifact remote check s3://bucket/indexes
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line
    from diptych.errors import InvalidArgumentError

    if action is not None and action not in _ACTIONS:
        if url is not None:
            raise InvalidArgumentError(
                f"{action!r:.80} is no action: there are add, check and list",
                advice="`diptych artifact remote add URL` sets the remote to use",
            )
        action, url = "add", action
    if action == "check":
        return _check(url, store, as_json=as_json)
    if action == "list":
        if url is not None:
            raise InvalidArgumentError("`remote list` takes no URL", advice="leave it out")
        return _list(store, as_json=as_json)
    found = _default(store) if action is None else _add(url, store)
    if as_json:
        document({"remote": found or None})
    elif found:
        line(found)
    else:
        _say_none("no remote is set")
    return ExitCode.DONE if found else ExitCode.FINDINGS


def _default(store: str | None) -> str:
    from diptych.artifact.remembered import load
    from diptych.cli.place import find_store

    return load(find_store(store)).remote


def _add(url: str | None, store: str | None) -> str:
    from dataclasses import replace

    from diptych.artifact.remembered import load, save
    from diptych.artifact.remotes.opening import open_remote
    from diptych.cli.place import find_store
    from diptych.errors import InvalidArgumentError

    if url is None:
        raise InvalidArgumentError("`remote add` takes a URL", advice="such as file:///srv/indexes")
    path = find_store(store)
    with open_remote(url) as opened:
        known = replace(load(path), remote=opened.url)
    save(path, known)
    return known.remote


def _list(store: str | None, *, as_json: bool) -> int:
    from diptych.artifact.remembered import load
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line
    from diptych.cli.place import find_store

    known = load(find_store(store))
    urls = sorted({known.remote, *(one.url for one in known.refs)} - {""})
    refs = {url: [(one.ref, one.serial) for one in known.refs if one.url == url] for url in urls}
    if as_json:
        rows = [
            {
                "url": url,
                "is_default": url == known.remote,
                "refs": [{"ref": ref, "serial": serial} for ref, serial in refs[url]],
            }
            for url in urls
        ]
        document({"remotes": rows})
    else:
        for url in urls:
            seen = ", ".join(f"{ref} at serial {serial:,}" for ref, serial in refs[url])
            line(f"{'*' if url == known.remote else ' '} {url}{': ' if seen else ''}{seen}")
        if not urls:
            _say_none("this store knows no remote")
    return ExitCode.DONE if urls else ExitCode.FINDINGS


def _say_none(message: str) -> None:
    from diptych.cli.output import tell
    from diptych.indexer.settings import Notice

    tell(Notice(message, "`diptych artifact remote add URL` sets one"))


def _check(url: str | None, store: str | None, *, as_json: bool) -> int:
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line
    from diptych.cli.sharing import plain, remote_for, store_at

    with remote_for(url, store_at(store)[0]) as opened:
        why = opened.probe_again()
        can = opened.capabilities
        # So that one whose probe needs no request is asked for something.
        opened.read_ref("branch/main")
    if as_json:
        document({"url": opened.url, **plain(can), "why": why or None})
    else:
        line(f"{opened.url} answers")
        if can.read_only:
            line("  read only")
        else:
            line("  moves refs safely" if can.compare_and_swap else f"  cannot move refs safely: {why}")
        line(f"  {'lists' if can.lists else 'does not list'} its refs")
    return ExitCode.DONE if can.compare_and_swap or can.read_only else ExitCode.FINDINGS
