"""What a program did to a directory tree, as the crash model sees it.

Inodes are numbered; number 0 is the tree's root. Every effect is a fact about inodes, so that a file that was
renamed, or unlinked while it was open, stays the same file.
"""

from __future__ import annotations

from dataclasses import dataclass

ROOT = 0


@dataclass(frozen=True, slots=True)
class Inode:
    """A file, a directory, or a symbolic link to `target`."""

    kind: str  # "file", "directory" or "symlink"
    target: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """`data` at `offset` (bytes) of a file; `size_before` is the file's size before it."""

    inode: int
    offset: int
    data: bytes
    size_before: int

    @property
    def extends(self) -> bool:
        """Whether the file is longer after it."""
        return self.offset + len(self.data) > self.size_before


@dataclass(frozen=True, slots=True)
class Resize:
    """The file's size set to `size` bytes: cut, or grown by zeros."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """In `directory`, `name` becomes `inode`, or disappears when that is None."""

    directory: int
    name: str
    inode: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One call's changes to directory entries: one for create and unlink, two for rename.

    `touched` are the inodes whose own metadata the call changes (link count, change time); `creates` says
    that the inode is new, so that even `fdatasync` of it has to bring its entry along where metadata is
    ordered.
    """

    entries: tuple[Entry, ...]
    touched: tuple[int, ...]
    creates: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync that returned: of `inode`, or of everything when that is None.

    It covers the effects before `covers` (an index), where the call was entered; with `extent`, only the
    one effect at that index (O_DSYNC). `data_only` is fdatasync.
    """

    inode: int | None
    covers: int
    data_only: bool = False
    extent: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A line by which the workload said where it is."""

    text: str


Effect = Write | Resize | Change | Sync | Mark


@dataclass(frozen=True, slots=True)
class Step:
    """An effect, and the number of the call that had it."""

    effect: Effect
    call: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory tree as it is on disk: what a recording starts from, and what a crash leaves.

    Keys are paths relative to the root, in an order in which parents come first. A value is None for a
    directory, bytes for a file, and str for the target of a symbolic link. `links` are the groups of paths
    that are one file.
    """

    nodes: dict[str, bytes | str | None]
    links: tuple[tuple[str, ...], ...] = ()
