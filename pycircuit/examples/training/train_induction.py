"""Trains the example model: a two-layer attention-only shortformer that reads English and does induction.

    python -m pycircuit.examples.training.train_induction --work /tmp/induction     # fetch text, train tokenizer and model, score heads
    python -m pycircuit.examples.training.export --work /tmp/induction              # write pycircuit/examples/data

Induction is learned, not built in. First every row repeats a random segment of random period, so that most tokens can be copied from
context, and the model has only `EARLY_HEADS`: within some hundred steps one head of layer 0 learns to look at the previous token and those
of layer 1 to look behind earlier occurrences of the current token. Then the other heads join and real text is mixed in; training ends
almost entirely on real text. (With all heads from the start, all of them would share one function.) All randomness comes from `--seed`;
results agree between machines up to floating point.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from . import corpus

VOCAB, HIDDEN, HEADS, HEAD, LAYERS, MAX_SEQ = 1024, 128, 8, 16, 2, 256
EARLY_HEADS = (1, 2)  # heads of each layer that exist while the model reads repeats only
END, BEGIN = "[END]", "[BEGIN]"  # the two last ids, in this order


# ---- text ----------------------------------------------------------------------------------------------------------------------------


def train_tokenizer(texts: list[str]) -> Tokenizer:
    """A byte-level BPE tokenizer of `VOCAB` entries, the last two of which are `[END]` and `[BEGIN]`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=VOCAB - 2, initial_alphabet=alphabet, show_progress=False))
    tokenizer.add_special_tokens([END, BEGIN])
    assert (tokenizer.token_to_id(END), tokenizer.token_to_id(BEGIN)) == (VOCAB - 2, VOCAB - 1), tokenizer.get_vocab_size()
    return tokenizer


def encode_books(tokenizer: Tokenizer, books: list[corpus.Book]) -> list[torch.Tensor]:
    """Tokens of each book, int64, ended by `[END]`."""
    end = tokenizer.token_to_id(END)
    return [torch.tensor([*tokenizer.encode(book.text, add_special_tokens=False).ids, end]) for book in books]


