"""Binding a model to inputs and masks (spec 14, section 8.4)."""

import pytest
import torch
from block_parameters import FLOAT64

import pycircuit as rc
from pycircuit.module_library import TransformerBlockParams, TransformerInfo, TransformerParams

HIDDEN, SEQ, VOCAB = 4, 6, 11
TABLE = rc.Array.randn(8, HIDDEN, name="t.w.pos_embeds", device_dtype=FLOAT64)
TOKEN_TABLE = rc.Array.randn(VOCAB, HIDDEN, name="t.w.tok_embeds", device_dtype=FLOAT64)


def model(info):
    weights = info.params.garbage_init_weights(hidden_size=HIDDEN, vocab_size=VOCAB, device_dtype=FLOAT64)
    return rc.module_new_bind(info.params.get().body, *weights.items(), name="t.bind_w")


def make_info(pos_enc_type="gpt", causal_mask=True):
    block = TransformerBlockParams(attn_pos=pos_enc_type == "shortformer")
    return TransformerInfo(TransformerParams(block, 1), pos_enc_type=pos_enc_type, causal_mask=causal_mask)


def embeddings(*batch, seq=SEQ):
    return rc.Array(torch.randn(*batch, seq, HIDDEN, dtype=torch.float64), "emb")


def argument(call, symbol):
    return {arg.symbol.name: node for node, arg in call.arg_items()}[symbol]


def test_shortformer_structure(store):
    info = make_info("shortformer")
    emb = embeddings(2)
    call = info.bind_to_input(model(info), emb, TABLE)
    assert call.name == "t.call" and call.shape == (2, SEQ, VOCAB)
    assert [arg.symbol.name for _, arg in call.arg_items()] == ["t.input", "a.mask", "a.pos_input"]
    assert argument(call, "t.input") == emb
    mask = argument(call, "a.mask")
    assert mask.name == "t.a.c.causal_mask" and torch.equal(mask.value, torch.ones(SEQ, SEQ, dtype=torch.float64).tril())
    positions = argument(call, "a.pos_input")
    assert positions.repr().splitlines()[0] == "'t.w.pos_embeds_idxed' [6,4] Index [:6,:]"


def test_gpt_structure():
    info = make_info()
    emb = embeddings(2)
    call = info.bind_to_input(model(info), emb, TABLE, prefix="u")
    added = argument(call, "t.input")
    assert (call.name, added.name) == ("u.call", "u.inp_tok_pos")
    assert added.children[0] == emb and added.children[1].name == "t.w.pos_embeds_idxed"


def test_without_positions_or_causal_mask():
    info = make_info("none", causal_mask=False)
    emb = embeddings()
    call = info.bind_to_input(model(info), emb)
    assert argument(call, "t.input") == emb
    assert argument(call, "a.mask") == rc.Scalar(1.0, (SEQ, SEQ), "t.a.c.full_mask")
    with pytest.raises(AssertionError, match="pos_embed_weights"):
        make_info().bind_to_input(model(make_info()), emb)


def test_mask_dtype_follows_the_embeddings():
    info = make_info("none")
    symbol = rc.Symbol.new_with_random_uuid((SEQ, HIDDEN), "s")
    weights = TransformerInfo(info.params).params.get().body
    assert argument(info.bind_to_input(weights, symbol), "a.mask").dtype == "float32"


@pytest.mark.parametrize("has_q,text", [(False, "ca,ba->cba"), (True, "cba,ba->cba")])
def test_input_mask_structure(has_q, text, store):
    info = make_info("none")
    mask = rc.Array(torch.randint(2, (2, SEQ, SEQ) if has_q else (2, SEQ)).double(), "inp_mask")
    combined = argument(info.bind_to_input(model(info), embeddings(2), None, mask, has_q), "a.mask")
    assert combined.name == "t.a.mask" and combined.shape == (2, SEQ, SEQ)
    assert combined.repr().splitlines()[0] == f"'t.a.mask' Einsum {text}"
    given = mask.value if has_q else mask.value[:, None, :]
    assert torch.equal(combined.evaluate(), given * torch.ones(SEQ, SEQ, dtype=torch.float64).tril())


def test_tokens():
    info = make_info()
    tokens = torch.randint(VOCAB, (2, SEQ))
    bound = model(info)
    call = info.bind_to_input_tokens(bound, rc.Array(tokens, "toks"), TOKEN_TABLE, TABLE)
    assert argument(call, "t.input").children[0].name.startswith("gen_index_at_-2_c(")
    embedded = rc.Array(TOKEN_TABLE.value[tokens], "emb")
    torch.testing.assert_close(call.evaluate(), info.bind_to_input(bound, embedded, TABLE).evaluate(), rtol=1e-12, atol=1e-12)
    stored = info.bind_to_input_tokens_int16(bound, (tokens - 32768).to(torch.int16), TOKEN_TABLE, TABLE)
    torch.testing.assert_close(stored.evaluate(), call.evaluate(), rtol=1e-12, atol=1e-12)
    for wrong in (tokens, tokens.tolist()):
        with pytest.raises(TypeError, match="int16"):
            info.bind_to_input_tokens_int16(bound, wrong, TOKEN_TABLE, TABLE)


def test_positions_run_out():
    info = make_info()
    with pytest.raises(ValueError) as caught:
        info.bind_to_input(model(info), embeddings(seq=9), TABLE)
    assert any("9" in note and "8" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("pos_enc_type", ["gpt", "shortformer", "none"])
def test_causal(pos_enc_type):
    info = make_info(pos_enc_type)
    bound, emb = model(info), embeddings(2)
    changed = emb.value.clone()
    changed[:, 3:] = torch.randn(2, 3, HIDDEN, dtype=torch.float64)
    before, after = (info.bind_to_input(bound, inp, TABLE).evaluate() for inp in (emb, rc.Array(changed, "emb")))
    assert torch.equal(before[:, :3], after[:, :3]) and not torch.allclose(before[:, 3:], after[:, 3:])


def test_key_mask_hides_a_position():
    info = make_info("none", causal_mask=False)
    bound, emb = model(info), embeddings(1)
    mask = torch.ones(1, SEQ, dtype=torch.float64)
    mask[:, 2] = 0
    changed = emb.value.clone()
    changed[:, 2] = torch.randn(HIDDEN, dtype=torch.float64)
    inputs = (emb, rc.Array(changed, "emb"))
    before, after = (info.bind_to_input(bound, inp, None, rc.Array(mask, "m")).evaluate() for inp in inputs)
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(before[:, others], after[:, others], rtol=1e-12, atol=1e-12)
