"""Any arguments give a result or a Python exception, never an abort; deep graphs and threads (spec 01, sections 1, 2, 14)."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest
import torch

import pycircuit as rc


def in_a_process(program, *arguments, timeout=300):
    """Run a program (a file, or code) in a process of its own, which may crash; returns what it printed."""
    what = [program, *arguments] if os.path.exists(program) else ["-c", textwrap.dedent(program)]
    run = subprocess.run(
        [sys.executable, *what],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert run.returncode == 0, f"exit status {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-3000:]}"
    return run.stdout


@pytest.mark.parametrize("seed", range(2))
def test_random_arguments_never_crash(seed):
    program = os.path.join(os.path.dirname(__file__), "random_calls.py")
    # Functions that show a circuit print where they put it.
    done, raised = map(int, in_a_process(program, str(seed), "6000").splitlines()[-1].split())
    assert done > 100 and raised > 1000


CONSTRUCTORS = {
    "Array": ["torch.zeros(2)"],
    "Symbol": ["(2,)", "u"],
    "Scalar": ["1.0", "(2,)"],
    "Einsum": ["(s, (0,))"],
    "Add": ["s"],
    "Rearrange": ["s", "rc.RearrangeSpec.ident(1)"],
    "Index": ["s", "(0,)"],
    "GeneralFunction": ["s"],
    "Concat": ["s"],
    "Scatter": ["s", "(slice(0, 2),)", "(3,)"],
    "Conv": ["rc.Scalar(1.0, (3, 1))", "rc.Scalar(1.0, (1, 1, 1))", "[1]"],
    "Module": ["spec"],
    "SetSymbolicShape": ["s", "(2,)"],
    "Tag": ["s", "u"],
    "DiscreteVar": ["s"],
    "StoredCumulantVar": ["{1: s, 2: rc.Scalar(1.0, (2, 2))}"],
    "Cumulant": ["s"],
}
KEYWORD_ONLY = {"Einsum": {"out_axes": "()"}, "GeneralFunction": {"spec": "rc.relu(s).spec"}, "Concat": {"axis": "0"}, "Module": {"a": "s"}}
BAD = (
    "None 3 -1 2**63 2**200 -2**70 0.5 'text' '\\ud800' b'' () [] {} object() int [None] [-1] [2**63] [0.5] ['a'] (0,)*300 (2**62,)*3 "
    "torch.zeros(2,2) torch.tensor([5]) s big u [s] [(s,)] slice(5,1) [slice(0,2**70)] [slice(0,1,1)] "
    "[Ellipsis] {0:s} {-1:s} {2**70:s} {1:s,2:s} "
    "{1:None,2:s}"
).split()
EACH_ARGUMENT = """
import uuid, torch
import pycircuit as rc
u = uuid.UUID(int=1)
s, big = rc.Scalar(1.0, (2,), "s"), rc.Scalar(1.0, (2**62, 2**62), "big")
symbol = rc.Symbol((2,), u, "a")
spec = rc.ModuleSpec(symbol, [rc.ModuleArgSpec(symbol)])
for name, arguments in CONSTRUCTORS.items():
    arguments = [eval(a) for a in arguments]
    keywords = {k: eval(v) for k, v in KEYWORD_ONLY.get(name, {}).items()}
    cls = getattr(rc, name)
    assert type(cls(*arguments, **keywords)) is cls
    for bad in [eval(b) for b in BAD]:
        for i in range(len(arguments) + 1):
            try:
                c = cls(*arguments[:i], bad, *arguments[i + 1:], **keywords)
                assert type(c) is cls
                c.shape, c.numel, repr(c), c.hash
            except Exception as error:
                str(error)
        for keyword in [*keywords, "name"]:
            try:
                cls(*arguments, **{**keywords, keyword: bad})
            except Exception as error:
                str(error)
    for count in range(len(arguments)):
        try:
            cls(*arguments[:count], **keywords)
        except Exception as error:
            assert not isinstance(error, SystemError)
