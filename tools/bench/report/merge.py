"""Several runs as one: rows over other sizes, other trees, other peers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.bench.results import RowResult, Series, figure


def merged(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The runs' rows, one of each kind, with the series of all; of one series measured twice, the last.

    Ratios are within a series' own run, so a data set belongs to one run only. Raises ValueError for runs
    on different machines.
    """
    about = dict(runs[0]["about"])
    for run in runs[1:]:
        for key in ("processor", "system", "python"):
            if run["about"][key] != about[key]:
                raise ValueError(f"the runs differ in {key}: {about[key]} and {run['about'][key]}")
    about["size"] = ", ".join(dict.fromkeys(run["about"]["size"] for run in runs))
    about["elapsed_s"] = round(sum(run["about"]["elapsed_s"] for run in runs), 1)
    rows: dict[str, dict[str, Any]] = {}
    for run in runs:
        for row in run["rows"]:
            known = rows.setdefault(row["id"], {**row, "series": [], "verdicts": [], "absent": {}})
            again = {one["point"] for one in row["series"]}
            known["series"] = [one for one in known["series"] if one["point"] not in again] + row["series"]
            targets = {one["target"] for one in row["verdicts"]}
            known["verdicts"] = [
                one for one in known["verdicts"] if one["target"] not in targets
            ] + row["verdicts"]
            known["absent"] |= row["absent"]
            known["failures"] = {**known["failures"], **row["failures"]}
            known["refused"] = known["refused"] or row["refused"]
            known["notes"] = list(dict.fromkeys([*known["notes"], *row["notes"]]))
            known["agreed"] = list(dict.fromkeys([*known["agreed"], *row["agreed"]]))
    for row in rows.values():
        row["curves"] = _curves(row)
        _judge_growth(row)
    return {"about": about, "rows": list(rows.values())}


def _curves(row: dict[str, Any]) -> list[dict[str, Any]]:
    result = RowResult(row["id"], row["title"], row["target"])
    result.series = [Series(**one) for one in row["series"]]
    return result.curves()


def _judge_growth(row: dict[str, Any]) -> None:
    """What was judged of a curve is judged again, over the sizes of all runs."""
    exponents = {one["metric"]: one["exponent"] for one in row["curves"] if one["contestant"] == "diptych"}
    for verdict in row["verdicts"]:
        if "exponent at most" not in verdict["target"]:
            continue
        limit = float(verdict["target"].rpartition("exponent at most ")[2].rstrip(")"))
        longest = sorted(exponents, key=len, reverse=True)
        metric = next((name for name in longest if name in verdict["target"]), None)
        if metric is not None:
            verdict["reached"] = figure(exponents[metric])
            verdict["met"] = exponents[metric] <= limit
