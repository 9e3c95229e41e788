"""What pushes and pulls did, for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from diptych.cli.output import line, note, size
from diptych.cli.sharing import share

if TYPE_CHECKING:
    from diptych.artifact.pull import Pulled
    from diptych.artifact.push import Receipt


def print_receipt(receipt: Receipt) -> None:
    """What a push did, in lines."""
    said = {
        "pushed": f"{receipt.ref} is at serial {receipt.serial:,}, sha256:{receipt.manifest[:12]}",
        "planned": f"{receipt.ref} would be at serial {receipt.serial:,}",
        "unchanged": f"{receipt.ref} has this index already, at serial {receipt.serial:,}",
        "newer": f"{receipt.ref} names a later commit already, at serial {receipt.serial:,}; nothing to do",
    }
    line(f"{receipt.url}: {said[receipt.outcome]}")
    if receipt.outcome in ("pushed", "planned"):
        sent = "sent" if receipt.outcome == "pushed" else "to send"
        line(
            f"  {size(receipt.sent_bytes)} {sent}, {share(receipt.sent_bytes, receipt.full_bytes)} of all;"
            f" {receipt.files_sent:,} of {receipt.files:,} files are new"
        )


def print_pulled(pulled: Pulled, *, indexed: bool) -> None:
    """What a pull did, in lines."""
    of = f" of commit {pulled.commit[:12]}" if pulled.commit else ""
    before = f", {pulled.distance:,} before this one" if pulled.distance else ""
    said = {
        "installed": f"installed {pulled.ref or pulled.manifest[:12]}{of}{before}",
        "unchanged": f"this store has what {pulled.ref or pulled.manifest[:12]} has{of}",
        "planned": f"would install {pulled.ref or pulled.manifest[:12]}{of}{before}",
    }
    line(f"{pulled.url}: {said[pulled.outcome]}")
    if pulled.outcome != "unchanged":
        line(
            f"  {size(pulled.fetched_bytes)} fetched, {share(pulled.fetched_bytes, pulled.full_bytes)} of all"
        )
    if indexed:
        line("  indexed what this tree changed since")
    elif pulled.stale:
        for reason in pulled.stale:
            note(f"diptych: {reason}.")
        note("         Next: run `diptych index`.")
    if pulled.kept and os.path.lexists(pulled.kept):
        line(f"  the store before it is kept at {pulled.kept}")
