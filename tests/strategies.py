"""Hypothesis strategies for random valid circuits over all node classes, small enough to evaluate in microseconds.

`computable_circuits()` evaluate as they are; `symbolic_circuits()` have free Symbols, symbolic sizes and SetSymbolicShapes;
`random_circuits()` have DiscreteVars; `circuits()` has everything. Each takes the classes that may occur and the number of nodes to
build; `nodes_of_class(cls)` gives a circuit whose root is of one class. `shapes()`, `tensors()`, `indices()` and `rearrange_specs()` give
arguments of constructors. `shared_circuits()` are named graphs of few leaves with many paths; `matchers()` and `iterative_matchers()` find
something in circuits of either kind, `matcher_texts()` and `iterative_matcher_texts()` are the same as expressions that other libraries
can read too.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import torch
from hypothesis import strategies as st

import pycircuit as rc

LEAVES = (rc.Array, rc.Scalar)
OPERATIONS = (rc.Einsum, rc.Add, rc.Rearrange, rc.Index, rc.GeneralFunction, rc.Concat, rc.Scatter, rc.Conv)
COMPUTABLE = (*LEAVES, *OPERATIONS, rc.Module, rc.Tag, rc.Cumulant)
SYMBOLIC = (*COMPUTABLE, rc.Symbol, rc.SetSymbolicShape)
RANDOM = (*COMPUTABLE, rc.DiscreteVar)
ALL = (*SYMBOLIC, rc.DiscreteVar, rc.StoredCumulantVar)

MAX_NUMEL = 120
MAX_RANK = 4
SYMBOLIC_SIZES = rc.symbolic_sizes()[:3]
# Functions without poles or jumps, so that rounding before them stays rounding after them.
ELEMENTWISE = ("sigmoid", "tanh", "relu", "gelu", "sin", "cos", "log_exp_p_1", "gaussian_pdf", "abs")
LAST_AXIS = ("softmax", "log_softmax", "max", "min")
NAMES = st.sampled_from(["x", "y", "w", "head 0", "a.b", "αβ", "mlp", "x"])
UUIDS = st.integers(1, 6).map(lambda i: uuid.UUID(int=i))


def shapes(max_rank: int = 3, max_size: int = 4, min_size: int = 1, min_rank: int = 0) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of small sizes; pass min_size=0 for empty ones."""
    return st.lists(st.integers(min_size, max_size), min_size=min_rank, max_size=max_rank).map(tuple)


