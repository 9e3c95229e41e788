"""Directory trees, to and from the disk."""

from __future__ import annotations

import os
import shutil

from .effects import Tree


def read_tree(root: str) -> Tree:
    """Read a directory whole. Raises OSError."""
    nodes: dict[str, bytes | str | None] = {}
    same: dict[tuple[int, int], list[str]] = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(os.path.join(root, prefix)) as found:
            for item in sorted(found, key=lambda entry: entry.name):
                path = prefix + item.name
                if item.is_symlink():
                    nodes[path] = os.readlink(item.path)
                elif item.is_dir():
                    nodes[path] = None
                    pending.append(path + "/")
                else:
                    with open(item.path, "rb") as file:
                        nodes[path] = file.read()
                    status = item.stat()
                    if status.st_nlink > 1:
                        same.setdefault((status.st_dev, status.st_ino), []).append(path)
    links = tuple(sorted(tuple(sorted(group)) for group in same.values() if len(group) > 1))
    return Tree(nodes, links)


def write_tree(tree: Tree, root: str) -> None:
    """Make `root`, which must not exist, with these contents. Raises OSError."""
    os.mkdir(root)
    linked = {path: group[0] for group in tree.links for path in group[1:]}
    for path, value in tree.nodes.items():
        target = os.path.join(root, path)
        if path in linked:
            continue
        if value is None:
            os.mkdir(target)
        elif isinstance(value, str):
            os.symlink(value, target)
        else:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            try:
                view = memoryview(value)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
    for path, first in linked.items():
        os.link(os.path.join(root, first), os.path.join(root, path))


def remove_tree(root: str) -> None:
    """Remove a directory whole, if it is there."""
    shutil.rmtree(root, ignore_errors=True)
