"""Circuits and passes of spec 08 that run in pycircuit and in its peer alike; `rc` is the library."""

import uuid

import numpy as np
import torch


def array(rc, name, *shape):
    """An Array whose values depend on its name and shape only."""
    seed = sum(map(ord, name or "")) * 1000 + sum((i + 1) * size for i, size in enumerate(shape))
    return rc.Array(torch.from_numpy(np.random.RandomState(seed % 2**32).standard_normal(shape)), name)


def symbol(rc, name, *shape, number=None):
    return rc.Symbol(shape, uuid.UUID(int=number or sum((i + 1) * ord(c) for i, c in enumerate(name)) + 1), name)


def module(rc, body, bindings, name=None, ban=True, batchable=True, expandable=True):
    specs = [rc.ModuleArgSpec(s, batchable, expandable, ban) for s, _ in bindings]
    return rc.Module.new_flat(rc.ModuleSpec(body, specs, check_all_inputs_used=False), *[v for _, v in bindings], name=name)


def einsum(rc, text, *nodes, name=None):
    return rc.Einsum.from_einsum_string(text, *nodes, name=name)


def rearrange(rc, node, text, name=None):
    return rc.Rearrange(node, rc.RearrangeSpec.from_string(text), name)


def tree(c):
    """The circuit as nested lists: class, name, shape, fields, children."""
    kind = type(c).__name__
    fields = None
    if kind == "Einsum":
        fields = [[list(axes) for _, axes in c.args], list(c.out_axes)]
    elif kind == "Rearrange":
        fields = c.spec.to_string()
    elif kind == "Concat":
        fields = c.axis
    elif kind == "Index":
        fields = [[i.start, i.stop] if isinstance(i, slice) else i.tolist() if isinstance(i, torch.Tensor) else i for i in c.idx]
    elif kind == "Module":
        fields = [
            [s.symbol.op_name, list(s.symbol.shape), s.batchable, s.expandable, s.ban_non_symbolic_size_expand] for s in c.spec.arg_specs
        ]
    elif kind == "Symbol":
        fields = str(c.uuid)
    elif kind == "GeneralFunction":
        fields = str(c.spec.name)
    elif kind == "Scalar":
        fields = c.value
    return [kind, c.op_name, list(c.shape), fields, [tree(child) for child in c.children]]


class Fixture:
    """Names of the examples of spec 08."""

    def __init__(self, rc):
        self.rc = rc
        for name in "abc":
            setattr(self, name, symbol(rc, name, 3))
        self.A = symbol(rc, "A", 2, 3)
        self.x, self.y, self.z = (array(rc, name, 3) for name in "xyz")
        self.x7, self.y7 = array(rc, "x", 7, 3), array(rc, "y", 7, 3)
        self.x5, self.y57 = array(rc, "x", 5, 3), array(rc, "y", 5, 7, 3)
        self.M = array(rc, "M", 4, 3)
        self.two = rc.Scalar(2.0, (3,), "two")
        self.one = rc.Scalar(1.0, (3,), "one")
        self.k = rc.Scalar(3.0, (), "k")
        s0, s1 = rc.symbolic_sizes()[:2]
        self.inp, self.w = symbol(rc, "inp", s0), symbol(rc, "w", s1, s0)
        self.inner = rc.Add(self.a, self.b, name="inner")

    def top(self):
        rc = self.rc
        const = rc.Add(rc.Scalar(1.0, (), "c1"), rc.Scalar(2.0, (), "c2"), name="const")
        return rc.Add(rc.Add(self.a, self.two, name="inner"), einsum(rc, "a,->a", self.b, self.k), const, name="top")

    def outer(self, x=None, y=None):
        """`o` of 11.3."""
        rc = self.rc
        m = module(rc, einsum(rc, "a,a->a", self.inner, self.inner, name="sq"), [(self.a, self.x if x is None else x)], "m")
        return module(rc, rc.Add(m, self.one, name="body"), [(self.b, self.y if y is None else y)], "o")