def rows_of(books: list[torch.Tensor], length: int) -> torch.Tensor:
    """Consecutive rows [rows, length] of every book, each begun by `[BEGIN]`; what does not fill a row is dropped."""
    parts = [book[: len(book) // (length - 1) * (length - 1)].view(-1, length - 1) for book in books]
    rows = torch.cat(parts)
    return torch.cat([torch.full((len(rows), 1), VOCAB - 1), rows], 1)


class Batches:
    """Random training rows [batch, length]: crops of the text, or random segments repeated to the end of the row."""

    def __init__(self, text: torch.Tensor, length: int, seed: int) -> None:
        self.text, self.length, self.random = text, length, torch.Generator().manual_seed(seed)

    def crops(self, count: int) -> torch.Tensor:
        starts = torch.randint(0, len(self.text) - self.length, (count, 1), generator=self.random)
        rows = self.text[starts + torch.arange(-1, self.length - 1)]
        rows[:, 0] = VOCAB - 1
        return rows

    def repeats(self, count: int, length: int, longest: int = 64) -> torch.Tensor:
        periods = torch.randint(6, longest + 1, (count, 1), generator=self.random)
        segments = torch.randint(0, VOCAB - 2, (count, longest), generator=self.random)
        rows = segments.gather(1, (torch.arange(length) - 1) % periods)
        rows[:, 0] = VOCAB - 1
        return rows

    def mixed(self, count: int, share_of_repeats: float) -> torch.Tensor:
        repeats = round(count * share_of_repeats)
        return torch.cat([self.repeats(repeats, self.length), self.crops(count - repeats)])


# ---- model ---------------------------------------------------------------------------------------------------------------------------


def waves() -> torch.Tensor:
    """Start values of the learned positions [max_seq, hidden]: sines and cosines of wave lengths from 4 to 1,024 positions."""
    wave_lengths = 4 * 256 ** torch.linspace(0, 1, HIDDEN // 2)
    angles = torch.arange(MAX_SEQ)[:, None] * (2 * math.pi / wave_lengths)
    return torch.cat([angles.sin(), angles.cos()], 1)


class Shortformer(torch.nn.Module):
    """The model of `torch_reference.forward` with fused operations; its parameters are named as in the model file, dots as underscores."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)

        def normal(*shape: int, std: float) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.randn(*shape, generator=random) * std)

        weights = {"t.w.tok_embeds": normal(VOCAB, HIDDEN, std=0.5), "t.w.pos_embeds": torch.nn.Parameter(waves())}
        for part in (*(f"a{i}" for i in range(LAYERS)), "final"):
            weights[f"{part}.ln.w.bias"] = torch.nn.Parameter(torch.zeros(HIDDEN))
            weights[f"{part}.ln.w.scale"] = torch.nn.Parameter(torch.ones(HIDDEN))
        for i in range(LAYERS):
            for matrix in "qkv":
                weights[f"a{i}.w.{matrix}"] = normal(HEADS, HEAD, HIDDEN, std=HIDDEN**-0.5)
            weights[f"a{i}.w.o"] = normal(HEADS, HIDDEN, HEAD, std=0.5 * HIDDEN**-0.5)
        weights["t.w.unembed"] = normal(VOCAB, HIDDEN, std=0.5 * HIDDEN**-0.5)
        self.weights = torch.nn.ParameterDict({name.replace(".", "_"): value for name, value in weights.items()})

    def named(self) -> dict[str, torch.Tensor]:
        """Detached weights by their names in the model file."""
        names = ["t.w.tok_embeds", "t.w.pos_embeds"]
        for i in range(LAYERS):
            names += [f"a{i}.ln.w.bias", f"a{i}.ln.w.scale", *(f"a{i}.w.{matrix}" for matrix in "qkvo")]
        names += ["final.ln.w.bias", "final.ln.w.scale", "t.w.unembed"]
        return {name: self.weights[name.replace(".", "_")].detach().clone() for name in names}

    def forward(self, tokens: torch.Tensor, active: tuple[int, int] = (HEADS, HEADS)) -> torch.Tensor:
        """Logits [batch, seq, vocab] of tokens [batch, seq] with only the first `active` heads of each layer."""
        w, (batch, n) = self.weights, tokens.shape
        x, positions = F.embedding(tokens, w["t_w_tok_embeds"]), w["t_w_pos_embeds"][:n]
        for i in range(LAYERS):
            h = F.layer_norm(x, (HIDDEN,), w[f"a{i}_ln_w_scale"], w[f"a{i}_ln_w_bias"], 1e-5)
            with_position = h + positions
            heads = active[i]
            qk = torch.cat([w[f"a{i}_w_q"][:heads], w[f"a{i}_w_k"][:heads]]).view(-1, HIDDEN)
            q, k = F.linear(with_position, qk).view(batch, n, 2, heads, HEAD).permute(2, 0, 3, 1, 4)
            v = F.linear(h, w[f"a{i}_w_v"][:heads].reshape(-1, HIDDEN)).view(batch, n, heads, HEAD).transpose(1, 2)
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, n, heads * HEAD)
            x = x + F.linear(z, w[f"a{i}_w_o"][:heads].permute(1, 0, 2).reshape(HIDDEN, heads * HEAD))
        return F.linear(F.layer_norm(x, (HIDDEN,), w["final_ln_w_scale"], w["final_ln_w_bias"], 1e-5), w["t_w_unembed"])


# ---- training ------------------------------------------------------------------------------------------------------------------------


def share_of_repeats(step: int, options: argparse.Namespace) -> float:
    """Share of repeated-segment rows among the text: `early_share`, in the second half `late_share`."""
    return options.early_share if step < options.steps // 2 else options.late_share


def learning_rate(step: int, options: argparse.Namespace) -> float:
    """Linear warm-up over 100 steps, then a cosine from `lr` to a hundredth of it."""
    progress = step / options.steps
    return options.lr * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))


def train(model: Shortformer, batches: Batches, held_out: torch.Tensor, options: argparse.Namespace) -> None:
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.98))
    repeated = Batches(batches.text, batches.length, seed=options.seed + 7).repeats(16, batches.length)
    start = time.perf_counter()
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, options)
        if step < options.repeat_steps:  # many short rows: few positions to tell apart, many repeats
            active, tokens = EARLY_HEADS, batches.repeats(4 * options.batch, length=65, longest=24)
        else:
            active, tokens = (HEADS, HEADS), batches.mixed(options.batch, share_of_repeats(step, options))
        loss = F.cross_entropy(model(tokens[:, :-1], active).flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 99 or step == options.steps - 1:
            text, copy = mean_loss(model, held_out[:64], active), mean_loss(model, repeated, active, skip=65)
            seconds = time.perf_counter() - start
            torch.save(model.named(), options.work / "weights.pt")
            print(f"step {step + 1:5} {seconds:6.0f} s  batch {loss.item():.3f}  held-out text {text:.3f}  repeats {copy:.3f}", flush=True)


@torch.no_grad()
def mean_loss(model: Shortformer, rows: torch.Tensor, active: tuple[int, int], skip: int = 0) -> float:
    """Mean next-token loss over rows [rows, seq], positions from `skip` on."""
    losses = [
        F.cross_entropy(model(part[:, :-1], active).transpose(1, 2), part[:, 1:], reduction="none")[:, skip:].double().sum(1)
        for part in rows.split(32)
    ]
    return torch.cat(losses).mean().item() / (rows.shape[1] - 1 - skip)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for downloaded packages, tokenizer, tokens and checkpoint")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--repeat-steps", type=int, default=800, help="steps on repeated random segments alone")
    parser.add_argument("--early-share", type=float, default=0.2, help="share of repeated rows after that")
    parser.add_argument("--late-share", type=float, default=0.1, help="share of repeated rows in the second half")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=MAX_SEQ + 1, help="tokens per training row, labels included")
    parser.add_argument("--row", type=int, default=160, help="tokens per row of the shipped token array")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    corpus.fetch(options.work / "packages")
    books = corpus.read_books(options.work / "packages")
    training, held_out = [b for b in books if not b.held_out], [b for b in books if b.held_out]
    tokenizer = train_tokenizer([book.text for book in training])
    tokenizer.save(str(options.work / "tokenizer.json"))
    text = torch.cat(encode_books(tokenizer, training))
    rows = rows_of(encode_books(tokenizer, held_out), options.row)
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(options.seed))]
    torch.save(rows, options.work / "rows.pt")
    print(f"{len(text)} tokens of training text, {len(rows)} held-out rows of {options.row}", flush=True)

    model = Shortformer(options.seed)
    train(model, Batches(text, options.length, options.seed), rows, options)
    (options.work / "options.json").write_text(json.dumps({k: str(v) if k == "work" else v for k, v in vars(options).items()}))


if __name__ == "__main__":
    main()
