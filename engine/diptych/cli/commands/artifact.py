"""`diptych artifact`: share indexes with other machines."""

from __future__ import annotations

from diptych.cli.arguments import Command
from diptych.cli.commands.artifact_file import pack, unpack
from diptych.cli.commands.artifact_inspection import diff, info, list_refs, verify
from diptych.cli.commands.artifact_remote import remote
from diptych.cli.commands.artifact_transfer import pull, push, recover, sync
from diptych.cli.commands.artifact_trust import key, serve
from diptych.cli.commands.artifact_upkeep import cleanup, gc, promote

VERBS: dict[str, Command] = {
    "push": push,
    "pull": pull,
    "sync": sync,
    "pack": pack,
    "unpack": unpack,
    "list": list_refs,
    "info": info,
    "diff": diff,
    "verify": verify,
    "promote": promote,
    "recover": recover,
    "cleanup": cleanup,
    "gc": gc,
    "remote": remote,
    "key": key,
    "serve": serve,
}
