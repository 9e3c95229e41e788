"""The `diptych` command: its verbs, each imported only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup


class Verb(NamedTuple):
    """Where a verb is defined, and its line in the help: the first line of its docstring."""

    module: str
    help: str
    attribute: str = "run"


_HERE = "diptych.cli.commands"

VERBS = {
    "index": Verb(f"{_HERE}.index", "Bring the store up to date with a repository's files."),
    "search": Verb(f"{_HERE}.search", "Search names, signatures and documentation."),
    "symbol": Verb(f"{_HERE}.symbol", "Find the definitions of a name."),
    "refs": Verb(f"{_HERE}.refs", "Find what calls, extends, imports or mentions a name."),
    "files": Verb(f"{_HERE}.files", "List the files in the store."),
    "status": Verb(f"{_HERE}.status", "Show the contents and the state of the store."),
    "verify": Verb(f"{_HERE}.verify", "Look for damage, and change nothing."),
    "repair": Verb(f"{_HERE}.repair", "Repair a damaged store, and list what was lost."),
    "checkpoint": Verb(f"{_HERE}.checkpoint", "Publish a generation with everything committed."),
    "journal": Verb(f"{_HERE}.journal", "Show the journal, frame by frame."),
    "export": Verb(f"{_HERE}.export", "Write every record as a line of JSON."),
    "watch": Verb("diptych.cli.watch", "Keep the index up to date while files change.", "watch"),
    "versions": Verb("diptych.cli.versions", "Publish complete versions of an index directory.", "app"),
}


class WrappedError(Exception):
    """Carries an exception past the handlers of Typer, which would print it themselves."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Verbs(TyperGroup):
    """A group that imports a command's module when it is called, not to list it."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """The verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """The verb's command, or None if there is no such verb."""
        if cmd_name not in VERBS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name, VERBS[cmd_name])
        return self.commands[cmd_name]

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """The list of verbs in the help, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])

    def invoke(self, ctx: Any) -> Any:
        """Run the verb. Errors that Typer would handle are raised as WrappedError."""
        # Imported here: the help needs no logging.
        from diptych.cli.logs import install

        install()
        try:
            return super().invoke(ctx)
        except (OSError, KeyboardInterrupt, EOFError) as error:
            raise WrappedError(error) from error


def _load(name: str, verb: Verb) -> Any:
    found = getattr(import_module(verb.module), verb.attribute)
    # Without Rich, which takes longer to import than most commands take to run.
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
        group: Any = typer.main.get_command(app)
        return group.commands[name]
    app.command(name)(found)
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        from diptych._version import __version__
        from diptych.cli.output import line

        line(f"diptych {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A crash-safe index of source code: find definitions, references and words in it.

    \b
    Begin with:
      diptych index                     in a repository
      diptych search "parse AND kind:function"
      diptych symbol parse

    Each command has its own help, with examples: diptych COMMAND --help.
    Exit codes: 0 done, 1 findings or no match, 2 usage, 3 not found, 4 locked, 5 corrupt,
    6 stale or incompatible, 7 input/output error.
    """


def command() -> Any:
    """The complete command, ready to be called."""
    app = typer.Typer(
        cls=Verbs,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return typer.main.get_command(app)
