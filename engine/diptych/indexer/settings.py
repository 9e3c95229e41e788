"""The settings of a run, its progress and its report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from diptych.errors import InvalidArgumentError
from diptych.fs import importing
from diptych.values import Value, field

# Increase it when the same source gives other symbols or relations: then every file is parsed again.
INDEXER_VERSION = 9

# Why a file was skipped.
SKIP_REASONS = (
    "binary",  # a NUL in its first 8 KB
    "too large",  # over `Settings.max_file_bytes`
    "unreadable",  # no permission, or an input/output error
    "symbolic link",
    "not a regular file",  # a FIFO, a socket, a device
    "directory",
    "nested repository",  # not a submodule: git does not look inside either
    "too slow to parse",  # it takes more steps than any source code does
    "parser died",  # the grammar crashed, or ran out of memory, on this file
    "parser hung",  # no answer within `Settings.worker_timeout_s`
    "not storable",  # its record is over the store's cap
)


class Settings(Value):
    """The settings of a run. Sizes in bytes, times in seconds.

    `exclude` holds patterns in `.gitignore`'s syntax, relative to the root. With `redact`, `…` is stored in
    place of each secret: see `diptych.secrets`. A run with at most
    `in_process_files` to parse, of `in_process_bytes` in total and `in_process_file_bytes` each, starts no
    worker: nothing can stop a parser during a step, but in such small files every step is short. With
    `build_bytes` or more to parse, workers build segments, which the store adopts.
    """

    max_file_bytes: int = 2 * 1024 * 1024
    exclude: tuple[str, ...] = ()
    redact: bool = False
    batch_files: int = 1000
    batch_bytes: int = 16 * 1024 * 1024
    worker_timeout_s: float = 60.0
    in_process_files: int = 16
    in_process_bytes: int = 16 * 1024
    in_process_file_bytes: int = 4 * 1024
    checkpoint_changes: int = 1000
    build_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError, so that no index stores invalid settings."""
        if self.exclude:
            check_patterns(self.exclude)


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise InvalidArgumentError for an invalid `.gitignore` pattern, or one that matches nothing."""
    # Imported here: that takes as long as the rest of a run with nothing changed.
    with importing("pathspec"):
        from pathspec import GitIgnoreSpec

    for pattern in patterns:
        try:
            pattern.encode()
            # Compile it as a list, which is how it is used.
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


class Notice(Value):
    """A notice from a successful run: a sentence without a full stop, and what to do."""

    message: str
    advice: str = ""


class Progress(Value):
    """The progress of a run: files and bytes to parse, and how many of each are done."""

    done_files: int
    total_files: int
    done_bytes: int
    total_bytes: int
    elapsed_s: float


class IndexReport(Value, frozen=False):
    """What a run found and did. Counts are of files unless named otherwise.

    `indexed` files were parsed and stored, `unchanged` ones were already stored, `removed` ones are gone from
    disk. `skipped` counts by reason (`SKIP_REASONS`), and `skipped_paths` names those that could not be
    parsed. `syntax_errors` has each file with syntax errors, and how many of its bytes are in them;
    `with_errors_bytes` is the size of these files. `other_language` counts the files that have no parser, and
    `other_suffixes` counts them by suffix ("" without one). `source` is how files were found, "git" or
    "walk". `notice` says that git did not answer, or why nothing was found. `lsn` is the LSN of the store
    after the run.
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
    other_suffixes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_paths: dict[str, str] = field(default_factory=dict)
    syntax_errors: dict[str, int] = field(default_factory=dict)
    with_errors_bytes: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    checkpointed: bool = False
    lsn: int = 0
    elapsed_s: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether there was no file in a known language."""
        return self.found == 0

    def count_skipped(self, path: str, reason: str) -> None:
        """Count a file that could not be parsed."""
        self.skipped[reason] += 1
        self.skipped_paths[path] = reason

    def count_errors(self, path: str, error_bytes: int, size: int) -> None:
        """Count a file of `size` bytes of which `error_bytes` are in syntax errors, if any are."""
        if error_bytes:
            self.syntax_errors[path] = error_bytes
            self.with_errors_bytes += size
