"""What must not leave the machine: secrets, in live and in deleted records, and names of people and folders.

A generation is looked through as it would be sent: every record of every segment, those too that are dead,
whose text is still in the segment's files. What is found names the file, the symbol and the kind of secret,
never the secret; a fingerprint names it for `.diptych/allowed-secrets`.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import msgpack

from diptych import fs, secrets
from diptych.artifact.errors import SecretsFoundError
from diptych.artifact.strings import strings_in
from diptych.errors import CorruptionError
from diptych.layout import is_path_inside
from diptych.model import FileRecord
from diptych.schema.base import Schema
from diptych.schema.code import CodeSchema
from diptych.store.generation import open_segment
from diptych.store.manifest import Manifest

ALLOWED = "allowed-secrets"
"""Beside the store's files: fingerprints that may be sent, one a line, `#` begins a comment."""
NOSHARE = ".diptych-noshare"
"""In the repository's root: paths that are not shared, in `.gitignore`'s syntax."""
MAX_FINDINGS = 1_000
_SETTINGS_MOST_BYTES = 1 << 20
_SHOWN = 5
_BATCH_BYTES = 256 * 1024
_BETWEEN = "\n\0\n"
_CLEAN_MOST = 500_000
_FINGERPRINT = re.compile(r"[0-9a-f]{32}\Z")


class _Row(NamedTuple):
    """A record: its path, and what it packs."""

    path: str
    payload: bytes


class Text(NamedTuple):
    """A text of a record: of which symbol, and of which field."""

    where: str
    symbol: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not leave. `symbol` is "" where it is in no symbol's text."""

    path: str
    where: str
    """`name`, `kind`, `signature`, `documentation`, `relation`, `names`, `language`, `content hash`, `value`
    or `path`."""
    symbol: str
    kind: str
    fingerprint: str
    """Names the secret without showing it; "" for what cannot be allowed by it."""
    deleted: bool
    """It is in no live record: `push --compact` is enough."""

    def __str__(self) -> str:
        what = f"{self.path}: {self.symbol}" if self.symbol else self.path
        deleted = ", deleted, but still in the files" if self.deleted else ""
        named = f", fingerprint {self.fingerprint}" if self.fingerprint else ""
        return f"{what} ({self.kind}{deleted}{named})"


@dataclass(frozen=True, slots=True)
class Rules:
    """What is looked for. `user` and `home` "" look for neither."""

    allowed: frozenset[str] = frozenset()
    noshare: tuple[str, ...] = ()
    home: str = ""
    user: str = ""

    @classmethod
    def of(cls, store: str, root: str | None) -> Rules:
        """The rules of a store and of the repository at `root`. Raises StorageError."""
        noshare = _lines(os.path.join(root, NOSHARE)) if root is not None else []
        allowed = frozenset(
            line for line in _lines(os.path.join(store, ALLOWED)) if _FINGERPRINT.match(line) is not None
        )
        return cls(allowed, tuple(noshare), _home(), _user())

    @property
    def digest(self) -> str:
        """BLAKE3 of what is looked for, allowed and not shared: what a manifest was looked through for."""
        from blake3 import blake3

        said = [str(secrets.VERSION), *sorted(self.allowed), "", *self.noshare]
        return blake3("\0".join(said).encode("utf-8", "replace")).hexdigest()


@dataclass(slots=True)
class Scrubbed:
    """What was looked through, and found."""

    records: int = 0
    dead_records: int = 0
    """Their text is still in the segments."""
    findings: list[Finding] = field(default_factory=list)

    def refuse(self) -> None:
        """Raise SecretsFoundError if anything was found."""
        if not self.findings:
            return
        count = len(self.findings)
        shown = "; ".join(str(finding) for finding in self.findings[:_SHOWN])
        more = f"; and {count - _SHOWN} more" if count > _SHOWN else ""
        noun = "finding" if count == 1 else "findings"
        counted = f"{count}{'+' if count >= MAX_FINDINGS else ''} {noun}"
        raise SecretsFoundError(
            f"{counted} that must not leave this machine: {shown}{more}",
            advice=_advice(self.findings),
        )


def _advice(findings: Iterable[Finding]) -> str:
    if all(finding.deleted for finding in findings):
        return "rotate them, then push again with --compact, which drops deleted text: nothing was sent"
    if all(finding.where == "path" for finding in findings):
        return "leave these files out (`diptych index --exclude`), then push with --compact"
    return (
        "rotate them, run `diptych index --redact`, and push with --compact;"
        f" what is no secret, name in .diptych/{ALLOWED} by its fingerprint"
    )