def substitution_cases(rc):
    f = Fixture(rc)
    bodies = {
        "add": rc.Add(f.a, f.M, name="top"),
        "named": rc.Add(rc.Add(f.a, f.two, name="in2"), f.M, name="top"),
        "auto": rc.Add(rc.Add(f.a, f.two), f.M, name="top"),
        "nameless": rc.Add(rc.Add(f.a, f.two).rename(None), f.M, name="top"),
        "nameless root": rc.Add(rc.Add(f.a, f.two).rename(None), f.M).rename(None),
        "concat": rc.Concat(f.a, rc.Add(f.a, f.two, name="in2"), f.two, axis=0, name="top"),
        "concat auto": rc.Concat(f.a, f.two, axis=0),
        "einsum": einsum(rc, "a,ba->b", f.a, f.M),
        "diagonal": einsum(rc, "a,a->aa", f.a, f.a, name="diag"),
        "rearrange": rearrange(rc, rc.Add(f.a, f.two), "a -> a 1 2", "rep"),
        "index": rc.Index(f.a, (slice(1, 3),)),
        "function": rc.GeneralFunction.new_by_name(f.a, spec_name="softmax"),
        "two inputs": rc.Add(f.a, f.a),
        "leaf": f.a,
        "constant": rc.Add(f.x, f.two, name="const"),
        "nested": rc.Add(module(rc, f.inner, [(f.b, f.a)], "in m"), f.M, name="top"),
        "nested free": rc.Add(module(rc, f.inner, [(f.b, f.two)], "in m"), f.M, name="top"),
        "shadow": rc.Add(module(rc, rc.Add(f.a, f.two, name="deep"), [(f.a, f.y)], "in m"), f.a, name="top"),
    }
    cases = {}
    for what, body in bodies.items():
        for argument in (f.x, f.x7, f.y57):
            for name in ("m", None):
                m = module(rc, body, [(f.a, argument)], name)
                key = f"{what} {list(argument.shape)} {name}"
                cases["module " + key] = lambda m=m: m
                cases["substitute " + key] = lambda m=m: m.substitute()
                cases["prefix " + key] = lambda m=m: m.substitute("p.", ".s")
                cases["all " + key] = lambda m=m: rc.substitute_all_modules(rc.Add(m, f.k, name="sum"))
                cases["conform " + key] = lambda m=m: m.conform_to_input_shapes()
                cases["conform all " + key] = lambda m=m: rc.conform_all_modules(m)
    M = module(rc, f.top(), [(f.a, f.x), (f.b, f.y)], "m")
    cases["5.1"] = lambda: M.substitute()
    cases["5.1 prefix"] = lambda: M.substitute("p.", ".s")
    cases["5.1 self"] = lambda: M.substitute(use_self_name_as_prefix=True)
    swap = module(rc, rc.Add(f.a, einsum(rc, "a,a->a", f.b, f.b)), [(f.a, f.b), (f.b, f.a)], "swap")
    cases["swap"] = lambda: swap.substitute()
    return cases


def symbolic_cases(rc):
    f = Fixture(rc)
    body = einsum(rc, "h,oh->o", f.inp, f.w, name="body")
    P = module(rc, body, [(f.w, array(rc, "W", 5, 4))], "P")
    cases = {
        "P": lambda: P,
        "P substitute": lambda: P.substitute(),
        "P filled": lambda: module(rc, P, [(f.inp, array(rc, "X", 7, 4))], "Q"),
        "P filled substitute": lambda: module(rc, P, [(f.inp, array(rc, "X", 7, 4))], "Q").substitute(),
        "P filled all": lambda: rc.substitute_all_modules(module(rc, P, [(f.inp, array(rc, "X", 7, 4))], "Q")),
        "direct": lambda: module(rc, body, [(f.w, array(rc, "W", 5, 4)), (f.inp, array(rc, "X", 7, 4))], "Q").substitute(),
    }
    s0 = rc.symbolic_sizes()[0]
    p = symbol(rc, "p", s0)
    add = rc.Add(p, rc.Scalar(1.0, (s0,), "ones"), name="pq")
    cases["scalar"] = lambda: module(rc, add, [(p, array(rc, "X", 4))], "S", ban=False).substitute()
    return cases


