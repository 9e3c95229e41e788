"""The tables and plots of `docs/performance.md`, written from results and never by hand."""

from __future__ import annotations

import os
import re
from typing import Any

from tools.bench.report import svg
from tools.bench.results import figure

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_WORDS = {True: "met", False: "**missed**", None: "not measured"}
_EXPONENTS_OF = ("diptych", "diptych, running process")


def write(plain: dict[str, Any], path: str) -> None:
    """Put the figures of `plain` between the marks in the document at `path`, and its plots beside it.

    The plots go to a folder of the document's name. Raises ValueError where the marks are missing.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if not (BEGIN in text and END in text):
        raise ValueError(f"{path} has no place for figures between {BEGIN} and {END}")
    folder = os.path.splitext(path)[0]
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(".svg"):
            os.unlink(os.path.join(folder, name))
    body = render(plain, folder)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text[: text.index(BEGIN) + len(BEGIN)] + "\n\n" + body + "\n" + text[text.index(END) :])


def render(plain: dict[str, Any], folder: str) -> str:
    """The tables as Markdown; each plot is written to `folder` and linked from there."""
    about, rows = plain["about"], plain["rows"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    parts = [
        f"{about['processor']}, {about['processors']} processors, {about['memory_gib']} GiB;"
        f" {about['system']}; Python {about['python']}; SQLite {about['sqlite']}; {versions}.",
        "",
        "## Targets",
        "",
        "| what | target | reached | |",
        "|---|---|---|---|",
    ]
    for row in rows:
        if row["refused"]:
            parts.append(f"| {row['title']} | | refused: {row['refused']} | |")
        for verdict in row["verdicts"]:
            title, target = row["title"], verdict["target"]
            parts.append(f"| {title} | {target} | {verdict['reached']} | {_WORDS[verdict['met']]} |")
    parts += ["", "## Row by row", ""]
    names = list(dict.fromkeys(one["contestant"] for row in rows for one in row["series"]))
    palette = svg.colours(names)
    for row in rows:
        parts += _row(row, palette, folder)
    return "\n".join(parts) + "\n"


def _row(row: dict[str, Any], palette: dict[str, str], folder: str) -> list[str]:
    parts = [f"### {row['title']}", "", f"To reach: {row['target']}.", ""]
    metrics = list(dict.fromkeys((one["metric"], one["unit"]) for one in row["series"]))
    found = {(one["point"], one["contestant"], one["metric"]): one for one in row["series"]}
    if metrics:
        parts.append("| data | | " + " | ".join(f"{metric}, {unit}" for metric, unit in metrics) + " |")
        parts.append("|---|---|" + "---:|" * len(metrics))
    for point in dict.fromkeys(one["point"] for one in sorted(row["series"], key=lambda one: one["files"])):
        here = dict.fromkeys(one["contestant"] for one in row["series"] if one["point"] == point)
        for number, name in enumerate(sorted(here, key=lambda name: name != svg.OURS)):
            cells = [
                _cell(found.get((point, name, metric)), found.get((point, svg.OURS, metric)))
                for metric, _ in metrics
            ]
            shown = f"**{name}**" if name == svg.OURS else name
            parts.append(f"| {point if number == 0 else ''} | {shown} | {' | '.join(cells)} |")
    curves = [curve for curve in row["curves"] if curve["contestant"] in _EXPONENTS_OF]
    if curves:
        grown = ", ".join(f"{curve['metric']} files^{curve['exponent']:.2f}" for curve in curves)
        parts += ["", f"Growth of Diptych's figures over generated stores: {grown}."]
    for metric, unit in metrics:
        drawn = {one["contestant"]: one["points"] for one in row["curves"] if one["metric"] == metric}
        if drawn:
            name = re.sub(r"[^a-z0-9]+", "-", f"{row['id']}-{metric}".lower()).strip("-") + ".svg"
            plot = svg.lines(f"{metric}, {unit}, over files", drawn, palette, legend=True)
            _save(os.path.join(folder, name), plot)
            alt = f"{row['title']}: {metric} over the number of files"
            parts += ["", f"![{alt}]({os.path.basename(folder)}/{name})"]
    remarks = {one["contestant"]: one["note"] for one in row["series"] if one["note"]}
    remarks |= {name: why.splitlines()[0] for name, why in (row["absent"] | row["failures"]).items()}
    if remarks:
        parts += ["", "; ".join(f"{name}: {remark}" for name, remark in remarks.items()) + "."]
    return [*parts, ""]


def _cell(theirs: dict[str, Any] | None, ours: dict[str, Any] | None) -> str:
    """A figure, its spread, and in brackets Diptych's over it."""
    if theirs is None:
        return ""
    figures = [*theirs["rounds"], theirs["value"]]
    spread = f" ({figure(min(figures))}–{figure(max(figures))})" if len(theirs["rounds"]) > 1 else ""
    compared = ours is not None and ours is not theirs and theirs["value"]
    beside = f" [{figure(ours['value'] / theirs['value'])}]" if ours and compared else ""
    return figure(theirs["value"]) + spread + beside


def _save(path: str, drawn: str) -> None:
    style = (
        "<style>text{font:11px system-ui,sans-serif;fill:#777}.t{font-weight:600;font-size:12px}"
        ".g{stroke:#8884}</style>"
    )
    head, _, rest = drawn.partition(">")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'{head} xmlns="http://www.w3.org/2000/svg">{style}{rest}\n')
