"""The tools that find and show symbols: `search`, `symbol`, `outline`, `status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from diptych.errors import InvalidArgumentError, QueryError
from diptych.model import SearchHit, SymbolHit
from diptych.schema.code import CODE
from diptych.schema.code_weights import order_of
from diptych.serving.answers.current import (
    Located,
    body_of,
    candidate_ids,
    resolve,
    unescaped,
    without_declarations,
)
from diptych.serving.mcp.index import AgentIndex
from diptych.serving.mcp.inputs import OutlineInput, SearchInput, StatusInput, SymbolInput
from diptych.serving.mcp.render import Answer, Item, one_line
from diptych.store.code import CodeView

_SIGNATURE_MAX = 160
_DOCUMENTATION_MAX = 100
_FOLDERS_SHOWN = 8
_MEMBERS_MAX = 60
_CANDIDATES_MAX = 20
# Hits whose paths are compared with a pattern, one by one; beyond, the pattern must be narrower.
_SCANNED_MAX = 20_000


def search(index: AgentIndex, given: SearchInput) -> Answer:
    """Full-text search, a page at a time; all pages of one answer are of one state of the store."""
    arguments = given.model_dump(exclude_none=True)
    first, records = 0, index.records()
    view = records.view
    if given.cursor is not None:
        cursor = index.cursor_of(given.cursor, "search", arguments)
        first, view = cursor.first, index.view_at(cursor.lsn)
    filters = {name: [value] for name, value in (("kind", given.kind), ("language", given.language)) if value}
    hits, total = _found(view, given, filters, first)
    items = []
    for hit in hits:
        found = records.located(SymbolHit(hit.path, hit.symbol, hit.occurrence), view)
        if found is None:
            items.append(_gone(hit))
        else:
            items.append(Item(symbol_line(found), symbol_value(found)))
    answer = Answer(items=items, first=first, total=total)
    answer.head.append(f"{total:,} hits for {one_line(given.query, 200)}")
    if not total:
        answer.head += _advice(view, given)
    answer.cursor = lambda following: index.cursor("search", arguments, view.lsn, following)
    return answer


def _found(
    view: CodeView, given: SearchInput, filters: dict[str, list[str]], first: int
) -> tuple[list[SearchHit], int]:
    """The hits of this page, and how many there are in all."""
    if given.path_glob is None:
        hits = view.search(given.query, given.limit, first, filters=filters)
        return list(hits), hits.total
    glob = unescaped(given.path_glob)
    matching = [hit for hit in _each(view, given.query, filters) if fnmatchcase(hit.path, glob)]
    return matching[first : first + given.limit], len(matching)


def _each(view: CodeView, query: str, filters: dict[str, list[str]]) -> Iterator[SearchHit]:
    hits = view.search(query, 1_000, 0, filters=filters)
    if hits.total > _SCANNED_MAX:
        raise QueryError(
            f"{hits.total:,} hits are too many to compare their paths with path_glob",
            advice="search for rarer words, or for path:word in the query",
        )
    begin = 0
    while hits:
        yield from hits
        begin += len(hits)
        hits = view.search(query, 4_000, begin, filters=filters)


def _gone(hit: SearchHit) -> Item:
    """A hit whose file no longer has it: it is counted, and says so instead of showing a wrong line."""
    symbol = hit.symbol
    value = {"name": symbol.name, "path": hit.path, "gone": True}
    return Item(f"{hit.path}#{symbol.name}: gone since it was indexed", value)


def _advice(view: CodeView, given: SearchInput) -> list[str]:
    """What there is of a filter that nothing has."""
    lines = []
    for name, value in (("kind", given.kind), ("language", given.language)):
        known = list(view.facets("*", [name])[name]) if value else []
        if value and value.casefold() not in {one.casefold() for one in known}:
            lines.append(f"no symbol has the {name} {value}; there are {', '.join(known[:20])}")
    return lines


def symbol(index: AgentIndex, given: SymbolInput) -> Answer:
    """One symbol, with its members and the counts of what refers to it; or the candidates."""
    records = index.records()
    found = meant(index, given.symbol)
    if not found:
        return no_symbol(index, given.symbol)
    if len(found) > 1:
        return candidates(given.symbol, found)
    (one,) = found
    counts = _counts(index, one)
    members = [
        other
        for other in records.symbols_in(one.path)
        if other.symbol.container == one.dotted and other.row > one.symbol.range[0] - 1
    ]
    answer = Answer(
        key="source",
        value={
            **symbol_value(one),
            "end_line": one.symbol.range[2] + 1,
            "documentation": one_line(one.symbol.documentation, 1_000),
            "members": [f"{other.symbol.name}" for other in members[:_MEMBERS_MAX]],
            "members_total": len(members),
            "counts_by_name": counts,
        },
    )
    answer.head.append(symbol_line(one))
    if one.symbol.documentation and not given.body:
        answer.head.append("  " + one_line(one.symbol.documentation, 600))
    if members:
        names = ", ".join(f"{other.symbol.name}:{other.row + 1}" for other in members[:_MEMBERS_MAX])
        more = f" and {len(members) - _MEMBERS_MAX} more" if len(members) > _MEMBERS_MAX else ""
        answer.head.append(f"  members: {names}{more}")
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items()) or "none"
    answer.head.append(
        f"  relations to the name {one.symbol.name}: {told}; `references` tells which are to this one"
    )
    if given.body:
        lines, total = body_of(records, one, given.max_lines)
        first = one.symbol.range[0] + 1
        answer.items = [Item(f"{number:>5} {line}", line) for number, line in enumerate(lines, first)]
        answer.total = total
        answer.value["first_line"] = first
    return answer


def _counts(index: AgentIndex, one: Located) -> dict[str, int]:
    """How many relations there are to a symbol's name, by kind."""
    hits = index.records().view.references(one.symbol.name)
    return dict(sorted(Counter(hit.relation.kind for hit in hits).items()))


