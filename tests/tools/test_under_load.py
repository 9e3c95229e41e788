"""The command that shows that nothing depends on speed: it repeats, and it leaves nothing busy."""

import multiprocessing
import sys

import pytest
from tools.under_load import main


@pytest.mark.parametrize(("code", "runs"), [(0, 3), (7, 1)])
def test_a_command_is_run_again_until_it_fails(tmp_path, capfd, code, runs):
    program = f"open({str(tmp_path / 'runs')!r}, 'a').write('x'); raise SystemExit({code})"
    assert main(["--busy", "2", "--times", "3", sys.executable, "-c", program]) == code
    assert (tmp_path / "runs").read_text() == "x" * runs
    assert f"under load, {runs} of 3: exit code {code}" in capfd.readouterr().out
    assert multiprocessing.active_children() == []


def test_without_a_command_it_is_a_usage_error(capfd):
    with pytest.raises(SystemExit) as raised:
        main(["--times", "1"])
    assert raised.value.code == 2
