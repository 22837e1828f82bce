"""A program, `random_calls.py seed count [trace]`: calls everything in pycircuit with random arguments, most of them wrong.

Prints how many calls succeeded and how many raised; with `trace` the calls as they are made, so that the last one shows what crashed.
"""

import faulthandler
import inspect
import itertools
import random
import sys
import uuid
import warnings

import torch

import pycircuit as rc

faulthandler.enable()
warnings.simplefilter("ignore")
torch.set_num_threads(1)
start, count, trace = int(sys.argv[1]), int(sys.argv[2]), "trace" in sys.argv
rng = random.Random(start)
x = rc.Array(torch.arange(6.0).reshape(2, 3), "x")
symbol = rc.Symbol((2, 3), uuid.UUID(int=1), "s")
spec = rc.ModuleSpec(rc.Add(symbol, symbol), [rc.ModuleArgSpec(symbol)])
nodes = [
    x,
    symbol,
    rc.Scalar(1.0),
    rc.Scalar(0.5, (3,), "t"),
    rc.Scalar(0.0, (0, 3)),
    rc.Scalar(2.0, (10007, 20014), "big"),
    rc.Add(),
    rc.Add(x, x),
    rc.Einsum((x, (0, 1)), out_axes=(1, 0), name="e"),
    x.rearrange_str("a b -> (b a) 2"),
    rc.Index(x, (0, slice(None, 1))),
    rc.softmax(x),
    rc.Concat(x, x, axis=1),
    rc.Scatter(x, (slice(0, 2),), (4, 3)),
    rc.Conv(x, rc.Scalar(1.0, (1, 1, 3)), [1]),
    rc.Module.new_flat(spec, x, name="m"),
    rc.SetSymbolicShape(rc.Scalar(1.0, (10007,)), (3,)),
    rc.Tag(x, uuid.UUID(int=2)),
    rc.DiscreteVar(x),
    rc.StoredCumulantVar({1: rc.Scalar(0.0, (2,)), 2: rc.Scalar(0.0, (2, 2))}),
    rc.Cumulant(x),
    rc.Array(torch.arange(3)),
]
numbers = [0, 1, -1, 2, 3, 255, 256, -5, 10007, 2**31, 2**63 - 1, 2**63, -(2**63), 2**64, 2**200, True, 0.5, float("nan"), 1e300]
texts = [
    "",
    "a",
    "a b -> b a",
    "->",
    "ab,bc->ac",
    "x" * 1000,
    "\0",
    "\ud800",
    "sum",
    "max",
    "cpu",
    "float32",
    "cuda:99",
    "(a b) -> ",
    "0s",
    "fancy: a -> a",
]
others = [
    None,
    (),
    [],
    {},
    set(),
    b"bytes",
    object(),
    int,
    lambda *a: x,
    lambda *a: None,
    print,
    slice(None),
    slice(3, 1),
    slice(0, 2**70),
    slice(0, 1, 2),
    torch.tensor([0, 1]),
    torch.tensor([9]),
    torch.zeros(2, 2),
    torch.tensor(1),
    torch.zeros(0, dtype=torch.int64),
    uuid.UUID(int=3),
    uuid.UUID(int=0),
    rc.RearrangeSpec.from_string("a b -> b a"),
    rc.RearrangeSpec([[0]], [[0]], [None]),
    spec,
    spec.arg_specs[0],
    rc.TorchDeviceDtypeOp(),
    {0: "a"},
    {1: x},
    {x: symbol},
    (0, 1),
    (1, 0),
    (2, 3),
    [0, 0],
    (-1,),
    (2**62, 2**62),
    [x],
    [x, symbol],
    (x, (0, 1)),
    [(x, (0, 1))],
    [[0], [1]],
    [None],
    [0] * 300,
    [1] * 300,
    range(3),
    Ellipsis,
    rc.Add,
    [rc.Add],
    "x",
    torch.float32,
    torch.device("cpu"),
]


def value():
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(nodes)
    if kind < 0.55:
        return rng.choice(numbers)
    return rng.choice(texts) if kind < 0.65 else rng.choice(others)


# Names that calls pass by keyword, right or wrong.
KEYWORDS = [
    "name",
    "axis",
    "out_axes",
    "spec",
    "shape",
    "index",
    "node",
    "stride",
    "padding",
    "uuid",
    "counts",
    "spec_name",
    "probs_and_group",
    "seed",
]
# Calls that reach files, the network or the terminal.
SKIP = {
    "circuit_server_serve",
    "save_tensor",
    "save_tensor_rrfs",
    "sync_all_unsynced_tensors",
    "sync_specific_tensors",
    "migrate_tensors_from_old_dir",
    "save_rrfs",
    "html_page",
    "print_html",
    "set_debug_print_options",
    "print",
    "exit",
}
targets = []
for name, item in sorted(vars(rc).items()):
    if name.startswith("_") or name in SKIP or inspect.ismodule(item):
        continue
    if isinstance(item, type) and not issubclass(item, BaseException) and item.__module__.startswith("pycircuit"):
        targets.append((name, item))
        for member in sorted(vars(item)):
            if not member.startswith("__") and member not in SKIP and isinstance(inspect.getattr_static(item, member), staticmethod):
                targets.append((f"{name}.{member}", getattr(item, member)))
    elif callable(item) and not isinstance(item, type) and not hasattr(item, "__origin__"):
        targets.append((name, item))
methods = [m for m in sorted(set(itertools.chain(*[dir(type(n)) for n in nodes]))) if not m.startswith("__") and m not in SKIP]
done = raised = 0
for i in range(count):
    if rng.random() < 0.5:
        name, call = rng.choice(targets)
    else:
        node, name = rng.choice(nodes), rng.choice(methods)
        call = getattr(node, name, None)
        if not callable(call):
            continue
    args = [value() for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4]))]
    kwargs = {rng.choice(KEYWORDS): value() for _ in range(rng.choice([0, 0, 1, 2]))}
    if trace:
        print(i, name, ascii(args)[:300], ascii(kwargs)[:300], file=sys.stderr, flush=True)
    try:
        result = call(*args, **kwargs)
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        raised += 1
        str(error)
        if type(error).__name__ in ("error_already_set", "SystemError"):
            print(i, name, ascii(args), ascii(kwargs), repr(error))
            sys.exit(3)
    else:
        if isinstance(result, rc.Circuit):
            repr(result), hash(result), result.shape, result.child_axis_map()
        done += 1
print(done, raised)
