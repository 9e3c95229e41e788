"""Repositories that start a program when git is asked about them without care, one for each way there is.

Each builder makes one in `root`, whose program leaves the file `mark`; it returns the folder to run in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.indexer.repository import git, make_repository, write
from tests.support.waiting import HANG_S

MISSING = "1234567890123456789012345678901234567890"
SOURCE = "def f(): pass\n"

Builder = Callable[[Path, Path], Path]


def lacking(root: Path) -> None:
    """Let git's index name a `.gitignore` that is not there: git looks for its content among its objects.

    It does so when there is an untracked file to compare with the rules.
    """
    write(root, {"untracked.py": SOURCE})
    git(root, "update-index", "--add", "--cacheinfo", f"100644,{MISSING},.gitignore")
    git(root, "update-index", "--skip-worktree", ".gitignore")


def promised(root: Path, url: str, **settings: str) -> None:
    """Make a partial clone of `root`: what it lacks is fetched from `url` when it is needed."""
    git(root, "config", "core.repositoryFormatVersion", "1")
    git(root, "config", "extensions.partialClone", "origin")
    git(root, "config", "remote.origin.promisor", "true")
    git(root, "config", "remote.origin.url", url)
    for name, value in settings.items():
        git(root, "config", name.replace("__", "."), value)


def program(root: Path, mark: Path) -> str:
    """An executable file in the repository that leaves the mark."""
    path = root / "program"
    path.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    path.chmod(0o755)
    return str(path)


def plain(root: Path) -> Path:
    """A repository of one file."""
    return make_repository(root, {"a.py": SOURCE})


def lazy_fetch_by_ssh(root: Path, mark: Path) -> Path:
    lacking(plain(root))
    promised(root, "ssh://host.invalid/x", core__sshCommand=f"touch '{mark}'; false")
    return root


def lazy_fetch_by_a_helper(root: Path, mark: Path) -> Path:
    lacking(plain(root))
    promised(root, f"ext::touch {mark}", protocol__ext__allow="always")
    return root


def lazy_fetch_from_a_folder(root: Path, mark: Path) -> Path:
    lacking(plain(root))
    promised(root, str(root), remote__origin__uploadpack=f"touch '{mark}'; false")
    return root


def lazy_fetch_by_a_proxy(root: Path, mark: Path) -> Path:
    lacking(plain(root))
    promised(root, "git://host.invalid/x", core__gitProxy=program(root, mark))
    return root


def bare_layout(root: Path, mark: Path) -> Path:
    """A tracked folder that git, run inside it, takes for a repository: a clone brings it along."""
    made = lazy_fetch_by_ssh(root.parent / "made", mark)
    plain(root)
    vendor = root / "vendor"
    vendor.mkdir()
    for name in ("config", "index", "HEAD"):
        shutil.copy(made / ".git" / name, vendor / name)
    git(vendor, "config", "--file", "config", "core.worktree", ".")
    git(vendor, "config", "--file", "config", "core.fsmonitor", f"touch '{mark}'; false")
    write(vendor, {"objects/x": "", "refs/x": "", "b.py": SOURCE})
    git(root, "-c", "core.fsmonitor=false", "add", "-A")
    git(root, "commit", "-qm", "vendor")
    return vendor


def git_file(root: Path, mark: Path) -> Path:
    plain(root)
    (root / ".git").rename(root / "elsewhere")
    (root / ".git").write_text("gitdir: elsewhere\n")
    git(root, "config", "core.fsmonitor", f"touch '{mark}'; false")
    return root


def git_link(root: Path, mark: Path) -> Path:
    plain(root)
    (root / ".git").rename(root / "elsewhere")
    (root / ".git").symlink_to("elsewhere")
    git(root, "config", "core.fsmonitor", f"touch '{mark}'; false")
    return root


def monitor(root: Path, mark: Path) -> Path:
    git(plain(root), "config", "core.fsmonitor", program(root, mark))
    return root


def included_monitor(root: Path, mark: Path) -> Path:
    plain(root)
    (root / "more").write_text(f"[core]\n\tfsmonitor = \"touch '{mark}'; false\"\n")
    git(root, "config", "includeIf.gitdir:**.path", str(root / "more"))
    git(root, "config", "include.path", "../more")
    return root


def hooks(root: Path, mark: Path) -> Path:
    plain(root)
    folder = root / "hooks"
    folder.mkdir()
    for name in ("post-index-change", "post-checkout", "fsmonitor-watchman", "reference-transaction"):
        shutil.copy(program(root, mark), folder / name)
    git(root, "config", "core.hooksPath", str(folder))
    # So that git would like to write its index.
    os.utime(root / "a.py", (1, 1))
    return root


def clean_filter(root: Path, mark: Path) -> Path:
    plain(root)
    write(root, {".gitattributes": "*.py filter=evil diff=evil text eol=crlf\n"})
    git(root, "add", "-A")
    # Racy: changed, so it seems, after the index was written. Git then compares the content.
    os.utime(root / "a.py", (4_000_000_000, 4_000_000_000))
    git(root, "add", "-A")
    git(root, "config", "filter.evil.clean", f"touch '{mark}'; cat")
    git(root, "config", "filter.evil.process", f"touch '{mark}'; false")
    return root


def filter_with_a_strange_name(root: Path, mark: Path) -> Path:
    clean_filter(root, mark)
    write(root, {".gitattributes": "*.py filter=e=v\n"})
    git(root, "config", "filter.e=v.clean", f"touch '{mark}'; cat")
    return root


def differs(root: Path, mark: Path) -> Path:
    plain(root)
    write(root, {".gitattributes": "*.py diff=evil\n", "a.py": "def g(): pass\n"})
    run = program(root, mark)
    for name in ("diff.external", "diff.evil.command", "diff.evil.textconv"):
        git(root, "config", name, run)
    return root


def pager_and_alias(root: Path, mark: Path) -> Path:
    plain(root)
    for command in ("ls-files", "diff-files", "rev-parse", "check-ignore", "config", "symbolic-ref"):
        git(root, "config", f"pager.{command}", f"touch '{mark}'; cat")
        git(root, "config", f"alias.{command}", f"!touch '{mark}'")
    git(root, "config", "core.pager", f"touch '{mark}'; cat")
    git(root, "config", "core.editor", f"touch '{mark}'")
    return root


def passwords(root: Path, mark: Path) -> Path:
    lacking(plain(root))
    run = program(root, mark)
    helper = f"!touch '{mark}'"
    promised(root, "https://localhost:1/x", core__askPass=run, credential__helper=helper)
    return root


def worktree_elsewhere(root: Path, mark: Path) -> Path:
    plain(root)
    other = monitor(root.parent / "other", mark)
    git(root, "config", "core.worktree", str(other))
    return root


def submodule(root: Path, mark: Path) -> Path:
    """A repository of its own configuration below the other, which counts it as its part."""
    inner = monitor(plain(root) / "inner", mark)
    head = git(inner, "-c", "core.fsmonitor=false", "rev-parse", "HEAD")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{head},inner")
    return root


def declared_submodule(root: Path, mark: Path) -> Path:
    submodule(root, mark)
    declared = f'[submodule "inner"]\n\tpath = inner\n\turl = x\n\tupdate = !touch {mark}\n'
    write(root, {".gitmodules": declared})
    return root


def nested(root: Path, mark: Path) -> Path:
    monitor(plain(root) / "inner", mark)
    return root


def git_in_the_folder(root: Path, mark: Path) -> Path:
    plain(root)
    (root / "git").write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    (root / "git").chmod(0o755)
    return root


BUILDERS: tuple[Builder, ...] = (
    lazy_fetch_by_ssh,
    lazy_fetch_by_a_helper,
    lazy_fetch_from_a_folder,
    lazy_fetch_by_a_proxy,
    bare_layout,
    git_file,
    git_link,
    monitor,
    included_monitor,
    hooks,
    clean_filter,
    filter_with_a_strange_name,
    differs,
    pager_and_alias,
    passwords,
    worktree_elsewhere,
    submodule,
    declared_submodule,
    nested,
    git_in_the_folder,
)

# Those whose mark git leaves, at least one of the versions about, when it is asked what Diptych asks it.
PLAIN_GIT_RUNS: tuple[Builder, ...] = (
    lazy_fetch_by_ssh,
    lazy_fetch_by_a_helper,
    lazy_fetch_from_a_folder,
    lazy_fetch_by_a_proxy,
    bare_layout,
    git_file,
    git_link,
    monitor,
    included_monitor,
    clean_filter,
    filter_with_a_strange_name,
    submodule,
)


def ask_without_care(where: Path) -> None:
    """Ask git what Diptych asks it, as it comes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for command in ("ls-files --others --exclude-standard", "diff-files --name-only", "rev-parse HEAD"):
        line = ["git", *command.split()]
        subprocess.run(line, cwd=where, env=environment, capture_output=True, check=False, timeout=HANG_S)
