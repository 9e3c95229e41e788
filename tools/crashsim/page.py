"""The campaign as one HTML page that needs nothing else."""

from __future__ import annotations

from collections import Counter
from html import escape

from .legends import LEGENDS
from .results import Campaign, Failure, Run

_STYLE = """
:root { color-scheme: light dark; }
:root { --line: #8884; --good: #1a7f37; --bad: #c62828; --warn: #9a6700; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 88rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.verdict { font-size: 1.2rem; font-weight: 600; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
.quiet { opacity: .7; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; min-width: 8rem; }
.tile b { display: block; font-size: 1.4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .45rem; border-bottom: 1px solid var(--line); }
th, td { text-align: right; vertical-align: bottom; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.none { opacity: .35; }
td.failed { background: #c6282833; font-weight: 600; }
td.held { background: #1a7f3718; }
td.expected { background: #9a670033; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; }
dd { margin: 0; }
pre { overflow-x: auto; background: var(--soft); padding: .6rem; border-radius: .4rem; }
code { font-size: .85rem; }
pre { font-size: .8rem; line-height: 1.4; }
"""

_FAULTS = (
    "nothing lost",
    "entry lost",
    "size change lost",
    "data missing",
    "data torn",
    "data reordered",
    "zeros",
    "size grown",
)


