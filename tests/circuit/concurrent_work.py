"""Work that threads and processes do at once: circuits of every class determined by a number, and what all parts make of them."""

from __future__ import annotations

import random
import uuid

import torch

import pycircuit as rc


def build(seed: int) -> list[rc.Circuit]:
    """A circuit of every class (and some larger ones), the same for the same seed in every thread and process."""
    rng = random.Random(seed)
    rows, columns = rng.randint(2, 4), rng.randint(2, 5)
    x = rc.Array(torch.arange(float(rows * columns)).reshape(rows, columns) - seed, f"x{seed % 3}")
    y = rc.Scalar(rng.choice([0.5, 2.0]), (rows, columns), "y")
    s = rc.Symbol((rows, columns), uuid.UUID(int=1), "s")
    free = rc.Symbol((10007, columns), uuid.UUID(int=2), "free")
    einsum = rc.Einsum.from_einsum_string("ab,cb->ac", x, y, name="scores")
    add = rc.Add(x, y, s.mul_scalar(0.0), name="sum")
    rearrange = x.rearrange_str("a b -> (b a)")
    index = rc.Index(x, (slice(1, None), torch.tensor([0, 1, 0])), "picked")
    function = rc.softmax(einsum)
    concat = rc.Concat(x, y, axis=0, name="both")
    scatter = rc.Scatter(x, (slice(1, rows + 1), slice(0, columns)), (rows + 2, columns))
    conv = rc.Conv(x, rc.Scalar(1.0, (2, 1, columns)), [1])
    body = rc.Add(rc.sigmoid(s), rc.Einsum.identity(s), name="body")
    module = rc.Module.new_flat(rc.ModuleSpec(body, [rc.ModuleArgSpec(s)]), x, name="call")
    set_shape = rc.SetSymbolicShape(free, (3, columns))
    tag = rc.Tag(function, uuid.UUID(int=3), "tagged")
    group = rc.Tag(rc.Scalar(1 / rows, (rows,)), uuid.UUID(int=4), "group")
    variable = rc.DiscreteVar(x, group, "var")
    stored = rc.StoredCumulantVar({1: rc.Scalar(0.0, (2,)), 2: rc.Scalar(1.0, (2, 2))}, uuid.UUID(int=5))
    cumulant = rc.Cumulant(rc.Add(variable, variable.mul_scalar(2.0)), name="mean")
    large = rc.Add(module.sum(0), function.sum(), cumulant, rc.Add(*[rc.Scalar(float(k)) for k in range(seed % 5)]), name="large")
    nested = rc.Module.new_flat(rc.ModuleSpec(rc.Add(s, module, name="outer"), [rc.ModuleArgSpec(s)]), concat.index((slice(0, rows),)))
    return [
        *(x, y, s, einsum, add, rearrange, index, function, concat, scatter, conv, module, set_shape, tag, variable, stored, cumulant),
        *(large, nested, body, free),
    ]


def results(seed: int) -> list[object]:
    """Everything one may ask of those circuits, as plain values."""
    found: list[object] = []
    sampler = rc.Sampler(rc.RandomSampleSpec((3,), seeder=lambda var: seed))
    for circuit in build(seed):
        text = circuit.repr()
        found += [circuit.hash, hash(circuit), circuit.shape, circuit.device_dtype, text, circuit.total_flops()]
        if "Array" not in text and "[t" not in text and "Conv" not in text:
            found.append(rc.Parser()(text) == circuit)
        found.append(sorted(node.hash for node in circuit.get(rc.Matcher({"x0", "x1", "x2"}) | rc.Symbol | (lambda node: node.rank == 1))))
        found.append(sorted(len(paths) for paths in circuit.get_all_paths(rc.Array).values()))
        found.append(circuit.update("y", lambda node: node.rename("z")).hash)
        found.append(rc.simp(circuit).hash)
        expanded = rc.Expander(("s", lambda node: rc.Scalar(1.0, (2, *node.shape), "batched")))(circuit) if circuit.get("^s$") else circuit
        found.append(expanded.shape)
        flat = rc.substitute_all_modules(circuit)
        found += [flat.hash, flat.is_explicitly_computable, [str(constraint) for constraint in circuit.symbolic_size_constraints]]
        if flat.is_explicitly_computable:
            found += [circuit.evaluate().tolist(), flat.evaluate().tolist()]
        elif flat.can_be_sampled and flat.no_unbound_symbols and not flat.get(rc.StoredCumulantVar):
            found.append(sampler.estimate_and_sample(circuit).evaluate().tolist())
    return found
