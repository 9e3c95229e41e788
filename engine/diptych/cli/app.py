"""The `diptych` command: its verbs, each imported only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from diptych.cli.arguments import (
    Command,
    Parser,
    UsageError,
    add_help,
    call,
    declare,
    parameters_of,
    reflowed,
)
from diptych.cli.exit_codes import ExitCode


class Verb(NamedTuple):
    """Where a verb is defined, and its line in the help: the first line of its docstring."""

    module: str
    help: str
    attribute: str = "run"


_NAME = "diptych"
_HERE = "diptych.cli.commands"

VERBS = {
    "index": Verb(f"{_HERE}.index", "Bring the store up to date with a repository's files."),
    "search": Verb(f"{_HERE}.search", "Search names, signatures and documentation."),
    "symbol": Verb(f"{_HERE}.symbol", "Find the definitions of a name."),
    "refs": Verb(f"{_HERE}.refs", "Find what calls, extends, imports or mentions a name."),
    "definition": Verb(f"{_HERE}.definition", "Find what the name at a place refers to."),
    "references": Verb(f"{_HERE}.references", "Find where the definition of the name at a place is used."),
    "calls": Verb(f"{_HERE}.calls", "Find what calls a function, or what it calls."),
    "outline": Verb(f"{_HERE}.outline", "List the symbols of a file."),
    "files": Verb(f"{_HERE}.files", "List the files in the store."),
    "status": Verb(f"{_HERE}.status", "Show the contents and the state of the store."),
    "doctor": Verb(f"{_HERE}.doctor", "Say what is missing here, and what to do about it."),
    "verify": Verb(f"{_HERE}.verify", "Look for damage, and change nothing."),
    "repair": Verb(f"{_HERE}.repair", "Repair a damaged store, and list what was lost."),
    "checkpoint": Verb(f"{_HERE}.checkpoint", "Publish a generation with everything committed."),
    "backup": Verb(f"{_HERE}.backup", "Copy the store at one LSN, beside a running writer."),
    "fork": Verb(f"{_HERE}.fork", "Make another store that shares this one's segments."),
    "migrate": Verb(f"{_HERE}.migrate", "Bring the store up to date with its schema and with this Diptych."),
    "journal": Verb(f"{_HERE}.journal", "Show the journal, frame by frame."),
    "changes": Verb(f"{_HERE}.changes", "List what was committed after an LSN."),
    "consumers": Verb(f"{_HERE}.consumers", "List the named consumers, or remove one."),
    "export": Verb(f"{_HERE}.export", "Write every record as a line of JSON."),
    "watch": Verb("diptych.cli.watch", "Keep the index up to date while files change.", "watch"),
    "lsp": Verb(f"{_HERE}.lsp", "Serve an editor through the Language Server Protocol."),
    "mcp": Verb(f"{_HERE}.mcp", "Serve agents over the Model Context Protocol."),
    "scip": Verb(f"{_HERE}.scip", "Exchange an index with other indexers through SCIP.", "VERBS"),
    "artifact": Verb(f"{_HERE}.artifact", "Share indexes with other machines: push, pull, sync, …", "VERBS"),
    "versions": Verb("diptych.cli.versions", "Publish complete versions of an index directory.", "VERBS"),
}

_ABOUT = """A crash-safe index of source code: find definitions, references and words in it.

\b
Begin with:
  diptych index                     in a repository
  diptych search "parse AND kind:function"
  diptych symbol parse

