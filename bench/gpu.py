"""Times the CUDA attention kernels beside torch, and the main job: python -m bench.gpu LIBRARY [--quick]; markdown on standard output.

LIBRARY is the shared library of the target attention_library. Device time by CUDA events, best of several runs; TFLOP/s count
4 S S D H B floating-point operations, half of it under a causal mask, so that ways that skip less are not flattered.
"""

from __future__ import annotations

import argparse
import ctypes
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import pycircuit as rc
from bench.cases import MAIN, TINY, Scrub
from bench.opponents import HYPOTHESES

Tensor = torch.Tensor
ELEMENTS = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}
BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "cuDNN": SDPBackend.CUDNN_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION}
TOKENS, HIDDEN = 16384, 2048


class Library:
    """The kernels of LIBRARY on tensors [batch, heads, row, column]."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        self.library.bench_attention.restype = ctypes.c_char_p
        self.library.bench_attention_workspace.restype = ctypes.c_size_t
        self.library.bench_hopper_status.restype = ctypes.c_char_p
        major, minor = torch.cuda.get_device_capability()
        self.capability = 10 * major + minor

    def hopper_status(self) -> str:
        """Which path float16 and bfloat16 take on this device, and why."""
        return str(self.library.bench_hopper_status(self.capability).decode())

    def prepare(self, q: Tensor, k: Tensor, v: Tensor, *, scale: float, causal: bool = False, **terms: Tensor) -> Callable[[], Tensor]:
        """A call that computes [batch, heads, i, f], or with `weight` [heads, f, d] [batch, i, d]; `terms`: mask, bias, weight."""
        batch, heads, queries, key_size = q.shape
        keys, value_size = v.shape[-2:]
        weight = terms.get("weight")
        columns = value_size if weight is None else weight.shape[-1]
        result = torch.empty(batch, heads if weight is None else 1, queries, columns, dtype=q.dtype, device=q.device)
        numbers = [ELEMENTS[q.dtype], 2, batch, heads, 1, 1, queries, keys, key_size, value_size, int(causal), 0]
        numbers += [0 if weight is None else columns, 0, int(weight is not None), 0, 0]
        operands = [q, k, v, terms.get("mask"), terms.get("bias"), weight, result]
        for operand in operands:
            strides = (0, 0, 0, 0)
            if operand is not None:
                strides = operand.expand(batch, -1 if operand is result else heads, *operand.shape[-2:]).stride()
            numbers += [*strides[:2], 0, 0, *strides[2:]]
        array = (ctypes.c_int64 * len(numbers))(*numbers)
        pointers = (ctypes.c_void_p * len(operands))(*(None if operand is None else operand.data_ptr() for operand in operands))
        factor = ctypes.c_float(scale)
        size = self.library.bench_attention_workspace(array, factor, pointers, self.capability)
        workspace = torch.empty(size + 256, dtype=torch.uint8, device=q.device)

        def run(operands: list[Tensor | None] = operands) -> Tensor:  # keeps the operands alive
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            error = self.library.bench_attention(array, factor, pointers, ctypes.c_void_p(workspace.data_ptr()), self.capability, stream)
            if error:
                raise RuntimeError(error.decode())
            return result if weight is None else result[:, 0]

        return run


def milliseconds(work: Callable[[], object], repeats: int = 10) -> float:
    """Device time of one call, best of three series; the second-level cache stays as the calls leave it."""
    for _ in range(3):
        work()
    best = math.inf
    for _ in range(3):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(repeats):
            work()
        end.record()
        end.synchronize()
        best = min(best, start.elapsed_time(end) / repeats)
    return best


def error_of(value: Tensor, expected: Tensor) -> float:
    """Largest difference in units of the largest expected value."""
    return ((value.double() - expected).abs().max() / expected.abs().max()).item()


def eager(q: Tensor, k: Tensor, v: Tensor, *, scale: float, causal: bool = False, **terms: Tensor) -> Tensor:
    """The nodes one by one."""
    scores = q @ k.transpose(-1, -2) * scale
    if (mask := terms.get("mask")) is not None:
        scores = scores * mask
    if (bias := terms.get("bias")) is not None:
        scores = scores + bias
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1), -math.inf)
    output = scores.softmax(-1) @ v
    weight = terms.get("weight")
    return output if weight is None else torch.einsum("bhif,hfd->bid", output, weight)


@dataclass(frozen=True)
class Shape:
    batch: int
    heads: int
    seq: int
    head: int
    dtype: torch.dtype

    def inputs(self) -> list[Tensor]:
        return [torch.randn(self.batch, self.heads, self.seq, self.head, device="cuda", dtype=self.dtype) for _ in range(3)]

    def operations(self, causal: bool) -> float:
        return 4.0 * self.seq**2 * self.head * self.heads * self.batch * (0.5 if causal else 1.0)


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def plain_attention(library: Library, seqs: list[int]) -> None:
    """One table: pycircuit and every back end of torch's scaled_dot_product_attention."""
    print(f"\n### Attention forward, TFLOP/s ({TOKENS} tokens, hidden size {HIDDEN})\n")
    print(
        "| type | head | mask | length | pycircuit | "
        + " | ".join(BACKENDS)
        + " | ratio to best | error (flash) |\n|"
        + "---|" * (7 + len(BACKENDS))
    )
    for dtype in (torch.float16, torch.bfloat16):
        for head in (64, 128):
            for causal in (False, True):
                for seq in seqs:
                    shape = Shape(TOKENS // seq, HIDDEN // head, seq, head, dtype)
                    print(plain_row(library, shape, causal), flush=True)


def plain_row(library: Library, shape: Shape, causal: bool) -> str:
    """One line of the table."""
    q, k, v = shape.inputs()
    ours = library.prepare(q, k, v, scale=shape.head**-0.5, causal=causal)
    times, flash = {}, None
    for name, backend in BACKENDS.items():
        try:
            with sdpa_kernel(backend):
                work = lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)  # noqa: E731
                flash = work() if flash is None else flash
                times[name] = milliseconds(work)
        except RuntimeError:
            times[name] = math.nan
    expected = eager(q[:1].double(), k[:1].double(), v[:1].double(), scale=shape.head**-0.5, causal=causal)
    errors = f"{error_of(ours()[:1], expected):.1e} ({error_of(flash[:1], expected):.1e})" if flash is not None else ""
    mine = milliseconds(ours)
    rate = lambda time: f"{shape.operations(causal) / time / 1e9:.0f}"  # noqa: E731
    cells = [name_of(shape.dtype), shape.head, "causal" if causal else "full", shape.seq, rate(mine)]
    cells += [rate(time) if time == time else "-" for time in times.values()]
    best = min(time for time in times.values() if time == time)
    return "| " + " | ".join(map(str, [*cells, f"{best / mine:.2f}", errors])) + " |"


