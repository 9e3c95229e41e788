"""Decide which published versions to keep. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from diptych.versions.manifest import Manifest


def rollback_target(current: Manifest, published: Mapping[str, Manifest]) -> str | None:
    """The version that was current before `current`, or the nearest earlier one that still exists.

    It follows the chain of current versions, not the order of publishing. After a rollback from 3 to 2 and
    the publishing of 4, a rollback from 4 leads to 2, not to the rejected 3.
    """
    for name in current.lineage:
        # The name may have been discarded and reused since; then it is not the same version.
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
    """The versions beyond the first `keep` that are older than `older_than_ns`; oldest first.

    The order is: the current version, the target of a rollback, then the newest.
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