def tensors(shape: Sequence[int], dtype: torch.dtype = torch.float64) -> st.SearchStrategy[torch.Tensor]:
    """Tensors of multiples of 1/8 in [-4, 4], so that sums of few are exact in every float dtype; integers for integer dtypes."""

    def make(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        values = torch.randint(-32, 33, tuple(shape), generator=generator)
        return (values / 8).to(dtype) if dtype.is_floating_point else (values % 2 if dtype == torch.bool else values % 5).to(dtype)

    return st.integers(0, 2**31 - 1).map(make)


def index_elements(size: int) -> st.SearchStrategy[Any]:
    """An index element that fits an axis of that size: an int, a slice or an index tensor."""
    bounds = st.tuples(st.integers(0, size), st.integers(0, size)).map(sorted)
    starts = bounds.map(lambda b: slice(b[0] if b[0] else None, b[1] if b[1] < size else None))
    negative = bounds.map(lambda b: slice(b[0] - size if b[0] < size else b[0], b[1]))
    options = [st.just(slice(None)), starts, negative]
    if size:
        options.append(st.integers(-size, size - 1))
        options.append(st.lists(st.integers(-size, size - 1), max_size=4).map(lambda entries: torch.tensor(entries, dtype=torch.int64)))
    return st.one_of(*options)


def indices(shape: Sequence[int]) -> st.SearchStrategy[tuple[Any, ...]]:
    """An index for that shape, possibly with fewer elements than axes."""
    return st.integers(0, len(shape)).flatmap(lambda count: st.tuples(*[index_elements(size) for size in shape[:count]]))


def _divisors(size: int) -> list[int]:
    return [d for d in range(1, size + 1) if size % d == 0]


@st.composite
def rearrange_specs(draw: Any, shape: Sequence[int], max_rank: int = MAX_RANK) -> rc.RearrangeSpec:
    """A RearrangeSpec that accepts that shape: axes split, permuted, merged, inserted, dropped and repeated, some sizes left open."""
    inputs: list[list[int]] = []
    sizes: list[int | None] = []
    for size in shape:
        if size == 1 and draw(st.booleans()):
            inputs.append([])
            continue
        small = 0 < size <= 1000
        left = draw(st.sampled_from(_divisors(size))) if small and draw(st.booleans()) else None
        pieces = [size] if left is None else [left, size // left]
        inputs.append(list(range(len(sizes), len(sizes) + len(pieces))))
        sizes += pieces
    kept = list(range(len(sizes)))
    for group in inputs:
        open_int = draw(st.sampled_from([*group, None]))
        if open_int is not None and all(sizes[k] for k in group if k != open_int):
            sizes[open_int] = None
    repeats = draw(st.lists(st.integers(1, 2), max_size=2))
    order = draw(st.permutations([*kept, *range(len(sizes), len(sizes) + len(repeats))]))
    sizes += repeats
    outputs: list[list[int]] = []
    for number in order:
        if outputs and (len(outputs) >= max_rank or draw(st.booleans())):
            outputs[-1].append(number)
        else:
            outputs.append([number])
    if len(outputs) < max_rank and draw(st.integers(0, 4)) == 0:
        outputs.insert(draw(st.integers(0, len(outputs))), [])
    return rc.RearrangeSpec(inputs, outputs, sizes)


class Builder:
    """Builds random nodes over a pool of circuits; every choice is drawn, so that examples shrink."""

    def __init__(
        self, draw: Callable[[Any], Any], classes: Sequence[type] = COMPUTABLE, dtype: torch.dtype = torch.float64, named: bool = True
    ):
        self.draw = draw
        self.classes = tuple(classes)
        self.dtype = dtype
        self.named = named
        self.pool: list[rc.Circuit] = []
        self.leaf_classes = [cls for cls in (rc.Array, rc.Scalar, rc.Symbol) if cls in self.classes]
        self.steps = [(cls, getattr(self, f"step_{cls.__name__}")) for cls in ALL if cls in self.classes and cls not in self.leaf_classes]

    # --- choices
    def name(self) -> str | None:
        return self.draw(st.one_of(st.none(), NAMES)) if self.named else None

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(0, one_in - 1)) == 0

    def leaf(self, shape: Sequence[int]) -> rc.Circuit:
        """A new leaf of that shape."""
        large = any(size > 1000 for size in shape)  # symbolic, or made from symbolic sizes
        classes = [cls for cls in self.leaf_classes if not (cls is rc.Array and large)]
        cls = self.draw(st.sampled_from(classes)) if classes else rc.Scalar
        if cls is rc.Array:
            return rc.Array(self.draw(tensors(shape, self.dtype)), self.name())
        if cls is rc.Symbol:
            return rc.Symbol(shape, self.draw(UUIDS), self.name())
        return rc.Scalar(self.draw(st.sampled_from([0.0, 1.0, -0.5, 2.0])), shape, self.name())

    def pick(self, accept: Callable[[rc.Circuit], bool] = lambda node: True) -> rc.Circuit | None:
        """A circuit of the pool, more often a late one."""
        fitting = [node for node in self.pool if accept(node)]
        if not fitting:
            return None
        return fitting[-1 - min(self.draw(st.integers(0, 2 * len(fitting))), len(fitting) - 1)]

    def of_shape(self, shape: Sequence[int]) -> rc.Circuit:
        """A circuit of exactly that shape, of the pool or a new leaf."""
        shape = tuple(shape)
        return (self.pick(lambda node: node.shape == shape) if self.chance(2) else None) or self.leaf(shape)

    def first(self, min_rank: int = 0, max_rank: int = MAX_RANK) -> rc.Circuit:
        """An operand to start from."""
        found = self.pick(lambda node: min_rank <= node.rank <= max_rank)
        return found or self.leaf(self.draw(shapes(min_rank=min_rank, max_rank=max(min_rank, 3))))

    # --- one step per class
    def step_Einsum(self) -> rc.Circuit:
        count = self.draw(st.integers(0 if self.chance(8) else 1, 3))
        sizes: dict[int, int] = {}
        operands = []
        for _ in range(count):
            node = self.first(max_rank=3)
            labels = []
            for size in node.shape:
                same = [label for label in sizes if sizes[label] == size]
                label = self.draw(st.sampled_from([*same, len(sizes)]))
                sizes[label] = size
                labels.append(label)
            operands.append((node, tuple(labels)))
        order = self.draw(st.permutations(list(sizes)))
        out: list[int] = []
        for label in order[: self.draw(st.integers(0, min(len(order), MAX_RANK)))]:
            for _ in range(2 if self.chance(8) else 1):
                if math.prod([sizes[k] for k in [*out, label]]) <= MAX_NUMEL or sizes[label] > 1000:
                    out.append(label)
        return rc.Einsum(*operands, out_axes=tuple(out[:MAX_RANK]), name=self.name())

    def step_Add(self) -> rc.Circuit:
        nodes = [self.first()]
        for _ in range(self.draw(st.integers(0, 2))):
            shape = rc.broadcast_shapes(*[node.shape for node in nodes])
            cut = shape[self.draw(st.integers(0, len(shape))) :] if self.chance(3) else shape
            nodes.append(self.of_shape([1 if size and self.chance(4) else size for size in cut]))
        return rc.Add(*self.draw(st.permutations(nodes)), name=self.name())

    def step_Rearrange(self) -> rc.Circuit:
        node = self.first()
        return rc.Rearrange(node, self.draw(rearrange_specs(node.shape)), self.name())

    def step_Index(self) -> rc.Circuit:
        node = self.first()
        return rc.Index(node, self.draw(indices(node.shape)), self.name())

    def step_GeneralFunction(self) -> rc.Circuit:
        node = self.first()
        if node.rank and node.shape[-1] and self.chance(2):
            function = self.draw(st.sampled_from(LAST_AXIS))
            return rc.GeneralFunction.new_by_name(node, spec_name=function, name=self.name())
        if node.rank and node.shape[0] and self.chance(4):
            count = self.draw(st.integers(1, 3))
            places = self.draw(st.lists(st.integers(0, min(node.shape[0], 50) - 1), min_size=count, max_size=count))
            index = rc.Array(torch.tensor(places, dtype=torch.int64), self.name())
            return rc.GeneralFunction.gen_index(node, index, index_dim=0, batch_index=True, name=self.name())
        return rc.GeneralFunction.new_by_name(node, spec_name=self.draw(st.sampled_from(ELEMENTWISE)), name=self.name())

    def step_Concat(self) -> rc.Circuit:
        node = self.first(min_rank=1)
        axis = self.draw(st.integers(-node.rank, node.rank - 1))
        nodes = [node]
        for _ in range(self.draw(st.integers(0, 2))):
            shape = list(node.shape)
            shape[axis] = self.draw(st.integers(0, 3))
            nodes.append(self.of_shape(shape))
        return rc.Concat(*nodes, axis=axis, name=self.name())

    def step_Scatter(self) -> rc.Circuit:
        node = self.first()
        before = [self.draw(st.integers(0, 2)) for _ in node.shape]
        shape = tuple(b + size + self.draw(st.integers(0, 1)) for b, size in zip(before, node.shape, strict=True))
        index = tuple(slice(b, b + size) for b, size in zip(before, node.shape, strict=True))
        return rc.Scatter(node, index, shape, self.name())

    def step_Conv(self) -> rc.Circuit:
        node = self.first(min_rank=2)
        dims = self.draw(st.integers(1, min(node.rank - 1, 2)))
        spatial = node.shape[-dims - 1 : -1]
        padding = [(self.draw(st.integers(0, 1)), self.draw(st.integers(0, 1))) for _ in spatial]
        kernel = [self.draw(st.integers(1, max(1, min(3, size + sum(pad))))) for size, pad in zip(spatial, padding, strict=True)]
        stride = []
        for size, pad, window in zip(spatial, padding, kernel, strict=True):
            length = size + sum(pad) - window + 1
            stride.append(self.draw(st.sampled_from([s for s in (1, 2, 3) if length % s == 0])))
        return rc.Conv(node, self.leaf((self.draw(st.integers(1, 2)), *kernel, node.shape[-1])), stride, padding, self.name())

    def step_Module(self) -> rc.Circuit:
        arguments, symbols = [], []
        for i in range(self.draw(st.integers(1, 2))):
            argument = self.first(max_rank=3)
            batch = self.draw(st.integers(0, argument.rank)) if self.chance(4) else 0
            name = f"{self.draw(st.sampled_from(['in', 'arg']))}{i}"
            arguments.append(argument)
            symbols.append(rc.Symbol(argument.shape[batch:], uuid.UUID(int=100 + i), name))
        inner = Builder(self.draw, [cls for cls in self.classes if cls not in (rc.Module, rc.Symbol)], self.dtype, self.named)
        inner.pool = list(symbols)
        body = inner.build(self.draw(st.integers(1, 3)))
        specs = [rc.ModuleArgSpec(symbol, ban_non_symbolic_size_expand=self.draw(st.booleans())) for symbol in symbols]
        spec = rc.ModuleSpec(body, specs, check_all_inputs_used=False, check_unique_arg_names=False)
        name = self.name()
        try:
            return rc.Module.new_flat(spec, *arguments, name=name)
        except (rc.ExpandError, rc.ConstructError, rc.GeneralFunctionShapeError, rc.RearrangeSpecError, rc.MiscInputError):
            # Not every body can be batched.
            leaves = [self.leaf(symbol.shape) for symbol in symbols]
            return rc.Module.new_flat(spec, *leaves, name=name)

    def step_Tag(self) -> rc.Circuit:
        return rc.Tag(self.first(), self.draw(UUIDS), self.name())

    def step_Cumulant(self) -> rc.Circuit:
        nodes = [self.first(max_rank=2) for _ in range(self.draw(st.integers(0, 2)))]
        return rc.Cumulant(*nodes, name=self.name())

    def step_SetSymbolicShape(self) -> rc.Circuit:
        node = self.first()
        shape = [size if self.chance(3) else self.draw(st.sampled_from([size, *SYMBOLIC_SIZES])) for size in node.shape]
        try:
            return rc.SetSymbolicShape(node, shape, self.name())
        except (rc.SymbolicSizeSetError, rc.SymbolicSizeOverflowError):
            return rc.SetSymbolicShape(node, node.shape, self.name())

    def group(self, size: int) -> rc.Circuit:
        """Probabilities of a DiscreteVar; few distinct ones, so that groups are shared."""
        weights: rc.Circuit = rc.Scalar(1 / size if size else 1.0, (size,))
        if 0 < size < 1000 and self.chance(3):
            values = torch.arange(1, size + 1, dtype=self.dtype if self.dtype.is_floating_point else torch.float64)
            weights = rc.Array(values / values.sum(), "weights") if self.dtype.is_floating_point else weights
        return rc.Tag(weights, uuid.UUID(int=self.draw(st.integers(1000, 1002))), "group")

    def step_DiscreteVar(self) -> rc.Circuit:
        values = self.pick(lambda node: node.rank >= 1 and node.shape[0] > 0) or self.leaf(self.draw(shapes(min_rank=1)))
        return rc.DiscreteVar(values, self.group(values.shape[0]), self.name())

    def step_StoredCumulantVar(self) -> rc.Circuit:
        mean = self.first(max_rank=1)
        cumulants = {k: mean if k == 1 else self.leaf(mean.shape * k) for k in range(1, self.draw(st.integers(2, 3)) + 1)}
        return rc.StoredCumulantVar(cumulants, self.draw(UUIDS), self.name())

    # --- whole circuits
    def small(self, node: rc.Circuit) -> bool:
        sizes = [size for size in node.shape if size < 1000]
        return node.rank <= MAX_RANK and math.prod(sizes) <= MAX_NUMEL

    def step(self, cls: type | None = None) -> rc.Circuit:
        """One more node, of the given class or a drawn one, which joins the pool."""
        steps = dict(self.steps)
        if cls in self.leaf_classes:
            saved, self.leaf_classes = self.leaf_classes, [cls]
            node = self.leaf(self.draw(shapes()))
            self.leaf_classes = saved
        else:
            node = (steps[cls] if cls else self.draw(st.sampled_from(list(steps.values()))))()
        if not cls and self.named and self.chance(12) and node.rank:
            node = node.rename_axes({self.draw(st.integers(0, node.rank - 1)): self.draw(st.sampled_from(["row", "col"]))})
        if not cls and self.named and self.chance(20):
            node = node.with_autoname_disabled()
        if self.small(node):
            self.pool.append(node)
        return node

    def build(self, steps: int) -> rc.Circuit:
        """A circuit of that many operations; leaves come as they are needed."""
        if not self.pool:
            sizes = st.sampled_from([1, 2, 3, 4, *(SYMBOLIC_SIZES if rc.Symbol in self.classes else [])])
            for _ in range(self.draw(st.integers(1, 2))):
                self.pool.append(self.leaf(self.draw(st.lists(sizes, max_size=2))))
        node = self.pool[-1]
        for _ in range(steps):
            node = self.step()
        return node


@st.composite
def circuits(
    draw: Any, classes: Sequence[type] = ALL, max_steps: int = 6, dtypes: Sequence[torch.dtype] = (torch.float64,), named: bool = True
) -> rc.Circuit:
    """Random circuits over the given classes: up to max_steps operations (with their leaves and, in Modules, their bodies)."""
    builder = Builder(draw, classes, draw(st.sampled_from(list(dtypes))), named)
    return builder.build(draw(st.integers(0, max_steps)))


def computable_circuits(max_steps: int = 6, **options: Any) -> st.SearchStrategy[rc.Circuit]:
    """Constant circuits that evaluate as they are."""
    return circuits(COMPUTABLE, max_steps, **options)


def symbolic_circuits(max_steps: int = 6, **options: Any) -> st.SearchStrategy[rc.Circuit]:
    """Circuits with free Symbols, symbolic sizes, SetSymbolicShapes and Modules."""
    return circuits(SYMBOLIC, max_steps, **options)


def random_circuits(max_steps: int = 6, **options: Any) -> st.SearchStrategy[rc.Circuit]:
    """Circuits with DiscreteVars of few groups, which sampling makes computable."""
    return circuits(RANDOM, max_steps, **options)


@st.composite
def nodes_of_class(draw: Any, cls: type, classes: Sequence[type] | None = None, max_steps: int = 2, named: bool = True) -> rc.Circuit:
    """A circuit whose root is a node of that class, over random circuits of `classes`."""
    builder = Builder(draw, classes or (ALL if cls not in COMPUTABLE else COMPUTABLE), named=named)
    builder.build(draw(st.integers(0, max_steps)))
    return builder.step(cls)


# --- matchers
@st.composite
def shared_circuits(draw: Any) -> rc.Circuit:
    """Named Adds and Modules over few leaves, with much sharing; few enough paths for brute force."""
    pool: list[rc.Circuit] = [rc.Scalar(1.0, (), name) for name in "abc"]
    for i in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from(["d", "e", "f", "a"]))
        if draw(st.integers(0, 3)) == 0:
            symbol = rc.Symbol((), uuid.UUID(int=draw(st.integers(1, 2))), draw(st.sampled_from(["s", "t"])))
            inner = rc.Add(symbol, draw(st.sampled_from(pool[:3])), name="body")
            pool.append(rc.Module.new_flat(rc.ModuleSpec(inner, [rc.ModuleArgSpec(symbol)]), draw(st.sampled_from(pool)), name=name))
        else:
            children = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
            pool.append(rc.Add(pool[-1], *children, name=f"{name}{i}" if draw(st.booleans()) else name))
    return pool[-1]


