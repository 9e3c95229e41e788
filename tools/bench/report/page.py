"""The page: one HTML file with its style and plots in it, that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from tools.bench.report import svg
from tools.bench.results import figure

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
  background: Canvas; color: CanvasText; }
h2 { margin: 2.5rem 0 .2rem; border-top: 1px solid #8886; padding-top: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .15rem .7rem .15rem 0; text-align: right; white-space: nowrap; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
tr.first td { border-top: 1px solid #8886; }
tr.us td { font-weight: 700; color: #d55e00; }
td small, p.d, li.d { color: #888; }
.met { color: #009e73; } .missed { color: #d33; font-weight: 700; } .open { color: #b80; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
.sum td { white-space: normal; text-align: left; vertical-align: top; }
.sum td:first-child { white-space: nowrap; }
svg { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: CanvasText; }
svg .t { font-weight: 600; font-size: 12px; } svg .g { stroke: #8884; } svg .e { stroke: CanvasText; }
.swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
.wide { overflow-x: auto; }
"""
_VERDICTS = {True: ("met", "met"), False: ("missed", "missed"), None: ("open", "open")}


def render(plain: dict[str, Any]) -> str:
    """The page for the results as they stand in the JSON file."""
    about, rows = plain["about"], plain["rows"]
    names = list(dict.fromkeys(one["contestant"] for row in rows for one in row["series"]))
    palette = svg.colours(names)
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Diptych beside its peers</title><style>{_STYLE}</style>",
        "<h1>Diptych beside its peers</h1>",
        f"<p>Size {escape(about['size'])}. {escape(about['processor'])}, {about['processors']} processors,"
        f" {about['memory_gib']} GiB; {escape(about['system'])}; Python {escape(about['python'])},"
        f" SQLite {escape(about['sqlite'])},"
        f" {escape(', '.join(f'{name} {version}' for name, version in about['versions'].items()))}."
        f" The run took {about['elapsed_s']} s.</p>",
        "<p>All contestants of a row did the same work on the same data in one run, in turn. A figure is the"
        " median, with the least and greatest round beside it; latencies are percentiles over all rounds."
        " “Diptych ÷” is Diptych's figure over that contestant's. Scales of plots are logarithmic.</p>",
        _summary(rows),
    ]
    parts += [_row(row, palette) for row in rows]
    parts.append("</html>")
    return "\n".join(parts)


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        counts = {True: 0, False: 0, None: 0}
        for verdict in row["verdicts"]:
            counts[verdict["met"]] += 1
        said = " ".join(
            f'<span class="{_VERDICTS[met][0]}">{count} {_VERDICTS[met][1]}</span>'
            for met, count in counts.items() if count
        )
        if row["refused"]:
            said = '<span class="missed">refused</span>'
        lines.append(
            f'<tr><td>{said}</td><td><a href="#{row["id"]}">{escape(row["title"])}</a></td>'
            f"<td>{escape(row['target'])}</td></tr>"
        )
    return f'<table class="sum">{"".join(lines)}</table>'


def _row(row: dict[str, Any], palette: dict[str, str]) -> str:
    parts = [f'<h2 id="{row["id"]}">{escape(row["title"])}</h2><p>To reach: {escape(row["target"])}</p>']
    if row["refused"]:
        parts.append(f'<p class="missed">Refused: {escape(row["refused"])}</p>')
    for verdict in row["verdicts"]:
        style, word = _VERDICTS[verdict["met"]]
        parts.append(
            f'<div><span class="{style}">{word}</span> {escape(verdict["target"])}:'
            f" {escape(verdict['reached'])}</div>"
        )
    parts.append(_table(row))
    parts.append(f'<div class="plots">{_plots(row, palette)}</div>')
    remarks = {one["contestant"]: one["note"] for one in row["series"] if one["note"]}
    remarks |= {name: f"not measured: {why.splitlines()[0]}" for name, why in row["absent"].items()}
    remarks |= {name: f"failed: {why.splitlines()[0]}" for name, why in row["failures"].items()}
    parts += [f'<p class="d">{escape(name)}: {escape(remark)}</p>' for name, remark in remarks.items()]
    parts += [f'<p class="d">{escape(note)}</p>' for note in row["notes"]]
    if row["agreed"]:
        parts.append(f'<p class="d">Answers that agree: {escape("; ".join(row["agreed"]))}</p>')
    return "".join(parts)


