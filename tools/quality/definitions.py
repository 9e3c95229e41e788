"""Definitions that Diptych finds in a folder, held against those of ctags."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from diptych.indexer import text
from diptych.indexer.errors import TooSlowError
from diptych.indexer.languages import language_of, language_of_content
from diptych.indexer.parse import record_of
from diptych.model import Symbol

from . import words
from .ctags import ALIKE, CtagsError, Tag, tags
from .ctags import LANGUAGES as OF_CTAGS

LANGUAGES = sorted((*OF_CTAGS, *words.LANGUAGES))

_CONSTRAINT = re.compile(r"\bwhere\s+\w+\s*:")
_HERE_DOCUMENT = re.compile(r"<<[-~<]?[ ]?[\\\"']?([A-Z_][A-Z_]\w*)\b")


@dataclass
class Comparison:
    """The outcome: counts by ctags' kind and by ours, and each difference."""

    files: int = 0
    known: Counter[str] = field(default_factory=Counter)
    """Tags by ctags' kind."""
    found: Counter[str] = field(default_factory=Counter)
    """Those of them with a symbol of that name there."""
    alike: Counter[str] = field(default_factory=Counter)
    """Those of them whose symbol has a kind that says the same."""
    symbols: Counter[str] = field(default_factory=Counter)
    """Symbols by our kind."""
    confirmed: Counter[str] = field(default_factory=Counter)
    """Those of them with a tag."""
    calls: int = 0
    """Tags that are the calls of macros, which ctags takes for definitions: left out."""
    texts: int = 0
    """Tags in here-documents, which are text, and in constraints of C#: left out."""
    differences: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of ctags' definitions that are symbols."""
        return _share(self.found, self.known)

    @property
    def precision(self) -> float:
        """The share of symbols that ctags has too."""
        return _share(self.confirmed, self.symbols)


def compare(root: str, language: str) -> Comparison:
    """Compare on each file of `language` below `root`. Raises CtagsError."""
    outcome = Comparison()
    symbols = dict(_symbols(root, language))
    by_path: dict[str, list[Tag]] = defaultdict(list)
    read = words.tags if language in words.LANGUAGES else tags
    for path, tag in read(language, root, list(symbols)):
        by_path[path].append(tag)
    outcome.files = len(symbols)
    for path, found in symbols.items():
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
        _compare_file(outcome, path, lines, found, by_path[path])
    return outcome


def _symbols(root: str, language: str) -> Iterator[tuple[str, tuple[Symbol, ...]]]:
    for path in _paths(root):
        name = language_of(path)
        if not name:
            continue
        with open(os.path.join(root, path), "rb") as file:
            data = file.read()
        if text.is_binary(data) or language_of_content(name, data) != language:
            continue
        try:
            yield path, record_of(path, name, data).symbols
        except TooSlowError:
            continue


def _paths(root: str) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if os.path.isfile(os.path.join(root, path)) and "\n" not in path:
                yield path


def _compare_file(
    outcome: Comparison, path: str, lines: list[str], symbols: Iterable[Symbol], known: Iterable[Tag]
) -> None:
    unmatched: dict[str, list[Symbol]] = defaultdict(list)
    for symbol in symbols:
        outcome.symbols[symbol.kind] += 1
        unmatched[_plain(symbol.name)].append(symbol)
    texts = _in_here_documents(lines)
    for tag in known:
        if tag.name.startswith("__anon"):
            # ctags' name for what has none.
            continue
        match = _match(tag, unmatched[_plain(tag.name)])
        if match is None and (tag.line in texts or _is_constraint(path, lines, tag)):
            outcome.texts += 1
            continue
        if match is None and _is_macro_call(lines, tag):
            outcome.calls += 1
            continue
        outcome.known[tag.kind] += 1
        if match is None:
            outcome.differences.append(f"missing {tag.kind} {path}:{tag.line} {tag.scope}|{tag.name}")
            continue
        unmatched[_plain(tag.name)].remove(match)
        outcome.found[tag.kind] += 1
        outcome.confirmed[match.kind] += 1
        if match.kind in ALIKE[tag.kind]:
            outcome.alike[tag.kind] += 1
        else:
            outcome.differences.append(
                f"otherwise {tag.kind} {path}:{tag.line} {tag.scope}|{tag.name} is a {match.kind}"
            )
    for left in unmatched.values():
        outcome.differences += [
            f"more {symbol.kind} {path}:{symbol.range.start_line + 1} {symbol.container}|{symbol.name}"
            for symbol in left
        ]