# Of shared_circuits, and of circuits.
MATCHED_NAMES = st.one_of(st.sampled_from([*"abcdefst", "body"]), NAMES)
MATCHED_CLASSES = st.sampled_from(["rc.Add", "rc.Module", "rc.Scalar", "rc.Symbol", "rc.Einsum", "rc.Array"])
MATCHED_PATTERNS = st.sampled_from(["^[a-c]", "d", "b.dy", "[0-9]", r"a\.b", r"\w 0"])


def _listed(texts: list[str]) -> str:
    return ", ".join(texts)


def _set_of(texts: Any) -> str:
    return "{" + _listed(sorted(texts)) + "}" if texts else "set()"


@st.composite
def matcher_texts(draw: Any, depth: int = 2) -> str:
    """Expressions for Matchers of all kinds in terms of `rc`, `M` = rc.Matcher and `I` = rc.IterativeMatcher."""
    kind = draw(st.integers(0, 9 if depth else 5))
    sub = matcher_texts(depth - 1)
    if kind == 0:
        return f"M({draw(MATCHED_NAMES)!r})"
    if kind == 1:
        return f"M({_set_of(draw(st.sets(MATCHED_NAMES.map(repr), max_size=3)))})"
    if kind == 2:
        return f"M({_set_of(draw(st.sets(MATCHED_CLASSES, min_size=1, max_size=2)))})"
    if kind == 3:
        return f"M({draw(st.booleans())})"
    if kind == 4:
        return f"M.regex({draw(MATCHED_PATTERNS)!r}, {draw(st.booleans())})"
    if kind == 5:
        return f"M(lambda node: node.name[:1] in {''.join(sorted(draw(st.sets(st.sampled_from('abcdefhw'), max_size=3))))!r})"
    if kind in (6, 7):
        return f"M.{'any' if kind == 6 else 'all'}({_listed(draw(st.lists(sub, max_size=3)))})"
    if kind == 8:
        return f"~{draw(sub)}"
    return f"M.match_any_{draw(st.sampled_from(['child_found', 'found']))}({draw(iterative_matcher_texts(depth - 1))})"


