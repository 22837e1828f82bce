"""Structure, names and errors of module passes, compared with the peer library (spec 08)."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import module_cases
import pytest

import pycircuit as rc

HERE = pathlib.Path(__file__).parent
WORKER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import rust_circuit as rc
import module_cases
for key, case in module_cases.ALL[sys.argv[2]](rc).items():
    print(json.dumps([key, module_cases.outcome(case)]), flush=True)
"""

# Where pycircuit differs on purpose: (group, case) and the reason.
DIFFERENT = {("extract", "inline"): "Modules below the root are inlined too (spec 08, section 13)"}

pytestmark = pytest.mark.skipif(importlib.util.find_spec("rust_circuit") is None, reason="the peer library is not installed")


@pytest.mark.parametrize("group", list(module_cases.ALL))
def test_same_as_peer(group):
    run = subprocess.run([sys.executable, "-c", WORKER, str(HERE), group], capture_output=True, text=True)
    expected = dict(json.loads(line) for line in run.stdout.splitlines() if line.startswith("["))
    cases = module_cases.ALL[group](rc)
    assert expected, run.stderr
    wrong = {}
    for key, value in expected.items():
        if (group, key) in DIFFERENT:
            continue
        got = json.loads(json.dumps(module_cases.outcome(cases[key])))
        if got != value:
            wrong[key] = (got, value)
    assert not wrong, "\n".join(f"{key}:\n  got      {got}\n  expected {value}" for key, (got, value) in wrong.items())
    assert len(expected) == len(cases), f"the peer stopped after {list(expected)[-1]}: {run.stderr[-500:]}"
