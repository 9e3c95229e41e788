"""Files, fsync, rename, lock: the only folder that knows what each platform needs for durability."""

from typing import TYPE_CHECKING

from diptych.fs.ahead import drop_pages, will_read
from diptych.fs.beneath import Beneath
from diptych.fs.durable import (
    atomic_write,
    exchange,
    fdatasync_fd,
    fsync_dir,
    fsync_fd,
    fsync_file,
    link_or_copy,
    make_dir,
    open_dir,
    remove_file,
    remove_tree,
    rename,
    replacing,
    write_file,
)
from diptych.fs.errors import (
    advice_on,
    exists,
    importing,
    is_dir,
    medium_errors_raised,
    raise_transient,
    read_again_after_medium_errors,
    storage_error,
    translated,
)
from diptych.fs.hashing import FileDigests, checksum_stable_file, digest_stable_file, hash_stable_file
from diptych.fs.hints import append_hint, overwrite_hint, read_hint, remove_hint, write_hint
from diptych.fs.lock import DirectoryLock, WriterLock, holder
from diptych.fs.mounts import silent_file_system
from diptych.fs.regular import (
    copy_regular,
    is_directory,
    is_misplaced,
    is_regular,
    is_regular_below,
    list_directory,
    open_regular,
    read_bounded,
    read_bounded_fd,
)
from diptych.fs.temporary import private_directory
from diptych.lazy import attributes

if TYPE_CHECKING:
    from diptych.fs.inotify import Limit, inotify_instances, inotify_limit, inotify_watches
    from diptych.fs.shared import SharedLock, is_shared

# Only who watches a repository, or keeps one, needs these.
__getattr__ = attributes(
    __name__,
    {
        "diptych.fs.inotify": ("Limit", "inotify_instances", "inotify_limit", "inotify_watches"),
        "diptych.fs.shared": ("SharedLock", "is_shared"),
    },
)

__all__ = [
    "Beneath",
    "DirectoryLock",
    "FileDigests",
    "Limit",
    "SharedLock",
    "WriterLock",
    "advice_on",
    "append_hint",
    "atomic_write",
    "checksum_stable_file",
    "copy_regular",
    "digest_stable_file",
    "drop_pages",
    "exchange",
    "exists",
    "fdatasync_fd",
    "fsync_dir",
    "fsync_fd",
    "fsync_file",
    "hash_stable_file",
    "holder",
    "importing",
    "inotify_instances",
    "inotify_limit",
    "inotify_watches",
    "is_dir",
    "is_directory",
    "is_misplaced",
    "is_regular",
    "is_regular_below",
    "is_shared",
    "link_or_copy",
    "list_directory",
    "make_dir",
    "medium_errors_raised",
    "open_dir",
    "open_regular",
    "overwrite_hint",
    "private_directory",
    "raise_transient",
    "read_again_after_medium_errors",
    "read_bounded",
    "read_bounded_fd",
    "read_hint",
    "remove_file",
    "remove_hint",
    "remove_tree",
    "rename",
    "replacing",
    "silent_file_system",
    "storage_error",
    "translated",
    "will_read",
    "write_file",
    "write_hint",
]
