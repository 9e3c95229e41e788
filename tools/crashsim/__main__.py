"""The command line of the crash simulator: `python -m tools.crashsim --help`."""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import sys
from collections.abc import Sequence

from rich.console import Console

from . import subjects
from .campaign import Settings, Simulator
from .describe import calls_around, fates, files
from .enumeration import Budget, choice_of
from .errors import CrashsimError, UsageError
from .marks import bounds
from .models import MODELS
from .page import render
from .pool import Limits, Pool, cpu_count
from .recorder import record
from .recording import load
from .results import Campaign, from_json
from .states import StateBuilder
from .terminal import Bar, summary, table
from .trees import write_tree

_OUTPUT = "crashsim-report"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.crashsim", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    run = verbs.add_parser("run", help="record workloads, enumerate their crash states, check each, report")
    run.add_argument("--subject", action="append", choices=sorted(subjects.MODULES), help="default: diptych")
    run.add_argument("--workload", action="append", help="a workload by name; default: all of the subject")
    run.add_argument("--share", default="1/1", help="N/M: only every M-th workload, starting at the N-th")
    run.add_argument("--model", choices=[*MODELS, "both"], default="both")
    run.add_argument(
        "--states-max", type=int, default=0, help="check at most so many states of each recording and model"
    )
    run.add_argument(
        "--time-max-s",
        type=float,
        default=0.0,
        help="stop after so many seconds; workloads go in an order drawn by the seed",
    )
    run.add_argument(
        "--nested", type=int, default=0, help="crash the recovery of so many states of each recording"
    )
    run.add_argument("--nested-states-max", type=int, default=200)
    run.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="take this function away from the workload, to see that its absence is found",
    )
    run.add_argument("--jobs", type=int, default=cpu_count())
    run.add_argument("--check-time-max-s", type=float, default=Limits().time_s)
    run.add_argument(
        "--output", default=_OUTPUT, help="directory for report.json, report.html and the recordings"
    )
    _budget_arguments(run)

    replay = verbs.add_parser("replay", help="check one state again, and show it")
    replay.add_argument("--recording", required=True)
    replay.add_argument("--model", choices=MODELS, required=True)
    replay.add_argument("--state", type=int, required=True)
    replay.add_argument(
        "--keep", help="leave the state in this directory, which must not exist, and check nothing"
    )
    _budget_arguments(replay)

    recording = verbs.add_parser(
        "record", help="record any program on a directory: `record -o FILE -- COMMAND {}`"
    )
    recording.add_argument("-o", "--output", required=True)
    recording.add_argument("command", nargs=argparse.REMAINDER, help="`{}` becomes the directory")

    report = verbs.add_parser("report", help="make the page again from report.json")
    report.add_argument("json")
    report.add_argument("html")

    verbs.add_parser("list", help="name the subjects and their workloads")
    return parser


def _budget_arguments(parser: argparse.ArgumentParser) -> None:
    default = Budget()
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--exhaustive-max", type=int, default=default.exhaustive_max)
    parser.add_argument("--ordered-max", type=int, default=default.ordered_max)
    parser.add_argument("--random-count", type=int, default=default.random_count)


