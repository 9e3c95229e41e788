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
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import msgpack

from diptych import fs, secrets
from diptych.artifact.errors import SecretsFoundError
from diptych.layout import is_path_inside
from diptych.model import FileRecord
from diptych.schema.base import Schema
from diptych.store.generation import open_segment
from diptych.store.manifest import Manifest

ALLOWED = "allowed-secrets"
"""Beside the store's files: fingerprints that may be sent, one a line, `#` begins a comment."""
NOSHARE = ".diptych-noshare"
"""In the repository's root: paths that are not shared, in `.gitignore`'s syntax."""
MAX_FINDINGS = 1_000
_SETTINGS_MOST_BYTES = 1 << 20
_SHOWN = 5
_INFLATED_MOST_BYTES = 64 * 1024 * 1024
_NESTING_MOST = 32
_CLEAN_MOST = 500_000
_FINGERPRINT = re.compile(r"[0-9a-f]{32}\Z")


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
    """`name`, `signature`, `documentation`, `relation`, `names`, `value` or `path`."""
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
        """BLAKE3 of what is allowed and not shared: by it a manifest says what it was looked through for."""
        from blake3 import blake3

        return blake3(
            "\0".join([*sorted(self.allowed), "", *self.noshare]).encode("utf-8", "replace")
        ).hexdigest()


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


def scrub(
    store: str, manifest: Manifest, schema: Schema[Any], rules: Rules, *, known: Collection[int] = frozenset()
) -> Scrubbed:
    """Look through the generation with `manifest`, of the store at `store`.

    `known` are checksums of records that were looked through before, by the same rules, and had nothing.
    Raises CorruptSnapshotError, StorageError, ModuleNotFoundError where detect-secrets is not installed.
    """
    secrets.require()
    done = Scrubbed()
    live: set[str] = set()
    clean: set[str] = set()
    dead: list[tuple[str, bytes]] = []
    refuse_path = _path_rules(rules)
    for listed in manifest.segments:
        segment = open_segment(store, listed, schema)
        for record_id in range(len(segment)):
            record = segment.record(record_id)
            path = record.key.decode("utf-8", "surrogateescape")
            if not listed.is_live(record_id):
                dead.append((path, record.payload))
                continue
            done.records += 1
            reason = refuse_path(path)
            if reason:
                done.findings.append(Finding(path, "path", "", reason, "", deleted=False))
            if record.checksum not in known:
                found = list(_findings(path, record.payload, schema, rules, clean, deleted=False))
                live.update(finding.fingerprint for finding in found)
                done.findings += found
            if len(done.findings) >= MAX_FINDINGS:
                return done
    done.dead_records = len(dead)
    named = {finding.path for finding in done.findings if finding.where == "path"}
    for path, payload in dead:
        reason = "" if path in named else refuse_path(path)
        if reason:
            named.add(path)
            done.findings.append(Finding(path, "path", "", reason, "", deleted=True))
        # What a live record has as well is named once, as live.
        done.findings += [
            finding
            for finding in _findings(path, payload, schema, rules, clean, deleted=True)
            if finding.fingerprint not in live
        ]
        if len(done.findings) >= MAX_FINDINGS:
            break
    return done


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


def _findings(
    path: str, payload: bytes, schema: Schema[Any], rules: Rules, clean: set[str], *, deleted: bool
) -> Iterator[Finding]:
    """What is found in a record. `clean` are strings in which nothing was, and gets those of this record."""
    # Every string of the record at once first, whatever it means, and only what no record before had: most
    # strings are in many, and most records have nothing. No form goes past a NUL.
    new = set(_strings(payload)) - clean
    joined = "\n\0\n".join(new)
    has_home = bool(rules.home) and rules.home in joined
    if not has_home and not secrets.find(joined) and not secrets.find(path):
        if len(clean) < _CLEAN_MOST:
            clean |= new
        return
    for where, symbol, value in (Text("path", "", path), *_texts(path, payload, schema)):
        if value in clean:
            continue
        if rules.home and rules.home in value:
            yield Finding(path, where, symbol, "home directory", "", deleted=deleted)
        for secret in secrets.find(value):
            name = fingerprint(value[secret.start : secret.end])
            if name not in rules.allowed:
                # A name that is the secret must not be shown.
                shown = "" if secrets.find(symbol) else symbol
                shown_path = secrets.redacted(path)
                yield Finding(shown_path, where, shown, secret.kind, name, deleted=deleted)


def _texts(path: str, payload: bytes, schema: Schema[Any]) -> Iterator[Text]:
    """Every text of a record: by its fields where it is a file's, else all that its payload holds."""
    try:
        record = schema.unpack(path.encode("utf-8", "surrogateescape"), payload)
    except (ValueError, TypeError, LookupError, msgpack.UnpackException):
        # Of an earlier version of the schema: every text in it, whatever it means.
        record = None
    if not isinstance(record, FileRecord):
        yield from (Text("value", "", value) for value in _strings(payload))
        return
    for symbol in record.symbols:
        yield Text("signature", symbol.name, symbol.signature)
        yield Text("documentation", symbol.name, symbol.documentation)
        yield Text("name", symbol.name, symbol.name)
        yield Text("name", symbol.name, symbol.container)
    for target in {relation.target for relation in record.relations}:
        yield Text("relation", "", target)
    if record.names:
        yield from (Text("names", "", value) for value in _strings(record.names))


def _strings(value: Any) -> list[str]:
    """The strings in a value, packed or compressed as it may be."""
    found: list[str] = []
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif depth > _NESTING_MOST:
            continue
        elif isinstance(one, bytes | bytearray | memoryview):
            data = bytes(one)
            unpacked = _unpacked(data)
            waiting.append((data.decode("utf-8", "replace") if unpacked is None else unpacked, depth + 1))
        else:
            if isinstance(one, dict):
                one = (*one, *one.values())
            if isinstance(one, list | tuple):
                # Nearly all are strings and numbers: these take no turn of their own.
                for inner in one:
                    if type(inner) is str:
                        found.append(inner)
                    elif type(inner) is not int:
                        waiting.append((inner, depth + 1))
    return found


def _unpacked(data: bytes) -> Any:
    """What is packed in the bytes; None where that is nothing."""
    # The names part is a version, then zlib.
    for packed in (data, _inflated(data[1:])):
        try:
            unpacked = msgpack.unpackb(packed, strict_map_key=False, unicode_errors="surrogateescape")
        except (ValueError, TypeError, msgpack.UnpackException):
            continue
        if not isinstance(unpacked, int):
            return unpacked
    return None


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _INFLATED_MOST_BYTES)
    except zlib.error:
        return b""


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
