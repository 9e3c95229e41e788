"""`python -m tools.mutations`: break the engine in one place after another, and see which campaign notices.

Ends with 1 when a mutation survives, with 2 when one no longer fits the source or a hunt cannot run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from tools.damage.results import write_json
from tools.guard import HANG_S

from .errors import MutationError
from .listed import MUTATIONS
from .mutation import Copy, Hunt, Mutation, as_options


@dataclass(slots=True)
class Verdict:
    """What became of one mutation."""

    mutation: str
    group: str
    verdict: str
    """caught, survived, or error: a hunt went wrong."""
    caught_by: str = ""
    trials: int = 0
    elapsed_s: float = 0.0
    message: str = ""


def carry_out(copy: Copy, hunt: Hunt, *, scale: float = 1.0) -> tuple[bool, int, str]:
    """One hunt on the copy as it is: whether anything was found, after how many trials, and what.

    Raises MutationError.
    """
    seconds = hunt.seconds * scale
    command = [sys.executable, "-m", "tools.mutations.hunt", json.dumps(as_options(hunt, seconds))]
    process = subprocess.Popen(
        command,
        cwd=copy.root,
        env=copy.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=seconds + HANG_S)
    except subprocess.TimeoutExpired:
        return True, 0, "the hunt hangs"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = output.strip().splitlines()
    if process.returncode != 0 or not lines:
        said = errors.strip().splitlines()[-1:]
        raise MutationError(f"{hunt.label} ended with status {process.returncode}: {' '.join(said)}")
    answer = json.loads(lines[-1])
    return answer["caught"], answer["trials"], answer["message"]


def judge_each_hunt(copy: Copy, mutation: Mutation, *, scale: float = 1.0) -> list[Verdict]:
    """Try every hunt for a mutation, whatever the others find: a verdict of each. Raises MutationError."""
    each = [dataclasses.replace(mutation, hunts=(hunt,)) for hunt in mutation.hunts]
    verdicts = []
    for one in each:
        verdicts.append(judge(copy, one, scale=scale))
        verdicts[-1].caught_by = verdicts[-1].caught_by or f"not {one.hunts[0].label}"
        show(verdicts[-1])
    return verdicts


def judge(copy: Copy, mutation: Mutation, *, scale: float = 1.0) -> Verdict:
    """Try the hunts for a mutation in order. Raises MutationError where it does not fit the source."""
    began_s = time.monotonic()
    verdict = Verdict(mutation.name, mutation.group, "survived")
    with copy.broken(mutation):
        for hunt in mutation.hunts:
            try:
                caught, trials, message = carry_out(copy, hunt, scale=scale)
            except MutationError as error:
                verdict.verdict, verdict.caught_by, verdict.message = "error", hunt.label, str(error)
                break
            verdict.trials += trials
            if caught:
                verdict.verdict, verdict.caught_by, verdict.message = "caught", hunt.label, message
                break
    verdict.elapsed_s = round(time.monotonic() - began_s, 1)
    return verdict


def judge_all(
    copies: Sequence[Copy],
    mutations: Sequence[Mutation],
    *,
    scale: float,
    seconds: float,
    every_hunt: bool = False,
) -> list[Verdict]:
    """Try the mutations side by side, one in each copy; show each verdict as it comes."""
    idle: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        idle.put(copy)
    end_s = time.monotonic() + seconds if seconds else float("inf")

    def one(mutation: Mutation) -> list[Verdict]:
        if time.monotonic() > end_s:
            return []
        copy = idle.get()
        try:
            if every_hunt:
                return judge_each_hunt(copy, mutation, scale=scale)
            verdict = judge(copy, mutation, scale=scale)
        finally:
            idle.put(copy)
        show(verdict)
        return [verdict]

    with ThreadPoolExecutor(len(copies)) as pool:
        begun = [verdicts for verdicts in pool.map(one, mutations) if verdicts]
    if len(begun) < len(mutations):
        print(f"{len(mutations) - len(begun)} were not begun within {seconds:.0f} s")
    return [verdict for verdicts in begun for verdict in verdicts]


def control(copy: Copy, mutations: Sequence[Mutation], *, scale: float) -> list[Verdict]:
    """Every hunt on the engine as it is, where none may find anything."""
    hunts = {hunt.label: hunt for mutation in mutations for hunt in mutation.hunts}
    found = []
    for label, hunt in hunts.items():
        began_s = time.monotonic()
        caught, trials, message = carry_out(copy, hunt, scale=scale)
        word = "false alarm" if caught else "holds"
        elapsed_s = round(time.monotonic() - began_s, 1)
        found.append(Verdict("none", "control", word, label, trials, elapsed_s, message))
        show(found[-1])
    return found


def show(verdict: Verdict) -> None:
    """One row of the table."""
    caught_by = verdict.caught_by or "-"
    print(
        f"{verdict.mutation:62.62}  {verdict.verdict:11}  {caught_by:44.44}  "
        f"{verdict.trials:7,}  {verdict.elapsed_s:6.1f} s",
        flush=True,
    )
    if verdict.message and verdict.verdict != "holds":
        print(f"    {verdict.message.splitlines()[0]:.200}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutations; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutations", description=__doc__)
    parser.add_argument("--only", default="", help="a group (fsync, order, check), or a part of names")
    parser.add_argument("--share", action="store_true", help="a few quick ones, for every change")
    parser.add_argument("--control", action="store_true", help="run the hunts on the engine as it is")
    parser.add_argument(
        "--every-hunt", action="store_true", help="all hunts of each, not up to the first find"
    )
    parser.add_argument("--list", action="store_true", help="name them, and test that they fit the source")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies each hunt's time box")
    parser.add_argument("--jobs", type=int, default=2, help="mutations tried side by side")
    parser.add_argument("--seconds", type=float, default=0.0, help="begin no more of them after this time")
    parser.add_argument("--output", default="", help="write the table here, as JSON")
    options = parser.parse_args(arguments)
    of_group = [m for m in MUTATIONS if m.group == options.only]
    chosen = of_group or [m for m in MUTATIONS if options.only in m.name]
    if options.share:
        chosen = [m for m in chosen if m.share]
    began_s = time.monotonic()
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="mutations-", dir=fast) as directory:
        copy = Copy(os.path.realpath(os.path.join(directory, "0")))
        try:
            copy.refuse_misfits(MUTATIONS)
            if options.list:
                for mutation in chosen:
                    print(f"{mutation.group:10}  {mutation.name}")
                return 0
            if options.control:
                verdicts = control(copy, chosen, scale=options.scale)
            else:
                more = [
                    Copy(os.path.join(os.path.dirname(copy.root), str(n))) for n in range(1, options.jobs)
                ]
                verdicts = judge_all(
                    [copy, *more],
                    chosen,
                    scale=options.scale,
                    seconds=options.seconds,
                    every_hunt=options.every_hunt,
                )
        except MutationError as error:
            print(error, file=sys.stderr)
            return 2
    counts = Counter(verdict.verdict for verdict in verdicts)
    elapsed_s = round(time.monotonic() - began_s, 1)
    rows = [asdict(verdict) for verdict in verdicts]
    write_json(options.output, {"campaign": "mutations", "elapsed_s": elapsed_s, **counts, "verdicts": rows})
    print(f"{', '.join(f'{count} {word}' for word, count in counts.items())} in {elapsed_s} s")
    if counts["error"]:
        return 2
    return 1 if counts["survived"] or counts["false alarm"] else 0


if __name__ == "__main__":
    sys.exit(main())
