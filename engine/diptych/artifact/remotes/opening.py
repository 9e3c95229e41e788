"""Open the remote of a URL. The module of each kind, with the packages it needs, is imported only then."""

from __future__ import annotations

import os

from diptych.artifact.errors import InvalidArtifactNameError
from diptych.artifact.names import scheme_of
from diptych.artifact.remotes.base import Remote


def open_remote(url: str) -> Remote:
    """The remote of a URL, or in a folder. Raises InvalidArtifactNameError, and what the remote raises."""
    if os.path.isabs(url) or url.startswith(("./", "../")) or url in (".", ".."):
        from diptych.artifact.remotes.file import FileRemote

        return FileRemote(url)
    scheme = scheme_of(url)
    if scheme == "file":
        from diptych.artifact.remotes.file import FileRemote, path_of

        return FileRemote(path_of(url))
    raise InvalidArtifactNameError(f"{scheme}:// remotes are not available", advice="use file:///PATH")
