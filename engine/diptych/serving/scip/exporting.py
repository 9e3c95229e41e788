"""An index as a SCIP file: a document for each file, in path order, made by one process or by several."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import BinaryIO, NamedTuple

from diptych._version import __version__
from diptych.serving.scip.messages import METADATA, UTF8_TEXT, messages
from diptych.serving.scip.parts import PART_FILES, parts_in_workers, parts_of
from diptych.serving.scip.stream import field_bytes
from diptych.serving.source import StoreSource
from diptych.store.code import CodeView

TOOL = "diptych"

# With fewer, a process takes longer to start than it saves.
_PARALLEL_FILES = 4 * PART_FILES


class Exported(NamedTuple):
    """What was written. `unresolved` are relations that are left out; `changed` are files left out."""

    documents: int
    precise: int
    """Those of the documents that were imported."""
    occurrences: int
    symbols: int
    unresolved: int
    changed: tuple[str, ...]


def export_index(
    source: StoreSource,
    view: CodeView,
    file: BinaryIO,
    *,
    root_uri: str,
    store_path: str = "",
    processes: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write the index to a file, document by document, in path order.

    Of a file with imported facts, these are written. One that has changed since it was indexed is left out.
    With `store_path`, where the view's store is, up to `processes` make the documents; the bytes are the
    same. `progress` is called with the number of files so far. Raises CorruptionError, ModuleNotFoundError
    without the extra `scip`.
    """
    file.write(field_bytes(METADATA, _metadata(root_uri)))
    is_parallel = store_path and processes > 1 and len(view) >= _PARALLEL_FILES
    made = parts_in_workers(source, view, store_path, processes) if is_parallel else parts_of(source, view)
    files = documents = precise = occurrences = symbols = unresolved = 0
    changed: list[str] = []
    source.begin()
    with closing(made) as parts:
        for part in parts:
            file.write(part.data)
            files += part.files
            documents += part.documents
            precise += part.precise
            occurrences += part.occurrences
            symbols += part.symbols
            unresolved += part.unresolved
            changed += part.changed
            progress(files)
    return Exported(documents, precise, occurrences, symbols, unresolved, tuple(changed))


def _metadata(root_uri: str) -> bytes:
    made = messages().metadata(project_root=root_uri, text_document_encoding=UTF8_TEXT)
    made.tool_info.name, made.tool_info.version = TOOL, __version__
    return bytes(made.SerializeToString())