Each command has its own help, with examples: diptych COMMAND --help.
Exit codes: 0 done, 1 findings or no match, 2 usage, 3 not found, 4 locked, 5 corrupt,
6 stale or incompatible, 7 input/output error.
"""


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. Raises UsageError, SystemExit after help, and what the verb does."""
    first = arguments[0] if arguments else ""
    if first in VERBS:
        # Imported here: the help needs no logging.
        from diptych.cli.logs import install

        install()
        found = loaded(first)
        if isinstance(found, Mapping):
            return _run_one_of(first, found, arguments[1:])
        return call(found, f"{_NAME} {first}", arguments[1:])
    parser = _top()
    _show_help_for_nothing(parser, arguments)
    given, rest = parser.parse_known_args(arguments)
    if given.version:
        from diptych._version import __version__
        from diptych.cli.output import line

        line(f"diptych {__version__}")
    elif given.print_completion is not None:
        from diptych.cli.completion import print_completion

        print_completion(given.print_completion, whole(), parser)
    else:
        _refuse(parser, rest, VERBS)
    return ExitCode.DONE


def loaded(verb: str) -> Command | Mapping[str, Command]:
    """The command of a verb, or the commands below it by name."""
    found: Command | Mapping[str, Command] = getattr(import_module(VERBS[verb].module), VERBS[verb].attribute)
    return found


def _run_one_of(group: str, verbs: Mapping[str, Command], arguments: Sequence[str]) -> int:
    path = f"{_NAME} {group}"
    first = arguments[0] if arguments else ""
    if first in verbs:
        return call(verbs[first], f"{path} {first}", arguments[1:])
    helps = {name: _first_line(command) for name, command in verbs.items()}
    parser = _parser(path, reflowed(VERBS[group].help), helps)
    add_help(parser.add_argument_group("Options"))
    _show_help_for_nothing(parser, arguments)
    _refuse(parser, parser.parse_known_args(arguments)[1], verbs)
    return ExitCode.DONE


def _first_line(command: Command) -> str:
    return (command.__doc__ or "").partition("\n")[0]


def _parser(path: str, about: str, verbs: Mapping[str, str]) -> Parser:
    """A parser of what may come before a verb, whose help lists the verbs."""
    listed = "\n".join(f"  {name:<22}  {text}" for name, text in verbs.items())
    return Parser(
        path, usage=f"{path} [OPTIONS] COMMAND [ARGS]...", description=f"{about}\n\nCommands:\n{listed}"
    )


def _show_help_for_nothing(parser: Parser, arguments: Sequence[str]) -> None:
    if not arguments:
        parser.print_help(sys.stderr)
        raise SystemExit(ExitCode.USAGE)


def _refuse(parser: Parser, rest: Sequence[str], verbs: Mapping[str, object]) -> None:
    """Raise UsageError for a verb that there is not, or for none."""
    given = next((word for word in rest if not word.startswith("-")), "")
    if not given:
        parser.error(f"there is no option {rest[0]}" if rest else "a command is missing")
    if given in verbs:
        parser.error(f"{rest[0]} comes before {given}: options of a command follow it")
    import difflib

    alike = difflib.get_close_matches(given, verbs, 1)
    parser.error(f"there is no command {given!r}" + (f"; the most similar is {alike[0]}" if alike else ""))


def _top() -> Parser:
    """The parser of what may come before a verb."""
    parser = _parser(_NAME, reflowed(_ABOUT), {name: verb.help for name, verb in VERBS.items()})
    options = parser.add_argument_group("Options")
    options.add_argument("--version", action="store_true", help="Print the version.")
    options.add_argument(
        "--print-completion", metavar="SHELL", help="Print completion for bash, zsh, fish or another shell."
    )
    add_help(options)
    return parser


def whole() -> Parser:
    """The parser of every verb at once, which completion is made from."""
    parser = _top()
    _add_all(parser, {name: loaded(name) for name in VERBS})
    return parser


def _add_all(parser: Parser, verbs: Mapping[str, Command | Mapping[str, Command]]) -> None:
    below = parser.add_subparsers(parser_class=Parser)
    for name, found in verbs.items():
        if isinstance(found, Mapping):
            _add_all(below.add_parser(name, help=VERBS[name].help), found)
        else:
            declare(below.add_parser(name, help=_first_line(found)), found, parameters_of(found))


__all__ = ["VERBS", "UsageError", "Verb", "loaded", "run", "whole"]
