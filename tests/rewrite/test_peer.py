"""Rules give the circuits that rust_circuit gives, names included, on random circuits (spec 10, sections 2 to 8)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.peer import program
from tests.peer.client import PeerDied, PeerError, needs_peer, peer
from tests.rewrite.test_properties import BELOW
from tests.strategies import nodes_of_class

# Rule and further arguments as text. add_deduplicate is left out: its order was hash order.
RULES = {
    rc.Einsum: [
        ("einsum_elim_zero", ""),
        ("einsum_elim_identity", ""),
        ("einsum_flatten_once", ""),
        ("einsum_of_permute_merge", ""),
        ("einsum_merge_scalars", ""),
        ("einsum_pull_removable_axes", ""),
        ("einsum_elim_removable_axes_weak", ""),
        ("einsum_permute_to_rearrange", ""),
        ("einsum_pull_scatter", ""),
        ("einsum_push_down_trace", ""),
        ("einsum_concat_to_add", ""),
        ("distribute_all", ""),
    ],
    rc.Add: [
        ("remove_add_few_input", ""),
        ("add_flatten_once", ""),
        ("add_elim_zeros", ""),
        ("add_collapse_scalar_inputs", ""),
        ("add_pull_removable_axes", "True"),
        ("add_pull_removable_axes", "False"),
        ("add_pull_diags", ""),
        ("add_elim_removable_axes_weak", ""),
        ("add_make_broadcasts_explicit", ""),
    ],
    rc.Rearrange: [
        ("rearrange_elim_identity", ""),
        ("rearrange_fuse", ""),
        ("rearrange_merge_scalar", ""),
        ("permute_of_einsum_merge", ""),
    ],
    rc.Index: [
        ("index_elim_identity", ""),
        ("index_fuse", ""),
        ("index_merge_scalar", ""),
        ("index_einsum_to_scatter", ""),
        ("index_concat_drop_unreached", ""),
        ("push_down_index_once", "True, 'S'"),
        ("push_down_index_once", "False"),
    ],
    rc.Concat: [
        ("concat_elim_identity", ""),
        ("concat_elim_split", ""),
        ("concat_pull_removable_axes", ""),
        ("concat_merge_uniform", ""),
        ("concat_fuse", ""),
        ("concat_repeat_to_rearrange", ""),
        ("concat_to_scatter", ""),
    ],
}


def comparable(node: rc.Circuit) -> bool:
    """Without what pycircuit treats differently on purpose: childless nodes, index tensors, Einsums that do nothing below others."""
    for each in rc.all_children(node):
        if isinstance(each, (rc.Einsum, rc.Add)) and not each.children:
            return False
        if isinstance(each, rc.Index) and each.has_tensor_axes():
            return False
    return not (isinstance(node, rc.Einsum) and rc.einsum_elim_identity(node))


def plain(circuit: rc.Circuit | None) -> rc.Circuit | None:
    """As a construction program builds it: no axis names, no flags; labels by first appearance, canonical specs (10, section 0)."""
    if circuit is None:
        return None
    built = program.build(rc, program.program_of(circuit))
    return rc.deep_normalize(rc.deep_map(built, lambda node: rc.canonicalize_node(node) if isinstance(node, rc.Rearrange) else node))


@needs_peer
@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_rules_agree(cls: type, data: st.DataObject) -> None:
    node = program.build(rc, program.program_of(data.draw(nodes_of_class(cls, BELOW[cls], max_steps=3))))
    assume(comparable(node))
    for name, arguments in RULES[cls]:
        code = f"r = rc.{name}(node, {arguments}); result = None if r is None else [list(program_of(r).rows)]"
        theirs: Any
        try:
            theirs = peer().run(code, node=node)
        except PeerDied:
            continue
        except PeerError as error:
            if error.cls != "PanicException":
                with pytest.raises(getattr(rc, error.cls)):
                    getattr(rc, name)(node, *eval(f"[{arguments}]"))
            continue
        expected = None if theirs is None else program.build(rc, program.Program(theirs[0]))
        assert plain(getattr(rc, name)(node, *eval(f"[{arguments}]"))) == plain(expected), name