def expander_cases(rc):
    f = Fixture(rc)
    X, YY, XX = array(rc, "X", 2, 3), array(rc, "YY", 7, 3), array(rc, "XX", 5, 7, 2, 3)
    Y = array(rc, "Y", 3)
    m = module(rc, rc.Add(f.a, f.b, name="top"), [(f.a, X), (f.b, Y)], "m")
    cases = {}

    def expand(key, circuit, *pairs, **options):
        cases[key] = lambda: rc.Expander(*[(name, lambda _, new=new: new) for name, new in pairs], **options)(circuit)

    expand("7.3", m, ("Y", YY))
    expand("7.3 both", m, ("Y", YY), ("X", XX))
    expand("7.3 suffix", m, ("Y", YY), suffix="v")
    expand("7.3 X only", m, ("X", XX))
    N7 = array(rc, "N", 7, 3)
    o = rc.Add(rc.Add(f.x, f.two, name="i"), f.c, name="o")
    expand("suffix", o, ("x", N7), suffix="v")
    expand("symbol in spec", rc.Add(m, f.one, name="s"), ("b", YY))
    expand("symbol in spec batched", rc.Add(m, f.one, name="s"), ("a", YY))
    expand("auto", rc.Add(rc.Add(f.x, f.two), f.M), ("x", N7))
    expand("unsq", rc.Add(rc.Add(f.x, f.two, name="in2"), f.M, name="t"), ("x", N7))
    inside = module(rc, rc.Add(rc.Add(f.a, f.b, name="ab"), f.M, name="top"), [(f.a, X), (f.b, Y)], "m")
    expand("unsq inside", inside, ("Y", YY))
    expand("unsq inside both", inside, ("Y", YY), ("X", XX))
    outer = module(rc, rc.Add(inside, f.c, name="outer"), [(f.c, Y)], "om")
    expand("nested", outer, ("Y", YY))
    free = module(rc, rc.Add(f.inner, f.c, name="t"), [(f.a, X), (f.b, Y)], "fm")
    expand("free symbol", rc.Add(free, f.one, name="s"), ("c", YY))
    deep = module(rc, rc.Add(module(rc, f.inner, [(f.a, X)], "im"), f.one, name="db"), [(f.b, Y)], "dm")
    expand("deep", deep, ("Y", YY))
    for what, node in class_nodes(rc, f.x).items():
        expand("class " + what, node, ("x", N7))
        expand("class twice " + what, rc.Add(node, f.k, name="sum"), ("x", array(rc, "N", 5, 7, 3)))
    return cases


def class_nodes(rc, x):
    """One or more nodes of each class that may be expanded, over `x` of shape (3,)."""
    two, M = rc.Scalar(2.0, (3,), "two"), array(rc, "M", 4, 3)
    index = torch.tensor([2, 0, 1, 1])
    return {
        "einsum": einsum(rc, "a,ba->b", x, M),
        "einsum twice": einsum(rc, "a,b,a->ba", x, two, x),
        "add": rc.Add(x, two),
        "add broadcast": rc.Add(x, M),
        "concat": rc.Concat(x, two, axis=0),
        "rearrange": rearrange(rc, x, "a -> 2 a 1"),
        "index int": rc.Index(x, (1,)),
        "index slice": rc.Index(x, (slice(0, 2),)),
        "index tensor": rc.Index(x, (index,)),
        "scatter": rc.Scatter(x, (slice(1, 4),), (6,)),
        "softmax": rc.GeneralFunction.new_by_name(x, spec_name="softmax"),
        "sigmoid": rc.GeneralFunction.new_by_name(x, spec_name="sigmoid"),
        "tag": rc.Tag(x, uuid.UUID(int=5)),
        "cumulant": rc.Cumulant(x, two),
        "set shape": rc.SetSymbolicShape(rc.Add(x, two), (3,)),
    }


