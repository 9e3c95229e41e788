"""The schemas that a store was rebuilt for, so that two programs do not rebuild it in turn for ever.

A program may take a change of the schema back, and make it again: a store that is rebuilt for a schema the
third time has two programs that both write to it. Which one is right, only a person knows, who says so with
`diptych migrate`.

A hint: where it is lost or damaged, the count begins again.
"""

from __future__ import annotations

import os
from typing import Any

from diptych import fs
from diptych.errors import CorruptionError, IncompatibleStoreError, StorageError
from diptych.layout import REBUILT
from diptych.schema.base import Schema
from diptych.schema.shape import Shape, differences
from diptych.sealed import seal, unseal
from diptych.store.recovery.reading import read_small
from diptych.values import Value

_MAGIC = "diptych-rebuilt"
_KEPT = 16
_TIMES_MOST = 2


class Rebuilt(Value):
    """The fingerprints of the schemas that a store was rebuilt for, oldest first."""

    fingerprints: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: str) -> Rebuilt:
        """Those of the store at `path`. Raises StorageError for a transient error."""
        where = os.path.join(path, REBUILT)
        try:
            data = read_small(where)
            found = unseal(_MAGIC, data, where=where).get("fingerprints") if data is not None else []
        except (CorruptionError, IncompatibleStoreError, StorageError) as error:
            fs.raise_transient(error)
            return cls()
        if not isinstance(found, list) or not all(type(one) is str for one in found):
            return cls()
        return cls(tuple(found[-_KEPT:]))

    def refuse_return(self, path: str, stored: Shape, schema: Schema[Any]) -> None:
        """Raise IncompatibleStoreError where it was rebuilt for `schema` twice, and for another one since."""
        wanted = schema.fingerprint()
        if not self.fingerprints or self.fingerprints[-1] == wanted:
            # A rebuilding that a kill or an error cut short.
            return
        if self.fingerprints.count(wanted) >= _TIMES_MOST:
            what = "; ".join(differences(schema.shape, stored))
            raise IncompatibleStoreError(
                f"two programs with different schemas {schema.name!r} rebuild {path} in turn: "
                f"as the other one left it, {what}",
                advice="end or update the other program, then run `diptych migrate` for the schema to keep",
            )

    def add(self, path: str, schema: Schema[Any]) -> None:
        """Note that the store is rebuilt for `schema` now. Raises StorageError."""
        wanted = schema.fingerprint()
        if self.fingerprints[-1:] != (wanted,):
            body = {"fingerprints": [*self.fingerprints, wanted][-_KEPT:]}
            fs.atomic_write(os.path.join(path, REBUILT), seal(_MAGIC, body))


def forget(path: str) -> None:
    """Begin to count again: a person has said which schema is to stay. Raises StorageError."""
    fs.remove_file(os.path.join(path, REBUILT))
