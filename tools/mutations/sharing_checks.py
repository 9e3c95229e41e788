"""What a pull compares, what a push waits for, and what a collection keeps, each taken away."""

from __future__ import annotations

from .edits import Drop, Edit, Never
from .hunts import unit
from .mutation import Hunt, Mutation

_HOSTILE = unit("tests/artifact/test_hostile_remote.py")
_GC = unit("tests/artifact/test_gc.py")
_PUSH = unit("tests/artifact/test_push_and_pull.py")


def _check(name: str, edits: Edit | tuple[Edit, ...], *hunts: Hunt) -> Mutation:
    edits = edits if isinstance(edits, tuple) else (edits,)
    return Mutation(name, "sharing", edits, hunts)


SHARING_CHECKS = (
    _check(
        "a pull: that an encoded piece is what its name says",
        (
            Never("artifact.encode", "decode_piece", "digest_of(data) != piece.sha256"),
            Never("artifact.incoming", "Incoming._take", "digest_of(data) != piece.sha256"),
        ),
        _HOSTILE,
    ),
    _check(
        "a pull: that a decoded file is what the manifest says",
        Never("artifact.fetching", "_decode_file", "hasher.hexdigest() != one.blake3"),
        _HOSTILE,
    ),
    _check(
        "a pull: that no more is decoded than was said",
        Never("artifact.encode", "decompress", "left != 1"),
        _HOSTILE,
    ),
    _check(
        "a pull: that a manifest is canonical",
        Never("artifact.documents", "parse_canonical", "canonical(value) != data"),
        unit("tests/artifact/test_manifest.py"),
    ),
    _check(
        "a pull: the paths of files",
        Never("artifact.manifest", "is_artifact_path", "parts[0] == SEGMENTS"),
        unit("tests/artifact/test_manifest.py"),
    ),
    _check(
        "a remote in memory: compare and swap",
        Drop("artifact.remotes.memory", "MemoryRemote.write_ref", "self._refuse_moved"),
        unit("tests/artifact/remotes/test_contract.py"),
    ),
    _check(
        "a remote in a folder: compare and swap",
        Drop("artifact.remotes.file", "FileRemote.write_ref", "self._refuse_moved"),
        unit("tests/artifact/remotes/test_contract.py"),
    ),
    _check("a push: what must not leave", Drop("artifact.push", "_look_through", "scrub"), _PUSH),
    _check("a push: its deadline", Drop("artifact.push", "push", "deadline.check()"), _GC),
    _check(
        "a promotion: that its manifest is young",
        Drop("artifact.promote", "promote", "remote.write_manifest"),
        _GC,
    ),
    _check(
        "a collection: what refs lead to by now",
        Never("artifact.gc", "_remove", "digest in marked.blobs"),
        _GC,
    ),
    _check(
        "a collection: manifests written since the one before",
        Drop("artifact.gc", "_remove", "_add"),
        _GC,
    ),
)
