"""The differences between two versions, from their manifests alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from diptych.versions.manifest import Embedding, Manifest


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """From `old` to `new`: paths of files (inside the version), and the attributes that differ.

    `attrs` and `embedding` hold (old value, new value), each None if absent. `bytes_new` is the total size
    of the files added and changed.
    """

    old: str
    new: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    bytes_new: int
    assets_added: tuple[str, ...]
    assets_removed: tuple[str, ...]
    attrs: dict[str, tuple[Any, Any]]
    embedding: tuple[Embedding | None, Embedding | None] | None

    @property
    def same(self) -> bool:
        """Whether the two have the same contents; names and times may differ."""
        return not (
            self.added or self.removed or self.changed or self.assets_added or self.assets_removed
            or self.attrs or self.embedding
        )


def compare(old: Manifest, new: Manifest) -> VersionDiff:
    """The changes from `old` to `new`."""
    both = old.files.keys() & new.files.keys()
    changed = {path for path in both if old.files[path] != new.files[path]}
    added = new.files.keys() - old.files.keys()
    return VersionDiff(
        old=old.version,
        new=new.version,
        added=_names(added),
        removed=_names(old.files.keys() - new.files.keys()),
        changed=_names(changed),
        unchanged=len(both) - len(changed),
        bytes_new=sum(new.files[path].size_bytes for path in added | changed),
        assets_added=tuple(sorted(new.assets.keys() - old.assets.keys())),
        assets_removed=tuple(sorted(old.assets.keys() - new.assets.keys())),
        attrs={
            name: (old.attrs.get(name), new.attrs.get(name))
            for name in sorted(old.attrs.keys() | new.attrs.keys())
            if name not in old.attrs or name not in new.attrs or old.attrs[name] != new.attrs[name]
        },
        embedding=None if old.embedding == new.embedding else (old.embedding, new.embedding),
    )


def _names(paths: set[bytes]) -> tuple[str, ...]:
    return tuple(os.fsdecode(path) for path in sorted(paths))
