"""Queries on a work tree, by the `git` command.

A query has three outcomes: an answer; None, outside of any work tree; and GitRefusedError, if there is a
`.git` but git fails. Do not confuse the last two: outside of a work tree, other rules determine the files.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from diptych import fs
from diptych.errors import DiptychError
from diptych.indexer.git_process import NOT_ENDED, NOT_STARTED, Answer, run_all
from diptych.values import Value

_INDEX_MAX = 1 << 28
# How an index of version 2 or 3 begins.
_SPELLED_OUT = (b"DIRC\0\0\0\2", b"DIRC\0\0\0\3")
# The folder comes last: it is known, so a newline in either name is harmless.
_PLACE = ("--is-inside-work-tree", "--git-path", "index", "--show-toplevel")
_WHERE = ("rev-parse", *_PLACE)
# One process for both. It fails where there is no commit yet.
_HEAD_AND_WHERE = ("rev-parse", "--quiet", "HEAD", "--symbolic-full-name", "HEAD", *_PLACE)
_BRANCH = ("symbolic-ref", "--quiet", "HEAD")
_IGNORED = ("check-ignore", "-q", ".")
_BRANCHES = b"refs/heads/"


class GitRefusedError(DiptychError):
    """There is a repository, but git does not answer for it. The message quotes git."""

    code = "git-refused"


class Listing(Value):
    """Names as git lists them, sorted, relative to the given root. `submodules`: there may be some.

    A name that ends in `/` is a nested repository; a submodule is listed by the name of its directory.
    """

    names: list[bytes]
    submodules: bool


class Head(Value):
    """The commit checked out (40 or 64 hexadecimal digits) and the branch, each "" if there is none."""

    commit: str = ""
    branch: str = ""


class Place(NamedTuple):
    """The work tree that a folder is in, and git's index, whose path may be relative to the folder."""

    top: bytes
    index_path: bytes


def run(root: str, *arguments: str) -> bytes | None:
    """The standard output of `git <arguments>` in `root`; None if it fails or git is missing."""
    (answer,) = run_all(root, arguments)
    return answer.output if answer.code == 0 else None


class WorkTree(NamedTuple):
    """The work tree that a folder is in, where HEAD points, and the answers to other commands."""

    place: Place
    head: Head
    answers: list[Answer]


def ask(root: str, *commands: tuple[str, ...]) -> WorkTree | None:
    """Find the work tree that `root` is in, and run `commands` in `root` at the same time.

    None outside of a work tree, and in a folder that its work tree ignores. Raises GitRefusedError.
    """
    if not may_ask(root):
        return None
    # No work tree ignores a folder with a `.git`; where that turns out invalid, `_place_in` asks.
    asked = () if os.path.lexists(os.path.join(root, ".git")) else (_IGNORED,)
    where, *answers = run_all(root, _HEAD_AND_WHERE, *asked, *commands)
    ignored = answers.pop(0) if asked else None
    if where.code:
        where, branch = run_all(root, _WHERE, _BRANCH)
        head = Head("", _branch_in(branch.output))
    else:
        commit, name, output = where.output.split(b"\n", 2)
        head, where = Head(commit.decode("ascii", "replace"), _branch_in(name)), where._replace(output=output)
    place = _place_in(root, where, ignored)
    return None if place is None else WorkTree(place, head, answers)


def listed(root: str) -> Listing | None:
    """The files of the work tree below `root`, tracked and untracked but not ignored; None outside of one.

    A root that its own work tree ignores counts as outside of it. Raises GitRefusedError.
    """
    tree = ask(root, ("ls-files", "-z", "--cached", "--others", "--exclude-standard"))
    if tree is None:
        return None
    (answer,) = tree.answers
    if answer.code:
        raise _git_error(root, answer)
    submodules = os.path.lexists(tree.place.top + b"/.gitmodules")
    # A path with a merge conflict is listed several times.
    return Listing(sorted(set(answer.output.split(b"\0")) - {b""}), submodules)


def head(root: str) -> Head:
    """Where HEAD points. Both fields are empty outside of a repository, and if git does not answer."""
    try:
        tree = ask(root)
    except GitRefusedError:
        return Head()
    return Head() if tree is None else tree.head


def _branch_in(output: bytes) -> str:
    """The branch, from the full name of a reference; "" for a detached HEAD."""
    name = output.removesuffix(b"\n")
    return name.removeprefix(_BRANCHES).decode("utf-8", "replace") if name.startswith(_BRANCHES) else ""


def tracks(path: str) -> bool:
    """Whether the repository around `path` tracks it or anything in it, ignoring case.

    If git does not answer, this searches its index for the name.
    """
    folder, name = _around(path)
    if not folder or _surely_not_in_index(folder, name):
        return False
    (answer,) = run_all(folder, ("ls-files", "-z", "--cached", "--", f":(icase,literal){name}"))
    return bool(answer.output) if answer.code == 0 else _in_index(folder, name)


def ignoring_rule(root: str, name: bytes) -> str:
    """The rule by which git ignores `name` below `root`, and its location; "" if there is none."""
    # With `./` no name can have pathspec magic.
    (answer,) = run_all(root, ("check-ignore", "-v", "--no-index", "--", f"./{os.fsdecode(name)}"))
    said = os.fsdecode(answer.output).rpartition("\t")[0]
    found = re.fullmatch(r"(.*?):([0-9]+):(.*)", said, re.DOTALL)
    return f"{found[3]} ({found[1]}, line {found[2]})" if found and answer.code == 0 else ""


