"""The page holds everything itself, and shows losses as plainly as wins."""

import re
from html.parser import HTMLParser

import pytest
from tools.bench.report import page
from tools.bench.results import RowResult


class Point:
    def __init__(self, files):
        self.name, self.files = f"generated-{files}", files


def plain(*results):
    about = {
        "size": "small", "processor": "A <processor>", "processors": 2, "memory_gib": 4.0, "system": "Linux",
        "python": "3.11", "sqlite": "3.40", "versions": {"lmdb": "1"}, "elapsed_s": 1.0,
    }
    return {"about": about, "rows": [result.as_json() for result in results]}


@pytest.fixture
def result():
    row = RowResult("commit", "Durable commit", "faster than <others>")
    for files in (1_000, 10_000):
        row.add("diptych", "p50", "ms", Point(files), [2.0, 2.5, 3.0])
        row.add("sqlite", "p50", "ms", Point(files), [1.0, 1.25, 1.5], note="with & without")
    row.judge_ratio("under SQLite's", "sqlite", "p50", Point(10_000), at_most=1)
    row.absent["lmdb"] = "not installed"
    return row


class Checker(HTMLParser):
    """Collects what the page would load, and that its tags are closed."""

    def __init__(self):
        super().__init__()
        self.loads, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.loads += [
            value for name, value in attributes if name in ("src", "href") and not value.startswith("#")
        ]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_loads_nothing(result):
    text = page.render(plain(result))
    assert "http" not in text
    assert not re.search(r"@import|url\(", text)
    checker = Checker()
    checker.feed(text)
    assert checker.loads == []
    assert checker.open == []


def test_a_loss_is_shown_with_its_ratio(result):
    text = page.render(plain(result))
    assert '<span class="missed">missed</span> under SQLite' in text
    assert "2.00 ×" in text


def test_plots_and_exponents_are_there(result):
    text = page.render(plain(result))
    assert text.count("<svg") == 2
    assert "files<sup>0.00</sup>" in text


def test_bounds_take_in_a_percentile_over_all_rounds(result):
    series = result.add("diptych", "p99", "ms", Point(1_000), [2.0, 3.0], value=4.0)
    assert series.spread == (4.0, 2.0, 4.0)
    assert "<small>2.00–4.00</small>" in page.render(plain(result))


def test_text_is_escaped(result):
    text = page.render(plain(result))
    assert "A &lt;processor&gt;" in text
    assert "faster than &lt;others&gt;" in text
    assert "with &amp; without" in text


def test_a_refused_row_says_so_and_draws_nothing():
    row = RowResult("commit", "Durable commit", "fast", refused="the answers to 'x' differ")
    text = page.render(plain(row))
    assert "Refused: the answers to &#x27;x&#x27; differ" in text
    assert "<svg" not in text
