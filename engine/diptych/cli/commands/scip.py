"""`diptych scip`: exchange an index with others through SCIP."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, BinaryIO

from diptych.cli.arguments import Argument, Command, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait
from diptych.cli.options import PROCESSES_MAX, Json, StorePath, Timeout, not_empty

if TYPE_CHECKING:
    from diptych.serving.scip.importing import Imported

_REFUSED_SHOWN = 20
_EVERY_S = 0.2

Quiet = Annotated[bool, Option("--quiet", "-q", help="Show no progress.")]


def import_(
    file: Annotated[str, Argument("FILE", parse=not_empty, help="The SCIP index, as an indexer wrote it.")],
    root: Annotated[
        str | None,
        Option(
            "--root",
            metavar="DIR",
            parse=not_empty,
            help="The folder that its paths are relative to. Default: its project root, if that is in this"
            " repository, else the repository.",
        ),
    ] = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    timeout: Timeout = 0.0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Import an index that a compiler or type checker made, for precise answers.

    `definition` and `references`, editors and agents then answer from it, with the evidence "precise", for
    each file until that changes. A document that does not fit the file as it is now is refused and named, and
    the others are imported. Exit code 1 if any was refused. Needs the extra scip.

    \b
    Examples:
      scip-python index --project-name app --output index.scip . && diptych scip import index.scip
      diptych scip import frontend/index.scip --root frontend
      diptych scip import index.scip --json | jq -r '.refused[].path'
    """
    from diptych import fs
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.freshness import located
    from diptych.cli.questions import root_of
    from diptych.schema.precise import PRECISE
    from diptych.serving.files import Files
    from diptych.serving.precise import precise_path, refuse_link
    from diptych.serving.scip.importing import import_index
    from diptych.store.code import Store
    from diptych.store.store import RecordStore

    _, path = located(store, output_root, may_build=False)
    with Store.open(path, read_only=True) as opened:
        repository = os.path.realpath(root_of(opened))
    prefix = _prefix(root, repository) if root is not None else None
    with fs.translated("read", file):
        size = os.stat(file).st_size
        given = open(file, "rb")  # noqa: SIM115 - closed below, with the store
    refuse_link(precise_path(path))
    files = Files(repository)
    try:
        with given, RecordStore.open_with(precise_path(path), PRECISE, lock_timeout_s=timeout) as precise:
            imported = import_index(
                given,
                file,
                files,
                precise,
                prefix=prefix,
                progress=_progress(size, shown=not quiet, doing="importing"),
            )
    finally:
        files.close()
    _print(imported, as_json=as_json)
    return ExitCode.FINDINGS if imported.refused else ExitCode.DONE


def _prefix(root: str, repository: str) -> str:
    """A folder of the repository, relative to it. Raises InvalidArgumentError."""
    from diptych.errors import InvalidArgumentError

    inside = os.path.relpath(os.path.realpath(root), repository)
    if inside == os.pardir or inside.startswith(os.pardir + os.sep):
        raise InvalidArgumentError(
            f"{root} is not in the repository {repository}", advice="give --root a folder of the repository"
        )
    return "" if inside == os.curdir else inside


def _progress(size: int, *, shown: bool, doing: str) -> Callable[[int], None]:
    """Shows on the terminal how much of something of that size was done."""
    from diptych.cli.output import passing_note

    if not shown or not sys.stderr.isatty():
        return lambda _: None
    last_s = time.monotonic()

    def show(done: int) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _EVERY_S:
            last_s = now_s
            passing_note(f"{doing}: {100 * done // max(size, 1)} %")

    return show


def _print(imported: Imported, *, as_json: bool) -> None:
    from diptych.cli.output import document, line, note, plural

    if as_json:
        refused = [one._asdict() for one in imported.refused]
        document({**imported._asdict(), "refused": refused})
        return
    line(
        f"imported {plural(imported.documents, 'document')} with"
        f" {plural(imported.occurrences, 'occurrence')} of {imported.producer or 'an unnamed indexer'}"
    )
    if imported.dropped:
        line(f"  {plural(imported.dropped, 'occurrence')} left out: not where the index says")
    for one in imported.refused[:_REFUSED_SHOWN]:
        note(f"diptych: refused {one.path}: {one.reason}.")
    if len(imported.refused) > _REFUSED_SHOWN:
        note(f"         and {len(imported.refused) - _REFUSED_SHOWN:,} more: --json names them all.")
    if imported.refused:
        note("         Next: run the indexer again on the files as they are, and import what it writes.")


def export(
    output: Annotated[
        str,
        Option("--output", "-o", metavar="FILE", parse=not_empty, help="Where to write it, or - for stdout."),
    ] = "index.scip",
    project_root: Annotated[
        str | None,
        Option(
            "--project-root",
            metavar="URI",
            parse=not_empty,
            help="The project root that it names. Default: the repository's folder, as a file: URI.",
        ),
    ] = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    processes: Annotated[
        int | None,
        Option(
            "--processes",
            "-p",
            bounds=(1, PROCESSES_MAX),
            metavar="N",
            help="Number of processes. The bytes are the same. Default: cores.",
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Write the index as a SCIP file.

    A document for each file: its definitions with documentation, signature and bases, and what is called,
    imported and extended, where the records say for sure what that refers to. Files with imported facts are
    written with those. The same index gives the same bytes. Exit code 1 if a file was left out because it
    has changed since it was indexed. Needs the extra scip.

    \b
    Examples:
      diptych scip export
      diptych scip export --output /tmp/app.scip --json
    """
    from pathlib import Path

    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.freshness import open_fresh
    from diptych.cli.output import document, line, note, plural
    from diptych.cli.questions import root_of
    from diptych.indexer.pipeline import cores
    from diptych.serving.files import Files
    from diptych.serving.precise import Precise
    from diptych.serving.scip.exporting import export_index
    from diptych.serving.source import StoreSource

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        root = os.path.realpath(root_of(opened))
        files, precise = Files(root), Precise(opened.path)
        show = _progress(len(opened), shown=not quiet, doing="exporting")
        uri = project_root or Path(root).as_uri()
        try:
            with opened.view() as view, _written(output) as file:
                source = StoreSource(view, files, precise)
                exported = export_index(
                    source,
                    view,
                    file,
                    root_uri=uri,
                    store_path=opened.path,
                    processes=processes or cores(),
                    progress=show,
                )
        finally:
            precise.close()
            files.close()
    if as_json and output != "-":
        document({**exported._asdict(), "output": output})
    elif output != "-":
        line(
            f"wrote {output}: {plural(exported.documents, 'document')},"
            f" {plural(exported.occurrences, 'occurrence')}, {plural(exported.symbols, 'symbol')}"
        )
        if exported.unresolved:
            left_out = plural(exported.unresolved, "relation")
            line(f"  {left_out} left out: what they refer to is not known for sure")
    for path in exported.changed[:_REFUSED_SHOWN]:
        note(f"diptych: left out {path}: it has changed since it was indexed, or its name is not UTF-8.")
    return ExitCode.FINDINGS if exported.changed else ExitCode.DONE


@contextmanager
def _written(output: str) -> Iterator[BinaryIO]:
    """The file to write; it has its name once it is complete. Raises StorageError."""
    from diptych import fs

    if output == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    with fs.replacing(output) as file:
        yield file


VERBS: dict[str, Command] = {"import": import_, "export": export}