def meant(index: AgentIndex, given: str) -> list[Located]:
    """The symbols that an id, a place or a name means: of a prototype and its function, the function."""
    found = resolve(index.records(), given)
    return without_declarations(index.source(), found) if 1 < len(found) <= _CANDIDATES_MAX else found


def candidates(given: str, found: list[Located]) -> Answer:
    """Several symbols have that name: none is picked silently, the likeliest come first."""
    answer = Answer(key="candidates", value={"ambiguous": True}, total=len(found))
    answer.head.append(f"{len(found):,} symbols are called {one_line(given, 200)}: ask again with an id")
    found = sorted(found, key=_likeliest)
    for one, identity in islice(zip(found, candidate_ids(found), strict=True), _CANDIDATES_MAX):
        answer.items.append(Item(symbol_line(one, identity), {**symbol_value(one), "id": identity}))
    return answer


def _likeliest(found: Located) -> tuple[object, ...]:
    symbol = found.symbol
    return order_of(found.path, symbol.kind, symbol.container, symbol.name)


def no_symbol(index: AgentIndex, given: str) -> Answer:
    answer = Answer(key="candidates", value={"found": False}, total=0)
    answer.head.append(f"there is no symbol {one_line(given, 200)}")
    name = unescaped(given).rpartition("#")[2].rpartition(".")[2].partition("~")[0]
    near: list[Located] = []
    if name and "/" not in name:
        records = index.records()
        try:
            hits = records.view.find_symbols(name, "ignore-case", limit=5) or records.view.find_symbols(
                name, "fuzzy", limit=5
            )
        except QueryError:
            hits = []
        near = [one for hit in hits if (one := records.located(hit)) is not None]
    if near:
        answer.head.append("did you mean:")
        answer.items = [Item(symbol_line(one), symbol_value(one)) for one in near]
        answer.total = len(near)
    return answer


def outline(index: AgentIndex, given: OutlineInput) -> Answer:
    """The symbols of a file, nested; or the files of a folder, with how many symbols each has."""
    records = index.records()
    path = unescaped(given.path).strip("/")
    path = "" if path == "." else path
    is_indexed = path and records.view.payload(CODE.key(path)) is not None
    # A folder has no bytes, and is no file that has changed.
    if is_indexed or (path and index.files.bytes_of(path) is not None and records.symbols_in(path)):
        return _of_file(index, path, given.depth)
    return _of_folder(index, path, given.depth)