def render(campaign: Campaign) -> str:
    """The page, as text."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>Crash simulation</title><style>{_STYLE}</style>",
        "<h1>Crash simulation</h1>",
        _verdict(campaign),
        _tiles(campaign),
        f"<p class='quiet'><code>{escape(campaign.command)}</code></p>",
    ]
    for subject in dict.fromkeys(run.subject for run in campaign.runs):
        runs = [run for run in campaign.runs if run.subject == subject]
        parts += [f"<h2>{escape(subject)}: workload by kind of fault</h2>", _matrix(runs)]
        parts.append(_legend(subject))
    parts.append(_totals(campaign))
    failing = [run for run in campaign.runs if run.failures or run.refused]
    if failing:
        parts.append("<h2>Failures</h2>")
        parts += [_failures(run) for run in sorted(failing, key=lambda run: not run.violation)]
    return "\n".join(parts) + "\n"


def _verdict(campaign: Campaign) -> str:
    if campaign.violations:
        return f"<p class='verdict bad'>{campaign.violations:,} violations</p>"
    text = (
        "Every state held"
        if not any(run.failed for run in campaign.runs)
        else "No violation but those expected"
    )
    unfinished = "" if campaign.finished else " <span class='warn'>(the time was up before the end)</span>"
    return f"<p class='verdict good'>{text}{unfinished}</p>"


def _tiles(campaign: Campaign) -> str:
    runs = campaign.runs
    checked = sum(run.checked for run in runs)
    nested = sum(run.checked for run in runs if run.depth)
    tiles = {
        "states checked": f"{checked:,}",
        "distinct states found": f"{sum(run.distinct for run in runs):,}",
        "combinations tried": f"{sum(run.combinations for run in runs):,}",
        "in nested crashes": f"{nested:,}",
        "workloads": f"{len({(run.subject, run.workload) for run in runs}):,}",
        "seconds": f"{campaign.elapsed_s:,.0f}",
        "states a second": f"{checked / campaign.elapsed_s:,.0f}" if campaign.elapsed_s else "-",
        "seed": str(campaign.seed),
    }
    boxes = "".join(f"<div class='tile'><b>{value}</b>{name}</div>" for name, value in tiles.items())
    return f"<div class='tiles'>{boxes}</div>"


def _matrix(runs: list[Run]) -> str:
    rows = []
    failing = {run.workload for run in runs if run.failed or run.refused}
    for workload in sorted(dict.fromkeys(run.workload for run in runs), key=lambda name: name not in failing):
        mine = [run for run in runs if run.workload == workload]
        tried: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for run in mine:
            tried.update(run.faults)
            failed.update(run.faults_failed)
        expected = any(run.expected for run in mine)
        cells = "".join(_cell(tried[fault], failed[fault], expected=expected) for fault in _FAULTS)
        nested = sum(run.checked for run in mine if run.depth)
        nested_failed = sum(run.failed for run in mine if run.depth)
        checked, bad = sum(run.checked for run in mine), sum(run.failed for run in mine)
        note = " <span class='warn'>refused</span>" if any(run.refused for run in mine) else ""
        rows.append(
            f"<tr><td>{escape(workload)}{note}</td>{cells}{_cell(nested, nested_failed, expected=expected)}"
            f"{_cell(checked, bad, expected=expected)}<td>{sum(run.elapsed_s for run in mine):.1f}</td></tr>"
        )
    heads = "".join(f"<th>{name}</th>" for name in ("workload", *_FAULTS, "nested", "all", "seconds"))
    return (
        f"<div class='scroll'><table><tr>{heads}</tr>{''.join(rows)}</table></div>"
        "<p class='quiet'>A cell is the number of states with that kind of fault, and how many failed. A "
        "state with two kinds counts in both columns.</p>"
    )


def _legend(subject: str) -> str:
    """What the names of the workloads mean."""
    if subject not in LEGENDS:
        return ""
    sentence, names = LEGENDS[subject]
    rows = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd>{escape(what)}</dd>" for name, what in names.items()
    )
    head = f"<summary>What the workloads do</summary><p>{escape(sentence)}</p>"
    return f"<details>{head}<dl>{rows}</dl></details>"


def _cell(tried: int, failed: int, *, expected: bool) -> str:
    if not tried and not failed:
        return "<td class='none'>·</td>"
    if failed:
        return f"<td class='{'expected' if expected else 'failed'}'>{failed:,} of {tried:,}</td>"
    return f"<td class='held'>{tried:,}</td>"


def _totals(campaign: Campaign) -> str:
    rows = []
    groups: dict[tuple[str, str, int, str], list[Run]] = {}
    for run in campaign.runs:
        groups.setdefault((run.subject, run.model, run.depth, run.mode), []).append(run)
    for (subject, model, depth, mode), runs in groups.items():
        name = f"{escape(subject)}, {escape(model)}" + (f", {mode} at depth {depth}" if depth else "")
        values = (
            sum(run.recordings for run in runs),
            *(
                sum(getattr(run, field) for run in runs)
                for field in ("steps", "combinations", "distinct", "checked")
            ),
            sum(run.failed for run in runs),
        )
        rows.append(f"<tr><td>{name}</td>{''.join(f'<td>{value:,}</td>' for value in values)}</tr>")
    heads = ("subject, model", "recordings", "steps", "combinations", "distinct", "checked", "failed")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<h2>By model</h2><div class='scroll'><table><tr>{head}</tr>{''.join(rows)}</table></div>"


def _failures(run: Run) -> str:
    title = f"{run.subject} / {run.workload} / {run.model}"
    if run.depth:
        title += f" / {run.mode} at depth {run.depth}"
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in run.kinds.most_common()) or "refused"
    look = "warn" if run.expected else "bad"
    body = f"<p class='warn'>Expected: {escape(run.expected)}.</p>" if run.expected else ""
    if run.refused:
        body += f"<p>{escape(run.refused)}</p>"
    body += "".join(_failure(failure) for failure in run.failures)
    is_open = " open" if run.violation else ""
    head = f"<b>{escape(title)}</b> <span class='{look}'>{kinds}</span>"
    return f"<details{is_open}><summary>{head}</summary>{body}</details>"


def _failure(failure: Failure) -> str:
    def block(title: str, lines: list[str]) -> str:
        return f"<p><b>{title}</b></p><pre>{escape(chr(10).join(lines))}</pre>"

    count = f" — {failure.count:,} states alike" if failure.count > 1 else ""
    return (
        f"<details><summary>state {failure.state}: <b>{escape(failure.kind)}</b>"
        f" ({', '.join(failure.faults)}){count}<br>{escape(failure.message)}</summary>"
        f"<p>{failure.acked} transactions acknowledged, {failure.issued} begun.</p>"
        + block("Calls around the crash", failure.calls)
        + block("What became of what was not durable", failure.fates)
        + block("Files that the crash left", failure.files)
        + block("Replay", [failure.replay])
        + "</details>"
    )
