"""Bringing a loaded transformer into a shape that is convenient for interpretability (spec 14, section 9)."""

from __future__ import annotations

import re
from enum import Enum
from functools import partial
from typing import Literal

import torch

import pycircuit as rc
from pycircuit import TorchAxisIndex
from pycircuit.py_utils import check

SplitConfigDict = dict[int, list[tuple[TorchAxisIndex, str]]]
SplitConfigSetDict = set[int] | SplitConfigDict
SplitConfig = Literal["full"] | SplitConfigSetDict

_BLOCK = re.compile(r"b(\d+)")
_PUSHED_MODULE = r"^(t\.bind_w|b\d+|(final|a|m|p)\.norm)$"
_BLOCK_CALL = r"^b\d+\.call$"
_RESIDUAL = re.compile(r"b\d+(\.resid\.[a-z])?")
_BLOCK_COMPONENT = re.compile(r"b\d+\.[am](\.p_bias)?")
_SPLITTABLE = re.compile(r"a(\d+)")
_BLOCK_ATTENTION = re.compile(r"b(\d+)\.a")

_NORM_BODIES = {"ln", "bn"}
_RENAMED_ALONE = {"a", "m", "a_rope"}
_RENAMED_FIRST = {"a", "m", "b", "p", "a_rope"}
_NORM_CALLS = {"a.norm_call", "m.norm_call", "p.norm_call"}
_MLPS = {"m", "m.p_bias"}
_ATTENTIONS = {"a", "a.p_bias", "a_rope", "a_rope.p_bias"}
_HEADS = {"a.head.on_inp", "a_rope.head.on_inp"}


class PushDownTransformerTo(Enum):
    """How far weight bindings move inward; more with larger value (spec 14, section 9.1)."""

    BLOCK = 0
    ATTN_MLP = 1
    ATTN_MLP_NORM = 2
    ATTN_HEAD_MLP_NORM = 3


To = PushDownTransformerTo

_ENDS: dict[To, set[str]] = {
    To.BLOCK: {"b"},
    To.ATTN_MLP: _NORM_CALLS | _ATTENTIONS | _MLPS,
    To.ATTN_MLP_NORM: _ATTENTIONS | _MLPS,
    To.ATTN_HEAD_MLP_NORM: _HEADS | _MLPS,
}


def _full_regex(pattern: str) -> rc.Matcher:
    """Matches names by a pattern in which a dot is escaped already."""
    return rc.Matcher(rc.Regex(pattern, escape_dot=False))


def _check_is_bound_model(c: rc.Circuit) -> None:
    check(c.name == "t.bind_w", f"expected the model 't.bind_w', got {c.name!r}")


def _numbered(name: str, number: str) -> str:
    """The name with a layer number after its first component; rope attention takes the names of plain attention."""
    first, dot, rest = name.partition(".")
    return f"{'a' if first == 'a_rope' else first}{number}{dot}{rest}"


def push_down_transformer_namer(circ: rc.Circuit, _: rc.Circuit, mods: list[rc.Module], _num: int | None) -> str | None:
    """The name a node gets when weights are pushed down to or past it; `mods` from inner to outer (spec 14, section 9.2)."""
    name = circ.name
    if name in _NORM_BODIES and mods:
        name = mods[0].name
    elif name not in _RENAMED_ALONE and not (name.partition(".")[1] and name.partition(".")[0] in _RENAMED_FIRST):
        return circ.op_name
    blocks = (_BLOCK.fullmatch(mod.name) for mod in mods)
    number = next((block[1] for block in blocks if block), None)
    return name if number is None else _numbered(name, number)


def strip_arr(c: rc.Circuit) -> rc.Circuit:
    """Every Array whose name ends in `_arr` loses that suffix (spec 14, section 9.3)."""
    return c.update(
        lambda node: node.is_array() and node.name.endswith("_arr"), lambda array: array.rename(array.name.removesuffix("_arr"))
    )


