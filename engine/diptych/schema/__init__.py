"""The contract of a schema, and the schema of a code index.

`diptych.schema.base` is the contract. To index something else (notes, mail, notebooks), implement it; no
storage code is needed. `diptych.schema.code` is the schema that ships.
"""

from diptych.schema.base import Schema
from diptych.schema.fields import Field

__all__ = ["Field", "Schema"]