def _points(row: dict[str, Any]) -> list[str]:
    ordered = sorted(row["series"], key=lambda one: one["files"])
    return list(dict.fromkeys(one["point"] for one in ordered))


def _table(row: dict[str, Any]) -> str:
    metrics = list(dict.fromkeys((one["metric"], one["unit"]) for one in row["series"]))
    if not metrics:
        return ""
    found = {(one["point"], one["contestant"], one["metric"]): one for one in row["series"]}
    heads = "".join(f"<th>{escape(metric)}, {unit}</th><th>diptych ÷</th>" for metric, unit in metrics)
    lines = [f"<tr><th>data</th><th></th>{heads}</tr>"]
    for point in _points(row):
        names = dict.fromkeys(one["contestant"] for one in _ordered(row, point))
        for number, name in enumerate(names):
            cells = []
            for metric, _ in metrics:
                theirs, ours = found.get((point, name, metric)), found.get((point, svg.OURS, metric))
                cells.append(_cells(theirs, ours if name != svg.OURS else None))
            style = f"{'first' if number == 0 else ''} {'us' if name == svg.OURS else ''}".strip()
            where = escape(point) if number == 0 else ""
            lines.append(f'<tr class="{style}"><td>{where}</td><td>{escape(name)}</td>{"".join(cells)}</tr>')
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _ordered(row: dict[str, Any], point: str) -> list[dict[str, Any]]:
    """The series of a data set, the best first by the row's first figure."""
    here = [one for one in row["series"] if one["point"] == point]

    def rank(one: dict[str, Any]) -> tuple[bool, float]:
        return one["metric"] != here[0]["metric"], -one["value"] if one["more_is_better"] else one["value"]

    return sorted(here, key=rank)


def _bounds(one: dict[str, Any]) -> tuple[float, float]:
    """The least and the greatest of the rounds, and of the value taken over all of them."""
    figures = [*one["rounds"], one["value"]]
    return min(figures), max(figures)


def _cells(theirs: dict[str, Any] | None, ours: dict[str, Any] | None) -> str:
    if theirs is None:
        return "<td>–</td><td></td>"
    low, high = _bounds(theirs)
    between = f" <small>{figure(low)}–{figure(high)}</small>" if len(theirs["rounds"]) > 1 else ""
    beside = figure(ours["value"] / theirs["value"]) if ours and theirs["value"] else ""
    return f"<td>{figure(theirs['value'])}{between}</td><td>{beside}</td>"


def _plots(row: dict[str, Any], palette: dict[str, str]) -> str:
    """Bars at the largest data set; lines where there are several sizes, with the exponents beside."""
    parts = []
    points = _points(row)
    metrics = list(dict.fromkeys((one["metric"], one["unit"]) for one in row["series"]))
    for metric, unit in metrics:
        if points:
            here = {
                one["contestant"]: (one["value"], *_bounds(one))
                for one in _ordered(row, points[-1]) if one["metric"] == metric
            }
            parts.append(svg.bars(f"{metric}, {unit}, {points[-1]}", here, palette))
        curves = {one["contestant"]: one for one in row["curves"] if one["metric"] == metric}
        if curves:
            drawn = svg.lines(
                f"{metric}, {unit}, over files",
                {name: one["points"] for name, one in curves.items()},
                palette,
            )
            legend = "".join(
                f'<div><span class="swatch" style="background:{palette[name]}"></span>{escape(name)}'
                f" <small>files<sup>{one['exponent']:.2f}</sup></small></div>"
                for name, one in curves.items()
            )
            parts.append(f"<div>{drawn}{legend}</div>")
    return "".join(parts)


