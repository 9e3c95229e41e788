"""What a run may be told, and what it tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from diptych.errors import InvalidArgumentError
from diptych.fs import importing

# Rises when the same source would give other symbols or relations: every file is then parsed again.
INDEXER_VERSION = 2

# Why a file was passed over.
SKIP_REASONS = (
    "binary",  # a NUL in its first 8 KB
    "too large",  # over `Settings.max_file_bytes`
    "unreadable",  # no right to read it, or an input/output error
    "symbolic link",
    "not a regular file",  # a FIFO, a socket, a device
    "directory",
    "nested repository",  # not a submodule: git does not look inside either
    "too slow to parse",  # it takes more steps than any source code does
    "parser died",  # the grammar crashed, or ran out of memory, on this file
    "parser hung",  # no answer within `Settings.worker_timeout_s`
    "not storable",  # its record is over the store's cap
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run goes about it. Sizes in bytes, times in seconds.

    `exclude` holds patterns in `.gitignore`'s syntax, relative to the root. A run with at most
    `in_process_files` to parse, of `in_process_bytes` in all and `in_process_file_bytes` each, starts no
    worker: nothing stops a parser in the midst of a step, and in a file of that size none is long.
    """

    max_file_bytes: int = 2 * 1024 * 1024
    exclude: tuple[str, ...] = ()
    batch_files: int = 1000
    batch_bytes: int = 16 * 1024 * 1024
    worker_timeout_s: float = 60.0
    in_process_files: int = 16
    in_process_bytes: int = 16 * 1024
    in_process_file_bytes: int = 4 * 1024
    checkpoint_changes: int = 1000

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError: what cannot be used is not to be stored with an index."""
        if self.exclude:
            check_patterns(self.exclude)


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise InvalidArgumentError for a pattern that is none of `.gitignore`'s, or that can match nothing."""
    # Imported here: it costs as much as the rest of a run that finds nothing changed.
    with importing("pathspec"):
        from pathspec import GitIgnoreSpec

    for pattern in patterns:
        try:
            pattern.encode()
            # Compiled together as well as alone: what is used is the list.
            compiled = GitIgnoreSpec.from_lines([pattern]).patterns
        except UnicodeEncodeError:
            raise InvalidArgumentError(
                f"the pattern {pattern!r} is not UTF-8", advice="use `?` or `*` for bytes that are not"
            ) from None
        except (ValueError, re.error):
            raise InvalidArgumentError(
                f"{pattern!r} is not a pattern of .gitignore", advice="see `git help gitignore`"
            ) from None
        if "\n" in pattern or not any(one.include is not None for one in compiled):
            raise InvalidArgumentError(
                f"the pattern {pattern!r} matches nothing: it is blank, a comment, or several lines",
                advice="give one pattern; `\\#` begins one with a hash sign",
            )


@dataclass(frozen=True, slots=True)
class Notice:
    """What to know of a run that did not fail: a sentence without its full stop, and what to do."""

    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: of the files to parse, how many are done, and of their bytes."""

    done_files: int
    total_files: int
    done_bytes: int
    total_bytes: int
    elapsed_s: float


@dataclass(slots=True)
class IndexReport:
    """What a run found and did. Counts are of files unless named otherwise.

    `indexed` were parsed and stored, `unchanged` were as the store has them, `removed` are gone from disk.
    `skipped` counts by reason (`SKIP_REASONS`) and `skipped_paths` names those that could not be parsed.
    `source` says how files were found: "git" or "walk"; `notice` that git did not answer, or why nothing was
    found. `lsn` is the store's after the run.
    """

    root: str
    source: str = ""
    notice: Notice | None = None
    found: int = 0
    indexed: int = 0
    unchanged: int = 0
    removed: int = 0
    symbols: int = 0
    relations: int = 0
    parsed_bytes: int = 0
    other_language: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_paths: dict[str, str] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    checkpointed: bool = False
    lsn: int = 0
    elapsed_s: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether there was no file in a known language."""
        return self.found == 0