def push_down_transformer_weights(c: rc.Circuit, to: PushDownTransformerTo, use_strip_arr: bool = True) -> rc.Circuit:
    """Moves the weight bindings of `t.bind_w` inward to the nodes that `to` says; same value (spec 14, section 9.2)."""
    _check_is_bound_model(c)
    pusher = rc.ModulePusher(namer=push_down_transformer_namer)
    stays = rc.Matcher(rc.Module) & ~_full_regex(_PUSHED_MODULE)
    pushed = pusher(c, rc.new_traversal(term_early_at=_ENDS[to] | _NORM_BODIES), skip_module=stays)
    return strip_arr(pushed) if use_strip_arr else pushed


def _rebuilt(module: rc.Module, body: rc.Circuit, name: str | None = None) -> rc.Module:
    """The module with another body, whose parameters not used any more are dropped with their arguments."""
    free = set(rc.get_free_symbols(body))
    kept = [(node, arg) for node, arg in module.arg_items() if arg.symbol in free]
    new_spec = rc.ModuleSpec(body, [arg for _, arg in kept])
    return rc.Module.new_flat(new_spec, *(node for node, _ in kept), name=module.op_name if name is None else name)


def _component(module: rc.Module, place: str) -> tuple[rc.Module | None, rc.Circuit]:
    """The norm call in a block's call of a component, if there is one, and the component."""
    body = module.spec.circuit
    if re.fullmatch(rf"{place}\d*\.norm_call", body.name):
        return body.cast_module(), body.cast_module().spec.circuit
    return None, body


def _with_component(module: rc.Module, place: str, component: rc.Circuit, name: str, norm_call_name: str) -> rc.Module:
    """A block's call of another component, behind the same norm."""
    norm_call, _ = _component(module, place)
    return _rebuilt(module, component if norm_call is None else _rebuilt(norm_call, component, norm_call_name), name)


def _pull_up_bias_at(module: rc.Circuit, place: str) -> rc.Circuit:
    _, component = _component(module.cast_module(), place)
    if component.name not in {f"{place}.p_bias", "a_rope.p_bias"}:
        return module
    unbiased, bias = component.children
    call = _with_component(module.cast_module(), place, unbiased, module.name, f"{place}.norm_call")
    return rc.Add(call, bias, name=f"{module.name}.p_bias")


def pull_up_bias(c: rc.Circuit) -> rc.Circuit:
    """Moves output biases out of norm calls and component calls, before weights are pushed down (spec 14, section 9.3)."""
    for place in "am":
        c = c.update(rc.Matcher(rc.Module) & rc.Matcher(f"b.{place}"), partial(_pull_up_bias_at, place=place))
    return c


def _layer(node: rc.Circuit) -> int:
    """The layer number in a name such as `a3` or `b3.a`."""
    return int(node.name[1:].partition(".")[0])


def _is_sum_over_heads(node: rc.Circuit) -> bool:
    """Whether the node is an attention that can be split by head."""
    return node.is_einsum() and _SPLITTABLE.fullmatch(node.name) is not None and node.children[0].name == f"{node.name}.heads"


def _heads_of(index: TorchAxisIndex, num_heads: int) -> list[int]:
    """The head numbers that an index selects; one that does not exist fails the check."""
    try:
        selected = torch.arange(num_heads)[index]
    except IndexError as error:
        raise AssertionError(f"group {index!r} is not among {num_heads} heads") from error
    return selected.reshape(-1).tolist()


def _group(layer: int, heads: rc.Module, index: TorchAxisIndex, group_name: str) -> rc.Circuit:
    """One summand of a split attention: the module of one head, or the sum over the heads of a module."""
    arguments = [rc.Index(node, (index,) + (slice(None),) * (node.rank - 1), name=f"{node.name}_idx_.{group_name}") for node in heads.nodes]
    module = rc.Module.new_flat(heads.spec, *arguments, name=f"a{layer}.{group_name}")
    if module.rank == heads.rank - 1:
        return module
    return rc.Einsum.from_einsum_string("abc->bc", module, name=f"a{layer}.keep.{group_name}_sum")


