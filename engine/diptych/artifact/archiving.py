"""Write an artifact into one file: see `diptych.artifact.remotes.archive`, which reads it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from typing import Any

from diptych import fs
from diptych.artifact.errors import MissingObjectError
from diptych.artifact.names import digest_of
from diptych.artifact.refs import body_of, manifest_at
from diptych.artifact.remotes.archive import BLOBS, INDEX, LAYOUT, TAG
from diptych.artifact.remotes.base import BlobSize, Remote
from diptych.artifact.remotes.oci_forms import (
    EMPTY,
    MANIFEST_TYPE,
    artifact_form,
    descriptor,
    manifest_tag,
    note_form,
    signature_tag,
    tag_of,
)

_LAYOUT_BODY = b'{"imageLayoutVersion":"1.0.0"}'
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def write_archive(path: str, remote: Remote, refs: Iterable[str]) -> int:
    """Write what the refs of a remote lead to into the file `path`; returns its size in bytes.

    The file is complete, or as it was. Raises MissingObjectError, and what the remote raises; StorageError.
    """
    with fs.replacing(path) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            _write_all(tar, remote, refs)
        return file.tell()


def _write_all(tar: tarfile.TarFile, remote: Remote, refs: Iterable[str]) -> None:
    tagged: list[dict[str, Any]] = []
    written: set[str] = set()

    def add_blob(data: bytes) -> str:
        digest = digest_of(data)
        if digest not in written:
            written.add(digest)
            _add(tar, BLOBS + digest, data)
        return digest

    def add_tagged(tag: str, body: bytes) -> None:
        named = descriptor(MANIFEST_TYPE, add_blob(body), len(body))
        tagged.append({**named, "annotations": {TAG: tag}})

    _add(tar, LAYOUT, _LAYOUT_BODY)
    add_blob(EMPTY)
    for ref in refs:
        found = remote.read_ref(ref)
        if found is None:
            raise MissingObjectError(f"{remote.url} has no {ref}", where=ref)
        digest = body_of(found.body, f"{remote.url} {ref}").manifest
        manifest, text = manifest_at(remote, digest)
        blobs = []
        for blob in manifest.blobs():
            data = b"".join(remote.read_blob(blob.digest))
            blobs.append(BlobSize(add_blob(data), len(data)))
        add_blob(text)
        add_tagged(manifest_tag(digest), artifact_form(digest, text, blobs))
        signature = remote.read_signature(digest)
        if signature is not None:
            add_tagged(signature_tag(digest), note_form(signature))
        add_tagged(tag_of(ref), note_form(found.body))
    body = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": tagged}
    _add(tar, INDEX, json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii"))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
