"""Open the remote of a URL. The module of each kind, with the packages it needs, is imported only then."""

from __future__ import annotations

import os

from diptych.artifact.errors import InvalidArtifactNameError
from diptych.artifact.names import scheme_of
from diptych.artifact.remotes.base import TIMEOUT_S, Remote
from diptych.artifact.remotes.file import FileRemote, is_folder, path_of


def open_remote(url: str, *, timeout_s: float = TIMEOUT_S, without_swap: bool = False) -> Remote:
    """The remote of a URL, or in a folder. Raises InvalidArtifactNameError, and what the remote raises.

    `timeout_s` is how long a request is tried again. `without_swap`: leave to move refs in a remote that
    cannot compare and swap, where the last of two pushes at once wins.
    """
    if is_folder(url):
        return _at(url)
    scheme = scheme_of(url)
    if scheme == "file":
        return _at(path_of(url))
    if scheme in ("s3", "gs", "az"):
        from diptych.artifact.remotes.object import ObjectRemote

        return ObjectRemote(url, timeout_s=timeout_s, without_swap=without_swap)
    if scheme == "oci":
        from diptych.artifact.remotes.oci import OciRemote

        return OciRemote(url, timeout_s=timeout_s, without_swap=without_swap)
    if scheme == "github":
        from diptych.artifact.remotes.github import GithubRemote

        return GithubRemote(url, timeout_s=timeout_s)
    if scheme in ("http", "https"):
        from diptych.artifact.remotes.http import HttpRemote

        return HttpRemote(url, timeout_s=timeout_s)
    if scheme == "peer":
        from diptych.artifact.remotes.peer import PeerRemote

        return PeerRemote(url, timeout_s=timeout_s)
    raise InvalidArtifactNameError(
        f"a remote in memory ends with its process: {scheme}:// has no URL", advice="use file:///PATH"
    )


def _at(path: str) -> Remote:
    """The remote in a folder, or in one file."""
    if os.path.isfile(path):
        from diptych.artifact.remotes.archive import ArchiveRemote

        return ArchiveRemote(path)
    return FileRemote(path)