def push_cases(rc):
    f = Fixture(rc)
    one7 = array(rc, "xx", 5, 3)
    circuits = {
        "plain": f.outer(),
        "outer argument": f.outer(rc.Add(f.b, f.one, name="xb")),
        "y batch": f.outer(y=f.y7),
        "both batch": f.outer(f.x5, f.y7),
        "outer argument batch": f.outer(rc.Add(f.b, one7, name="xb"), f.y7),
        "outer argument y batch": f.outer(rc.Add(f.b, f.one, name="xb"), f.y7),
    }
    traversals = {"full": rc.new_traversal()}
    for name in ("inner", "sq", "m", "body"):
        traversals[name] = rc.new_traversal(term_early_at=name)
    traversals["ab"] = rc.new_traversal(term_early_at={"a", "b"})
    for depth in range(4):
        traversals[f"depth {depth}"] = rc.new_traversal(end_depth=depth)
    cases = {}
    for what, circuit in circuits.items():
        for where, traversal in traversals.items():
            for flatten in (True, False):
                cases[f"{what}, {where}, {flatten}"] = lambda c=circuit, t=traversal, fl=flatten: rc.ModulePusher(flatten_modules=fl)(c, t)
        cases[f"{what}, skip m"] = lambda c=circuit: rc.ModulePusher()(c, rc.new_traversal(), skip_module="m")
        cases[f"{what}, skip o"] = lambda c=circuit: rc.ModulePusher()(c, rc.new_traversal(), skip_module="o")
        cases[f"{what}, noop"] = lambda c=circuit: rc.ModulePusher(module_construct_callback=rc.ModulePusher.noop_callback())(
            c, rc.new_traversal(term_early_at={"a", "b"})
        )
        for name in ("inner", "m", "sq"):
            cases[f"{what}, get {name}"] = lambda c=circuit, n=name: rc.ModulePusher().get_unique_push_down_modules(c, n)
    unnamed = module(rc, rc.Add(rc.Add(f.a, f.b).rename(None), f.one, name="body"), [(f.a, f.x)], "u")
    cases["unnamed node"] = lambda: rc.ModulePusher()(unnamed, rc.new_traversal())
    nameless = module(rc, rc.Add(f.inner, f.one, name="body"), [(f.a, f.x)], None).rename(None)
    cases["unnamed module"] = lambda: rc.ModulePusher()(nameless, rc.new_traversal())
    twice = module(
        rc, rc.Add(module(rc, f.inner, [(f.a, f.b)], "m1"), module(rc, f.inner, [(f.a, f.y)], "m2"), name="body"), [(f.b, f.x)], "o"
    )
    cases["twice"] = lambda: rc.ModulePusher()(twice, rc.new_traversal(term_early_at="inner"))
    just = module(rc, module(rc, f.a, [(f.a, f.b)], "in"), [(f.b, f.x)], "o")
    cases["identity"] = lambda: rc.ModulePusher()(rc.Add(just, f.one, name="s"), rc.new_traversal())
    return cases


