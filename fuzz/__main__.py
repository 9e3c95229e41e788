"""`python -m fuzz`: fuzz everything that decodes bytes from disk, each target for its share of the time.

Coverage-guided by atheris where that is installed, by plain mutation where it is not. Ends with 1 when a
target let anything through, took too much memory, or did not end; the input is then kept in `out/fuzz/`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from typing import Any

from tools.guard import HANG_S

from .seeds import CORPUS

FOUND = os.path.join(os.path.dirname(os.path.dirname(CORPUS)), "out", "fuzz")
# One execution in so many is measured: tracing every allocation makes it several times slower.
_MEASURED_EACH = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; the exit status."""
    names = sorted(os.listdir(CORPUS))
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600.0, help="time box for all of them together")
    parser.add_argument("--executions", type=int, default=0, help="of each target (0: no limit)")
    parser.add_argument("--engine", choices=("auto", "atheris", "plain"), default="auto")
    parser.add_argument("--output", default="", help="write the results here, as JSON")
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(names):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    chosen = options.targets or names
    engine = options.engine
    if engine == "auto":
        engine = "atheris" if importlib.util.find_spec("atheris") else "plain"
    began_s = time.monotonic()
    results: dict[str, Any] = {"campaign": "fuzz", "seed": options.seed, "engine": engine, "targets": {}}
    for number, name in enumerate(chosen):
        left_s = began_s + options.seconds - time.monotonic()
        share_s = max(1.0, left_s / (len(chosen) - number))
        work = by_atheris if engine == "atheris" else in_child
        outcome = results["targets"][name] = work(name, share_s, options.seed, options.executions)
        print(f"{name:10} {outcome['executions']:>12,} executions, {len(outcome['findings'])} findings")
        for finding in outcome["findings"]:
            print(f"FINDING {name}: {finding}")
    results["elapsed_s"] = round(time.monotonic() - began_s, 1)
    results["violation_count"] = sum(len(o["findings"]) for o in results["targets"].values())
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    print(f"violations: {results['violation_count']:,}")
    return 1 if results["violation_count"] else 0


def corpus_of(name: str) -> list[bytes]:
    """A target's inputs in the repository."""
    directory = os.path.join(CORPUS, name)
    inputs = []
    for file_name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, file_name), "rb") as file:
            inputs.append(file.read())
    return inputs


def by_atheris(name: str, seconds: float, seed: int, executions_most: int) -> dict[str, Any]:
    """Run libFuzzer through atheris, in a process of its own."""
    with tempfile.TemporaryDirectory() as grown:
        command = [
            sys.executable, "-m", "fuzz.guided", name, grown, os.path.join(CORPUS, name),
            f"-max_total_time={max(1, round(seconds))}", f"-runs={executions_most or -1}", f"-seed={seed}",
            f"-timeout={HANG_S:.0f}", "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=0",
            f"-artifact_prefix={_kept(name, b'')}",
        ]  # fmt: skip
        said, hung = _run(command, seconds)
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)|Done (\d+) runs", said)
    findings = ["no end: the fuzzer hangs"] if hung else []
    if "Uncaught Python exception" in said or "ERROR: libFuzzer" in said or "deadly signal" in said:
        findings.append(said[-3_000:])
    executions = int(executed[1] or executed[2]) if executed else 0
    if not executions and not findings:
        findings.append(f"the fuzzer did not run: {said[-1_000:]}")
    return {"executions": executions, "findings": findings}


def in_child(name: str, seconds: float, seed: int, executions_most: int) -> dict[str, Any]:
    """Run `plain` in a process of its own, whose death is a finding."""
    call = f"plain({name!r}, {seconds}, {seed}, {executions_most})"
    code = f"import json; from fuzz.__main__ import plain; print(json.dumps({call}))"
    said, hung = _run([sys.executable, "-c", code], seconds)
    for line in reversed(said.splitlines()):
        if line.startswith('{"executions"'):
            outcome: dict[str, Any] = json.loads(line)
            return outcome
    return {"executions": 0, "findings": ["no end" if hung else f"the process died: {said[-1_000:]}"]}


def plain(name: str, seconds: float, seed: int, executions_most: int = 0) -> dict[str, Any]:
    """Mutate the corpus for `seconds`, or `executions_most` times; stops at the first finding."""
    from .measure import run_bounded
    from .mutate import mutated
    from .targets import TARGETS

    target, corpus, rng = TARGETS[name], corpus_of(name), random.Random(f"{seed} {name}")
    deadline_s, executions = time.monotonic() + seconds, 0
    while time.monotonic() < deadline_s and not 0 < executions_most <= executions:
        data = corpus[executions] if executions < len(corpus) else mutated(corpus, rng)
        executions += 1
        try:
            if executions % _MEASURED_EACH == 0:
                run_bounded(target, data)
            else:
                target.run(data)
        except BaseException as error:
            path = _kept(name, data)
            with open(path, "wb") as file:
                file.write(data)
            where = "".join(traceback.format_exception(error)[-3:])
            return {"executions": executions, "findings": [f"{path}: {error!r}\n{where}"]}
    return {"executions": executions, "findings": []}


def _kept(name: str, data: bytes) -> str:
    """Where an input that was found is kept; without data the beginning of such a name."""
    os.makedirs(FOUND, exist_ok=True)
    return os.path.join(FOUND, f"{name}-{hashlib.sha256(data).hexdigest()[:16] if data else ''}")


def _run(command: list[str], seconds: float) -> tuple[str, bool]:
    """What a command said on both streams, and whether it had to be killed."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=fast) as directory:
        done = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": directory},
        )
        try:
            said, hung = done.communicate(timeout=seconds + HANG_S)[0], False
        except subprocess.TimeoutExpired:
            done.kill()
            said, hung = done.communicate()[0], True
    return said.decode(errors="replace"), hung


if __name__ == "__main__":
    sys.exit(main())
