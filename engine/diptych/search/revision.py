"""Which revision of Diptych's search writer made an index, in the payload field of Tantivy's `meta.json`.

The format of the index is Tantivy's. What is fed to it, and how, may turn out to be wrong; then the revision
rises, and the first writer to open an index of an older one builds it again from the snapshot. Readers read
every revision.

    1   without a payload: merges may have brought replaced records back, and words of 40 bytes and more are
        not in it
    2   from 0.1.1
"""

from __future__ import annotations

import json
import os

from diptych.errors import CorruptSearchError
from diptych.fs import read_bounded, translated
from diptych.layout import SEARCH_META

REVISION = 2
_PAYLOAD = "diptych-revision="
# A segment takes some 400 bytes there.
_META_BYTES_MAX = 16 * 1024 * 1024


def stamped(meta: bytes) -> bytes:
    """`meta.json` with this revision in it. Raises CorruptSearchError."""
    try:
        fields = json.loads(meta)
        fields["payload"] = f"{_PAYLOAD}{REVISION}"
    except (ValueError, TypeError) as error:
        raise CorruptSearchError(f"{SEARCH_META} cannot be read: {error}", where=SEARCH_META) from error
    return json.dumps(fields, indent=2).encode()


def is_current(directory: str) -> bool:
    """Whether the index in `directory` was made by a writer of this revision or a newer one.

    False where its `meta.json` makes no sense. Raises StorageError.
    """
    path = os.path.join(directory, SEARCH_META)
    with translated("read", path):
        meta = read_bounded(path, _META_BYTES_MAX)
    try:
        payload = json.loads(meta).get("payload") or ""
        return payload.startswith(_PAYLOAD) and int(payload.removeprefix(_PAYLOAD)) >= REVISION
    except (ValueError, AttributeError, RecursionError):
        return False