def scrub(store: str, manifest: Manifest, schema: Schema[Any], rules: Rules) -> Scrubbed:
    """Look through the generation with `manifest`, of the store at `store`.

    Raises CorruptSnapshotError, StorageError, ModuleNotFoundError where detect-secrets is not installed.
    """
    secrets.require()
    done = Scrubbed()
    live: set[str] = set()
    scan = _Scan(schema, rules)
    dead: list[_Row] = []
    refuse_path = _path_rules(rules)
    for listed in manifest.segments:
        segment = open_segment(store, listed, schema)
        rows: list[_Row] = []
        for record_id in range(len(segment)):
            record = segment.record(record_id)
            row = _Row(record.key.decode("utf-8", "surrogateescape"), record.payload)
            (rows if listed.is_live(record_id) else dead).append(row)
        done.records += len(rows)
        for batch in _batches(rows):
            for row in batch:
                reason = refuse_path(row.path)
                if reason:
                    done.findings.append(Finding(row.path, "path", "", reason, "", deleted=False))
            found = list(scan.findings(batch, deleted=False))
            live.update(finding.fingerprint for finding in found)
            done.findings += found
            if len(done.findings) >= MAX_FINDINGS:
                return done
    done.dead_records = len(dead)
    named = {finding.path for finding in done.findings if finding.where == "path"}
    for batch in _batches(dead):
        for row in batch:
            reason = "" if row.path in named else refuse_path(row.path)
            if reason:
                named.add(row.path)
                done.findings.append(Finding(row.path, "path", "", reason, "", deleted=True))
        # What a live record has as well is named once, as live.
        found = list(scan.findings(batch, deleted=True))
        done.findings += [finding for finding in found if finding.fingerprint not in live]
        if len(done.findings) >= MAX_FINDINGS:
            break
    return done