print("survived")
"""


def test_each_argument_of_each_constructor():
    code = f"CONSTRUCTORS, KEYWORD_ONLY, BAD = {CONSTRUCTORS!r}, {KEYWORD_ONLY!r}, {BAD!r}\n" + EACH_ARGUMENT
    assert in_a_process(code) == "survived\n"


def test_wrong_types_are_type_errors():
    s = rc.Scalar(1.0, (2,))
    for call in (
        lambda: rc.Add(3),
        lambda: rc.Add(None),
        lambda: rc.Add([s]),
        lambda: rc.Einsum(s, out_axes=()),
        lambda: rc.Einsum((s, 0), out_axes=()),
        lambda: rc.Einsum((s, (0,))),
        lambda: rc.Concat(s, axis="0"),
        lambda: rc.Concat(s),
        lambda: rc.Rearrange(s, "a -> a"),
        lambda: rc.Index(s, 0),
        lambda: rc.Index(s, slice(None)),
        lambda: rc.Index(s, None),
        lambda: rc.Index(s, (None,)),
        lambda: rc.Index(s, (Ellipsis,)),
        lambda: rc.Index(s, ([0],)),
        lambda: rc.Index(s, (0.0,)),
        lambda: rc.Index(s, ("0",)),
        lambda: rc.Index(s, (torch.tensor([True, False]),)),
        lambda: rc.Index(s, (torch.tensor([0.0]),)),
        lambda: rc.Index(s, (torch.tensor([0], dtype=torch.uint8),)),
        lambda: rc.Symbol((2,), None),
        lambda: rc.Symbol(2, None),
        lambda: rc.Symbol("ab", None),
        lambda: rc.Tag(s),
        lambda: rc.Scalar(1.0, 2),
        lambda: rc.Scalar(1.0, (), 3),
        lambda: rc.Module(s),
        lambda: rc.Cumulant(1),
        lambda: rc.StoredCumulantVar([s]),
        lambda: rc.SetSymbolicShape(s, None),
        lambda: rc.evaluate(3),
    ):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: rc.Scalar(1.0, (-1,)),
        lambda: rc.Symbol((2**63,), rc.Symbol.new_with_none_uuid(()).uuid),
        lambda: rc.Einsum((s, (-1,)), out_axes=()),
        lambda: rc.Einsum((s, (256,)), out_axes=()),
        lambda: rc.Index(s, (2**64,)),
        lambda: rc.Concat(s, axis=2**70),
        lambda: rc.oom_fmt(-1),
        lambda: rc.StoredCumulantVar({-1: s, 1: s, 2: s}),
    ):
        with pytest.raises(OverflowError):
            call()


def test_high_ranks_and_labels():
    wide = rc.Scalar(1.0, (1,) * 255)
    assert wide.rank == 255 and rc.Add(wide, wide).shape == wide.shape and rc.Einsum.identity(wide).sum().evaluate().item() == 1.0
    with pytest.raises(RuntimeError):
        rc.Scalar(1.0, (1,) * 256)
    with pytest.raises((RuntimeError, ValueError)):
        wide.unsqueeze(0)
    with pytest.raises((RuntimeError, ValueError)):
        rc.Cumulant(wide, wide)
    with pytest.raises((RuntimeError, ValueError)):
        rc.Concat.stack(wide, axis=0)
    one, position = rc.Scalar(1.0, (1,)), rc.Array(torch.zeros(1, 1, 1, dtype=torch.int64))
    for build in (
        lambda: rc.Einsum((one, (0,)), out_axes=(0,) * 256),
        lambda: rc.Einsum.new_outer_product(*[rc.Scalar(1.0, (1,) * 128)] * 2),
        lambda: rc.Scalar(1.0).rearrange_str("-> " + "1 " * 256),
        lambda: rc.Rearrange(wide, rc.RearrangeSpec.combine_axes_at_end(255, [])),
        lambda: rc.GeneralFunction.gen_index(wide, position, 0),
    ):
        with pytest.raises((RuntimeError, ValueError)):
            build()
    assert rc.Add(*[rc.Scalar(1.0)] * 10_000).evaluate().item() == 10_000


def test_sizes_that_do_not_fit():
    half = rc.Scalar(1.0, (2**62,))
    for build in (
        lambda: rc.Concat(half, half, axis=0),
        lambda: rc.Scalar(1.0, (2**40, 2**40)).flatten(),
        lambda: rc.Conv(rc.Scalar(1.0, (2**62, 1)), rc.Scalar(1.0, (1, 1, 1)), [1], 2**62),
        lambda: half.rearrange_str("a -> (a 4)"),
    ):
        with pytest.raises((OverflowError, RuntimeError, ValueError)):
            build()
    assert rc.Scalar(1.0, (2**40, 2**40)).sum().numel == 1
    assert rc.Cumulant(half, half).numel == 2**124
    with pytest.raises(RuntimeError):
        rc.Scalar(1.0, (2**62, 2**62)).evaluate()


# --- depth
DEEP = """
import gc, pickle, uuid, copy
import pycircuit as rc
N = 100_000
one = rc.Scalar(1.0, (), "one")
def chain(step, start=one):
    c = start
    for i in range(N):
        c = step(c)
    return c
