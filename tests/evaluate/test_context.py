"""OptimizationContext and what is printed: spec 12, sections 5.1 and 10."""

from __future__ import annotations

import json
import threading
import warnings
from pathlib import Path

import pytest
import torch

import pycircuit as rc
from tests.evaluate.circuits import apply, array

Settings = rc.OptimizationSettings
FLAT = rc.Add(rc.Add(array(3, name="a"), array(3, name="b")), apply("sin", array(3, name="c")), rc.Scalar(0.0))


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_contexts_stand_for_settings() -> None:
    settings = Settings(max_memory=10**6)
    context = rc.OptimizationContext.new_settings(settings)
    assert json.loads(context.stringify_logs()) == {"simplifications": [], "slow_einsums": []}
    assert context.settings == settings and context.settings is not settings
    context.settings.verbose = 3
    settings.verbose = 3
    assert context.settings.verbose == 0
    assert rc.OptimizationContext.new_settings_circuit(settings, FLAT).settings == settings
    for call in (rc.optimize_circuit, rc.optimize_to_schedule, rc.optimize_and_evaluate, rc.circuit_to_schedule, rc.scheduled_evaluate):
        call(FLAT, context)
        call(FLAT, settings=context)
    for call in (rc.optimize_to_schedule_many, rc.optimize_and_evaluate_many, rc.circuit_to_schedule_many):
        call([FLAT], context)
    tight = rc.OptimizationContext.new_settings(Settings(max_memory=1))
    with pytest.raises(rc.SchedulingOOMManyError):
        rc.circuit_to_schedule(FLAT, tight)


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError):
        rc.OptimizationContext()
    with pytest.raises(TypeError):
        rc.OptimizationContext.new_settings(3)
    with pytest.raises(TypeError):
        rc.OptimizationContext.new_settings_circuit(Settings(), 3)
    for wrong in (None, 3, {}):
        with pytest.raises(TypeError):
            rc.optimize_circuit(FLAT, wrong)


def test_rules_are_logged_in_order() -> None:
    context = rc.OptimizationContext.new_settings(Settings(log_simplifications=True))
    rc.optimize_circuit(FLAT, context)
    first = json.loads(context.stringify_logs())["simplifications"]
    assert first and set(first) <= set(rc.SimpFnSubset.all_names())
    assert "add_flatten_once" in first or "add_flatten" in first
    threads = [threading.Thread(target=rc.optimize_and_evaluate, args=(FLAT, context)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(context.stringify_logs())["simplifications"]) >= len(first)
    silent = rc.OptimizationContext.new_settings(Settings())
    rc.optimize_circuit(FLAT, silent)
    assert json.loads(silent.stringify_logs())["simplifications"] == []


def test_slow_contraction_orders_are_logged() -> None:
    context = rc.OptimizationContext.new_settings(Settings(log_slow_einsums=True))
    wide = rc.Einsum(*[(array(2, 2, name=f"x{i}"), (i, (i * 7 + 3) % 40)) for i in range(40)], out_axes=())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rc.optimize_circuit(wide, context)
    for entry in json.loads(context.stringify_logs())["slow_einsums"]:
        assert entry["seconds"] >= 0.01 and "->" in entry["spec"] and [2, 2] in entry["inputs"]


@pytest.mark.parametrize("verbose", [0, 1, 2, 3, 4])
def test_verbose(verbose: int, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(verbose=verbose, log_simplifications=True)
    value = rc.optimize_and_evaluate(FLAT, settings)
    schedule = rc.optimize_to_schedule(FLAT, settings)
    assert torch.equal(schedule.evaluate(settings), value)
    text = capsys.readouterr().out
    assert bool(text) == (verbose >= 1)
    assert ("optimizing" in text) == (verbose >= 1) and ("evaluating" in text) == (verbose >= 1)
    assert ("ScheduleStats" in text) == (verbose >= 2) and ("simplification:" in text) == (verbose >= 2)
    assert ("simplified:" in text) == ("max_size" in text) == ("  add_flatten" in text) == (verbose >= 3)
    assert ("canonical input:" in text) == (verbose >= 4)


def test_printing_errors_propagate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise BrokenPipeError

        def flush(self) -> None:
            pass

    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(BrokenPipeError):
        rc.optimize_circuit(FLAT, Settings(verbose=1))


def test_capture_and_print(capsys: pytest.CaptureFixture[str]) -> None:
    for call in (rc.optimize_to_schedule, lambda c, s: rc.optimize_to_schedule_many([c], s)):
        call(FLAT, Settings(capture_and_print=True))
        text = capsys.readouterr().out
        assert text == rc.PrintOptions.compiler_default().repr(FLAT) + "\n" and rc.Parser()(text) == FLAT
    rc.optimize_and_evaluate(FLAT, Settings(create_tests=True))
    assert capsys.readouterr().out == ""


def test_save_circ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rc.optimize_circuit(FLAT, Settings(save_circ=True))
    (path,) = tmp_path.glob("cached_circ_*.circ")
    assert capsys.readouterr().out == path.name + "\n"
    torch.testing.assert_close(rc.Parser()(path.read_text()).evaluate(), FLAT.evaluate())
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError):
        rc.optimize_circuit(FLAT, Settings(save_circ=True))
