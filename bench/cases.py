"""The cases by group: the same computation as a circuit and by hand, on the same weights and samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

import pycircuit as rc
from bench import circuits, opponents
from bench.opponents import HYPOTHESES, Gpt2Size, Hypothesis
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

    def __init__(self, size: ScrubSize, device: str = "cpu") -> None:
        self.size = size
        generator = torch.Generator().manual_seed(1)
        random_weights = opponents.random_weights(2, size.hidden, size.heads, size.vocab, mlp=False)
        weights = {name: value.to(device) for name, value in random_weights.items()}
        embeddings = torch.randn(size.vocab, size.hidden, generator=generator).to(device)
        positions = (torch.randn(size.seq, size.hidden, generator=generator) * 0.5).to(device)
        induction = (size.heads - 3, size.heads - 2)
        self.data = torch.randint(0, size.vocab, (size.rows, size.seq + 1), generator=generator).to(device)
        self.candidates = (torch.rand(size.vocab, generator=generator) < 0.2).float().to(device)
        model = (weights, embeddings, positions, (0,), induction)
        self.by_hand = opponents.AttentionOnly(*model)
        self.circuits = circuits.Scrubbing(*model, data=self.data, candidates=self.candidates)
        self.drawn = self.circuits.sampled_rows(size.samples)

    def eager(self, *hypotheses: Hypothesis) -> Tensor:
        """Losses [hypotheses * samples, seq]."""
        return torch.cat(self.by_hand.scrub_samples(hypotheses, self.data, self.drawn, self.candidates, self.size.batch))

    def sampled(self, circuit: rc.Circuit) -> rc.Circuit:
        """Losses [samples, seq]. Every way starts from the scrubbed circuit, so sampling and planning are timed too."""
        return self.circuits.sampler(self.size.samples).sample(circuit)

    def pieces(self, circuit: rc.Circuit) -> rc.Circuit:
        """The sampled circuit in batches."""
        return rc.batch_to_concat(rc.substitute_all_modules(self.sampled(circuit)), 0, self.size.batch)

    def optimized(self, circuit: rc.Circuit) -> Tensor:
        """Losses [samples, seq], optimized batch by batch."""
        return torch.cat([rc.optimize_and_evaluate(piece) for piece in self.pieces(circuit).children])

    def optimized_many(self, scrubbed: list[rc.Circuit]) -> Tensor:
        """Losses [circuits * samples, seq]; the circuits are optimized together, batch by batch."""
        batches = zip(*(self.pieces(circuit).children for circuit in scrubbed), strict=True)
        values = [rc.optimize_and_evaluate_many(list(pieces)) for pieces in batches]
        return torch.cat([torch.cat(losses) for losses in zip(*values, strict=True)])

    def batched(self, circuit: rc.Circuit, optimize: bool) -> Tensor:
        """Losses [samples, seq] by the evaluator's own batches."""
        return rc.evaluate_batched(self.sampled(circuit), 0, self.size.batch, optimize=optimize)

    def batched_many(self, scrubbed: list[rc.Circuit], optimize: bool) -> Tensor:
        """Losses [circuits * samples, seq], all circuits batch by batch."""
        return torch.cat(rc.evaluate_batched_many([self.sampled(circuit) for circuit in scrubbed], 0, self.size.batch, optimize=optimize))

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
            "evaluate": lambda job=job, circuit=circuit: job.pieces(circuit).evaluate(),
            "optimize": lambda job=job, circuit=circuit: job.optimized(circuit),
            "batched": lambda job=job, circuit=circuit: job.batched(circuit, optimize=False),
            "batched, optimize": lambda job=job, circuit=circuit: job.batched(circuit, optimize=True),
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


def hypotheses(options: Options) -> Iterator[Case]:
    """All nine hypotheses one after the other, on the same samples."""
    size = MAIN if not options.quick else dataclasses.replace(MAIN, samples=64)
    job = Scrub(size)
    scrubbed = [job.circuits.scrubbed(texts) for texts in HYPOTHESES.values()]
    ours: dict[str, Work] = {
        "optimize": lambda: torch.cat([job.optimized(circuit) for circuit in scrubbed]),
        "optimize many": lambda: job.optimized_many(scrubbed),
        "batched many": lambda: job.batched_many(scrubbed, optimize=False),
        "batched many, optimize": lambda: job.batched_many(scrubbed, optimize=True),
    }
    theirs = {
        f"{HAND} eager": lambda: torch.cat([job.eager(texts) for texts in HYPOTHESES.values()]),
        f"{HAND} eager, shared": lambda: job.eager(*HYPOTHESES.values()),
    }
    batches = size.samples / size.batch
    logits = Products(len(HYPOTHESES) * batches, 1, size.batch * size.seq, size.hidden, size.vocab)
    # Layer 0 on both texts and the other heads of layer 1 are shared; two heads of eight are not.
    shared = attention_products(2.75 * batches, size.batch, size.seq, size.hidden, size.heads)
    own = attention_products(0.25 * len(HYPOTHESES) * batches, size.batch, size.seq, size.hidden, size.heads)
    yield Case(f"nine hypotheses, {size.samples} samples", ours, theirs, [*shared, *own, logits], rounds=2)


def models(size: Gpt2Size) -> tuple[opponents.Gpt2, circuits.Gpt2]:
    weights = size.weights()
    return opponents.Gpt2(weights), circuits.Gpt2(weights)