def general_attention(library: Library, seqs: list[int]) -> None:
    """One table: what torch's fused kernels do not offer, beside the nodes one by one."""
    print("\n### Masks, biases, output weights: microseconds (batch 32, 12 heads, head size 64)\n")
    print("| type | case | length | pycircuit | eager torch | ratio | error (eager) |\n|" + "---|" * 7)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        for seq in seqs:
            shape = Shape(32, 12, seq, 64, dtype)
            causal_mask = torch.ones(seq, seq, device="cuda", dtype=dtype).tril()
            weight = torch.randn(12, 64, 768, device="cuda", dtype=dtype) / 28
            bias = torch.randn(12, seq, seq, device="cuda", dtype=dtype)
            cases: dict[str, tuple[bool, dict[str, Tensor]]] = {
                "full": (False, {}),
                "causal": (True, {}),
                "causal by mask and -10000": (False, {"mask": causal_mask, "bias": (1 - causal_mask) * -10000}),
                "bias per head": (False, {"bias": bias}),
                "causal, output weights": (True, {"weight": weight}),
            }
            for name, (causal, terms) in cases.items():
                print(general_row(library, shape, name, causal, terms), flush=True)


def general_row(library: Library, shape: Shape, name: str, causal: bool, terms: dict[str, Tensor]) -> str:
    """One line of the table."""
    q, k, v = shape.inputs()
    scale = shape.head**-0.5
    ours = library.prepare(q, k, v, scale=scale, causal=causal, **terms)
    theirs = lambda: eager(q, k, v, scale=scale, causal=causal, **terms)  # noqa: E731
    exact = {key: value.double() for key, value in terms.items()}
    expected = eager(q[:1].double(), k[:1].double(), v[:1].double(), scale=scale, causal=causal, **exact)
    errors = f"{error_of(ours()[:1], expected):.1e} ({error_of(theirs()[:1], expected):.1e})"
    mine, other = milliseconds(ours), milliseconds(theirs)
    cells = [name_of(shape.dtype), name, shape.seq, f"{1e3 * mine:.0f}", f"{1e3 * other:.0f}", f"{other / mine:.2f}", errors]
    return "| " + " | ".join(map(str, cells)) + " |"


def main_job() -> None:
    """One table: host time of one batch of the combined scrub, each step queued anew and as a replayed graph."""
    print("\n### The combined scrub, 256 samples in batches: host time\n")
    print("| size | graphs | host ms per batch | total ms per batch | host-bound | replays |\n|" + "---|" * 6)
    for name, size in (("main", MAIN), ("tiny", TINY)):
        job = Scrub(size, "cuda")
        sampled = job.sampled(job.circuits.scrubbed(HYPOTHESES["combined"]))
        for graphs in (False, True):
            settings = rc.OptimizationSettings(cuda_graphs=graphs)
            best, replays = (math.inf, math.inf), 0
            for _ in range(5):
                torch.cuda.synchronize()
                start = time.perf_counter()
                _, stats = rc.evaluate_batched_with_stats([sampled], 0, size.batch, settings)
                queued = time.perf_counter()
                torch.cuda.synchronize()
                best = min(best, (time.perf_counter() - start, queued - start))
                replays = stats.graph_replays or 0
            total, host = (1e3 * seconds * size.batch / size.samples for seconds in best)
            print(f"| {name} | {'yes' if graphs else 'no'} | {host:.2f} | {total:.2f} | {host / total:.2f} | {replays} |", flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("--quick", action="store_true", help="fewer lengths")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    library = Library(options.library)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; Hopper path: {library.hopper_status()}")
    plain_attention(library, [512, 1024] if options.quick else [64, 128, 256, 512, 1024, 2048, 4096])
    general_attention(library, [512] if options.quick else [64, 256, 1024])
    main_job()


if __name__ == "__main__":
    main()
