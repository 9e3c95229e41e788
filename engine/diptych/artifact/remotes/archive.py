"""A remote in one file: a tar that is an OCI image layout, for a stick, an e-mail, or `skopeo` and `oras`.

    oci-layout  index.json          the layout's version; each OCI manifest with its tag
    blobs/sha256/<64 hex>           blobs, manifests, and the OCI manifests that a registry has for them

Only read, once it is written. The headers of a file from a stranger are read one by one: whatever is no
regular file with one of these names is refused, so nothing in it can name a place, and nothing is unpacked.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Collection, Iterator
from typing import BinaryIO, NamedTuple

from diptych import fs
from diptych.artifact.errors import HostileArtifactError, MissingObjectError, UnsupportedRemoteError
from diptych.artifact.names import check_digest, digest_of, is_digest
from diptych.artifact.remotes.base import (
    MAX_BLOB_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_REFS,
    Capabilities,
    ListedRef,
    Ref,
)
from diptych.artifact.remotes.file import url_of
from diptych.artifact.remotes.oci_forms import (
    OCI_MANIFEST_MOST_BYTES,
    note_in,
    ref_of_tag,
    signature_tag,
    tag_of,
)
from diptych.artifact.remotes.read_only import ReadOnlyRemote

LAYOUT, INDEX, BLOBS = "oci-layout", "index.json", "blobs/sha256/"
TAG = "org.opencontainers.image.ref.name"
_BLOCK_BYTES = 512
_MEMBERS_MOST = 200_000
_PIECE_BYTES = 1 << 20


class _Member(NamedTuple):
    offset: int
    size_bytes: int


class ArchiveRemote(ReadOnlyRemote):
    """The remote in the file `path`. Raises UnsupportedRemoteError where that is none, StorageError."""

    lasting = False

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.url = url_of(path)
        with fs.translated("read", self.path), self._opened() as file:
            self._members = _members(file, self.url)
            self._digests = self._read_index(file)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=False, ranges=True, lists=True, deletes=False, read_only=True)

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        return {digest for digest in digests if BLOBS + digest in self._members}

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        member = self._member(check_digest(digest))
        most = MAX_BLOB_BYTES if length is None else min(length, MAX_BLOB_BYTES)
        left = min(most, member.size_bytes - start)
        with fs.translated("read", self.path), self._opened() as file:
            file.seek(member.offset + start)
            while left > 0 and (piece := file.read(min(left, _PIECE_BYTES))):
                left -= len(piece)
                yield piece

    def read_manifest(self, digest: str) -> bytes:
        return self._read(check_digest(digest), MAX_MANIFEST_BYTES)

    def read_signature(self, digest: str) -> bytes | None:
        return self._note(signature_tag(check_digest(digest)))

    def read_ref(self, name: str) -> Ref | None:
        body = self._note(tag_of(name))
        return None if body is None else Ref(body, digest_of(body))

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        names = sorted(ref for tag in self._digests if (ref := ref_of_tag(tag)) is not None)
        for name in names[:MAX_REFS]:
            if name.startswith(prefix):
                yield ListedRef(name, "", 0)

    def read_document(self, name: str) -> bytes | None:  # noqa: ARG002 - it has none
        return None

    def _note(self, tag: str) -> bytes | None:
        digest = self._digests.get(tag)
        if digest is None:
            return None
        data = self._read(digest, OCI_MANIFEST_MOST_BYTES)
        if digest_of(data) != digest:
            raise HostileArtifactError(f"{self.url} has something else under the tag {tag}")
        return note_in(data, tag, self.url)

    def _read(self, digest: str, most_bytes: int) -> bytes:
        member = self._member(digest)
        if member.size_bytes > most_bytes:
            raise HostileArtifactError(f"{self.url} has {member.size_bytes:,} bytes as sha256:{digest[:12]}…")
        return b"".join(self.read_blob(digest))

    def _member(self, digest: str) -> _Member:
        found = self._members.get(BLOBS + digest)
        if found is None:
            raise MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)
        return found

    def _opened(self) -> BinaryIO:
        return open(self.path, "rb", opener=fs.open_regular)

    def _read_index(self, file: BinaryIO) -> dict[str, str]:
        """The digest of each tag."""
        index, layout = self._members.get(INDEX), self._members.get(LAYOUT)
        if index is None or layout is None:
            raise UnsupportedRemoteError(
                f"{self.url} has no artifact", advice="`diptych artifact pack` makes such a file"
            )
        if index.size_bytes > MAX_MANIFEST_BYTES:
            raise HostileArtifactError(f"{self.url} has an index of {index.size_bytes:,} bytes")
        file.seek(index.offset)
        try:
            listed = json.loads(file.read(index.size_bytes))["manifests"]
            found = {one["annotations"][TAG]: one["digest"].removeprefix("sha256:") for one in listed}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HostileArtifactError(f"{self.url} has an index of another form") from error
        return {tag: digest for tag, digest in found.items() if type(tag) is str and is_digest(digest)}


def _members(file: BinaryIO, where: str) -> dict[str, _Member]:
    """Where each file of the tar is, by its name. Nothing but headers is read."""
    found: dict[str, _Member] = {}
    size_bytes = os.fstat(file.fileno()).st_size
    offset = 0
    while offset + _BLOCK_BYTES <= size_bytes:
        file.seek(offset)
        block = file.read(_BLOCK_BYTES)
        if block == bytes(_BLOCK_BYTES):
            break
        try:
            header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise HostileArtifactError(f"{where} is no tar: {error}") from error
        offset += _BLOCK_BYTES
        if header.type == tarfile.DIRTYPE:
            continue
        if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not _is_member(header.name):
            raise HostileArtifactError(f"{where} has {header.name[:100]!r}, which no artifact has")
        if header.size < 0 or offset + header.size > size_bytes:
            raise HostileArtifactError(f"{where} ends within {header.name[:100]}")
        if header.name in found or len(found) >= _MEMBERS_MOST:
            raise HostileArtifactError(f"{where} has {header.name[:100]} twice, or too many files")
        found[header.name] = _Member(offset, header.size)
        offset += -(-header.size // _BLOCK_BYTES) * _BLOCK_BYTES
    return found


def _is_member(name: str) -> bool:
    return name in (LAYOUT, INDEX) or (name.startswith(BLOBS) and is_digest(name.removeprefix(BLOBS)))
