"""Model files, `TransformerInfo`, tokenizers (spec 14, sections 8.1 to 8.3)."""

import json
from pathlib import Path

import pytest
import torch
from block_parameters import FLOAT64, all_block_params

import pycircuit as rc
from pycircuit import module_library as ml
from pycircuit.module_library import TransformerBlockParams, TransformerInfo, TransformerParams

REAL_FILES = Path(__file__).parents[2].parent / "shared" / "data"
WITHOUT_TENSORS = {"tensors_as_random": True, "allow_hash_with_random": True}


def saved_model(params):
    bound = params.garbage_call(head_size=8, device_dtype=FLOAT64)[0].get_unique("t.bind_w")
    tokens = rc.Array(torch.randn(11, 3, dtype=torch.float64), "t.w.tok_embeds")
    return tokens, bound


@pytest.mark.parametrize("block", list(all_block_params())[::17], ids=str)
def test_round_trip(block, store):
    info = TransformerInfo(TransformerParams(block, output_bias=True), "GPT", "none", False, {"note": [1, "x"]})
    tokens, bound = saved_model(info.params)
    text = info.dump_model_string(tokens, bound)
    assert text.endswith("\n") and not text.endswith("\n\n")
    circs, _, read = ml.load_transformer_model_string(text)
    assert read == info
    assert (circs["t.w.tok_embeds"], circs["t.bind_w"]) == (tokens, bound)
    assert list(circs)[: len(info.params.get().circs)] == list(info.params.get().circs)


def test_info_line_and_references(store):
    info = TransformerInfo(TransformerParams())
    lines = info.dump_model_string(saved_model(info.params)[1]).splitlines()
    values = json.loads(lines[0].removeprefix("# info:"))
    assert list(values) == ["params", "model_class", "pos_enc_type", "causal_mask", "extra"]
    assert lines[0] == "# info:" + json.dumps(values)
    assert lines[1:3] == ["'t.bind_w' Module", "  't.logits'"]
    assert lines[-1].endswith("! 't.w.unembed'")
    assert any("! 'a0.w.q' [4s,7s,0s] Symbol" in line for line in lines)


def info_text(**changes):
    values = {"params": {"block_params": {}, "num_layers": 1}, "pos_enc_type": "none", **changes}
    return "\n\n# info:" + json.dumps(values) + "\n# a comment\n'x' [] Scalar 1\n\n"


def test_missing_keys_take_defaults_and_unknown_ones_are_ignored():
    circs, _, info = ml.load_transformer_model_string(info_text(colour="red"))
    assert info == TransformerInfo(TransformerParams(TransformerBlockParams(), 1), pos_enc_type="none")
    assert circs["x"] == rc.Scalar(1, (), "x")


@pytest.mark.parametrize(
    "changes,words",
    [
        ({"pos_enc_type": "alibi"}, "pos_enc_type.*alibi"),
        ({"causal_mask": 1}, "causal_mask.*1"),
        ({"model_class": None}, "model_class.*None"),
        ({"params": {"num_layers": True}}, "num_layers.*True"),
        ({"params": {"num_layers": "2"}}, "num_layers.*'2'"),
        ({"params": {"block_params": {"norm_type": "rms"}}}, "norm_type.*rms"),
        ({"params": {"block_params": []}}, "block_params"),
        ({"params": 3}, "params.*3"),
    ],
)
def test_wrong_values_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        ml.load_transformer_model_string(info_text(**changes))


def test_broken_info_lines():
    with pytest.raises(AssertionError, match="info"):
        ml.load_transformer_model_string("'x' [] Scalar 1")
    with pytest.raises(ValueError, match="JSON"):
        ml.load_transformer_model_string('# info:{"params": {')
    with pytest.raises(ValueError, match="params"):
        ml.load_transformer_model_string("# info:{}")
    with pytest.raises(ValueError, match="object"):
        ml.load_transformer_model_string("# info:[1]")


def test_load_model_id(store):
    path = Path(ml.get_model_path("tiny"))
    assert path == store / "shared" / "circ_models2" / "tiny.circ"
    with pytest.raises(FileNotFoundError, match="tiny.circ.*RR_RRFS_DIR"):
        ml.load_model_id("tiny")
    info = TransformerInfo(TransformerParams())
    bound = saved_model(info.params)[1]
    path.parent.mkdir(parents=True)
    path.write_text(info.dump_model_string(bound))
    circs, _, read = ml.load_model_id("tiny")
    assert read == info and circs["t.bind_w"] == bound


