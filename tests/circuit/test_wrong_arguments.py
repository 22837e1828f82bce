"""No argument, however wrong, huge or deep, aborts, hangs, or raises what nobody meant (spec 01, sections 1, 2 and 14)."""

import os
import subprocess
import sys

import pytest

PROGRAM = os.path.join(os.path.dirname(__file__), "wrong_arguments.py")


@pytest.mark.parametrize(("what", "calls"), [("values", 80_000), ("deep", 3_000)])
def test_every_argument_of_every_call(tmp_path, what, calls):
    report = tmp_path / "call"
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    try:
        run = subprocess.run(
            [sys.executable, PROGRAM, str(report), what], capture_output=True, text=True, timeout=400, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"does not end: {report.read_text()}\n{(error.stdout or b'').decode()[-2000:]}")
    last = report.read_text() if report.exists() else "nothing was called"
    assert run.returncode in (0, 1), f"exit status {run.returncode} in: {last}\n{run.stderr[-3000:]}"
    wrong = [line for line in run.stdout.splitlines() if line.startswith("WRONG")]
    assert run.returncode == 0 and not wrong, "\n".join(wrong[:20]) + run.stderr[-2000:]
    returned, raised = map(int, run.stdout.splitlines()[-1].split())
    assert returned + raised >= calls and returned > 100
