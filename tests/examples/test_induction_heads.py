"""The induction-head experiment end to end, on few samples, and its errors for missing and broken files."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch

import pycircuit as rc
from pycircuit.causal_scrubbing.hypotheses import estimate_many
from pycircuit.examples import induction_heads, induction_report

SAMPLES = 6


@pytest.fixture(scope="module")
def inputs():
    return induction_heads.load_inputs()


@pytest.fixture(scope="module")
def circuits(inputs):
    return induction_heads.hypotheses(induction_heads.build_loss(inputs))


@pytest.fixture(scope="module")
def results(inputs):
    return induction_heads.run(inputs, SAMPLES, 4, seed=3)


@pytest.mark.filterwarnings("ignore:loss_recovered")
def test_every_sample_of_every_hypothesis_is_that_of_plain_pytorch(inputs, results):
    assert len(results) == 11
    assert induction_heads.check(inputs, results, SAMPLES, seed=3) < 1e-4


@pytest.mark.filterwarnings("ignore:loss_recovered")
def test_the_check_can_fail(inputs, results):
    wrong = [induction_heads.Result(r.name, r.circuit, r.losses + 1e-3, r.loss, r.recovered, r.seconds) for r in results]
    with pytest.raises(RuntimeError, match="unscrubbed.*differs from plain PyTorch"):
        induction_heads.check(inputs, wrong, SAMPLES, seed=3)


def test_splitting_heads_and_the_previous_head_keeps_the_loss(inputs, circuits):
    sampler = rc.Sampler(rc.RandomSampleSpec((2,), seeder=rc.default_hash_seeder(1)))
    loss = induction_heads.build_loss(inputs)
    model = induction_heads.split_heads(loss)
    finer = model.update(induction_heads.PREV, lambda head: induction_heads.split_previous_head(head, 159), assert_any_found=True)
    expected = sampler.sample(loss).evaluate()
    for circuit in (model, finer):
        torch.testing.assert_close(sampler.sample(circuit).evaluate(), expected, atol=1e-5, rtol=1e-5)


def test_scrubbed_circuits_read_both_texts_and_keep_the_labels(circuits):
    for name, circuit in circuits.items():
        assert circuit.shape == ()
        assert circuit.are_any_found(induction_heads.OTHER) == (name != induction_heads.UNSCRUBBED)
        assert circuit.get_unique("tokens.label").are_any_found(induction_heads.ORIGINAL)


def test_the_expectation_as_a_cumulant_is_the_mean_of_the_samples(circuits):
    circuit = circuits["all three"]
    sampler = rc.Sampler(rc.RandomSampleSpec((5,), seeder=rc.default_hash_seeder(2)))
    losses = estimate_many({"all three": circuit}, sampler, batch_size=2)["all three"]
    expectation = sampler.estimate(rc.Cumulant(circuit, name="expected_loss")).evaluate()
    torch.testing.assert_close(expectation, losses.mean(), atol=1e-5, rtol=1e-5)


def test_batch_size_does_not_matter(circuits):
    sampler = rc.Sampler(rc.RandomSampleSpec((5,), seeder=rc.default_hash_seeder(2)))
    whole, single = (estimate_many({"one": circuits["embeddings to value"]}, sampler, batch_size=size)["one"] for size in (5, 1))
    torch.testing.assert_close(whole, single, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:loss_recovered")
def test_report_has_table_numbers_chart_and_page(results, tmp_path, capsys):
    induction_report.write(results, tmp_path, seed=3, samples=SAMPLES)
    rows = list(csv.DictReader(open(tmp_path / "results.csv")))
    content = json.loads((tmp_path / "results.json").read_text())
    assert [row["hypothesis"] for row in rows] == [r.name for r in results] == [row["hypothesis"] for row in content["results"]]
    assert content["seed"] == 3 and content["samples"] == SAMPLES and content["versions"]["torch"] == torch.__version__
    assert float(rows[0]["loss"]) == pytest.approx(results[0].losses.double().mean().item())
    assert (tmp_path / "recovered.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "circuits.html").read_text()
    assert "purple" in page and "cyan" in page and "red" in page
    assert "all three" in capsys.readouterr().out


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="induction.circ"):
        induction_heads.load_inputs(tmp_path)

    copy = tmp_path / "data"
    shutil.copytree(induction_heads.DATA, copy)
    (copy / "induction.circ").write_text((copy / "induction.circ").read_text()[:900])
    with pytest.raises(RuntimeError, match="induction.circ"):
        induction_heads.load_inputs(copy)

    shutil.copy(induction_heads.DATA / "induction.circ", copy)
    tokens = (copy / "tokens.npy").read_bytes()
    (copy / "tokens.npy").write_bytes(tokens[:1000])
    with pytest.raises(RuntimeError, match="tokens.npy"):
        induction_heads.load_inputs(copy)

    (copy / "tokens.npy").write_bytes(tokens)
    entry = next(path for path in sorted((copy / "tensors").rglob("*")) if path.is_file())
    content = entry.read_bytes()
    entry.write_bytes(content[: len(content) // 2])
    with pytest.raises(RuntimeError, match=entry.name):
        induction_heads.load_inputs(copy)
    entry.unlink()
    with pytest.raises(RuntimeError, match="induction.circ.*\n?.*tensors"):
        induction_heads.load_inputs(copy)


def test_readme_example_runs(capsys):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    code = readme.partition("```python\n")[2].partition("```")[0]
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own file
    assert "logits Einsum h,oh->o" in capsys.readouterr().out
