"""The tools that resolve names: `definition`, `references`, `calls`, `impact`, `changed`."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from diptych.errors import ChangesNotKeptError, InvalidArgumentError
from diptych.names.languages import LANGUAGES as RESOLVED
from diptych.serving.answers import definition as answers_definition
from diptych.serving.answers.calls import Call
from diptych.serving.answers.calls import calls as answers_calls
from diptych.serving.answers.changed import (
    Changes,
    changed_since_commit,
    changed_since_lsn,
    paths_between,
)
from diptych.serving.answers.current import Located, symbols_of_file, unescaped
from diptych.serving.answers.definition import line_of
from diptych.serving.answers.impact import found_at, is_test
from diptych.serving.answers.impact import impact as answers_impact
from diptych.serving.answers.reference import Reference
from diptych.serving.answers.references import references_to
from diptych.serving.mcp.index import AgentIndex
from diptych.serving.mcp.inputs import (
    CallsInput,
    ChangedInput,
    DefinitionInput,
    ImpactInput,
    ReferencesInput,
)
from diptych.serving.mcp.render import Answer, Item, one_line
from diptych.serving.mcp.tools import candidates, meant, no_symbol, symbol_line, symbol_value

_LINE_MAX = 160
_FOLDERS_SHOWN = 10
# An agent waits for an answer: what was found by then is one, and says that it is not complete.
_IMPACT_S = 10.0
_WORD = r"(?<![\w$])%s(?![\w$])"


def definition(index: AgentIndex, given: DefinitionInput) -> Answer:
    """What the name at a place refers to, each with its evidence."""
    source = index.source()
    path = unescaped(given.path)
    row = given.line - 1
    column, name = _column_in(index, path, row, given)
    parsed = source.parsed(path)
    if parsed is not None and parsed.language not in RESOLVED:
        return _by_name(index, name, f"names are not resolved in {parsed.language}: these have the name")
    found = answers_definition(source, path, row, column)
    answer = Answer(key="definitions", value={"name": found.name}, total=len(found.definitions))
    answer.head.append(
        f"{found.name} at {path}:{given.line}: {len(found.definitions)} definitions"
        if found.name
        else f"there is no name at {path}:{given.line}:{column + 1}"
    )
    for one in found.definitions:
        evidence = one.evidence
        if evidence == "named":
            evidence += f" {one.candidate} of {one.candidates}"  # type: ignore[assignment]
        text = one_line(one.text, _LINE_MAX)
        answer.items.append(
            Item(
                f"{one.path}:{one.row + 1}:{one.column + 1} {one.kind} {one.name} [{evidence}] {text}",
                {
                    "path": one.path,
                    "line": one.row + 1,
                    "column": one.column + 1,
                    "kind": one.kind,
                    "name": one.name,
                    "evidence": one.evidence,
                    "text": text,
                },
            )
        )
    return answer


def _column_in(index: AgentIndex, path: str, row: int, given: DefinitionInput) -> tuple[int, str]:
    """The column that is meant, from zero, and the name there. Raises InvalidArgumentError."""
    data = index.files.bytes_of(path)
    if data is None:
        raise InvalidArgumentError(f"{path} cannot be read", advice="give a path relative to the repository")
    lines = data.split(b"\n")
    if row >= len(lines):
        raise InvalidArgumentError(
            f"{path} has {len(lines):,} lines", advice="read the file again: it may have changed"
        )
    line = lines[row]
    if given.name is None:
        assert given.column is not None
        word = re.search(
            rb"[\w$\x80-\xff]+\Z", line[: given.column - 1] + line[given.column - 1 : given.column]
        )
        return given.column - 1, word[0].decode("utf-8", "replace") if word else ""
    name = unescaped(given.name).rpartition(".")[2]
    word_of_name = re.compile(os.fsencode(_WORD % re.escape(name)))
    match = word_of_name.search(line)
    if match is None:
        near = [number + 1 for number, text in enumerate(lines) if word_of_name.search(text)]
        near.sort(key=lambda number: abs(number - row - 1))
        where = f"; it is in {', '.join(map(str, near[:5]))}" if near else ""
        raise InvalidArgumentError(
            f"line {row + 1} of {path} does not have {name}{where}", advice="give the line where the name is"
        )
    return match.start(), name


def _by_name(index: AgentIndex, name: str, why: str) -> Answer:
    """The symbols of a name, where nothing better is known."""
    records = index.records()
    found = records.symbols(name)
    answer = Answer(key="definitions", value={"name": name, "evidence": "named"}, total=len(found))
    answer.head.append(f"{why} {name} [named]")
    answer.items = [Item(symbol_line(one), {**symbol_value(one), "evidence": "named"}) for one in found]
    return answer


def references(index: AgentIndex, given: ReferencesInput) -> Answer:
    """Where a symbol is used: totals first, then the lines, by file."""
    found = meant(index, given.symbol)
    if len(found) > 1:
        return candidates(given.symbol, found)
    if not found:
        name = unescaped(given.symbol)
        if "#" in name or not index.records().view.references(name):
            return no_symbol(index, given.symbol)
        return _related(index, given, name)
    (one,) = found
    start = found_at(index.source(), one.path, one.symbol.name_range[:2])
    if start is None:
        return _related(index, given, one.symbol.name)
    answer = references_to(index.source(), start, related=True)
    lines = [_Line.of(reference) for reference in answer.references]
    possible = [_Line.of(reference, possible=True) for reference in answer.possible]
    head = f"{one.id}: {len(lines):,} references"
    if possible:
        head += f", and {len(possible):,} uses of the name whose receiver is not known [named]"
    return _listed(index, given, head, [*lines, *possible])


class _Line(tuple[str, int, int, str, str, str, str]):
    """Path, row, column, role, inside, evidence, text."""

    __slots__ = ()

    @classmethod
    def of(cls, found: Reference, *, possible: bool = False) -> _Line:
        evidence = "named" if possible else found.evidence
        return cls((found.path, found.row, found.column, found.role, found.inside, evidence, found.text))


def _related(index: AgentIndex, given: ReferencesInput, name: str) -> Answer:
    """The recorded relations to a name, in languages whose names are not resolved."""
    records, source = index.records(), index.source()
    lines = []
    for hit in records.view.references(name):
        path, relation = hit.path, hit.relation
        if records.is_as_recorded(path):
            lines.append(_relation_line(source, path, relation))
    for path in list(records.edited):
        record = records.record(path)
        if record is not None:
            lines += [_relation_line(source, path, one) for one in record.relations if one.target == name]
    return _listed(index, given, f"{len(lines):,} relations to the name {name} [named]", lines)


def _relation_line(source: Any, path: str, relation: Any) -> _Line:
    row, column = relation.range[:2]
    role = "import" if relation.kind == "imports" else "use"
    return _Line((path, row, column, role, relation.source, "named", line_of(source, path, row)))


def _listed(index: AgentIndex, given: ReferencesInput, head: str, lines: Sequence[_Line]) -> Answer:
    """A page of references. The pages of an answer are of one state; another state expires the cursor."""
    arguments = given.model_dump(exclude_none=True)
    lsn, first = index.records().view.lsn, 0
    if given.cursor is not None:
        cursor = index.cursor_of(given.cursor, "references", arguments)
        index.require_state(cursor.lsn)
        first = cursor.first
    roles = Counter(line[3] for line in lines)
    folders = Counter(line[0].rpartition("/")[0] or "." for line in lines)
    wanted = [line for line in lines if given.kind in (None, line[3])]
    answer = Answer(key="references", first=first, total=len(wanted))
    answer.value = {"by_kind": dict(roles), "by_folder": dict(folders.most_common(_FOLDERS_SHOWN))}
    answer.head.append(head)
    if lines:
        told = ", ".join(f"{count:,} {role}" for role, count in roles.most_common())
        where = ", ".join(f"{folder} {count:,}" for folder, count in folders.most_common(_FOLDERS_SHOWN))
        answer.head.append(f"{told}; by folder: {where}")
    answer.items = [_reference_item(line) for line in wanted[first : first + given.limit]]
    answer.cursor = lambda following: index.cursor("references", arguments, lsn, following)
    return answer


def _reference_item(line: _Line) -> Item:
    path, row, column, role, inside, evidence, text = line
    shown = one_line(text, _LINE_MAX)
    mark = "" if evidence == "exact" else f" [{evidence}]"
    where = f" (in {inside})" if inside else ""
    value = {"path": path, "line": row + 1, "column": column + 1, "kind": role, "evidence": evidence}
    return Item(
        f"  {row + 1}{where}{mark} {shown}", {**value, "inside": inside, "text": shown}, group=f"{path}:"
    )


def calls(index: AgentIndex, given: CallsInput) -> Answer:
    """What calls a function, or what it calls, with the evidence and the line of each call."""
    found = meant(index, given.symbol)
    if not found:
        return no_symbol(index, given.symbol)
    if len(found) > 1:
        return candidates(given.symbol, found)
    (one,) = found
    start = found_at(index.source(), one.path, one.symbol.name_range[:2])
    if start is None:
        answer = Answer(key="calls", value={"evidence": "named"}, total=0)
        answer.head.append(f"calls are not resolved for {one.id}: `references` lists the uses of its name")
        return answer
    listed = answers_calls(index.source(), start, direction=given.direction, depth=given.depth)
    answer = Answer(key="calls", value={"id": one.id, "by_depth": _by_depth(listed)}, total=len(listed))
    what = "callers of" if given.direction == "callers" else "functions called by"
    answer.head.append(f"{len(listed):,} {what} {one.id} to depth {given.depth}")
    answer.items = [_call_item(call) for call in listed[: given.limit]]
    return answer


def _call_item(call: Call) -> Item:
    text = one_line(call.text, _LINE_MAX)
    mark = "" if call.evidence == "exact" else f" [{call.evidence}]"
    name = call.path if call.name == "(file)" else f"{call.path}#{call.name}"
    shown = (
        f"{'  ' * (call.depth - 1)}{name} line {call.row + 1}{mark}"
        f" ← {call.call_path}:{call.call_row + 1} {text}"
    )
    value = {
        "depth": call.depth,
        "id": name,
        "line": call.row + 1,
        "evidence": call.evidence,
        "call": f"{call.call_path}:{call.call_row + 1}",
        "text": text,
    }
    return Item(shown, value)


def _by_depth(listed: Iterable[Call]) -> dict[str, int]:
    counts = Counter(call.depth for call in listed)
    return {str(depth): counts[depth] for depth in sorted(counts)}


def impact(index: AgentIndex, given: ImpactInput) -> Answer:
    """What may be affected by a change: callers by depth, files, tests."""
    records = index.records()
    symbols: dict[str, Located] = {}
    for text in given.symbols:
        found = meant(index, text)
        if not found:
            return no_symbol(index, text)
        if len(found) > 1:
            return candidates(text, found)
        symbols[found[0].id] = found[0]
    for path in given.paths:
        symbols |= {one.id: one for one in symbols_of_file(records, unescaped(path).strip("/"))}
    if given.git_range is not None:
        symbols |= {one.id: one for one in _of_range(index, given.git_range)}
    until_s = time.monotonic() + _IMPACT_S
    found_impact = answers_impact(
        index.source(), symbols.values(), depth=given.depth, enough=lambda: time.monotonic() > until_s
    )
    files, tests = found_impact.files, found_impact.tests
    answer = Answer(key="callers", total=len(found_impact.callers))
    answer.value = {
        "symbols": len(symbols),
        "by_depth": {str(depth): count for depth, count in found_impact.by_depth.items()},
        "files": len(files),
        "tests": tests[:50],
        "tests_total": len(tests),
        "unresolved": len(found_impact.unresolved),
        "complete": found_impact.searched == found_impact.reached,
    }
    depths = (
        ", ".join(f"{count:,} at depth {depth}" for depth, count in found_impact.by_depth.items()) or "none"
    )
    answer.head.append(
        f"{len(symbols):,} symbols; callers: {depths}; in {len(files):,} files, {len(tests):,} of them tests"
    )
    if tests:
        more = f" and {len(tests) - 20} more" if len(tests) > 20 else ""
        answer.head.append("tests: " + ", ".join(tests[:20]) + more)
    if found_impact.searched < found_impact.reached:
        answer.head.append(
            f"not complete: the callers of {found_impact.searched:,} of {found_impact.reached:,} functions"
            " were looked for in time; ask with fewer symbols or a smaller depth"
        )
    answer.items = [_call_item(call) for call in found_impact.callers]
    return answer


def _of_range(index: AgentIndex, given: str) -> list[Located]:
    """The symbols as they are now that changed since a commit, or of the files that `A..B` touches."""
    records = index.records()
    if ".." in given:
        paths = paths_between(index.place.root, given)
        return [one for path in paths for one in records.symbols_in(path)]
    changes = changed_since_commit(index.files, given)
    return [one.found for one in changes.changes if one.how != "removed"]


def changed(index: AgentIndex, given: ChangedInput) -> Answer:
    """Symbols added, removed and altered since an LSN, a commit, or the last call of this tool."""
    index.records()
    store = index.store
    since = given.since
    if since == "last" or (isinstance(since, str) and since.isascii() and since.isdigit() and len(since) < 7):
        since = index.last_changed_lsn if since == "last" else int(since)
    if isinstance(since, int):
        try:
            changes = changed_since_lsn(store, since)
        except ChangesNotKeptError as error:
            raise InvalidArgumentError(
                f"the journal goes back to LSN {error.oldest_lsn:,}, not to {since:,}",
                advice="give a later LSN, or a commit",
            ) from error
    else:
        changes = changed_since_commit(index.files, since)
    index.last_changed_lsn = store.lsn
    return _changes(changes, store.lsn, given.limit)


def _changes(changes: Changes, lsn: int, limit: int) -> Answer:
    hows = Counter(one.how for one in changes.changes)
    files = Counter(changes.files.values())
    answer = Answer(key="changes", total=len(changes.changes))
    answer.value = {
        "since": changes.since,
        "until_lsn": lsn,
        "symbols": {how: hows[how] for how in ("added", "removed", "altered")},
        "files": {how: files[how] for how in ("added", "removed", "altered")},
        "files_left_out": changes.left_out,
        "tests": sum(is_test(path) for path in changes.files),
    }
    answer.head.append(
        f"since {changes.since}: symbols {hows['added']:,} added, {hows['altered']:,} altered, "
        f"{hows['removed']:,} removed; files {files['added']:,} added, {files['altered']:,} altered, "
        f"{files['removed']:,} removed"
    )
    with_symbols = {one.found.path for one in changes.changes}
    rest = [path for path in changes.files if path not in with_symbols]
    if rest:
        answer.head.append(f"changed outside of symbols: {', '.join(rest[:20])}")
    if changes.left_out:
        answer.head.append(f"{changes.left_out:,} more changed files were not compared")
    for one in sorted(changes.changes, key=lambda one: (one.found.path, one.found.row))[:limit]:
        shown = symbol_line(one.found).removeprefix(f"{one.found.path}#")
        answer.items.append(
            Item(
                f"  {_MARKS[one.how]} {shown}",
                {"how": one.how, **symbol_value(one.found)},
                group=f"{one.found.path}:",
            )
        )
    return answer


_MARKS = {"added": "+", "removed": "-", "altered": "~"}

__all__ = ["calls", "changed", "definition", "impact", "references"]