@st.composite
def iterative_matcher_texts(draw: Any, depth: int = 2) -> str:
    """Expressions for IterativeMatchers of all kinds, those that fail on nodes of the wrong class aside."""
    kind = draw(st.integers(0, 11 if depth else 2))
    sub = iterative_matcher_texts(depth - 1)
    flag = draw(st.booleans())
    if kind <= 1:
        return f"I({draw(matcher_texts(min(depth, 1)))})"
    if kind == 2:
        return f"I.term({flag})"
    if kind in (3, 4):
        return f"I.{'any' if kind == 3 else 'all'}({_listed(draw(st.lists(sub, max_size=3)))})"
    depths = st.one_of(st.none(), st.integers(0, 3))
    if kind == 5:
        early = draw(st.one_of(st.just("False"), matcher_texts(0)))
        return f"rc.restrict({draw(sub)}, {flag}, {draw(depths)}, {draw(depths)}, {early})"
    if kind == 6:
        return f"I.new_chain({_listed(draw(st.lists(sub, min_size=1, max_size=3)))}, must_be_sub={flag})"
    if kind == 7:
        return f"{draw(sub)}.filter_module_spec({flag})"
    if kind == 8:
        return f"I.new_func(lambda node, m={draw(sub)}: m.match_iterate(node))"
    if kind == 9:
        modules = f"I.all({draw(sub)}, rc.Module)"
        return f"{modules}.spec_circuit_matcher()" if flag else f"{modules}.module_arg_matcher({draw(matcher_texts(0))})"
    if kind == 10:
        two = "M(lambda node: node.num_children > 1)"
        return f"I.all({draw(sub)}, {two}).children_matcher({'{0, 1}' if flag else '{1}'})"
    return f"rc.new_traversal({draw(depths)}, {draw(depths)}, {draw(matcher_texts(0))})"


def _evaluated(text: str) -> Any:
    return eval(text, {"rc": rc, "M": rc.Matcher, "I": rc.IterativeMatcher})


def matchers(depth: int = 2) -> st.SearchStrategy[rc.Matcher]:
    """Random Matchers of all kinds."""
    return matcher_texts(depth).map(_evaluated)


def iterative_matchers(depth: int = 2) -> st.SearchStrategy[rc.IterativeMatcher]:
    """Random IterativeMatchers of all kinds, those that fail on nodes of the wrong class aside."""
    return iterative_matcher_texts(depth).map(_evaluated)
