"""`diptych export`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument
from diptych.cli.options import Json, StorePath


def run(
    prefix: Annotated[str, Argument("PREFIX", help="Only paths with this prefix.")] = "",
    store: StorePath = None,
    as_json: Json = False,
) -> None:
    """Write every record as a line of JSON.

    One line per file, ordered by path: path, content_hash, language, symbols, relations. Ranges are as in
    LSP: zero-based, the end exclusive, columns in UTF-8 bytes. With --json, one array instead.

    \b
    Examples:
      diptych export > index.jsonl
      diptych export src/ | jq -r '.symbols[] | select(.kind == "class") | .name'
    """
    from diptych.cli.documents import record_document
    from diptych.cli.output import array, json_line
    from diptych.cli.place import find_store
    from diptych.store.code import Store

    with Store.open(find_store(store), read_only=True) as opened:
        documents = (record_document(record) for record in opened.files() if record.path.startswith(prefix))
        if as_json:
            array(documents)
        else:
            for value in documents:
                json_line(value)
