"""`diptych artifact pack` and `unpack`: an index in one file."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument
from diptych.cli.commands.artifact_transfer import (
    Dirty,
    Level,
    MaxBytes,
    NoIndex,
    OtherRepo,
    Rebase,
    Ref,
    Replace,
    pull,
)
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.pushing import push_to, updated
from diptych.cli.schemas import SchemaName
from diptych.cli.sharing import Quiet, SignKey, Timeout

File = Annotated[str, Argument("FILE", parse=not_empty, help="Such as project.diptych.tar.")]


def pack(
    file: File,
    ref: Ref = None,
    dirty: Dirty = False,
    level: Level = 9,
    sign: SignKey = None,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write this index into one file, for a stick or an e-mail; `unpack` installs it elsewhere.

    It is looked through for secrets as before a push. The file is a tar, an OCI image layout, so that other
    tools can carry it; it serves as a REMOTE that can only be read.

    \b
    Example: diptych artifact pack project.diptych.tar
    """
    import os

    from diptych import fs
    from diptych.artifact.archiving import write_archive
    from diptych.artifact.remotes.file import FileRemote
    from diptych.cli.output import document, line, size
    from diptych.cli.sharing import plain

    path, repository = updated(store, schema, None)
    with fs.private_directory() as folder:
        remote = FileRemote(folder)
        receipt = push_to(
            remote,
            path,
            repository,
            schema,
            ref,
            dirty=dirty,
            level=level,
            sign=sign,
            timeout=timeout,
            quiet=quiet,
            remember=False,
        )
        size_bytes = write_archive(file, remote, [one.name for one in remote.list_refs()])
    if as_json:
        document({**plain(receipt), "url": None, "file": os.path.abspath(file), "file_bytes": size_bytes})
    else:
        line(f"{file}: {receipt.ref}, sha256:{receipt.manifest[:12]}, {size(size_bytes)}")


def unpack(
    file: File,
    ref: Ref = None,
    rebase: Rebase = False,
    replace: Replace = False,
    allow_other_repo: OtherRepo = False,
    max_bytes: MaxBytes = 8 * 1024**3,
    no_index: NoIndex = False,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Install the index in a file that `pack` wrote, and bring it up to date with this tree.

    It is verified as one that is pulled; trust.toml says whom to believe, by the URL of the file.

    \b
    Example: diptych artifact unpack project.diptych.tar
    """
    import os

    from diptych.artifact.errors import UnknownArtifactError
    from diptych.artifact.remotes.archive import ArchiveRemote

    if not os.path.isfile(file):
        raise UnknownArtifactError(
            f"there is no file {file}", advice="name one that `diptych artifact pack` wrote"
        )
    if ref is None:
        # Whatever branch is checked out here: the file has one index, by its branch and by its commit.
        with ArchiveRemote(file) as remote:
            names = [one.name for one in remote.list_refs()]
        ref = next((name for name in names if not name.startswith("commit/")), names[0] if names else None)
    pull(
        os.path.abspath(file),
        ref=ref,
        rebase=rebase,
        replace=replace,
        allow_other_repo=allow_other_repo,
        max_bytes=max_bytes,
        no_index=no_index,
        store=store,
        schema=schema,
        timeout=timeout,
        quiet=quiet,
        as_json=as_json,
    )
