"""Command lines that are declared in a function's signature, and read by argparse.

    def run(
        name: Annotated[str, Argument("NAME", help="The exact name.")],
        limit: Annotated[int, Option("--limit", "-n", bounds=(1, 1000), help="How many.")] = 20,
    ) -> int | None:

A parameter is of type str, int, float, bool, a Literal of strings, a list, or another that `parse` makes;
`| None` means that it may be left out. Libraries that offer the same import ten times as much as argparse;
importing takes longer than most commands run: see docs/decisions/0006-command-line.md.
"""

from __future__ import annotations

import argparse
import itertools
import os
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, NoReturn, Union, get_args, get_origin, get_type_hints

from diptych.cli.exit_codes import ExitCode

Command = Callable[..., int | None]
"""A command: it returns its exit code; None is 0."""

_WIDTH = 100
_INDENT = 26


class UsageError(Exception):
    """A mistake in the command line."""

    def __init__(self, message: str, path: str, usage: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        """The command up to its verb, as it was called."""
        self.usage = usage


class BadValueError(argparse.ArgumentTypeError):
    """A value that an option or argument cannot have. The message is a sentence without a full stop."""


Bounds = tuple[float, float]
"""The least and the greatest value, both included."""


class Option:
    """An option; without names, that of the parameter. One of `--with/--without` sets a bool either way.

    `parse` makes the value of a text, or raises BadValueError. A number has bounds. `env` is the environment
    variable that counts where the option is not given.
    """

    def __init__(
        self,
        *names: str,
        help: str = "",  # noqa: A002 - as argparse calls it
        metavar: str = "",
        parse: Callable[[str], Any] | None = None,
        bounds: Bounds | None = None,
        env: str = "",
    ) -> None:
        self.names, self.metavar, self.help = names, metavar, help
        self.parse, self.bounds, self.env = parse, bounds, env


class Argument(Option):
    """A positional argument."""

    def __init__(
        self,
        metavar: str,
        *,
        help: str = "",  # noqa: A002
        parse: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__(help=help, metavar=metavar, parse=parse)


class Parameter(NamedTuple):
    """A parameter of a command."""

    name: str
    option_names: tuple[str, ...]
    """() for an argument."""
    declared: Option
    kind: type
    """str, int, float or bool; of one element where `many`."""
    many: bool
    choices: tuple[str, ...]
    required: bool
    default: Any

    def value(self, text: str) -> Any:
        """The value that `text` stands for. Raises BadValueError."""
        if text is argparse.SUPPRESS:
            # Of an argument that was left out: some releases of argparse pass their marker here.
            return text
        if self.choices:
            if text not in self.choices:
                raise BadValueError(f"{text!r} is not one of {', '.join(self.choices)}")
            return text
        if self.kind is int or self.kind is float:
            return self._number(text)
        return text if self.declared.parse is None else self.declared.parse(text)

    def _number(self, text: str) -> float:
        try:
            number: float = self.kind(text)
        except ValueError:
            raise BadValueError(f"{text!r} is no {'whole ' if self.kind is int else ''}number") from None
        if self.declared.bounds is not None:
            least, most = self.declared.bounds
            # In this form NaN is out of bounds too.
            if not least <= number <= most:
                raise BadValueError(f"{text} is not between {least:,} and {most:,}")
        return number


def parameters_of(command: Command) -> list[Parameter]:
    """The parameters of a command, in order."""
    hints = get_type_hints(command, include_extras=True)
    names = command.__code__.co_varnames[: command.__code__.co_argcount]
    defaults: tuple[Any, ...] = command.__defaults__ or ()
    first_default = len(names) - len(defaults)
    found = []
    for number, name in enumerate(names):
        hint, declared = get_args(hints[name])
        # One declaration may serve several parameters.
        option_names = declared.names or (f"--{name.replace('_', '-')}",)
        optional = get_origin(hint) in (Union, _UNION)
        if optional:
            (hint,) = (one for one in get_args(hint) if one is not type(None))
        many = get_origin(hint) is list
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        kind = str if choices else get_args(hint)[0] if many else hint
        required = number < first_default
        default = None if required else defaults[number - first_default]
        if isinstance(declared, Argument):
            option_names = ()
        found.append(Parameter(name, option_names, declared, kind, many, choices, required, default))
    return found


_UNION = type(int | None)


def parse(command: Command, path: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The arguments of a command, by name. `path` is how it was called.

    Raises UsageError, and SystemExit after the help.
    """
    parameters = parameters_of(command)
    parser = Parser(path)
    declare(parser, command, parameters)
    values = {parameter.name: parameter.default for parameter in parameters}
    for parameter in parameters:
        text = os.environ.get(parameter.declared.env, "") if parameter.declared.env else ""
        if text:
            try:
                values[parameter.name] = parameter.value(text)
            except BadValueError as error:
                parser.error(f"the environment variable {parameter.declared.env}: {error}")
    words = next((one for one in parameters if one.many and isinstance(one.declared, Argument)), None)
    if words is None:
        return values | vars(parser.parse_args(arguments))
    # Options may come between the words of an argument that takes many; after `--` all are words. That
    # argparse cannot do both at once is why the second is done here.
    before = list(itertools.takewhile(lambda word: word != "--", arguments))
    values |= vars(parser.parse_intermixed_args(before))
    given = [*(values[words.name] or ()), *map(words.value, arguments[len(before) + 1 :])]
    if words.required and not given:
        parser.error(f"{words.declared.metavar} is missing")
    return values | {words.name: given}


class _Switch(argparse.Action):
    """The first option of a pair sets True, the second False."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - as argparse calls it
        namespace: argparse.Namespace,
        values: object,  # noqa: ARG002
        option_string: str | None = None,
    ) -> None:
        """Keep which of the two it was."""
        setattr(namespace, self.dest, option_string != self.option_strings[1])


def declare(parser: argparse.ArgumentParser, command: Command, parameters: Iterable[Parameter]) -> None:
    """Declare a command's parameters and its help in a parser."""
    parser.description = reflowed(command.__doc__ or "")
    listed = parser.add_argument_group("Arguments")
    options = parser.add_argument_group("Options")
    shown = []
    for parameter in parameters:
        declared = parameter.declared
        about = f"{declared.help}{_notes(parameter)}".replace("%", "%%")
        if isinstance(declared, Argument):
            shown.append(declared.metavar + ("..." if parameter.many else ""))
            if not parameter.required:
                shown[-1] = f"[{shown[-1]}]"
            listed.add_argument(
                parameter.name,
                metavar=declared.metavar,
                type=parameter.value,
                help=about,
                default=argparse.SUPPRESS,
                nargs=_NARGS[parameter.many, parameter.required],
            )
        elif parameter.kind is bool:
            names = (*parameter.option_names[0].split("/"), *parameter.option_names[1:])
            options.add_argument(
                *names,
                dest=parameter.name,
                action=_Switch if "/" in parameter.option_names[0] else "store_true",
                default=argparse.SUPPRESS,
                help=about,
            )
        else:
            options.add_argument(
                *parameter.option_names,
                dest=parameter.name,
                metavar=declared.metavar or "|".join(parameter.choices) or _METAVARS[parameter.kind],
                type=parameter.value,
                action="append" if parameter.many else "store",
                default=argparse.SUPPRESS,
                help=about,
            )
    add_help(options)
    parser.usage = " ".join((f"{parser.prog} [OPTIONS]", *shown))


# By whether an argument takes many words, and whether it must be there. None: exactly one.
_NARGS = {(True, True): "*", (True, False): "*", (False, True): None, (False, False): "?"}
_METAVARS = {str: "TEXT", int: "N", float: "N"}


def add_help(options: argparse._ArgumentGroup) -> None:
    """The option that every command has."""
    options.add_argument("-h", "--help", action="help", help="Show this, and exit.")


def _notes(parameter: Parameter) -> str:
    """The environment variable and the default, as the help shows them."""
    notes = [f"env: {parameter.declared.env}"] if parameter.declared.env else []
    if parameter.default not in (None, "", False, True):
        shown = f"{parameter.default:g}" if parameter.kind is float else parameter.default
        notes.append(f"default: {shown}")
    return f" [{'; '.join(notes)}]" if notes else ""


def reflowed(text: str) -> str:
    """A docstring as help: paragraphs filled to the width, those after a line with `\\b` left as they are."""
    lines = text.expandtabs().split("\n")
    paragraphs = "\n".join([lines[0].strip(), textwrap.dedent("\n".join(lines[1:]))]).strip().split("\n\n")
    return "\n\n".join(
        paragraph.removeprefix("\b\n") if paragraph.startswith("\b") else textwrap.fill(paragraph, _WIDTH)
        for paragraph in paragraphs
    )


class Parser(argparse.ArgumentParser):
    """A parser of one command's arguments: its mistakes are UsageErrors."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, formatter_class=_Formatter, add_help=False, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message.removeprefix("argument "), self.prog, self.format_usage().strip())


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_INDENT, width=_WIDTH)

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "Usage: " if prefix is None else prefix)


def call(command: Command, path: str, arguments: Sequence[str]) -> int:
    """Run a command with these arguments; its exit code. Raises UsageError, and what the command raises."""
    code = command(**parse(command, path, arguments))
    return ExitCode.DONE if code is None else code