def _split(attention: rc.Circuit, groups: list[tuple[TorchAxisIndex, str]] | None) -> rc.Add:
    """The sum over groups of heads in place of an attention; no groups: every head by itself."""
    heads = attention.children[0].cast_module()
    num_heads, layer = heads.shape[0], _layer(attention)
    if groups is None:
        groups = [(head, f"h{head}") for head in range(num_heads)]
    covered = [head for index, _ in groups for head in _heads_of(index, num_heads)]
    check(
        sorted(covered) == list(range(num_heads)),
        f"the groups of layer {layer} must cover each of its {num_heads} heads exactly once, they cover {covered}",
    )
    return rc.Add(*(rc.simp(_group(layer, heads, index, name)) for index, name in groups), name=attention.op_name)


def _nodes_of_layers(c: rc.Circuit, is_wanted: rc.MatcherIn, layers: set[int] | None, what: str) -> set[rc.Circuit]:
    """The wanted nodes of the given layers (`None`: of all); a layer without one fails the check."""
    nodes = c.get(is_wanted)
    present = {_layer(node) for node in nodes}
    missing = sorted((layers or set()) - present)
    check(not missing, f"layers {missing} {what}; there are {sorted(present)}")
    return {node for node in nodes if layers is None or _layer(node) in layers}


def split_by_head(c: rc.Circuit, split: SplitConfig = "full") -> rc.Circuit:
    """Attention becomes a sum over groups of heads, after pushing weights down to the heads; same value (spec 14, section 9.4)."""
    layers = None if split == "full" else set(split)
    if not _nodes_of_layers(c, _is_sum_over_heads, layers, "have no heads to split"):
        return c
    # Simplified before it is split, since simplifying a sum of one group would lose its name.
    c = rc.simp(c)
    attentions = _nodes_of_layers(c, _is_sum_over_heads, layers, "have no heads to split")
    return c.update(attentions, lambda node: _split(node, split[_layer(node)] if isinstance(split, dict) else None))


def _is_split_call(node: rc.Circuit) -> bool:
    """Whether the node is a block's call of an attention that is split by head."""
    if not node.is_module() or _BLOCK_ATTENTION.fullmatch(node.name) is None:
        return False
    attention = f"a{_layer(node)}"
    _, component = _component(node.cast_module(), "a")
    unbiased = component.children[0] if component.name == f"{attention}.p_bias" else component
    return unbiased.is_add() and unbiased.name == attention


def _pull_up_heads_at(call: rc.Module) -> rc.Circuit:
    """The sum of one block call for each summand of the component."""
    layer = _layer(call)
    _, component = _component(call, "a")
    bias: list[rc.Circuit] = []
    if component.name == f"a{layer}.p_bias":
        component, *bias = component.children
    summands = []
    for summand in component.children:
        rest = summand.name.partition(".")[2]
        summands.append(_with_component(call, "a", summand, f"b{layer}.a.{rest}", f"a{layer}.{rest}.norm_call"))
    return rc.Add(*summands, *bias, name=call.op_name)


def pull_up_head_split(c: rc.Circuit, to_pull_up: set[int] | None = None) -> rc.Circuit:
    """Moves the sum over heads out of norm call and block call, by default in all layers that are split (spec 14, section 9.5)."""
    calls = _nodes_of_layers(c, _is_split_call, None if to_pull_up is None else set(to_pull_up), "are not split by head")
    return c.update(calls, lambda call: _pull_up_heads_at(call.cast_module()))


def clear_block_module(c: rc.Circuit) -> rc.Circuit:
    """Substitutes every module `b<i>.call` and names the result `b<i>` (spec 14, section 9.3)."""
    calls = rc.Matcher(rc.Module) & _full_regex(_BLOCK_CALL)
    return c.update(calls, lambda call: call.cast_module().substitute().rename(call.name.removesuffix(".call")))


def _flattened(add: rc.Circuit, flatten_components: bool) -> rc.Add:
    """The Add with its summands that are Adds replaced by their own, recursively; components only if told to."""
    summands, stack = [], [add]
    while stack:
        node = stack.pop()
        if node.is_add() and (flatten_components or _BLOCK_COMPONENT.fullmatch(node.name) is None):
            stack.extend(reversed(node.children))
        else:
            summands.append(node)
    return rc.Add(*summands, name=add.op_name)


