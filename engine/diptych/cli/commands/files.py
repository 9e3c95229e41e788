"""`diptych files`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait, open_fresh
from diptych.cli.options import Json, StorePath

if TYPE_CHECKING:
    from diptych.model import FileRecord


def run(
    prefix: Annotated[str, Argument("PREFIX", help="Only paths with this prefix.")] = "",
    language: Annotated[
        str | None, Option("--language", metavar="NAME", help="Only files in this language.")
    ] = None,
    null: Annotated[
        bool, Option("--null", "-0", help="Separate paths with NUL, unescaped, for xargs -0.")
    ] = False,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """List the files in the store.

    Paths are relative to the repository's root, in byte order. Exit code 1 if there are none.

    \b
    Examples:
      diptych files
      diptych files src/ --language rust
      diptych files -0 | xargs -0 wc -l
    """
    from diptych.cli.found import show, show_by
    from diptych.cli.output import null_terminated

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        found = (record for record in opened.files(prefix) if language in (None, record.language))
        if as_json:
            return show(found, lambda record: [record.path], _document, as_json=True)
        # A path is its record's key: without a language, no record is read.
        keys = (key.decode("utf-8", "surrogateescape") for key in opened.keys(prefix))
        paths = keys if language is None else (record.path for record in found)
        if null:
            return show_by(paths, null_terminated, _path_document, as_json=False)
        return show(paths, lambda path: [path], _path_document, as_json=False)


def _path_document(path: str) -> dict[str, Any]:
    return {"path": path}


def _document(record: FileRecord) -> dict[str, Any]:
    return {
        "path": record.path,
        "language": record.language,
        "content_hash": record.content_hash,
        "symbols": len(record.symbols),
        "relations": len(record.relations),
    }