def gpt2_products(size: Gpt2Size, layers: float, batch: int, seq: int, logits: float = 1.0) -> list[Products]:
    """Those of some layers and of logits."""
    rows = batch * seq
    parts = [*attention_products(layers, batch, seq, size.hidden, size.heads), *mlp_products(layers, rows, size.hidden)]
    return [*parts, Products(logits, 1, rows, size.hidden, size.vocab)]


def gpt2(options: Options) -> Iterator[Case]:
    """Forward passes of GPT-2 small's shape."""
    size = Gpt2Size.of_forward(options.quick)
    hand, model = models(size)
    for batch, seq in size.FORWARDS:
        x = size.embedded(batch, seq)
        yield Case(
            size.forward_name(batch, seq),
            as_circuit(model.logits(x)),
            by_hand(options, lambda x=x: hand.forward(x)),
            gpt2_products(size, size.layers, batch, seq),
        )


def ablations(options: Options) -> Iterator[Case]:
    """Every head zeroed in turn: mean loss, and logit difference at the last position."""
    size = Gpt2Size.of_ablations(options.quick)
    hand, model = models(size)
    x, tokens, answers = size.ablation_inputs()
    (batch, seq), count = tokens.shape, size.layers * size.heads
    loss, difference = size.ablation_names()
    # A forward starts at the ablated layer: the layers before it are shared.
    layers = size.heads * size.layers * (size.layers + 1) / 2 + size.layers

    def sweep(circuit: rc.Circuit) -> dict[str, Work]:
        configured = model.configured(circuit)
        ablated = model.ablations(configured)
        return {"sweep": lambda: model.swept(configured), "optimize many": lambda: torch.stack(rc.optimize_and_evaluate_many(ablated))}

    yield Case(
        loss,
        sweep(model.mean_loss(x, tokens)),
        {
            f"{HAND} eager, shared": lambda: hand.ablated_losses(x, tokens),
            f"{HAND} eager, one by one": lambda: hand.ablated_losses_one_by_one(x, tokens),
        },
        gpt2_products(size, layers, batch, seq, logits=count),
        rounds=1,
    )
    yield Case(
        difference,
        sweep(model.logit_difference(x, answers)),
        {f"{HAND} eager, shared": lambda: hand.ablated_logit_differences(x, answers)},
        gpt2_products(size, layers - count, batch, seq, logits=0),
        rounds=1,
    )


def planning(options: Options) -> Iterator[Case]:
    """What comes before the first number: optimizing and scheduling GPT-2's structure."""
    settings = rc.OptimizationSettings()
    for layers in (3,) if options.quick else (12, 24, 48):
        _, model = models(Gpt2Size(layers=layers, hidden=32, heads=4, vocab=50))
        circuit = rc.substitute_all_modules(model.logits(torch.randn(1, 8, 32)))
        for name, plan in (("scheduling", rc.circuit_to_schedule), ("optimizing and scheduling", rc.optimize_to_schedule)):
            yield Case(f"{name}, {layers} layers", {"": lambda plan=plan, circuit=circuit: _planned(plan(circuit, settings))}, {}, rounds=3)


def depth(options: Options) -> Iterator[Case]:
    """GPT-2's structure with tensors so small that the host is what is timed: as a circuit evaluated again, and as a schedule kept."""
    for layers in (3,) if options.quick else (12, 24, 48):
        size = Gpt2Size(layers=layers, hidden=32, heads=4, vocab=50)
        hand, model = models(size)
        x = size.embedded(1, 8)
        circuit = model.logits(x)
        schedule = rc.optimize_to_schedule(rc.substitute_all_modules(circuit))
        yield Case(
            f"{layers} tiny layers",
            {**as_circuit(circuit), "schedule": lambda schedule=schedule: schedule.evaluate()},
            by_hand(options, lambda hand=hand, x=x: hand.forward(x)),
            rounds=20,
        )


def _planned(_: rc.Schedule) -> Tensor:
    """Nothing: what is timed is the plan."""
    return torch.zeros(())


def attention(options: Options) -> Iterator[Case]:
    """One attention layer over lengths; the batch shrinks as the length grows."""
    hidden, heads = 512, 8
    generator = torch.Generator().manual_seed(4)
    weights = opponents.random_weights(1, hidden, heads, 8, mlp=False)
    hand = opponents.AttentionLayer(weights)
    bound = {f"a.w.{matrix}": weights[f"a0.w.{matrix}"] for matrix in "qkvo"}
    for seq in (64, 512) if options.quick else (64, 128, 256, 512, 1024, 2048, 4096):
        batch = max(1, 1024 // seq)
        x = torch.randn(batch, seq, hidden, generator=generator)
        yield Case(
            f"attention, batch {batch}, length {seq}",
            as_circuit(circuits.attention(x, bound)),
            by_hand(options, lambda x=x: hand(x)),
            attention_products(1, batch, seq, hidden, heads),
        )


GROUPS: dict[str, Callable[[Options], Iterator[Case]]] = {
    "scrub": scrub,
    "hypotheses": hypotheses,
    "forward": forward,
    "gpt2": gpt2,
    "attention": attention,
    "planning": planning,
    "depth": depth,
    "ablations": ablations,
}