def flatten_res(c: rc.Circuit, flatten_components: bool = False) -> rc.Circuit:
    """Flattens the sums of the residual stream, optionally with those of the components (spec 14, section 9.6)."""
    residual = rc.Matcher(rc.Add) & rc.Matcher(lambda node: _RESIDUAL.fullmatch(node.name) is not None)
    return c.update(residual, lambda node: _flattened(node, flatten_components))


def batch_mul(
    x: rc.Einsum,
    operand_idx: int,
    retained_axes: tuple[int, ...],
    insert_at_idx: int | None = 0,
    assert_not_present: bool = True,
    assert_not_diag: bool = True,
) -> rc.Einsum:
    """Keeps the given axes of an operand in the output, at one position (`None`: at the end) (spec 14, section 9.3)."""
    operand_labels = x.args[operand_idx][1]
    labels = tuple(operand_labels[axis] for axis in retained_axes)
    if assert_not_diag:
        check(len(set(labels)) == len(labels), f"retained axes {retained_axes} have labels {labels}, which repeat")
    if assert_not_present:
        present = [label for label in labels if label in x.out_axes]
        check(not present, f"labels {present} are in out_axes {tuple(x.out_axes)} already")
    at = len(x.out_axes) if insert_at_idx is None else insert_at_idx
    out_axes = tuple(x.out_axes)
    return x.evolve(out_axes=out_axes[:at] + labels + out_axes[at:])


def _check_options(
    to: To | None,
    use_strip_arr: bool,
    split_by_head_config: SplitConfig | None,
    use_pull_up_head_split: bool,
    use_clear_block_module: bool,
    use_flatten_res: bool,
    flatten_components: bool,
) -> None:
    """The combinations of `configure_transformer` that make no sense."""
    check(not use_strip_arr or to is not None, f"stripping arr without pushing down: to={to}")
    check(
        split_by_head_config is None or to == To.ATTN_HEAD_MLP_NORM,
        f"can't split by head without pushing down weights to head: to={to}",
    )
    check(
        not use_pull_up_head_split or split_by_head_config is not None,
        f"can't pull up split heads if heads aren't split: split_by_head_config={split_by_head_config}",
    )
    check(
        not use_clear_block_module or (to is not None and to.value >= To.ATTN_MLP.value),
        f"clearing block module not supported unless weights are pushed down to ATTN_MLP or further: to={to}",
    )
    check(not use_flatten_res or use_clear_block_module, "can't flatten the residual stream without use_clear_block_module")
    check(not flatten_components or use_flatten_res, "flatten_components has no effect without use_flatten_res")


def configure_transformer(
    c: rc.Circuit,
    to: To | None = To.ATTN_MLP_NORM,
    use_pull_up_bias: bool = True,
    use_strip_arr: bool = True,
    split_by_head_config: SplitConfig | None = None,
    use_pull_up_head_split: bool = False,
    use_clear_block_module: bool = True,
    use_flatten_res: bool = False,
    flatten_components: bool = False,
    check_valid: bool = True,
) -> rc.Circuit:
    """The model `t.bind_w` with the chosen rewrites applied in order; same value and free symbols (spec 14, section 9.7)."""
    _check_is_bound_model(c)
    if check_valid:
        _check_options(
            to,
            use_strip_arr,
            split_by_head_config,
            use_pull_up_head_split,
            use_clear_block_module,
            use_flatten_res,
            flatten_components,
        )
    if use_pull_up_bias:
        c = pull_up_bias(c)
    if to is not None:
        c = push_down_transformer_weights(c, to, use_strip_arr)
    if split_by_head_config is not None:
        c = split_by_head(c, split_by_head_config)
    if use_pull_up_head_split:
        layers = None if split_by_head_config is None or split_by_head_config == "full" else set(split_by_head_config)
        c = pull_up_head_split(c, layers)
    if use_clear_block_module:
        c = clear_block_module(c)
    if use_flatten_res:
        c = flatten_res(c, flatten_components)
    return c.update(rc.SetSymbolicShape, lambda node: node.rename(node.get_autoname()))
