"""The main job, end to end, on this repository: index, look up, verify, damage on purpose, repair.

    python tests/smoke.py [path of the diptych command]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the commands in order; raises where one does not exit or answer as it must."""
    command = sys.argv[1:] or [sys.executable, "-m", "diptych"]
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "store"

        def diptych(*arguments: str, code: int = 0) -> str:
            line = [*command, *arguments, "--store", str(store)]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            print(f"diptych {' '.join(arguments)}: exit code {done.returncode}")
            if done.returncode != code:
                raise SystemExit(f"expected exit code {code}\n{done.stdout}{done.stderr}")
            return done.stdout

        report = json.loads(diptych("index", str(ROOT), "--json"))
        assert report["indexed"] == report["found"] > 50, report
        definitions = json.loads(diptych("symbol", "DiptychError", "--json"))
        assert any(hit["path"].endswith("diptych/errors.py") for hit in definitions), definitions
        assert "CallerError extends DiptychError" in diptych("refs", "DiptychError")
        assert "Transaction" in diptych("search", "transaction AND kind:class")
        diptych("checkpoint")
        diptych("verify", "--deep")
        before = diptych("export")
        snapshot = max(store.glob("segments/*/records.msgpack"), key=lambda path: path.stat().st_size)
        damaged = bytearray(snapshot.read_bytes())
        damaged[len(damaged) // 2] ^= 0xFF
        snapshot.write_bytes(damaged)
        diptych("verify", "--deep", code=1)
        diptych("repair", "--dry-run", code=1)
        diptych("repair")
        diptych("verify", "--deep")
        assert diptych("export") == before, "the repaired store holds something else"
    return 0


if __name__ == "__main__":
    sys.exit(main())
