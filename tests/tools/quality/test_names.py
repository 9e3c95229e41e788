"""The measurement of names draws by seed, and counts what is right by an oracle's answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest
from tools.quality.__main__ import main
from tools.quality.names import drawn, go, java
from tools.quality.names.oracle import Drawn, Spot
from tools.quality.names.syntax_sites import elsewhere

_SOURCE = "package p\n\nfunc known() {}\n\nfunc user() {\n\tknown()\n\tknown()\n}\n"
_KNOWN: Spot = ("p.go", 2, 5)
_USES = [Drawn("p.go", 5, 1, "known", "name"), Drawn("p.go", 6, 1, "known", "name")]


class _Oracle:
    """Knows `known`, and takes the second use for one of something else."""

    groups = ("member", "type", "name")

    def sites(self, corpus: str) -> list[Drawn]:
        assert (Path(corpus) / "p.go").exists()
        return _USES

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        return [{_KNOWN} if site == _USES[0] else {("p.go", 4, 5)} for site in sites]

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        return [{_KNOWN, ("p.go", 5, 1)} for _ in sites]


def test_what_is_right_and_what_is_wrong_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(go, "ORACLE", _Oracle())
    (tmp_path / "p.go").write_text(_SOURCE)
    options = ["--language", "go", "--corpus", str(tmp_path), "--references", "1", "--list"]
    assert main(["names", *options]) == 0
    printed = capsys.readouterr().out
    assert "2 of 2 sites judged" in printed
    assert "first wrong among exact and inferred: 50.0 % of 2" in printed
    assert "wrong: p.go:7:2 known (name)" in printed
    assert "references of 1 names: precision 66.7 % of 3, recall 100.0 % of 2" in printed


def test_a_sample_depends_on_the_seed_alone(tmp_path: Path) -> None:
    (tmp_path / "p.go").write_text(_SOURCE)
    samples = [drawn(go.ORACLE, str(tmp_path), seed=seed, count=3, style="uniform") for seed in (1, 1, 2)]
    assert samples[0] == samples[1] != samples[2]


def test_a_definition_is_no_site() -> None:
    assert elsewhere(Drawn(*_KNOWN, "known", "name"), {_KNOWN}) == set()
    assert elsewhere(_USES[0], {_KNOWN}) == {_KNOWN}


@pytest.mark.skipif(which("javac") is None, reason="needs a JDK")
def test_what_javac_says(tmp_path: Path) -> None:
    (tmp_path / "A.java").write_text("class A {\n  int é, a;\n  int f() { return é + a; }\n}\n")
    site = Drawn("A.java", 2, 24, "a", "member")
    assert site in java.ORACLE.sites(str(tmp_path))
    assert java.ORACLE.definitions(str(tmp_path), [site]) == [{("A.java", 1, 10)}]
    declared = site._replace(row=1, column=10)
    assert java.ORACLE.references(str(tmp_path), [declared]) == [{("A.java", 1, 10), ("A.java", 2, 24)}]


def _field(number: int, body: bytes | int) -> bytes:
    if isinstance(body, int):
        return bytes((number << 3, body))
    return bytes((number << 3 | 2, len(body))) + body


def test_an_index_in_scip_s_format_is_an_oracle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("e = 'é'; known = 1\n")
    (tmp_path / "b.py").write_text("from a import known\n")
    known = _field(2, b"scip a/known.")
    outside = _field(2, b"scip a/other.")
    there = _field(1, bytes((0, 9, 14)))
    documents = [
        _field(1, b"a.py") + _field(2, there + known + _field(3, 1)),
        _field(1, b"b.py")
        + _field(2, _field(1, bytes((0, 14, 19))) + known)
        + _field(2, _field(1, bytes((0, 5, 6))) + outside),
    ]
    index = tmp_path / "index.scip"
    index.write_bytes(b"".join(_field(2, document) for document in documents))
    options = ["--corpus", str(tmp_path), "--scip", str(index), "--references", "1"]
    assert main(["names", *options, "--group", "local"]) == 0
    assert "0 of 0 sites judged" in capsys.readouterr().out
    assert main(["names", *options, "--group", "global"]) == 0
    printed = capsys.readouterr().out
    assert "1 of 1 sites judged" in printed
    assert "first wrong among exact and inferred: 0.0 % of 1" in printed
    assert "references of 1 names: precision 100.0 % of 2, recall 100.0 % of 2" in printed
