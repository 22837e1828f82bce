"""The cases by group: the same computation as a circuit and by hand, on the same weights and samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

import pycircuit as rc
from bench import circuits, opponents
from bench.opponents import HYPOTHESES, Hypothesis
from bench.timing import Case, Products, Work

Tensor = torch.Tensor
HAND = "PyTorch"


@dataclass(frozen=True)
class Options:
    """`quick`: smaller sizes; `compiled`: torch.compile beside eager PyTorch (a minute of compilation for each case)."""

    quick: bool = False
    compiled: bool = False


def by_hand(options: Options, work: Work) -> dict[str, Work]:
    """The work as it is, and compiled on request."""
    return {f"{HAND} eager": work, f"{HAND} compile": torch.compile(work)} if options.compiled else {f"{HAND} eager": work}


def as_circuit(circuit: rc.Circuit) -> dict[str, Work]:
    """As written and optimized."""
    return {"evaluate": lambda: circuit.evaluate(), "optimize": lambda: rc.optimize_and_evaluate(circuit)}


def attention_products(count: float, batch: int, seq: int, hidden: int, heads: int) -> list[Products]:
    """The four projections and the two products of attention."""
    head, rows = hidden // heads, batch * heads
    return [
        Products(4 * count, 1, batch * seq, hidden, hidden),
        Products(count, rows, seq, head, seq),
        Products(count, rows, seq, seq, head),
    ]


def mlp_products(count: float, rows: int, hidden: int) -> list[Products]:
    return [Products(count, 1, rows, hidden, 4 * hidden), Products(count, 1, rows, 4 * hidden, hidden)]


@dataclass(frozen=True)
class ScrubSize:
    hidden: int
    heads: int
    vocab: int
    seq: int
    samples: int
    batch: int
    rows: int = 2000


MAIN = ScrubSize(hidden=256, heads=8, vocab=5000, seq=100, samples=256, batch=32)
TINY = ScrubSize(hidden=16, heads=4, vocab=20, seq=8, samples=256, batch=4)


class Scrub:
    """Model, data and both implementations at one size."""

    def __init__(self, size: ScrubSize) -> None:
        self.size = size
        generator = torch.Generator().manual_seed(1)
        weights = opponents.random_weights(2, size.hidden, size.heads, size.vocab, mlp=False)
        embeddings = torch.randn(size.vocab, size.hidden, generator=generator)
        positions = torch.randn(size.seq, size.hidden, generator=generator) * 0.5
        induction = (size.heads - 3, size.heads - 2)
        self.data = torch.randint(0, size.vocab, (size.rows, size.seq + 1), generator=generator)
        self.candidates = (torch.rand(size.vocab, generator=generator) < 0.2).float()
        model = (weights, embeddings, positions, (0,), induction)
        self.by_hand = opponents.AttentionOnly(*model)
        self.circuits = circuits.Scrubbing(*model, data=self.data, candidates=self.candidates)
        self.drawn = self.circuits.sampled_rows(size.samples)

    def eager(self, *hypotheses: Hypothesis) -> Tensor:
        """Losses [hypotheses * samples, seq]."""
        return torch.cat(self.by_hand.scrub_samples(hypotheses, self.data, self.drawn, self.candidates, self.size.batch))

    def pieces(self, circuit: rc.Circuit) -> rc.Circuit:
        """The sampled circuit in batches."""
        sampled = self.circuits.sampler(self.size.samples).sample(circuit)
        return rc.batch_to_concat(rc.substitute_all_modules(sampled), 0, self.size.batch)

    def evaluated(self, circuit: rc.Circuit) -> Tensor:
        """Losses [samples, seq]; from the scrubbed circuit on, so sampling and planning are timed too."""
        return self.pieces(circuit).evaluate()

    def optimized(self, circuit: rc.Circuit) -> Tensor:
        """The same, optimized batch by batch."""
        return torch.cat([rc.optimize_and_evaluate(piece) for piece in self.pieces(circuit).children])

    def products(self) -> list[Products]:
        """Layer 0 on both texts, layer 1 once, logits."""
        size, batches = self.size, self.size.samples / self.size.batch
        parts = attention_products(3 * batches, size.batch, size.seq, size.hidden, size.heads)
        return [*parts, Products(batches, 1, size.batch * size.seq, size.hidden, size.vocab)]


def scrub(options: Options) -> Iterator[Case]:
    """The main job, at its size and with tensors so small that the work is the host's."""
    for name, size in (("combined scrub", MAIN), ("combined scrub, 64 tiny batches", TINY)):
        job, hypothesis = Scrub(size), HYPOTHESES["combined"]
        circuit = job.circuits.scrubbed(hypothesis)
        ours: dict[str, Work] = {
            "evaluate": lambda job=job, circuit=circuit: job.evaluated(circuit),
            "optimize": lambda job=job, circuit=circuit: job.optimized(circuit),
        }
        yield Case(name, ours, by_hand(options, lambda job=job, hypothesis=hypothesis: job.eager(hypothesis)), job.products())


def forward(options: Options) -> Iterator[Case]:
    """The attention-only model's loss on 32 texts of 300 tokens."""
    job = Scrub(ScrubSize(hidden=256, heads=8, vocab=5000, seq=300, samples=32, batch=32))
    tokens = job.data[:32]
    products = [*attention_products(2, 32, 300, 256, 8), Products(1, 1, 9600, 256, 5000)]
    yield Case(
        "attention-only loss, batch 32, length 300",
        as_circuit(job.circuits.mean_loss(tokens)),
        by_hand(options, lambda: job.by_hand.loss(tokens)),
        products,
    )


VOCAB = 5000


def gpt2(options: Options) -> Iterator[Case]:
    """Forward passes of GPT-2 small's shape."""
    layers, hidden, heads = 12, 768, 12
    weights = opponents.random_weights(layers, hidden, heads, VOCAB, mlp=True)
    hand, model = opponents.Gpt2(weights), circuits.Gpt2(weights)
    for batch, seq in ((4, 128), (1, 8)):
        x = torch.randn(batch, seq, hidden, generator=torch.Generator().manual_seed(2))
        rows = batch * seq
        products = [*attention_products(layers, batch, seq, hidden, heads), *mlp_products(layers, rows, hidden)]
        yield Case(
            f"GPT-2 shape, batch {batch}, length {seq}",
            as_circuit(model.logits(x)),
            by_hand(options, lambda x=x: hand.forward(x)),
            [*products, Products(1, 1, rows, hidden, VOCAB)],
        )


GROUPS: dict[str, Callable[[Options], Iterator[Case]]] = {"scrub": scrub, "forward": forward, "gpt2": gpt2}
