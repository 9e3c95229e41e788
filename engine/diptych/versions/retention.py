"""Which published versions to keep: a pure decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from diptych.versions.manifest import Manifest


def rollback_target(current: Manifest, published: Mapping[str, Manifest]) -> str | None:
    """The version that was current before `current`, or the nearest one before that which is still there.

    It follows the chain of what was current, and not the order of publishing: after a rollback from 3 to 2
    and the publishing of 4, going back from 4 leads to 2 and not to the 3 that was found wanting.
    """
    for name in current.lineage:
        # A name may have been discarded and used again since; then it is not the version that was meant.
        if name in published and published[name].sequence < current.sequence:
            return name
    return None


def to_remove(
    published: Mapping[str, Manifest],
    current: str | None,
    *,
    keep: int,
    older_than_ns: int | None,
    now_ns: int,
) -> list[str]:
    """The versions beyond the first `keep`, and published more than `older_than_ns` ago; oldest first.

    Kept first is the current one, then the one a rollback would lead to, then the newest.
    """
    first = []
    if current is not None and current in published:
        target = rollback_target(published[current], published)
        first = [current, target] if target else [current]
    newest = sorted(published, key=lambda name: published[name].sequence, reverse=True)
    ranked = _unique([*first, *newest])
    # Whatever `keep` says, the current version stays.
    beyond = [name for name in ranked[keep:] if name != current]
    return [
        name
        for name in sorted(beyond, key=lambda name: published[name].sequence)
        if older_than_ns is None or now_ns - published[name].published_ns > older_than_ns
    ]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
