"""The indexer and the real store together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from diptych import Store, verify
from diptych.indexer import Settings, index_repository

from .repository import make_repository, write

_FILES = {
    f"pkg/m{number}.py": f"class C{number}:\n    def run(self): call_{number}()\n" for number in range(40)
}


def test_what_is_indexed_is_found_by_name_by_reference_and_by_search(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    root = make_repository(tmp_path / "r", {**_FILES})
    (root / name).write_text("def latte(): pass\n")
    with Store.open(tmp_path / "r/.diptych") as store:
        report = index_repository(root, store, processes=2)
        assert (report.indexed, len(store), report.lsn) == (41, 41, store.lsn)
        hits = store.symbols("C7")
        assert [(hit.path, hit.symbol.kind) for hit in hits] == [("pkg/m7.py", "class")]
        calls = store.references("call_7")
        assert [(hit.path, hit.relation.source) for hit in calls] == [("pkg/m7.py", "C7.run")]
        assert [hit.path for hit in store.symbols("latte")] == [name]
        assert store.search("C7")[0].symbol.name == "C7"
        write(root, {"pkg/m7.py": "class Other: pass\n"})
        (root / "pkg/m8.py").unlink()
        again = index_repository(root, store, processes=2)
        assert (again.indexed, again.unchanged, again.removed) == (1, 39, 1)
        assert store.symbols("C7") == store.symbols("C8") == []
    with Store.open(tmp_path / "r/.diptych") as store:
        assert index_repository(root, store).unchanged == 40
    assert verify(tmp_path / "r/.diptych", deep=True).ok


def test_a_run_that_is_killed_keeps_what_it_committed_and_the_next_goes_on(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {**_FILES})
    path = tmp_path / "store"
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:] = {sys.path!r}
        from diptych import Store
        from diptych.indexer import Settings, index_repository, pipeline
        store = Store.open({str(path)!r})
        commit = pipeline._Run._commit
        def killed(self, batch, stored):
            commit(self, batch, stored)
            if len(store) >= 20:
                os.kill(os.getpid(), signal.SIGKILL)
        pipeline._Run._commit = killed
        index_repository({str(root)!r}, store, processes=1, settings=Settings(batch_files=10))
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with Store.open(path) as store:
        assert len(store) == 20
        report = index_repository(root, store, processes=1, settings=Settings(batch_files=10))
        assert (report.indexed, report.unchanged) == (20, 20)
        assert len(store) == 40
