"""`diptych artifact key` and `serve`."""

from __future__ import annotations

from typing import Annotated, Literal

from diptych.cli.arguments import Argument, Option
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.sharing import RemoteUrl

_PORT_MAX = 65_535


def key(
    action: Annotated[Literal["new", "trust"], Argument("ACTION", help="new, or trust.")],
    first: Annotated[
        str, Argument("FILE|URL", parse=not_empty, help="new: where to put it. trust: the remote.")
    ],
    public: Annotated[str | None, Argument("KEY", parse=not_empty, help="trust: the public key.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key to sign with, or say that one is trusted for a remote.

    `new` writes the secret key to FILE and the public one to FILE.pub, as minisign does; a password is taken
    from DIPTYCH_KEY_PASSWORD. `trust` writes to trust.toml: from then on all that is installed from URL, or
    below it, must be signed by KEY.

    \b
    Examples:
      diptych artifact key new ~/.config/diptych/key
      diptych artifact key trust file:///srv/indexes RWQ…
    """
    import os

    from diptych.artifact.sign import new_key
    from diptych.artifact.trust import add_key, default_path
    from diptych.cli.output import document, line
    from diptych.errors import InvalidArgumentError

    if action == "new":
        if public is not None:
            raise InvalidArgumentError("`key new` takes one argument, the file", advice="leave out the other")
        made = new_key(first, os.environ.get("DIPTYCH_KEY_PASSWORD"))
        if as_json:
            document({"path": first, "public": made.public})
        else:
            line(f"wrote {first} and {first}.pub; others trust it by: {made.public}")
        return
    if public is None:
        raise InvalidArgumentError(
            "`key trust` takes two arguments, the remote's URL and the public key",
            advice="the public key is what `key new` printed, and in the file that ends in .pub",
        )
    policy = add_key(default_path(), first, public)
    if as_json:
        document({"url": policy.url, "keys": list(policy.keys), "trust": default_path()})
    else:
        line(f"what is installed from {policy.url} must be signed by {public} from now on")


def serve(
    remote: RemoteUrl = None,
    port: Annotated[
        int | None, Option("--port", bounds=(0, _PORT_MAX), help="0 for any that is free. Default: 8737.")
    ] = None,
    lan: Annotated[bool, Option("--lan", help="To the whole network, not to this machine alone.")] = False,
    store: StorePath = None,
) -> None:
    """Serve a remote to other machines, read only, until Ctrl-C: they pull from peer://HOST:PORT.

    \b
    Example: diptych artifact serve file:///srv/indexes --lan
    """
    from diptych.artifact.remotes.peer import DEFAULT_PORT
    from diptych.artifact.serve import serve as serve_remote
    from diptych.cli.output import note
    from diptych.cli.sharing import remote_for, store_at

    with remote_for(remote, store_at(store)[0]) as opened:
        serve_remote(
            opened,
            port=DEFAULT_PORT if port is None else port,
            lan=lan,
            ready=lambda at: note(f"diptych: serves {opened.url} at port {at}; Ctrl-C ends it."),
        )
