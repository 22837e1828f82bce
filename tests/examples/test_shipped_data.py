"""The shipped model, tensor store, tokenizer and token array fit together, and the model does what its description says."""

import json
import re

import numpy
import pytest
import torch

from pycircuit.examples.induction_candidates import induction_candidates
from pycircuit.examples.torch_reference import (
    DATA,
    IND_HEADS,
    PREV_HEADS,
    candidate_rate,
    forward,
    load_model,
    next_token_loss,
    run_hypotheses,
)
from pycircuit.examples.training import scores

VOCAB, SEQ = 1024, 160


@pytest.fixture(scope="module")
def model():
    return load_model(DATA / "induction.circ", DATA / "tensors")


@pytest.fixture(scope="module")
def tokens() -> torch.Tensor:
    return torch.from_numpy(numpy.load(DATA / "tokens.npy")).long()


@pytest.fixture(scope="module")
def candidates(tokens: torch.Tensor) -> torch.Tensor:
    return induction_candidates(tokens, VOCAB)


KEYS = {
    "50dba7b000ecd7c013961b6c": torch.zeros(5, dtype=torch.int8),
    "7c52f2ef1ebfcdc8202fdc68": torch.zeros(()),
    "2aa1cb55a5ec726e59ff72e9": torch.tensor([1.0, 2.0]),
    "63b8d2668543a9ded53f11a2": torch.arange(6).reshape(2, 3),
    "803a86b20b176de11f683c33": torch.tensor([True, False]),
    "55fcaa5eb32f526cd42f0e40": torch.zeros(0, 3, dtype=torch.float64),
}


@pytest.mark.parametrize("key", KEYS)
def test_content_keys(key):
    pytest.importorskip("blake3")
    from pycircuit.examples.training.model_file import content_key

    assert content_key(KEYS[key])[:24] == key


def test_store_holds_what_the_model_file_names():
    pytest.importorskip("blake3")
    from pycircuit.examples.training.model_file import content_key

    store, text = DATA / "tensors", (DATA / "induction.circ").read_text()
    named = set(re.findall(r"Array ([0-9a-f]{24})", text))
    found = set()
    for file in store.rglob("*"):
        if file.is_file():
            tensor = torch.load(file, weights_only=True)
            key = "".join(file.relative_to(store).parts)
            assert content_key(tensor) == key and tensor.dtype == torch.float32
            found.add(key[:24])
    assert found == named and len(named) == 17
    assert sum(file.stat().st_size for file in DATA.rglob("*") if file.is_file()) < 10_000_000


def test_info_line():
    first, *rest = (DATA / "induction.circ").read_text().splitlines()
    info = json.loads(first.removeprefix("# info:"))
    assert info["pos_enc_type"] == "shortformer" and info["causal_mask"] is True
    assert info["params"]["num_layers"] == 2 and info["params"]["block_params"]["use_mlp"] is False
    assert (DATA / info["extra"]["tokenizer"]).is_file() and (DATA / info["extra"]["tokens"]).is_file()
    assert rest[2:4] == ["'t.bind_w' Module", "  't.logits'"]


def test_tokens_and_tokenizer(tokens):
    assert numpy.load(DATA / "tokens.npy").dtype == numpy.int16
    assert tokens.shape[1] == SEQ and len(tokens) > 3000
    assert (tokens[:, 0] == VOCAB - 1).all() and (tokens[:, 1:] < VOCAB - 1).all() and (tokens >= 0).all()
    tokenizer = pytest.importorskip("tokenizers").Tokenizer.from_file(str(DATA / "tokenizer.json"))
    assert tokenizer.token_to_id("[BEGIN]") == VOCAB - 1 and tokenizer.token_to_id("[END]") == VOCAB - 2
    text = "Emma Woodhouse, handsome, clever, and rich"
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids) == text and max(ids) < VOCAB - 2


def test_heads_do_what_they_are_named_for(model, tokens, candidates):
    previous = scores.previous_token_scores(model, tokens[:64])
    matching = scores.prefix_matching_scores(model)
    assert all(previous[0, head] > 0.8 for head in PREV_HEADS)
    assert all(matching[1, head] > 0.7 for head in IND_HEADS)
    assert matching[0].max() < 0.1
    rows, induction = tokens[:128], [(1, head) for head in IND_HEADS]
    whole, without = (scores.mean_losses(model, rows, heads, candidates)[1] for heads in ([], induction))
    assert without > whole + 0.05


def test_model_reads_english_and_copies(model, tokens):
    loss = next_token_loss(forward(model, tokens[:64, :-1]), tokens[:64])
    assert loss.mean() < 3.9
    repeats = scores.random_repeats(16, 64, VOCAB - 1, seed=5)
    copied = next_token_loss(forward(model, repeats[:, :-1]), repeats)
    assert copied[:, 65:].mean() < 1.5
    assert copied[:, :63].mean() > 6


def test_hypotheses_on_the_shipped_model(model, tokens, candidates):
    idx_x, idx_y = torch.randint(len(tokens), (2, 96), generator=torch.Generator().manual_seed(0))
    losses = run_hypotheses(model, tokens, idx_x, idx_y, candidates, IND_HEADS, PREV_HEADS)
    mean = {name: loss.mean() / candidate_rate(tokens, candidates) for name, loss in losses.items()}
    baseline = mean["baseline: induction heads on the other input"]
    assert mean["unscrubbed"] < baseline < mean["whole model on the other input"]
    assert mean["unscrubbed"] < mean["embeddings to value"] < baseline
