"""What universal-ctags finds in files, as the second opinion on definitions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# The kinds that are definitions, by their letters. Left out: locals, parameters, labels, imports, receivers,
# Rust's `impl`, and the variables and aliases of TypeScript, among which ctags has locals and imports.
_LANGUAGES = {
    "bash": ("Sh", "af"),
    "c": ("C", "defgmpstuvx"),
    "cpp": ("C++", "cdefgmnpstuvx"),
    "csharp": ("C#", "Ecefgimnps"),
    "go": ("Go", "acfimnpstv"),
    "java": ("Java", "acefgimp"),
    "php": ("PHP", "cdfintv"),
    "ruby": ("Ruby", "ACSacfm"),
    "rust": ("Rust", "MPefgimnstv"),
    "typescript": ("TypeScript", "Gcefgimnp"),
}
LANGUAGES = tuple(_LANGUAGES)
# What ctags calls a definition, and the kinds that a symbol of it may have here.
ALIKE = {
    "accessor": {"field"},
    "alias": {"method", "function", "constant"},
    "annotation": {"interface"},
    "class": {"class"},
    "const": {"constant"},
    "constant": {"constant", "class", "module"},
    "define": {"constant"},
    "enum": {"enum"},
    "enumConstant": {"constant"},
    "enumerator": {"constant"},
    "event": {"field"},
    "externvar": {"variable", "field"},
    "field": {"field", "constant"},
    "func": {"function", "method"},
    "function": {"function", "method"},
    "generator": {"function", "method"},
    "interface": {"interface", "trait"},
    "macro": {"macro"},
    "member": {"field", "method"},
    "method": {"method", "function"},
    "methodSpec": {"method"},
    "module": {"module"},
    "namespace": {"namespace"},
    "object": {"class"},
    "package": {"module"},
    "property": {"field", "method"},
    "prototype": {"function", "method"},
    "singletonMethod": {"method"},
    "struct": {"struct"},
    "talias": {"type"},
    "type": {"type"},
    "trait": {"trait"},
    "typealias": {"type"},
    "typedef": {"type"},
    "union": {"struct"},
    "var": {"variable"},
    "variable": {"variable", "constant", "field"},
}


class Tag(NamedTuple):
    """A definition as ctags gives it; `line` counts from one."""

    name: str
    kind: str
    line: int
    scope: str


class CtagsError(Exception):
    """ctags is missing, or is another program, or failed."""


def tags(language: str, root: str, paths: Sequence[str]) -> Iterator[tuple[str, Tag]]:
    """Each tag in `paths` (relative to `root`) with its path. Raises CtagsError."""
    name, kinds = _LANGUAGES[language]
    command = [
        "ctags", "--options=NONE", "--output-format=json", "--fields=+nKsS", f"--language-force={name}",
        f"--kinds-{name}={kinds}", "--extras=F", "--sort=no", "-f", "-", "-L", "-",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            cwd=root,
            input="\n".join(paths),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise CtagsError("ctags is not installed: install universal-ctags") from None
    if done.returncode:
        raise CtagsError(
            f"ctags failed; it has to be universal-ctags, with JSON: {done.stderr.strip()[:200]}"
        )
    for line in done.stdout.splitlines():
        found = json.loads(line)
        # RSpec's blocks have kinds of their own; what `attr_accessor` makes is there twice, once with `=`.
        writer = found.get("kind") == "accessor" and found["name"].endswith("=")
        if found["_type"] == "tag" and found["kind"] in ALIKE and not writer:
            name = _name_of(language, found)
            yield found["path"], Tag(name, found["kind"], found["line"], found.get("scope", ""))


def _name_of(language: str, found: dict[str, str]) -> str:
    """A tag's name. In C#, without `operator` and the interface that has the member."""
    name = found["name"]
    if language != "csharp" or found["kind"] == "namespace":
        return name
    return name.removeprefix("operator ").rpartition(".")[2]
