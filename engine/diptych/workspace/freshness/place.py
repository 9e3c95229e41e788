"""Where the store of a repository is put when it cannot, or shall not, stand in the repository."""

from __future__ import annotations

import os

from diptych.model import content_hash

_NAME_MAX = 80
_DIGEST_DIGITS = 16


def store_below(output_root: str, root: str) -> str:
    """The store of the repository at `root` among those below `output_root`.

    Named after the repository, and by a hash of its whole path, so that two of one name keep apart.
    """
    home = os.path.realpath(root)
    name = os.path.basename(home)[:_NAME_MAX] or "root"
    return os.path.join(
        os.path.abspath(output_root), f"{name}-{content_hash(os.fsencode(home))[:_DIGEST_DIGITS]}"
    )