def extract_cases(rc):
    f = Fixture(rc)
    body = rc.Add(f.x, rc.Add(f.y, f.x, name="p.in"), name="p.body")
    cases = {}

    def stripped(m):
        """Random uuids left out."""

        def clean(t):
            return [t[0], t[1], t[2], None if t[0] == "Symbol" else t[3], [clean(c) for c in t[4]]]

        return clean(tree(m))

    cases["rewrite"] = lambda: stripped(rc.extract_rewrite(body, {"x", "y"}, "p.", "mm"))
    cases["rewrite y"] = lambda: stripped(rc.extract_rewrite(body, "y"))
    cases["rewrite none"] = lambda: stripped(rc.extract_rewrite(body, "nothing"))
    cases["rewrite in"] = lambda: stripped(rc.extract_rewrite(body, "p.in", "p.", "mm"))
    top = f.top()
    m, n = module(rc, top, [(f.a, f.x), (f.b, f.y)], "m"), module(rc, top, [(f.a, f.x), (f.b, f.z)], "n")
    two = rc.Add(m, n, name="two")
    cases["symbols a"] = lambda: rc.extract_symbols(two, {f.a})
    cases["symbols none"] = lambda: rc.extract_symbols(two, {f.c})
    cases["symbols b"] = lambda: rc.extract_symbols(two, {f.b}, traversal=rc.new_traversal(term_early_at="n"))
    cases["symbols get"] = lambda: rc.extract_symbols_get(two, "a")
    only = module(rc, rc.Add(f.a, f.two, name="t"), [(f.a, f.x)], "only")
    cases["symbols elim"] = lambda: rc.extract_symbols(only, {f.a})
    cases["symbols no elim"] = lambda: rc.extract_symbols(only, {f.a}, use_elim_no_input_modules=False)
    batched = module(rc, rc.Add(f.inner, f.two, name="t"), [(f.a, f.x7), (f.b, f.y)], "bat")
    cases["symbols conform"] = lambda: rc.extract_symbols(batched, {f.a}, conform_batch_if_needed=True)
    cases["bind"] = lambda: rc.module_new_bind(rc.Add(f.inner, f.two, name="t"), ("a", f.x7), ("b", f.y), name="bound")
    cases["inline"] = lambda: rc.inline_single_callsite_modules(rc.Add(only, two, name="s"))
    cases["new free"] = lambda: rc.Module.new_flat(rc.ModuleSpec.new_free_symbols(f.inner), f.x, f.y, name="nf")
    pull = rc.Add(einsum(rc, "a,a->a", f.a, array(rc, "w", 3), name="aw"), f.b, name="top")
    pm = module(rc, pull, [(f.a, f.x), (f.b, f.y)], "m")
    cases["pull out"] = lambda: stripped(rc.pull_out_of_modules(pm, "aw", lambda c: None, rc.IterativeMatcher(False)))
    cases["pull out renamed"] = lambda: stripped(
        rc.pull_out_of_modules(pm, "aw", lambda c: c.rename("other"), rc.IterativeMatcher(False), lambda new, old: new.rename("new"))
    )
    cases["pull out top"] = lambda: stripped(rc.pull_out_of_modules_get(pm, "aw", lambda c: None)[0])
    NEW = array(rc, "NEW", 3)
    update = lambda c: NEW if c.op_name == "x" else None  # noqa: E731
    for flatten in (False, True):
        for run in (False, True):
            cases[f"update {flatten} {run}"] = lambda flatten=flatten, run=run: rc.update_bindings_nested(
                f.outer(), update, "inner", flatten_modules=flatten, run_update_on_new_spec_circuits=run
            )
    chained = f.outer(rc.Add(f.b, f.one, name="xb"))
    update_y = lambda c: NEW if c.op_name == "y" else None  # noqa: E731
    for flatten in (False, True):
        for what, new in (("chained", update_y), ("none", lambda c: None)):
            cases[f"update {what} {flatten}"] = lambda flatten=flatten, new=new: rc.update_bindings_nested(
                chained, new, "inner", flatten_modules=flatten
            )
    short = rc.default_update_bindings_nested_namer(short_if_not_leaf=False)
    keep = rc.default_update_bindings_nested_namer(keep_name_if_not_leaf=True)
    cases["update namer"] = lambda: rc.update_bindings_nested(chained, update_y, "inner", namer=short)
    cases["update keep"] = lambda: rc.update_bindings_nested(chained, update_y, "inner", namer=keep)
    cases["rename path"] = lambda: m.rename_on_replaced_path("p.", ".s")
    return cases


def path_cases(rc):
    f = Fixture(rc)
    q = symbol(rc, "q", 3, 3)
    Q = array(rc, "Q", 7, 3, 3)
    maps = {
        "add": module(rc, rc.Add(f.A, f.b), [(f.A, array(rc, "X", 5, 7, 2, 3)), (f.b, f.y7)]),
        "transpose": module(rc, rc.Add(q, rearrange(rc, q, "a b -> b a")), [(q, Q)]),
        "unused": module(rc, f.b, [(f.A, array(rc, "X", 5, 7, 2, 3)), (f.b, f.y7)]),
    }
    cases = {}
    for what, m in maps.items():
        cases["map " + what] = lambda m=m: [m.child_axis_map_inputs(), list(m.aligned_batch_shape()), list(m.shape)]
        cases["batch " + what] = lambda m=m: m.conform_to_input_batch_shape(1)
    return cases


ALL = {
    "substitution": substitution_cases,
    "symbolic": symbolic_cases,
    "expander": expander_cases,
    "push": push_cases,
    "extract": extract_cases,
    "path": path_cases,
}


def outcome(case):
    """The tree of a case's result, or the class of its error."""
    try:
        result = case()
    except Exception as error:  # the class is what is compared
        return "error " + type(error).__name__
    return tree(result) if hasattr(result, "children") else result
