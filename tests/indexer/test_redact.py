"""`index --redact`: no part of a secret gets into a record, and the store remembers it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.command import document, text
from tools.leaks.planted import planted

from diptych import Store
from diptych.indexer import Settings, index_repository
from diptych.indexer.parse import record_of
from diptych.secrets import find

SECRET = "ghp_" + "aB3dE6gH9j" * 4
PLANTED = planted(seed=3, of_each=4)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    where = tmp_path / "repository"
    where.mkdir()
    (where / "settings.py").write_text(f'TOKEN = "{SECRET}"\n\ndef call(): pass\n')
    (where / "other.py").write_text("def other(): pass\n")
    return where


def test_records_have_no_secret_and_every_place_stays() -> None:
    source = "\n".join(one.line for one in PLANTED).encode()
    plain, clean = record_of("a.py", "python", source), record_of("a.py", "python", source, redact=True)
    assert [symbol.range for symbol in clean.symbols] == [symbol.range for symbol in plain.symbols]
    assert [symbol.name for symbol in clean.symbols] == [symbol.name for symbol in plain.symbols]
    held = repr(clean)
    assert not [one.kind for one in PLANTED if one.secret[-12:] in held]
    for symbol in clean.symbols:
        assert find(symbol.signature) == find(symbol.documentation) == []


def test_a_secret_that_a_signature_cuts_off_leaves_no_part() -> None:
    for filling in range(150, 250, 7):
        source = f'def call(first="{"a b " * (filling // 4)}", key="{SECRET}"): pass'.encode()
        (symbol,) = record_of("a.py", "python", source, redact=True).symbols
        assert SECRET[:8] not in symbol.signature


def test_the_setting_is_remembered_and_applies_to_what_was_indexed_before(root: Path) -> None:
    with Store.open(root / ".diptych") as store:
        assert index_repository(root, store, processes=0).indexed == 2
        assert SECRET in store.symbols("TOKEN")[0].symbol.signature
        # All files are parsed again, unchanged as they are.
        assert index_repository(root, store, processes=0, settings=Settings(redact=True)).indexed == 2
        assert store.symbols("TOKEN")[0].symbol.signature == 'TOKEN = "…"'
        (root / "settings.py").write_text(f'TOKEN = "{SECRET}"\nOTHER = "{SECRET}"\n')
        assert index_repository(root, store, processes=0).indexed == 1
        assert store.symbols("OTHER")[0].symbol.signature == 'OTHER = "…"'
        assert index_repository(root, store, processes=0).indexed == 0
        assert index_repository(root, store, processes=0, settings=Settings()).indexed == 2


def test_a_store_without_an_account_is_parsed_again(root: Path) -> None:
    with Store.open(root / ".diptych") as store:
        index_repository(root, store, processes=0)
        (root / ".diptych/facts.msgpack").unlink()
        assert index_repository(root, store, processes=1, settings=Settings(redact=True)).indexed == 2
        assert SECRET not in store.symbols("TOKEN")[0].symbol.signature


def test_the_command_redacts_and_says_so(root: Path) -> None:
    text("index", "--redact", cwd=root)
    assert SECRET not in text("search", "TOKEN", cwd=root)
    assert "secrets redacted" in text("status", cwd=root)
    assert document("status", cwd=root)["last_run"]["settings"]["redact"] is True
    assert "0 indexed" in text("index", cwd=root)
    text("index", "--reset", cwd=root)
    assert SECRET in text("search", "TOKEN", cwd=root)