def _batches(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """The records, so many at once that their strings fill a text worth searching."""
    batch: list[_Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row.payload)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def unlisted(names: Iterable[str], manifest: Manifest) -> list[str]:
    """Of these files below a store, those that no generation with `manifest` has: they must not be sent."""
    from diptych.layout import GENERATIONS, SEAL, SEGMENTS, parse_generation_name

    segments = {
        f"{SEGMENTS}/{listed.digest}/{name}"
        for listed in manifest.segments
        for name in (SEAL, *listed.seal.files)
    }

    def is_manifest(name: str) -> bool:
        folder, _, last = name.rpartition("/")
        parsed = parse_generation_name(last)
        return folder == GENERATIONS and parsed is not None and parsed[0] == manifest.lsn

    return [name for name in names if name not in segments and not is_manifest(name)]


class _Scan:
    """Looks through records, and remembers the strings in which nothing was: most are in many records."""

    def __init__(self, schema: Schema[Any], rules: Rules) -> None:
        self._schema, self._rules = schema, rules
        self._clean: set[str] = set()

    def findings(self, rows: Sequence[_Row], *, deleted: bool) -> Iterator[Finding]:
        """What is found in these records."""
        strings: set[str] = set()
        for row in rows:
            strings.add(row.path)
            strings |= self._strings_of(row)
        strings -= self._clean
        # Every string of all of them at once, whatever it means; nearly always nothing is in any.
        suspects = self._suspects(strings)
        if len(self._clean) < _CLEAN_MOST:
            self._clean |= strings - suspects
        if not suspects:
            return
        for row in rows:
            if row.path in suspects or not suspects.isdisjoint(self._strings_of(row)):
                yield from self._findings_of(row, deleted=deleted)

    def _strings_of(self, row: _Row) -> set[str]:
        """The values of the texts of a record, in less time than with where each is."""
        if not isinstance(self._schema, CodeSchema):
            return strings_in(row.payload)
        try:
            texts = self._schema.texts(row.payload)
            names = self._schema.names_part(row.payload)[2]
        except CorruptionError:
            return strings_in(row.payload)
        return texts | strings_in(names)

    def _suspects(self, strings: Iterable[str]) -> set[str]:
        """Those in which something is."""
        suspects: set[str] = set()
        # Apart, since text of one byte a character is searched several times as fast.
        apart: tuple[list[str], list[str]] = ([], [])
        for one in strings:
            apart[one.isascii()].append(one)
        for alike in apart:
            # No form goes past a NUL.
            joined = _BETWEEN.join(alike)
            places = [secret.start for secret in secrets.find(joined)]
            home = self._rules.home
            places += (match.start() for match in re.finditer(re.escape(home), joined)) if home else ()
            if places:
                starts = list(accumulate((len(one) + len(_BETWEEN) for one in alike), initial=0))
                suspects.update(alike[bisect_right(starts, place) - 1] for place in places)
        return suspects

    def _findings_of(self, row: _Row, *, deleted: bool) -> Iterator[Finding]:
        """What is found in one record, and where."""
        path, rules = row.path, self._rules
        for where, symbol, value in (Text("path", "", path), *_texts(path, row.payload, self._schema)):
            if value in self._clean:
                continue
            # What a path says is judged by the rules of paths.
            if rules.home and where != "path" and rules.home in value:
                yield Finding(path, where, symbol, "home directory", "", deleted=deleted)
            for secret in secrets.find(value):
                name = fingerprint(value[secret.start : secret.end])
                if name not in rules.allowed:
                    # A name that is the secret must not be shown.
                    shown = "" if secrets.find(symbol) else symbol
                    shown_path = secrets.redacted(path)
                    yield Finding(shown_path, where, shown, secret.kind, name, deleted=deleted)


def _file_record(path: str, payload: bytes, schema: Schema[Any]) -> FileRecord | None:
    """The record of a file; None for any other, and for one of a version that cannot be read."""
    try:
        record = schema.unpack(path.encode("utf-8", "surrogateescape"), payload)
    except (CorruptionError, ValueError, TypeError, LookupError, msgpack.UnpackException):
        return None
    return record if isinstance(record, FileRecord) else None


def _texts(path: str, payload: bytes, schema: Schema[Any]) -> Iterator[Text]:
    """Every text of a record: by its fields where it is a file's, else all that its payload holds."""
    record = _file_record(path, payload, schema)
    if record is None:
        # Every text in it, whatever it means.
        yield from (Text("value", "", value) for value in strings_in(payload))
        return
    yield Text("content hash", "", record.content_hash)
    yield Text("language", "", record.language)
    for symbol in record.symbols:
        yield Text("kind", symbol.name, symbol.kind)
        yield Text("signature", symbol.name, symbol.signature)
        yield Text("documentation", symbol.name, symbol.documentation)
        yield Text("name", symbol.name, symbol.name)
        yield Text("name", symbol.name, symbol.container)
    for value in {text for relation in record.relations for text in relation[:3]}:
        yield Text("relation", "", value)
    if record.names:
        yield from (Text("names", "", value) for value in strings_in(record.names))


@lru_cache(maxsize=4_096)
def fingerprint(secret: str) -> str:
    """32 hexadecimal digits that name a secret. Slow on purpose: a short one must not be guessed from it."""
    return hashlib.scrypt(
        secret.encode("utf-8", "surrogatepass"), salt=b"diptych secret", n=1 << 13, r=8, p=1, dklen=16
    ).hex()


def _path_rules(rules: Rules) -> Any:
    """What says why a path must not leave; "" where it may."""
    spec = None
    if rules.noshare:
        with fs.importing("pathspec"):
            from pathspec import GitIgnoreSpec

        spec = GitIgnoreSpec.from_lines(rules.noshare)
    user = rules.user

    def reason(path: str) -> str:
        if not is_path_inside(path.encode("utf-8", "surrogateescape")) or path[1:3] in (":/", ":\\"):
            return "a path outside of the repository"
        if spec is not None and spec.match_file(path):
            return f"named in {NOSHARE}"
        parts = path.split("/")
        if user and any(
            folder.lower() in ("home", "users") and name == user for folder, name in pairwise(parts)
        ):
            return "a home directory"
        return ""

    return reason


def _lines(path: str) -> list[str]:
    try:
        data = fs.read_bounded(path, _SETTINGS_MOST_BYTES)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise fs.storage_error(error, "read", path) from error
    lines = (line.strip() for line in data.decode("utf-8", "surrogateescape").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _home() -> str:
    """The home directory, if its name is one that nothing else has: /home/name, not / or /root."""
    home = os.path.expanduser("~").rstrip("/")
    return home if home.count("/") >= 2 else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
