"""What a store remembers of remotes: the refs it pushed or pulled last, with their manifests.

With it a push needs no question first: it says which state of the ref it builds on, and the write of the ref
fails where another push came in between. It is a cache: damaged or missing, the remote is asked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from diptych import fs
from diptych.artifact.documents import canonical, parse_canonical
from diptych.artifact.errors import ArtifactError
from diptych.artifact.manifest import ArtifactManifest, decode_manifest
from diptych.artifact.names import digest_of, is_digest, is_ref
from diptych.layout import REMOTES

FORMAT = 1
_SIZE_MOST = 32 * 1024 * 1024
_REFS_MOST = 8


@dataclass(frozen=True, slots=True)
class RememberedRef:
    """A ref of a remote as this store last saw it."""

    url: str
    ref: str
    version: str
    serial: int
    manifest: str
    """SHA-256 of the manifest."""
    text: str
    """The manifest itself."""
    moved_ms: int = 0
    commits: tuple[str, ...] = ()
    """The refs `commit/…` that are known to name it."""

    def decoded(self) -> ArtifactManifest | None:
        """The manifest; None where it is not what it should be."""
        data = self.text.encode("ascii", "replace")
        if digest_of(data) != self.manifest:
            return None
        try:
            return decode_manifest(data, where="a remembered manifest")
        except ArtifactError:
            return None


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything a store remembers; the newest ref first."""

    refs: tuple[RememberedRef, ...] = ()
    remote: str = ""
    """The remote that is used where none is named."""
    installed: str = ""
    """The content id of what was installed by its digest alone; "" where it was by a ref."""

    def ref(self, url: str, ref: str) -> RememberedRef | None:
        """What is known of that ref."""
        return next((one for one in self.refs if (one.url, one.ref) == (url, ref)), None)

    def seen(self, one: RememberedRef) -> Remembered:
        """With a ref as it is now. Of too many, those of commits are forgotten first: they do not move."""
        others = [other for other in self.refs if (other.url, other.ref) != (one.url, one.ref)]
        kept = [one, *others]
        while len(kept) > _REFS_MOST:
            commits = [at for at, other in enumerate(kept) if at and other.ref.startswith("commit/")]
            del kept[commits[-1] if commits else -1]
        return replace(self, refs=tuple(kept))

    def contents(self) -> set[str]:
        """The content ids that a remote is known to have."""
        found = (one.decoded() for one in self.refs)
        named = {manifest.content_id for manifest in found if manifest is not None}
        return named | {self.installed} if self.installed else named


def load(store: str) -> Remembered:
    """What the store at `store` remembers; nothing where that is missing or damaged."""
    try:
        data = fs.read_bounded(os.path.join(store, REMOTES), _SIZE_MOST)
        return _remembered(parse_canonical(data, _SIZE_MOST))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Remembered()


def save(store: str, remembered: Remembered) -> None:
    """Remember it. Raises StorageError."""
    fs.atomic_write(os.path.join(store, REMOTES), encode(remembered))


def encode(remembered: Remembered) -> bytes:
    """The bytes of the file, no more than `load` reads.

    Of manifests that are too large together, the text of the oldest is left out: the remote has it. Serials
    stay, since no remote can be asked for those that it showed before.
    """
    refs = list(remembered.refs)
    while True:
        data = _encoded(replace(remembered, refs=tuple(refs)))
        with_text = [at for at, one in enumerate(refs) if one.text]
        if len(data) <= _SIZE_MOST or not with_text:
            return data
        refs[with_text[-1]] = replace(refs[with_text[-1]], text="")


def _encoded(remembered: Remembered) -> bytes:
    refs = [
        {name: getattr(one, name) for name in RememberedRef.__slots__} | {"commits": list(one.commits)}
        for one in remembered.refs
    ]
    body = {"format": FORMAT, "remote": remembered.remote, "installed": remembered.installed, "refs": refs}
    return canonical(body)


def _remembered(body: Any) -> Remembered:
    installed = body.get("installed", "")
    if body["format"] != FORMAT or type(body["remote"]) is not str or type(installed) is not str:
        raise ValueError("of another format")
    refs = []
    for row in body["refs"][:_REFS_MOST]:
        one = RememberedRef(**{**row, "commits": tuple(row["commits"])})
        texts = (one.url, one.ref, one.version, one.text, *one.commits)
        if not all(type(text) is str for text in texts) or not is_ref(one.ref) or type(one.serial) is not int:
            raise ValueError("a ref that makes no sense")
        if type(one.moved_ms) is not int or not is_digest(one.manifest):
            raise ValueError("a digest that makes no sense")
        refs.append(one)
    return Remembered(tuple(refs), body["remote"], installed)