def superproject(top: str) -> str:
    """The top of the work tree that has `top` as a submodule; "" if there is none."""
    folder, name = _around(top)
    if not folder:
        return ""
    (answer,) = run_all(folder, ("ls-files", "-z", "--stage", "--", f":(literal){name}"))
    return folder if answer.code == 0 and answer.output.startswith(b"160000 ") else ""


def may_ask(root: str) -> bool:
    """Whether there is a `.git` in `root` or above, so that a plain folder starts no process.

    Raises GitRefusedError for a folder below it that looks like a bare repository. A clone can contain one
    with a malicious configuration, and git before 2.38 would use it as the repository.
    """
    folder = os.path.realpath(root)
    bare = ""
    while not os.path.lexists(os.path.join(folder, ".git")):
        if not bare and _is_bare(folder):
            bare = folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    if bare:
        raise GitRefusedError(
            f"git is not used for {root}: {bare} looks like a bare repository inside {folder}",
            advice=f"index {folder} itself, or move {bare} out of it",
        )
    return True


def _place_in(root: str, where: Answer, ignored: Answer | None) -> Place | None:
    """The work tree that `root` is in, from git's answers to `_WHERE` and, if it was asked, `_IGNORED`.

    None outside of a work tree, and in a folder that its work tree ignores. Raises GitRefusedError.
    """
    inside, _, rest = where.output.removesuffix(b"\n").partition(b"\n")
    if where.code:
        if inside == b"false":
            # In a `.git` folder, or in a bare repository.
            return None
        raise _git_error(root, where)
    home = os.fsencode(os.path.realpath(root))
    top = _folder_with_git(home)
    if rest.endswith(b"\n" + top):
        index_path = rest[: -len(top) - 1]
    else:
        # Git may skip an invalid `.git`, and may name folders differently from the system.
        index_path, _, top = rest.rpartition(b"\n")
        above = any(_same(folder, top) for folder in _upwards(home))
        if inside != b"true" or not above or not os.path.lexists(top + b"/.git"):
            raise GitRefusedError(
                f"git does not answer for {root}: its configuration (core.worktree) names another folder,"
                f" {os.fsdecode(top)}",
                advice=f"correct that: git -C {root} config --unset core.worktree",
            )
    if not _same(home, top):
        # From inside an ignored folder `git ls-files` shows nothing.
        if ignored is None:
            (ignored,) = run_all(root, _IGNORED)
        if ignored.code == 0:
            return None
        if ignored.code != 1:
            raise _git_error(root, ignored)
    return Place(top, index_path)


def _git_error(root: str, answer: Answer) -> GitRefusedError:
    words = answer.complaint.partition("\n")[0].removeprefix("fatal: ") or f"it failed with {answer.code}"
    if answer.code == NOT_STARTED:
        advice = "install git, or put its folder into PATH"
    elif "dubious ownership" in words:
        top = os.fsdecode(_folder_with_git(os.fsencode(os.path.realpath(root))))
        advice = f"if you trust it: git config --global --add safe.directory {top}"
    elif answer.code == NOT_ENDED:
        advice = f"find out why it takes so long: git -C {root} status"
    else:
        advice = f"see what git reports, and correct that: git -C {root} status"
    return GitRefusedError(f"git does not answer for {root}: {words}", advice=advice)


def _around(path: str) -> tuple[str, str]:
    """The nearest folder with a `.git` above `path`, and the path from there; "" and "" if none."""
    parent = os.path.realpath(os.path.dirname(path))
    folder = os.fsdecode(_folder_with_git(os.fsencode(parent)))
    if not os.path.lexists(os.path.join(folder, ".git")):
        return "", ""
    return folder, os.path.relpath(os.path.join(parent, os.path.basename(path)), folder)


def _surely_not_in_index(folder: str, name: str) -> bool:
    """Whether git's index of `folder` has nothing like `name`, ignoring case; False where that is uncertain.

    Found out without a process, from the index's bytes. Versions 2 and 3 spell every name out; version 4
    leaves out what the entry before has too, the extension `link` says that other entries are in another
    file, and `sdir` that folders are listed without their files. Source: gitformat-index(5).
    """
    data = _index_of(folder) if _is_bare(os.path.join(folder, ".git")) else None
    if data is None or len(data) == _INDEX_MAX or data[:8] not in _SPELLED_OUT:
        return False
    return b"link" not in data and b"sdir" not in data and os.fsencode(name).lower() not in data.lower()


def _in_index(folder: str, name: str) -> bool:
    # This may match the end of a longer name. Better to reject a good store than to use a hostile one.
    data = _index_of(folder)
    return data is not None and os.fsencode(name).lower() + b"/" in data.lower()


def _index_of(folder: str) -> bytes | None:
    """The first bytes of the index of `folder`, if its `.git` is a folder; None where they cannot be read."""
    try:
        with open(os.path.join(folder, ".git", "index"), "rb", opener=fs.open_regular) as file:
            return file.read(_INDEX_MAX)
    except OSError:
        return None


def _is_bare(folder: str) -> bool:
    return os.path.lexists(os.path.join(folder, "HEAD")) and all(
        os.path.isdir(os.path.join(folder, name)) for name in ("objects", "refs")
    )


def _folder_with_git(folder: bytes) -> bytes:
    """The nearest folder with a `.git`, from `folder` up."""
    return next((above for above in _upwards(folder) if os.path.lexists(above + b"/.git")), folder)


def _upwards(folder: bytes) -> list[bytes]:
    folders = [folder]
    while (parent := os.path.dirname(folders[-1])) != folders[-1]:
        folders.append(parent)
    return folders


def _same(one: bytes, other: bytes) -> bool:
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
