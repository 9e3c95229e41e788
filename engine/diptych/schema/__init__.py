"""What the core asks of a schema, and the schema of a code index.

`diptych.schema.base` is the contract: a new kind of thing to index (notes, mail, notebooks) implements it
and writes no storage code. `diptych.schema.code` is the one that ships.
"""

from diptych.schema.base import Field, Schema

__all__ = ["Field", "Schema"]