def _is_macro_call(lines: list[str], tag: Tag) -> bool:
    """`GUARDED_BY(mutex)` in a declaration, `OPTION(name, 1),` in an enum."""
    line = lines[tag.line - 1] if tag.line <= len(lines) else ""
    return (
        tag.kind != "macro"
        and re.search(rf"\b{re.escape(tag.name)}\s*\(", line) is not None
        and tag.name.isupper()
    )


def _is_constraint(path: str, lines: list[str], tag: Tag) -> bool:
    """`where T : Base` in C#, which ctags takes for a field or a class."""
    line = lines[tag.line - 1] if tag.line <= len(lines) else ""
    return path.endswith(".cs") and _CONSTRAINT.search(line) is not None


def _in_here_documents(lines: list[str]) -> set[int]:
    """The numbers of the lines in here-documents (Ruby, PHP, Bash), by their marks alone."""
    inside: set[int] = set()
    mark = ""
    for number, line in enumerate(lines, 1):
        if mark:
            inside.add(number)
            if re.match(rf"\s*{mark}\b", line):
                mark = ""
        elif (found := _HERE_DOCUMENT.search(line)) is not None:
            mark = found[1]
    return inside


def _match(tag: Tag, candidates: list[Symbol]) -> Symbol | None:
    """The symbol that is the tag's: its range has the tag's line. First one of the same kind."""
    there = [
        symbol for symbol in candidates if symbol.range.start_line < tag.line <= symbol.range.end_line + 1
    ]
    alike = [symbol for symbol in there if symbol.kind in ALIKE[tag.kind]]
    return min(alike or there, key=lambda symbol: tag.line - symbol.range.start_line, default=None)


def _plain(name: str) -> str:
    """A name without the white space that ctags puts into those of operators."""
    return "".join(name.split())


def _share(part: Counter[str], all_: Counter[str]) -> float:
    return part.total() / all_.total() if all_ else 1.0


def table(outcome: Comparison) -> list[str]:
    """The outcome as lines of text."""
    lines = [
        f"files {outcome.files:,}; recall {outcome.recall:.2%} of {outcome.known.total():,}; "
        f"precision {outcome.precision:.2%} of {outcome.symbols.total():,}; "
        f"calls of macros that ctags takes for definitions, left out: {outcome.calls:,}; "
        f"in here-documents and constraints: {outcome.texts:,}",
        f"{'of ctags':12} {'there':>8} {'found':>8} {'recall':>8} {'same kind':>10}",
    ]
    for kind, count in sorted(outcome.known.items()):
        found = outcome.found[kind]
        alike = outcome.alike[kind] / found if found else 1.0
        lines.append(f"{kind:12} {count:>8,} {found:>8,} {found / count:>8.2%} {alike:>10.2%}")
    lines.append(f"{'of Diptych':12} {'there':>8} {'in ctags':>8} {'precision':>9}")
    for kind, count in sorted(outcome.symbols.items()):
        confirmed = outcome.confirmed[kind]
        lines.append(f"{kind:12} {count:>8,} {confirmed:>8,} {confirmed / count:>9.2%}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.quality definitions", description="Hold definitions against those of ctags."
    )
    parser.add_argument("folder", help="source code of a release")
    parser.add_argument("--language", required=True, choices=LANGUAGES)
    parser.add_argument("--list", action="store_true", help="print each difference")
    options = parser.parse_args(arguments)
    try:
        outcome = compare(options.folder, options.language)
    except CtagsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(outcome.differences))
    print("\n".join(table(outcome)))
    return 0
