"""Files, fsync, rename, lock: the only folder that knows what each platform needs for durability."""

from diptych.fs.ahead import will_read
from diptych.fs.durable import (
    atomic_write,
    fdatasync_fd,
    fsync_dir,
    fsync_fd,
    fsync_file,
    link_or_copy,
    make_dir,
    open_dir,
    open_regular,
    remove_file,
    remove_tree,
    rename,
    write_file,
)
from diptych.fs.errors import (
    advice_on,
    exists,
    importing,
    is_dir,
    medium_errors_raised,
    read_again_after_medium_errors,
    refuse_of_the_moment,
    storage_error,
    translated,
)
from diptych.fs.hashing import hash_stable_file
from diptych.fs.lock import WriterLock, holder
from diptych.fs.temporary import private_directory

__all__ = [
    "WriterLock",
    "advice_on",
    "atomic_write",
    "exists",
    "fdatasync_fd",
    "fsync_dir",
    "fsync_fd",
    "fsync_file",
    "hash_stable_file",
    "holder",
    "importing",
    "is_dir",
    "link_or_copy",
    "make_dir",
    "medium_errors_raised",
    "open_dir",
    "open_regular",
    "private_directory",
    "read_again_after_medium_errors",
    "refuse_of_the_moment",
    "remove_file",
    "remove_tree",
    "rename",
    "storage_error",
    "translated",
    "will_read",
    "write_file",
]
