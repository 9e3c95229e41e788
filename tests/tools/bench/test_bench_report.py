"""Runs are put together without mixing what was measured apart; documents get their figures from results."""

import json

import pytest
from tools.bench.report import markdown
from tools.bench.report.__main__ import main
from tools.bench.report.merge import merged
from tools.bench.results import RowResult


class Point:
    def __init__(self, files):
        self.name, self.files = f"generated-{files}", files


def plain(*results):
    about = {
        "size": "small", "processor": "A processor", "processors": 2, "memory_gib": 4.0, "system": "Linux",
        "python": "3.11", "sqlite": "3.40", "versions": {"lmdb": "1"}, "elapsed_s": 1.0,
    }
    return {"about": about, "rows": [result.as_json() for result in results]}


def row(*sizes, ours=2.0):
    made = RowResult("open", "Open", "flat")
    for files in sizes:
        made.add("diptych", "warm", "ms", Point(files), [ours])
        made.add("sqlite", "warm", "ms", Point(files), [1.0])
        made.judge(f"warm under 10 ms at {files:,} files", ours, at_most=10, unit="ms")
    for curve in made.curves():
        if curve["contestant"] == "diptych":
            made.judge("flat when warm (exponent at most 0.1)", curve["exponent"], at_most=0.1, unit="")
    return made


def test_the_sizes_of_two_runs_make_one_curve():
    both = merged([plain(row(1_000, 10_000)), plain(row(100_000, ours=20.0))])
    (one,) = both["rows"]
    curve = next(curve for curve in one["curves"] if curve["contestant"] == "diptych")
    assert curve["points"] == [(1_000, 2.0), (10_000, 2.0), (100_000, 20.0)]
    verdicts = {verdict["target"]: verdict["met"] for verdict in one["verdicts"]}
    assert verdicts["flat when warm (exponent at most 0.1)"] is False
    assert verdicts["warm under 10 ms at 1,000 files"] is True
    assert verdicts["warm under 10 ms at 100,000 files"] is False


def test_what_was_measured_again_replaces_what_was_there_whole():
    (one,) = merged([plain(row(1_000, ours=2.0)), plain(row(1_000, ours=3.0))])["rows"]
    assert [series["value"] for series in one["series"]] == [3.0, 1.0]


def test_runs_on_two_machines_are_not_put_together():
    other = plain(row(1_000))
    other["about"]["processor"] = "another"
    with pytest.raises(ValueError, match="processor"):
        merged([plain(row(1_000)), other])


def test_a_document_gets_its_figures_and_keeps_its_prose(tmp_path):
    document, results = tmp_path / "performance.md", tmp_path / "results.json"
    document.write_text(f"# Before\n\n{markdown.BEGIN}\nold\n{markdown.END}\n\nAfter.\n")
    results.write_text(json.dumps(plain(row(1_000, 10_000, ours=20.0))))
    assert main([str(results), "--document", str(document), "--page", str(tmp_path / "page.html")]) == 0
    text = document.read_text()
    assert text.startswith("# Before")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert "| Open | warm under 10 ms at 1,000 files | 20.0 ms | **missed** |" in text
    assert "| generated-1000 | **diptych** | 20.0 |" in text
    assert "|  | sqlite | 1.00 [20.0] |" in text
    plot = tmp_path / "performance" / "open-warm.svg"
    assert "(performance/open-warm.svg)" in text
    assert plot.read_text().startswith("<svg ")
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("content", ["", "not json", "{}"])
def test_results_that_are_none_are_refused_in_a_sentence(tmp_path, capsys, content):
    results = tmp_path / "results.json"
    results.write_text(content)
    assert main([str(results), "--page", str(tmp_path / "page.html")]) == 2
    assert "no report can be made" in capsys.readouterr().err


def test_a_document_without_its_marks_is_left_alone(tmp_path):
    document, results = tmp_path / "performance.md", tmp_path / "results.json"
    document.write_text("prose\n")
    results.write_text(json.dumps(plain(row(1_000))))
    assert main([str(results), "--document", str(document)]) == 2
    assert document.read_text() == "prose\n"
