"""Exports: what is in them, that it holds what the format asks for, and that they come back byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking
from tests.serving.scip.test_importing import imported

from diptych import RecordStore, Store
from diptych.schema.precise import (
    DEFINITION,
    IMPORT,
    IS_IMPLEMENTATION,
    PRECISE,
    READ,
    WRITE,
    PreciseRecord,
)
from diptych.schema.precise_symbols import is_local, parse_symbol
from diptych.serving.files import Files
from diptych.serving.precise import Precise
from diptych.serving.scip.exporting import Exported, export_index
from diptych.serving.scip.parts import PART_FILES, _Worker
from diptych.serving.scip.reading import Document, Producer, read_documents
from diptych.serving.source import StoreSource

FILES = {
    "pyproject.toml": '[project]\nname = "app"\nversion = "1.2"\n',
    "app/__init__.py": "",
    "app/base.py": (
        'class Base:\n    """The root of all."""\n\n    def close(self, now: bool = False) -> None:\n'
        "        self.flush()\n\n    def flush(self):\n        pass\n\n\ndef make():\n    return Base()\n"
    ),
    "app/main.py": (
        "import app.base\nfrom app.base import Base as Root, make\n\nLIMIT = 1\nLIMIT = 2\n\n\n"
        "class File(Root):\n    def close(self, now=True):\n        self.flush()\n"
        "        make().close()\n\n\ndef shadowed(make):\n    return make()\n\n\n"
        "def clear():\n    made = app.base.make()\n    print(made)\n"
        "    return make()\n\n\n@property\ndef twice():\n    pass\n\n\ndef twice():\n    pass\n"
    ),
    "web/shape.ts": (
        "export class Shape {\n  area(): number { return this.side() }\n  side() { return 1 }\n}\n"
        "const ünï = 'ü'; export function draw() { return new Shape() }\n"
    ),
}
BASE, MAIN = "scip-diptych python app 1.2 app/`base.py`/", "scip-diptych python app 1.2 app/`main.py`/"


def exported(root: Path, asked: Asking, processes: int = 1) -> tuple[bytes, Exported]:
    out = BytesIO()
    with Store.open(root / ".diptych", read_only=True) as store, store.view() as view:
        files, precise = Files(str(root)), Precise(store.path)
        done = export_index(
            StoreSource(view, files, precise),
            view,
            out,
            root_uri="file:///r",
            store_path=store.path,
            processes=processes,
        )
        precise.close()
        files.close()
    return out.getvalue(), done


def documents(data: bytes) -> dict[str, Document]:
    found = read_documents(BytesIO(data), "index.scip")
    return {one.path: one for one in found if isinstance(one, Document)}


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asking]:
    with asking(tmp_path, FILES) as found:
        yield found


def test_what_a_document_says(asked: Asking) -> None:
    data, done = exported(asked.root, asked)
    found = documents(data)
    assert sorted(found) == ["app/__init__.py", "app/base.py", "app/main.py", "web/shape.ts"]
    assert (done.documents, done.precise, done.changed) == (4, 0, ())
    main = found["app/main.py"]
    said = {(one.range[0] + 1, one.symbol, one.roles) for one in main.occurrences}
    assert said == {
        (1, MAIN, DEFINITION),
        (1, BASE, IMPORT),
        (2, BASE, IMPORT),
        (2, f"{BASE}Base#", IMPORT),
        (2, f"{BASE}make().", IMPORT),
        (4, f"{MAIN}LIMIT.", DEFINITION),
        (5, f"{MAIN}LIMIT.", WRITE),
        (8, f"{MAIN}File#", DEFINITION),
        (8, f"{BASE}Base#", READ),
        (9, f"{MAIN}File#close().", DEFINITION),
        (10, f"{BASE}Base#flush().", READ),
        (11, f"{BASE}make().", READ),
        (14, f"{MAIN}shadowed().", DEFINITION),
        (18, f"{MAIN}clear().", DEFINITION),
        (19, f"{BASE}make().", READ),
        (21, f"{BASE}make().", READ),
        (25, f"{MAIN}twice().", DEFINITION),
        (29, f"{MAIN}twice(+1).", DEFINITION),
    }
    told = {one.symbol: one for one in found["app/base.py"].symbols}
    close = told[f"{BASE}Base#close()."]
    assert (close.display_name, close.signature) == ("close", "def close(self, now: bool = False) -> None")
    assert told[f"{BASE}Base#"].documentation == ("The root of all.",)
    (related,) = next(one for one in main.symbols if one.symbol == f"{MAIN}File#").relationships
    assert related == (f"{BASE}Base#", IS_IMPLEMENTATION)
    (enclosing,) = [one.enclosing for one in main.occurrences if one.symbol == f"{MAIN}File#"]
    assert enclosing is not None
    assert (enclosing[0], enclosing[2]) == (7, 10)


def test_the_format_holds(asked: Asking) -> None:
    data, _ = exported(asked.root, asked)
    producer, *rest = read_documents(BytesIO(data), "index.scip")
    assert isinstance(producer, Producer)
    assert (producer.name, producer.project_root) == ("diptych", "file:///r")
    defined = [
        one for document in documents(data).values() for one in document.occurrences if one.roles & DEFINITION
    ]
    assert len({one.symbol for one in defined}) == len(defined)
    for document in rest:
        assert isinstance(document, Document)
        lines = (asked.root / document.path).read_bytes().split(b"\n")
        assert document.position_encoding == 1
        assert list(document.occurrences) == sorted(document.occurrences, key=lambda one: one.range)
        for one in document.occurrences:
            parts = parse_symbol(one.symbol)
            assert parts is not None
            assert not is_local(one.symbol)
            row, start, end_row, end = one.range
            assert row == end_row
            text = lines[row][start:end].decode()
            assert start <= end <= len(lines[row])
            if one.roles & DEFINITION and text:
                assert parts.descriptors[-1].name == text
        symbols = [one.symbol for one in document.symbols]
        assert len(set(symbols)) == len(symbols)
        assert set(symbols) == {one.symbol for one in document.occurrences if one.roles & DEFINITION}


def test_an_export_that_is_imported_is_exported_byte_for_byte(asked: Asking) -> None:
    before, _ = exported(asked.root, asked)
    done = imported(asked.root, before)
    assert (done.documents, done.dropped, done.refused) == (4, 0, ())
    after, again = exported(asked.root, asked)
    assert again.precise == 4
    assert after == before
    assert asked.lines("app/main.py", "app.base.@make()") == ["app/base.py:11 precise"]


def test_processes_that_take_turns_write_the_same_bytes(tmp_path: Path) -> None:
    many = {
        f"many/m{one}.py": f"from app.base import make\n\n\ndef f{one}():\n    return make()\n"
        for one in range(4 * PART_FILES)
    }
    with asking(tmp_path, {**FILES, **many}) as asked:
        (asked.root / "many/m7.py").write_text("changed = 1\n")
        alone = exported(asked.root, asked)
        assert alone[1].changed == ("many/m7.py",)
        assert exported(asked.root, asked, processes=2) == alone
        assert exported(asked.root, asked, processes=3) == alone
        documents = imported(asked.root, alone[0]).documents
        again, done = exported(asked.root, asked, processes=2)
        assert (again, done.precise) == (alone[0], documents)


def test_what_a_process_that_ended_has_not_made_is_made_here(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, alone = exported(asked.root, asked)
    monkeypatch.setattr("diptych.serving.scip.exporting._PARALLEL_FILES", 1)
    with monkeypatch.context() as patch:
        patch.setattr("diptych.serving.scip.parts._START", "")
        assert exported(asked.root, asked, processes=2) == (before, alone)
    # No process can be started.
    monkeypatch.setattr("sys.executable", str(asked.root / "no-such-program"))
    assert exported(asked.root, asked, processes=2) == (before, alone)


def test_a_process_that_finds_another_state_of_the_store_makes_nothing(asked: Asking) -> None:
    with Store.open(asked.root / ".diptych", read_only=True) as store, store.view() as view:
        store_path, lsn = store.path, view.lsn
    states = [(lsn + 1, "", False)]
    # With two imports: what is exported has the first alone, or both.
    for _ in range(2):
        precise = Precise(store_path)
        precise.begin()
        states.append((lsn, precise.state, False))
        precise.close()
        with RecordStore.open_with(f"{store_path}/precise", PRECISE) as store, store.transaction() as txn:
            txn.put(PreciseRecord("app/main.py", "", "", "", (), ()))
    precise = Precise(store_path)
    precise.begin()
    now = (lsn, precise.state, True)
    precise.close()
    for asked_for, imported_state, makes in [*states, now]:
        worker = _Worker(store_path, str(asked.root), asked_for, imported_state, 0, 1)
        with closing(worker):
            assert (worker.next_part() is not None) == makes
            assert worker.next_part() is None


def test_a_file_that_has_changed_is_left_out_and_named(asked: Asking) -> None:
    (asked.root / "app/main.py").write_text("# moved\n" + FILES["app/main.py"])
    data, done = exported(asked.root, asked)
    assert done.changed == ("app/main.py",)
    assert "app/main.py" not in documents(data)


def test_the_import_of_a_module_with_the_name_of_a_function_in_it_comes_back(tmp_path: Path) -> None:
    files = {"copy.py": "def copy():\n    pass\n", "uses.py": "import copy\n\ncopy.copy()\n"}
    with asking(tmp_path, files) as asked:
        before, done = exported(asked.root, asked)
        assert done.occurrences == 5
        assert imported(asked.root, before).dropped == 0
        assert exported(asked.root, asked)[0] == before
