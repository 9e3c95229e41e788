"""The tree as the running program sees it: every call has taken effect, nothing is lost."""

from __future__ import annotations

from .effects import ROOT, Inode, Tree
from .errors import RefusedError

_LINK_HOPS_MAX = 40


class LiveTree:
    """Inodes by number, entries by directory, contents by file. Changed only by the translator."""

    def __init__(self, initial: Tree) -> None:
        self.inodes: list[Inode] = [Inode("directory")]
        self.entries: dict[int, dict[str, int]] = {ROOT: {}}
        self.contents: dict[int, bytearray] = {}
        same = {path: group[0] for group in initial.links for path in group}
        numbers: dict[str, int] = {}
        for path, value in initial.nodes.items():
            first = same.get(path, path)
            number = numbers.get(first)
            if number is None:
                number = numbers[first] = self.add(value)
            directory, _, name = path.rpartition("/")
            self.entries[self.lookup(directory) or ROOT][name] = number

    def add(self, value: bytes | str | None) -> int:
        """A new inode, in no directory: None makes a directory, str a symbolic link, bytes a file."""
        number = len(self.inodes)
        if value is None:
            self.inodes.append(Inode("directory"))
            self.entries[number] = {}
        elif isinstance(value, str):
            self.inodes.append(Inode("symlink", value))
        else:
            self.inodes.append(Inode("file"))
            self.contents[number] = bytearray(value)
        return number

    def lookup(self, path: str) -> int | None:
        """The inode at a relative path, symbolic links followed; None where there is none."""
        if not path:
            return ROOT
        place = self.place(path, follow_last=True)
        return None if place is None else self.entries[place[0]].get(place[1])

    def place(self, path: str, *, follow_last: bool) -> tuple[int, str] | None:
        """The (directory, name) that a relative path means; None when a parent is missing.

        Raises RefusedError when a symbolic link leads out of the tree.
        """
        parts = [part for part in path.split("/") if part not in ("", ".")]
        trail = [ROOT]
        hops = 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                if len(trail) == 1:
                    raise RefusedError(f"The path {path!r} leads out of the recorded directory.")
                trail.pop()
                continue
            number = self.entries[trail[-1]].get(part)
            inode = None if number is None else self.inodes[number]
            if inode is not None and inode.kind == "symlink" and (parts or follow_last):
                hops += 1
                if inode.target.startswith("/") or hops > _LINK_HOPS_MAX:
                    raise RefusedError(f"The symbolic link {path!r} is absolute or circular: not modelled.")
                parts[:0] = [piece for piece in inode.target.split("/") if piece not in ("", ".")]
                continue
            if not parts:
                return trail[-1], part
            if inode is None or inode.kind != "directory":
                return None
            trail.append(number)  # type: ignore[arg-type]
        return None

    def size(self, inode: int) -> int:
        """A file's size in bytes."""
        return len(self.contents[inode])

    def write(self, inode: int, offset: int, data: bytes) -> None:
        """Write at an offset, with zeros in the gap beyond the end."""
        content = self.contents[inode]
        if offset > len(content):
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data

    def resize(self, inode: int, size: int) -> None:
        """Cut or grow a file to `size` bytes."""
        content = self.contents[inode]
        if size < len(content):
            del content[size:]
        else:
            content.extend(bytes(size - len(content)))

    def tree(self) -> Tree:
        """The tree as it would be found on disk now."""
        nodes: dict[str, bytes | str | None] = {}
        paths: dict[int, list[str]] = {}
        pending = [("", ROOT)]
        while pending:
            prefix, directory = pending.pop()
            for name, number in sorted(self.entries[directory].items()):
                path = prefix + name
                inode = self.inodes[number]
                if inode.kind == "directory":
                    nodes[path] = None
                    pending.append((path + "/", number))
                elif inode.kind == "symlink":
                    nodes[path] = inode.target
                else:
                    nodes[path] = bytes(self.contents[number])
                    paths.setdefault(number, []).append(path)
        links = tuple(sorted(tuple(sorted(group)) for group in paths.values() if len(group) > 1))
        return Tree(nodes, links)
