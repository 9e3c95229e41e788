"""Build the wheel, install it into a clean environment, and import it and run its command there.

    python tests/wheel.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*line: str | Path, cwd: str | Path = ROOT) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run([str(part) for part in line], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    """Raises where a step fails."""
    with tempfile.TemporaryDirectory() as directory:
        run(sys.executable, "-m", "build", "--wheel", "--outdir", directory, ROOT)
        (wheel,) = Path(directory).glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        assert "diptych/py.typed" in names, "the wheel carries no type information"
        assert any(name.endswith(".scm") for name in names), "the wheel carries no queries of the languages"
        assert all(name.startswith("diptych") for name in names), names
        clean = Path(directory) / "clean"
        venv.create(clean, with_pip=True)
        quietly = ("--quiet", "--disable-pip-version-check", "--constraint", ROOT / "constraints.txt")
        run(clean / "bin/python", "-m", "pip", "install", *quietly, wheel)
        version = run(clean / "bin/python", "-c", "import diptych; print(diptych.__version__)", cwd=directory)
        assert run(clean / "bin/diptych", "--version", cwd=directory).strip() == f"diptych {version.strip()}"
        (Path(directory) / "code").mkdir()
        (Path(directory) / "code/a.py").write_text("def hinge():\n    pass\n")
        run(clean / "bin/diptych", "index", cwd=Path(directory) / "code")
        assert "a.py:1:5:" in run(clean / "bin/diptych", "symbol", "hinge", cwd=Path(directory) / "code")
        print(f"{wheel.name} installs, imports and runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
