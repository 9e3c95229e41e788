"""What gave nothing, or not all: files with syntax errors, skipped files, suffixes without a parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from diptych.cli.output import plural, size
from diptych.values import Value

if TYPE_CHECKING:
    from diptych.indexer import IndexReport
    from diptych.indexer.facts import Facts

_SHOWN = 5


class Unparsed(Value):
    """What gave nothing, or not all, after a run.

    `syntax_errors` has the bytes in syntax errors by path, `of_bytes` the size of these files, `skipped` the
    reason by path, and `other_suffixes` how many files have each suffix that has no parser.
    """

    syntax_errors: Mapping[str, int]
    of_bytes: int
    skipped: Mapping[str, str]
    other_suffixes: Mapping[str, int]

    @classmethod
    def of_report(cls, report: IndexReport) -> Unparsed:
        """That of a run."""
        return cls(
            report.syntax_errors, report.with_errors_bytes, report.skipped_paths, report.other_suffixes
        )

    @classmethod
    def of_facts(cls, facts: Facts | None) -> Unparsed:
        """That of the last run, by its facts."""
        if facts is None:
            return cls({}, 0, {}, {})
        from diptych.indexer.facts import size_of

        errors = facts.with_errors()
        of_bytes = sum(size_of(facts.files[path].stat) for path in errors)
        skipped = {path: fact.skipped for path, fact in facts.files.items() if fact.skipped}
        return cls(errors, of_bytes, skipped, facts.other_suffixes)


def error_line(unparsed: Unparsed) -> str:
    """How many files have syntax errors, and how much of them was not read; "" if none has."""
    if not unparsed.syntax_errors:
        return ""
    lost = sum(unparsed.syntax_errors.values())
    return (
        f"{plural(len(unparsed.syntax_errors), 'file')}, {size(lost)} of {size(unparsed.of_bytes)} not read"
    )


def suffix_line(unparsed: Unparsed) -> str:
    """How many files have no parser, and their most frequent suffixes; "" if all have one."""
    suffixes = _by_count(unparsed.other_suffixes)
    if not suffixes:
        return ""
    shown = ", ".join(f"{count:,} {suffix or '(no suffix)'}" for suffix, count in suffixes[:_SHOWN])
    total = sum(unparsed.other_suffixes.values())
    return f"{plural(total, 'file')} ({shown}{', …' if len(suffixes) > _SHOWN else ''})"


def explained(unparsed: Unparsed) -> Iterator[str]:
    """Each file with syntax errors, each skipped one, and each suffix without a parser, a line each."""
    for path, lost in sorted(unparsed.syntax_errors.items()):
        yield f"  {path}: syntax errors, {plural(lost, 'byte')} not read"
    for path, reason in sorted(unparsed.skipped.items()):
        yield f"  {path}: skipped, {reason}"
    for suffix, count in _by_count(unparsed.other_suffixes):
        yield f"  {suffix or '(no suffix)'}: no parser, {plural(count, 'file')}"


def _by_count(suffixes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(suffixes.items(), key=lambda item: (-item[1], item[0]))