STEPS = {
    "add": lambda c: rc.Add(c, one, name="n"),
    "einsum": lambda c: rc.Einsum((c, ()), (one, ()), out_axes=(), name="n"),
    "tag": lambda c: rc.Tag(c, uuid.UUID(int=1), "n"),
    "function": lambda c: rc.sigmoid(c, "n"),
    "index": lambda c: rc.Index(c, (), "n"),
    "rearrange": lambda c: rc.Rearrange(c, IDENT, "n"),
    "cumulant": lambda c: rc.Cumulant(c, name="n"),
    "concat": lambda c: rc.Concat(c, axis=0, name="n"),
    "scatter": lambda c: rc.Scatter(c, (), (), "n"),
}
IDENT = rc.RearrangeSpec.ident(0)
"""


def test_deep_chains():
    code = """
    for name, step in STEPS.items():
        start = rc.Scalar(1.0, (1,), "one") if name == "concat" else one
        c = chain(step, start)
        c.print_stats()
        assert c == chain(step, start) and c != c.rename("other") and hash(c) == hash(copy.deepcopy(c)), name
        assert c.total_flops() >= 0 and c.no_unbound_symbols
        del c
        gc.collect()
        print("freed", name, flush=True)
    """
    out = in_a_process(textwrap.dedent(DEEP) + textwrap.dedent(code)).splitlines()
    assert len(out) == 18
    for stats, freed in zip(out[::2], out[1::2], strict=True):
        assert " nodes 100001 " in stats and freed.startswith("freed"), freed


def test_deep_pickle_and_evaluation():
    code = """
    c = chain(STEPS["add"])
    assert pickle.loads(pickle.dumps(c)) == c
    assert c.evaluate().item() == N + 1
    symbol = rc.Symbol((), uuid.UUID(int=1), "s")
    deep = chain(STEPS["add"], symbol)
    module = rc.Module.new_flat(rc.ModuleSpec(deep, [rc.ModuleArgSpec(symbol)]), one, name="m")
    assert module.is_explicitly_computable and module.evaluate().item() == N + 1
    assert pickle.loads(pickle.dumps(module)) == module
    module.print_stats()
    del deep, module, c
    rc.clear_module_circuit_caches()
    print("done")
    """
    assert in_a_process(textwrap.dedent(DEEP) + textwrap.dedent(code)).endswith("done\n")


# --- threads
def test_threads_build_and_evaluate_at_once():
    def work(results, barrier, which):
        barrier.wait()
        values = []
        for k in range(60):
            x = rc.Array(torch.arange(12.0).reshape(3, 4) + k, "x")
            symbol = rc.Symbol((3, 4), rc.Symbol.new_with_none_uuid(()).uuid, "s")
            body = rc.softmax(rc.Add(symbol, symbol.mul_scalar(0.5)))
            module = rc.Module.new_flat(rc.ModuleSpec(body, [rc.ModuleArgSpec(symbol)]), x, name="m")
            c = rc.Einsum.from_einsum_string("ab,cb->ac", module, x).index((slice(1, 3), torch.tensor([0, 2]))).sum(0)
            values.append((c.hash, hash(c), c.evaluate().tolist(), c.shape))
            if k % 20 == 19:
                rc.clear_module_circuit_caches()
        results[which] = values

    count = 4
    results, barrier = [None] * count, threading.Barrier(count)
    threads = [threading.Thread(target=work, args=(results, barrier, i)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] is not None and all(result == results[0] for result in results)


def test_nodes_are_freed_in_other_threads():
    made = []

    def build():
        c = rc.Scalar(1.0)
        for _ in range(5000):
            c = rc.Add(c, name="n")
        made.append(c)

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    value = made.pop().evaluate()
    assert value.item() == 1.0


def test_dropped_tensors_are_freed():
    code = """
    import gc, resource, torch, uuid
    import pycircuit as rc
    symbol = rc.Symbol((500, 500), uuid.UUID(int=1), "s")
    spec = rc.ModuleSpec(rc.Add(symbol, symbol), [rc.ModuleArgSpec(symbol)])
    def memory():
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
    def work(count):
        for k in range(count):
            c = rc.Module.new_flat(spec, rc.Array(torch.full((500, 500), float(k))), name="m")
            c.substitute(), rc.substitute_all_modules(c)
        rc.clear_module_circuit_caches()
        gc.collect()
    work(100)
    before = memory()
    work(300)
    print(memory() - before)
    """
    assert float(in_a_process(code)) < 20


class MadeOnTheFly:
    """A sequence whose elements nobody else holds."""

    def __init__(self, *makers):
        self.makers = makers

    def __len__(self):
        return len(self.makers)

    def __getitem__(self, position):
        return self.makers[position]()


def test_elements_of_sequences_are_kept_alive():
    spec = rc.Einsum.from_einsum_string("ab->ba", rc.Scalar(1.0, (2, 3))).get_spec()
    axes = MadeOnTheFly(lambda: {i: "".join(["axis", str(i)]) for i in range(2)})
    for _ in range(50):
        assert spec.to_fancy_einsum_string({}, axes) == "fancy: axis0 axis1 -> axis1 axis0"
        assert rc.get_shape_info_broadcast(MadeOnTheFly(lambda: [10**6, 1], lambda: [1, 10**6])).shape == (10**6, 10**6)
        groups = rc.RearrangeSpec.new_permute_combine(MadeOnTheFly(lambda: [1], lambda: [0]))
        assert groups == rc.RearrangeSpec.new_permute([1, 0])
        with pytest.raises(TypeError):
            spec.to_fancy_einsum_string({}, torch.zeros(3, 3))


def test_no_sampler_without_a_spec():
    in_a_process("import pycircuit as rc\ntry:\n    rc.Sampler(None)\nexcept TypeError:\n    pass\nelse:\n    raise SystemExit(1)")