def _of_file(index: AgentIndex, path: str, depth: int) -> Answer:
    found = [one for one in index.records().symbols_in(path) if one.dotted.count(".") < depth]
    answer = Answer(key="symbols", value={"path": path}, total=len(found))
    answer.head.append(f"{path}: {len(found):,} symbols to depth {depth}; an id is {path}#name")
    for one in found:
        level = one.dotted.count(".")
        line = f"{'  ' * level}{one.row + 1}-{one.symbol.range[2] + 1} {one.symbol.kind} {one.symbol.name}"
        value = {
            "id": one.id,
            "kind": one.symbol.kind,
            "line": one.row + 1,
            "end_line": one.symbol.range[2] + 1,
        }
        answer.items.append(Item(line, value))
    return answer


def _of_folder(index: AgentIndex, folder: str, depth: int) -> Answer:
    view = index.records().view
    prefix = f"{folder}/" if folder else ""
    files: Counter[str] = Counter()
    total = 0
    for record in view.stored():
        path = record.key.decode("utf-8", "surrogateescape")
        if not path.startswith(prefix):
            continue
        total += 1
        parts = path[len(prefix) :].split("/")
        files["/".join(parts[:depth]) + ("/" if len(parts) > depth else "")] += 1
    if folder and not total:
        raise InvalidArgumentError(
            f"there is no file or folder {folder} in the index",
            advice='give a path relative to the repository; path="" lists it',
        )
    answer = Answer(key="entries", value={"path": folder, "files": total}, total=len(files))
    answer.head.append(f"{folder or '.'}: {total:,} files")
    for name, count in sorted(files.items()):
        shown = f"{name} {count:,} files" if name.endswith("/") else name
        answer.items.append(Item(shown, {"path": prefix + name, "files": count}))
    return answer


def status(index: AgentIndex, given: StatusInput) -> Answer:
    """The state of the index and of its keeper, and what to do if it is not ready."""
    said = index.keeper.state()
    with_store: dict[str, Any] = {}
    answer = Answer(value=with_store)
    if index.has_store():
        view = index.records().view
        counts = view.counts()
        with_store |= {"files": len(view), "symbols": counts.get("symbols", 0), "lsn": view.lsn}
        answer.head.append(f"{len(view):,} files, {counts.get('symbols', 0):,} symbols, LSN {view.lsn:,}")
        languages = view.facets("*", ["language"])["language"]
        if languages:
            shown = ", ".join(f"{name} {count:,}" for name, count in list(languages.items())[:_FOLDERS_SHOWN])
            answer.head.append(f"symbols by language: {shown}")
            with_store["languages"] = languages
    with_store |= {"root": index.place.root, "store": index.place.store, "keeper": said.document()}
    kept = f"process {said.pid}" if said.pid else "none"
    waits = f"; {said.pending_count:,} changed files wait" if said.pending_count else ""
    answer.head.append(f"repository {index.place.root}; keeper: {kept}{waits}")
    if said.warning:
        answer.head.append(f"warning: {said.warning}")
    if not said.is_ready:
        advice = (
            "call status with wait_s=10" if said.pid else "run `diptych doctor`, or `diptych index` by hand"
        )
        answer.head.append(f"not ready: {said.message or 'changed files wait'}; {advice}")
        with_store["advice"] = advice
    del given
    return answer


# How a symbol is shown.


def symbol_line(found: Located, identity: str = "") -> str:
    """`id:line kind — signature · first line of its documentation`."""
    shown = f"{identity or found.id} line {found.row + 1} {found.symbol.kind}"
    signature = one_line(found.symbol.signature, _SIGNATURE_MAX)
    if signature:
        shown += f" — {signature}"
    documentation = one_line(found.symbol.documentation.strip().partition("\n")[0], _DOCUMENTATION_MAX)
    return f"{shown} · {documentation}" if documentation else shown


def symbol_value(found: Located) -> dict[str, Any]:
    """A symbol as a JSON value."""
    symbol = found.symbol
    return {
        "id": found.id,
        "path": found.path,
        "line": found.row + 1,
        "kind": symbol.kind,
        "name": found.dotted,
        "signature": one_line(symbol.signature, _SIGNATURE_MAX),
        "doc": one_line(symbol.documentation.strip().partition("\n")[0], _DOCUMENTATION_MAX),
    }
