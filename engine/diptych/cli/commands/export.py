"""`diptych export`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Argument
from diptych.cli.options import Json, StorePath
from diptych.cli.schemas import SchemaName, plain, schema_of

if TYPE_CHECKING:
    from diptych.change import StoredRecord


def run(
    prefix: Annotated[str, Argument("PREFIX", help="Only paths with this prefix.")] = "",
    store: StorePath = None,
    schema: SchemaName = None,
    as_json: Json = False,
) -> None:
    """Write every record as a line of JSON.

    One line per file, ordered by path: path, content_hash, language, symbols, relations. Ranges are as in
    LSP: zero-based, the end exclusive, columns in UTF-8 bytes. With --json, one array instead.

    Of another schema: key and record; without the schema, the record is its payload, in hexadecimal digits.

    \b
    Examples:
      diptych export > index.jsonl
      diptych export src/ | jq -r '.symbols[] | select(.kind == "class") | .name'
    """
    from diptych.cli.documents import record_document
    from diptych.cli.output import array, json_line
    from diptych.cli.place import find_store
    from diptych.schema.code import CODE
    from diptych.store.store import RecordStore

    path = find_store(store)
    found = schema_of(path, schema)

    def document_of(stored: StoredRecord) -> dict[str, Any]:
        record = found.unpack(stored.key, stored.payload)
        if found.name == CODE.name and not found.is_stand_in:
            return record_document(record)
        return {"key": stored.key.decode("utf-8", "surrogateescape"), "record": plain(record)}

    start = prefix.encode("utf-8", "surrogateescape")
    with RecordStore.open_with(path, found, read_only=True) as opened, opened.view() as view:
        documents = (document_of(stored) for stored in view.stored() if stored.key.startswith(start))
        if as_json:
            array(documents)
        else:
            for value in documents:
                json_line(value)