def _budget(arguments: argparse.Namespace) -> Budget:
    return Budget(arguments.seed, arguments.exhaustive_max, arguments.ordered_max, arguments.random_count)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    campaign = Campaign(shlex.join(["python", "-m", "tools.crashsim", *sys.argv[1:]]), arguments.seed)
    first, _, every = arguments.share.partition("/")
    names = arguments.subject or ["diptych"]
    with Bar(console) as bar:
        for name in names:
            subject = subjects.load(name)
            unknown = [one for one in arguments.workload or () if not subject.accepts(one)]
            if unknown:
                raise UsageError(
                    f"{name} has no workload {unknown[0]!r}; see `python -m tools.crashsim list`."
                )
            workloads = arguments.workload or list(subject.WORKLOADS)[int(first) - 1 :: int(every or 1)]
            if arguments.time_max_s and not arguments.workload:
                # The time may not do for all: each seed then takes them in another order.
                random.Random(arguments.seed).shuffle(workloads)
            settings = Settings(
                subject=name,
                workloads=tuple(workloads),
                output=arguments.output,
                models=MODELS if arguments.model == "both" else (arguments.model,),
                budget=_budget(arguments),
                limits=Limits(time_s=arguments.check_time_max_s),
                jobs=arguments.jobs,
                states_max=arguments.states_max,
                time_max_s=arguments.time_max_s / len(names),
                nested=arguments.nested,
                nested_states_max=arguments.nested_states_max,
                without=tuple(arguments.without),
            )
            Simulator(settings, campaign, bar.update).run()
    write_report(campaign, arguments.output)
    console.print(table(campaign))
    console.print(summary(campaign))
    console.print(f"The report is {os.path.join(arguments.output, 'report.html')}.")
    return 1 if campaign.violations else 0


def write_report(campaign: Campaign, directory: str) -> None:
    """Write report.json and report.html."""
    with open(os.path.join(directory, "report.json"), "w", encoding="utf-8") as file:
        json.dump(campaign.to_json(), file, indent=1)
    with open(os.path.join(directory, "report.html"), "w", encoding="utf-8") as file:
        file.write(render(campaign))


def _replay(arguments: argparse.Namespace, console: Console) -> int:
    recording = load(arguments.recording)
    builder = StateBuilder(recording, arguments.model)
    point, choice = choice_of(builder, arguments.state, _budget(arguments))
    tree = builder.tree(point, choice)
    acked, issued = bounds(point.marks)
    sections = {
        "Calls around the crash": calls_around(recording, point.number),
        "What became of what was not durable": fates(recording, point, choice),
        "Files that the crash left": files(tree),
    }
    for title, lines in sections.items():
        console.print(f"[bold]{title}[/bold]")
        for line in lines:
            console.print("  " + line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{acked} transactions were acknowledged, {issued} begun.")
    if arguments.keep:
        write_tree(tree, arguments.keep)
        console.print(f"The state is in {arguments.keep}.")
        return 0
    if recording.subject not in subjects.MODULES:
        raise UsageError("This recording is of no known subject: use --keep and look at the state yourself.")
    with Pool(subjects.MODULES[recording.subject], jobs=1, limits=Limits()) as pool:
        outcome = next(pool.check([(arguments.state, tree, recording.workload, acked, issued)]))
    console.print(f"{outcome.kind or 'holds'}: {outcome.message}", markup=False, soft_wrap=True)
    return 1 if outcome.kind else 0


def _record(arguments: argparse.Namespace, console: Console) -> int:
    command = [word for word in arguments.command if word != "--"]
    if not command:
        raise UsageError("Name the program to record, after `--`.")
    recording = record(
        lambda directory: [word.replace("{}", directory) for word in command],
        subject="",
        workload=shlex.join(command),
    )
    recording.save(arguments.output)
    console.print(f"{len(recording.steps)} steps, and the trace gives exactly the files that are on disk.")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0 all holds, 1 violations, 2 the tool could not do its work."""
    parsed = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        if parsed.verb == "run":
            return _run(parsed, console)
        if parsed.verb == "replay":
            return _replay(parsed, console)
        if parsed.verb == "record":
            return _record(parsed, console)
        if parsed.verb == "report":
            with open(parsed.json, encoding="utf-8") as file:
                page = render(from_json(json.load(file)))
            with open(parsed.html, "w", encoding="utf-8") as file:
                file.write(page)
            return 0
        for name in sorted(subjects.MODULES):
            console.print(f"[bold]{name}[/bold]: {', '.join(subjects.load(name).WORKLOADS)}", soft_wrap=True)
    except CrashsimError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