def test_a_truncated_model_file_is_named(store):
    info = TransformerInfo(TransformerParams())
    path = Path(ml.get_model_path("tiny"))
    path.parent.mkdir(parents=True)
    text = info.dump_model_string(saved_model(info.params)[1])
    for length in (0, 60, len(text) // 2 + 3):
        path.write_text(text[:length])
        with pytest.raises(Exception) as caught:
            ml.load_model_id("tiny")
        assert any(str(path) in note for note in caught.value.__notes__)


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="the real model files are not beside this checkout")
@pytest.mark.parametrize("name", ["attention_only_2", "jun9_paren_balancer"])
def test_real_model_files(name, store):
    circs, tokenizer, info = ml.load_transformer_model_string((REAL_FILES / f"{name}.circ").read_text(), rc.Parser(**WITHOUT_TENSORS))
    model = circs["t.bind_w"]
    assert {"t.w.tok_embeds", "t.w.pos_embeds"} <= set(circs) and tokenizer is not None
    assert model.spec.circuit == info.params.get().body
    tokens = rc.Array(torch.tensor([[1, 2, 0, 3]]), "tokens")
    logits = info.bind_to_input_tokens(model, tokens, circs["t.w.tok_embeds"], circs["t.w.pos_embeds"])
    assert logits.shape == (1, 4, model.get_unique("t.w.unembed_arr").shape[0])
    assert logits.evaluate().isfinite().all()


def test_tokenizers_load_at_first_use(monkeypatch):
    made = []

    def make():
        made.append(1)
        return str

    monkeypatch.setattr(ml._tokenizers, "_makers", dict(ml._tokenizers._makers))
    ml.register_tokenizer("Mine", make)
    _, tokenizer, _ = ml.load_transformer_model_string(info_text(model_class="Mine"))
    assert not made
    assert tokenizer(3) == "3" and tokenizer.upper("a") == "A" and made == [1]
    assert ml.load_transformer_model_string(info_text(model_class="Other"))[1] is None


def test_a_tokenizer_that_cannot_be_loaded_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PYCIRCUIT_GPT2_TOKENIZER", str(tmp_path / "nowhere"))
    for model_class in ("GPT", "GPTBeginEndToks"):
        _, tokenizer, _ = ml.load_transformer_model_string(info_text(model_class=model_class))
        with pytest.raises(RuntimeError, match=f"{model_class}.*nowhere"):
            tokenizer(["a"], padding=True, return_tensors="pt")


@pytest.fixture
def gpt2_directory(tmp_path):
    """A GPT-2 tokenizer that knows single bytes only."""
    printable = [chr(code) for code in range(33, 127)]
    vocab = {token: i for i, token in enumerate([*printable, "Ġ", "<|endoftext|>"])}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    return tmp_path, len(vocab)


def test_gpt2_tokenizers(gpt2_directory, monkeypatch):
    pytest.importorskip("transformers", reason="GPT-2's tokenizer comes from transformers")
    directory, size = gpt2_directory
    monkeypatch.setenv("PYCIRCUIT_GPT2_TOKENIZER", str(directory))
    _, plain, _ = ml.load_transformer_model_string(info_text(model_class="GPT"))
    assert plain.pad_token_id == size and plain.pad_token == "[END]"
    _, tokenizer, _ = ml.load_transformer_model_string(info_text(model_class="GPTBeginEndToks"))
    ids = tokenizer(["ab", "abc"], padding=True, return_tensors="pt").input_ids
    assert ids.shape == (2, 3) and ids[0, 2] == tokenizer.pad_token_id == size
    assert tokenizer.convert_tokens_to_ids("[BEGIN]") == size + 1 and tokenizer.eos_token == "[END]"
    assert tokenizer.decode(ids[1]) == "abc" and tokenizer.batch_decode(ids)[1] == "abc"
    tokenizer.padding_side = "left"
    assert tokenizer(["ab", "abc"], padding=True).input_ids[0][0] == size
