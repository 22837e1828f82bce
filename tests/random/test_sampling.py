"""Sample specs, seeds, Sampler and estimates: examples and vectors of spec 09, sections 1 to 9."""

from __future__ import annotations

import pickle
import uuid

import pytest
import torch

import pycircuit as rc
from tests.random.variables import f64, group, outcome_values, variable

G3 = group(3, 1)
X = rc.DiscreteVar(rc.Array(f64([[1, 2], [3, 4], [5, 6]]), "x"), G3, "x var")
H = rc.Tag(rc.Array(f64([0.25, 0.75]), "weights"), uuid.UUID(int=2), "h")
Y = rc.DiscreteVar(rc.Array(f64([10, 20]), "y"), H, "y var")
C = rc.Array(f64([7, 8]), "c")
M = rc.Array(f64([[1, 2], [3, 4]]), "m")

GRP = rc.Tag(rc.Scalar(0.25, (4,)), uuid.UUID(int=1), "group")
TOKS = rc.DiscreteVar(rc.Array(torch.arange(8.0).reshape(4, 2), "toks"), GRP, "toks_var")


def rows(spec: rc.SampleSpec, probs: rc.Circuit) -> torch.Tensor:
    return spec.sample_var(rc.DiscreteVar(rc.Array(torch.arange(probs.shape[0]), "rows"), probs)).evaluate()


# --- section 1
def test_variables_of_one_group_are_fully_dependent() -> None:
    x, y = variable([1.0, 2.0, 4.0], G3), variable([10.0, 20.0, 30.0], G3)
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]))
    assert sampler.sample(rc.Add(x, y)).evaluate().tolist() == [11.0, 22.0, 34.0]
    assert sampler.sample(rc.Add(x, x)).evaluate().tolist() == [2.0, 4.0, 8.0]


def test_another_name_is_another_group() -> None:
    other = rc.DiscreteVar(X.values, G3.rename("other"))
    spec = rc.RunDiscreteVarAllSpec.create_full_from_circuits(rc.Add(X, other))
    assert spec.get_sample_shape() == (3, 3)
    fresh = rc.DiscreteVar.uniform_probs_and_group(3)
    assert fresh != rc.DiscreteVar.uniform_probs_and_group(3)


# --- section 3
def test_sample_spec_is_an_abstract_base() -> None:
    with pytest.raises(TypeError):
        rc.SampleSpec()
    spec = rc.RandomSampleSpec((2,))
    assert isinstance(spec, rc.SampleSpec) and isinstance(rc.RunDiscreteVarAllSpec([G3]), rc.SampleSpec)
    assert rc.SampleSpecIn
    with pytest.raises(TypeError):
        spec.sample_var(C)


def test_transform_of_other_nodes_is_an_error() -> None:
    stored = rc.StoredCumulantVar({1: rc.Scalar(0.0), 2: rc.Scalar(1.0)}, uuid.UUID(int=3))
    for spec in (rc.RandomSampleSpec((2,)), rc.RunDiscreteVarAllSpec([G3])):
        assert spec.get_transform().run(X) == spec.sample_var(X)
        for node in (C, stored):
            with pytest.raises(rc.SampleUnhandledVarErrorError) as error:
                spec.get_transform().run(node)
            assert error.value.args[0].circ == node


def test_sample_expander_adds_no_axes_without_variables() -> None:
    expander = rc.RunDiscreteVarAllSpec([G3]).get_sample_expander()
    assert expander(C) == C
    assert expander(rc.Add(X, C, name="A")).name == "A_sample"
    assert rc.RunDiscreteVarAllSpec([G3]).get_sample_expander(suffix=None)(rc.Add(X, C, name="A")).name == "A"
    assert expander(rc.Cumulant(X)) == rc.Cumulant(X)


# --- section 4
def test_random_spec_attributes() -> None:
    seeder = rc.default_hash_seeder(3)
    spec = rc.RandomSampleSpec([2, 3], False, False, seeder)
    assert (spec.shape, spec.replace, spec.simplify) == ((2, 3), False, False)
    assert spec.seeder(GRP) == seeder(GRP)
    spec.simplify = True
    assert spec.simplify
    own = lambda c: 5  # noqa: E731
    spec.seeder = own
    assert spec.seeder is own
    for name, value in {"shape": (1,), "replace": True}.items():
        with pytest.raises(AttributeError):
            setattr(spec, name, value)
    rc.RandomSampleSpec(probs_and_group_evaluation_settings=None)
    with pytest.raises(TypeError):
        rc.RandomSampleSpec(3)
    with pytest.raises(TypeError):
        rc.RandomSampleSpec(seeder=3)


def test_random_spec_weights() -> None:
    spec = rc.RandomSampleSpec((2, 5))
    assert spec.get_empirical_weights() == rc.Scalar(0.1, (2, 5), "empirical_weights_for_sampled")
    assert spec.get_overall_weight() == rc.Scalar(10.0)
    assert rc.RandomSampleSpec().get_empirical_weights() == rc.Scalar(1.0, (), "empirical_weights_for_sampled")


def test_seeder_results() -> None:
    for result, error in {"a": TypeError, 2**63: OverflowError}.items():
        with pytest.raises(error):
            rc.RandomSampleSpec((2,), seeder=lambda c, result=result: result).sample_var(TOKS)

    def broken(circuit: rc.Circuit) -> int:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        rc.RandomSampleSpec((2,), seeder=broken).sample_var(TOKS)


def test_lazy_form() -> None:
    spec = rc.RandomSampleSpec((2, 3), seeder=lambda c: 7)
    seed = rc.Array(torch.tensor(7), "seed_7")
    drawn = rc.multinomial(GRP, seed, (2, 3), True, "group sampled_idxs")
    expected = rc.GeneralFunction.gen_index(TOKS.values, drawn, index_dim=-2, batch_x=True, batch_index=False, name="toks_var sampled")
    assert spec.sample_var(TOKS) == expected
    assert expected.shape == (2, 3, 2)


@pytest.mark.parametrize(
    ("shape", "weights", "eager"),
    [
        ((3,), lambda: group(4, 5), True),
        ((3,), lambda: rc.Tag(rc.Array(f64([0.1, 0.2, 0.3, 0.4])), uuid.UUID(int=1)), True),
        ((3,), lambda: rc.Array(f64([0.1, 0.2, 0.3, 0.4])), False),
        ((3,), lambda: rc.Scalar(0.25, (4,)), False),
        ((3,), lambda: rc.Tag(group(4, 5), uuid.UUID(int=6)), False),
        ((3,), lambda: rc.Tag(rc.Add(rc.Scalar(0.25, (4,))), uuid.UUID(int=6)), False),
        ((), lambda: group(4, 5), False),
        ((2, 3), lambda: group(4, 5), False),
    ],
)
@pytest.mark.parametrize("simplify", [True, False])
def test_eager_and_lazy_forms_agree(shape: tuple[int, ...], weights: object, eager: bool, simplify: bool) -> None:
    var = rc.DiscreteVar(rc.Array(f64(torch.arange(8).reshape(4, 2))), weights())  # type: ignore[operator]
    sampled = rc.RandomSampleSpec(shape, simplify=simplify, seeder=lambda c: 3).sample_var(var)
    assert type(sampled) is (rc.Index if eager and simplify else rc.GeneralFunction)
    assert sampled.shape == (*shape, 2)
    lazy = rc.RandomSampleSpec(shape, simplify=False, seeder=lambda c: 3).sample_var(var)
    assert torch.equal(sampled.evaluate(), lazy.evaluate())


@pytest.mark.parametrize(
    ("seed", "shape", "replace", "expected"),
    [
        (0, (5,), True, [3, 2, 1, 3, 2]),
        (2, (5,), True, [3, 0, 2, 2, 3]),
        (3, (5,), True, [0, 1, 3, 0, 3]),
        (0, (2, 3), True, [[3, 2, 1], [3, 2, 3]]),
    ],
)
def test_rows_of_seeds(seed: int, shape: tuple[int, ...], replace: bool, expected: list[int]) -> None:
    assert rows(rc.RandomSampleSpec(shape, replace, seeder=lambda c: seed), GRP).tolist() == expected


def test_rows_of_other_groups() -> None:
    weights = rc.Array(f64([0.1, 0.2, 0.3, 0.4]))
    assert rows(rc.RandomSampleSpec((5,), seeder=lambda c: 1), weights).tolist() == [0, 1, 1, 1, 2]
    assert rows(rc.RandomSampleSpec((5,), seeder=rc.default_hash_seeder(1)), GRP).tolist() == [0, 3, 1, 3, 0]


def test_without_replacement() -> None:
    generator = torch.Generator().manual_seed(0)
    expected = torch.multinomial(torch.full((4,), 0.25, dtype=torch.float64), 4, False, generator=generator)
    drawn = rows(rc.RandomSampleSpec((4,), False, seeder=lambda c: 0), GRP)
    assert torch.equal(drawn, expected) and sorted(drawn.tolist()) == [0, 1, 2, 3]
    too_many = rc.RandomSampleSpec((5,), False).sample_var(TOKS)
    with pytest.raises(RuntimeError):
        too_many.evaluate()


# --- section 5
def test_hash_seeder_vectors() -> None:
    assert GRP.hash_base16.startswith("a0e658a9cc8b8175")
    assert rc.default_hash_seeder(0)(GRP) == 8467202485564008096
    assert rc.default_hash_seeder(42)(GRP) == 8467202485564008074
    assert rc.default_hash_seeder(0)(rc.Scalar(0.25, (4,))) == 5218055490736225113
    with pytest.raises(OverflowError):
        rc.default_hash_seeder(2**63)
    with pytest.raises(TypeError):
        rc.default_hash_seeder(0)(3)


def test_seeders_without_base_seed_follow_torch() -> None:
    torch.manual_seed(0)
    first, second = rc.default_hash_seeder(), rc.default_hash_seeder()
    torch.manual_seed(0)
    assert rc.default_hash_seeder()(GRP) == first(GRP) != second(GRP)
    assert pickle.loads(pickle.dumps(first))(GRP) == first(GRP)


def test_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    for simplify in (True, False):
        sampler = rc.Sampler(rc.RandomSampleSpec((3,), simplify=simplify, seeder=rc.default_hash_seeder(0)))
        sampler.sample(rc.Add(TOKS, rc.Scalar(1.0))).evaluate()
        sampler.estimate(rc.Cumulant(TOKS)).evaluate()
    assert torch.equal(torch.get_rng_state(), state)


def test_stateful_seeder_is_asked_once_per_group() -> None:
    asked: list[rc.Circuit] = []

    def seeder(circuit: rc.Circuit) -> int:
        asked.append(circuit)
        return len(asked)

    sampler = rc.Sampler(rc.RandomSampleSpec((6,), seeder=seeder))
    x, y = variable([1.0, 2.0, 3.0, 4.0], GRP, "x"), variable([10.0, 20.0, 30.0, 40.0], GRP, "y")
    first = sampler.sample(rc.Add(x, rc.Scalar(0.0))).evaluate()
    second = sampler.sample(rc.Add(y, rc.Scalar(0.0))).evaluate()
    assert torch.equal(first * 10, second)
    assert asked == [GRP]


def test_cast_samples_keep_their_rows() -> None:
    spec = rc.RandomSampleSpec((2, 3), seeder=lambda c: 0)
    var = rc.DiscreteVar(rc.Array(f64(range(4))), rc.Array(f64([0.1, 0.2, 0.3, 0.4])))
    lazy = spec.sample_var(var)
    assert torch.equal(rc.cast_circuit(lazy, rc.TorchDeviceDtypeOp(device="cpu")).evaluate(), lazy.evaluate())
    with pytest.raises(RuntimeError):
        rc.cast_circuit(lazy, rc.TorchDeviceDtypeOp(dtype=torch.float64)).evaluate()


# --- section 6
def test_all_rows_attributes_and_checks() -> None:
    spec = rc.RunDiscreteVarAllSpec([G3, H])
    assert list(spec.groups) == [G3, H] and list(spec.subsets) == [slice(None, None, None)] * 2
    for name in ("groups", "subsets"):
        with pytest.raises(AttributeError):
            setattr(spec, name, [])
    with pytest.raises(rc.SampleGroupWithIncorrectNdimError) as ndim:
        rc.RunDiscreteVarAllSpec([G3, M])
    assert list(ndim.value.args[0].groups) == [G3, M]
    with pytest.raises(rc.SampleDifferentNumSubsetsThanGroupsError) as lengths:
        rc.RunDiscreteVarAllSpec([G3], [])
    assert (lengths.value.args[0].subset_len, lengths.value.args[0].groups_len) == (0, 1)
    with pytest.raises(ValueError, match="step must be None"):
        rc.RunDiscreteVarAllSpec([G3], [slice(0, 2, 1)])
    with pytest.raises(rc.IndexIndexOutOfBoundsError):
        rc.RunDiscreteVarAllSpec([G3], [slice(0, 4)])
    with pytest.raises(ValueError):
        rc.RunDiscreteVarAllSpec([G3, H, G3])
    with pytest.raises(rc.SampleUnhandledVarErrorError) as unknown:
        rc.RunDiscreteVarAllSpec([H]).sample_var(X)
    assert unknown.value.args[0].circ == X


def test_all_rows_of_two_groups() -> None:
    spec = rc.RunDiscreteVarAllSpec([G3, H])
    assert spec.get_sample_shape() == (3, 2)
    x, y = spec.sample_var(X), spec.sample_var(Y)
    assert x == rc.Rearrange.from_string(rc.Index(X.values, (slice(None), slice(None))), "a b -> a 2 b") or x.name == "x idx rearrange"
    assert (x.name, x.shape, x.children[0].name) == ("x idx rearrange", (3, 2, 2), "x idx")
    assert y.name == "y idx rearrange" and y.evaluate().tolist() == [[10, 20]] * 3
    torch.testing.assert_close(spec.get_empirical_weights().evaluate(), f64([[1 / 12, 1 / 4]] * 3))
    torch.testing.assert_close(spec.get_overall_weight().evaluate(), f64(1.0))


def test_all_rows_subsets() -> None:
    spec = rc.RunDiscreteVarAllSpec([G3, H], subsets=[slice(0, 2), slice(1, 2)])
    assert spec.get_sample_shape() == (2, 1)
    torch.testing.assert_close(spec.get_empirical_weights().evaluate(), f64([[0.5], [0.5]]))
    torch.testing.assert_close(spec.get_overall_weight().evaluate(), f64(0.5))
    assert spec.sample_var(Y).evaluate().tolist() == [[20], [20]]
    assert spec.sample_var(X).evaluate().tolist() == [[[1, 2]], [[3, 4]]]
    alone = rc.RunDiscreteVarAllSpec([H], [slice(1, 2)])
    assert alone.get_overall_weight().evaluate().item() == 0.75


def test_all_rows_of_no_groups() -> None:
    spec = rc.RunDiscreteVarAllSpec([])
    assert spec.get_sample_shape() == ()
    assert spec.get_empirical_weights().evaluate().item() == spec.get_overall_weight().evaluate().item() == 1.0


def test_create_full_from_circuits() -> None:
    below = rc.DiscreteVar(rc.Add(Y, rc.Scalar(0.0, (2,))), group(2, 9), "outer")
    create = rc.RunDiscreteVarAllSpec.create_full_from_circuits
    assert list(create(rc.Cumulant(X), below).groups) == [G3, below.probs_and_group, H]
    assert list(create().groups) == []
    stored = rc.StoredCumulantVar({1: rc.Scalar(0.0), 2: rc.Scalar(1.0)}, uuid.UUID(int=3))
    with pytest.raises(rc.SampleUnhandledVarErrorError) as error:
        create(rc.Add(X, stored))
    assert error.value.args[0].circ == stored


# --- section 7
def test_how_sample_axes_spread() -> None:
    sample = rc.Sampler(rc.RunDiscreteVarAllSpec([G3])).sample
    idx = rc.Index(X.values, (slice(None), slice(None)))

    added = sample(rc.Add(X, C, name="A"))
    assert added == rc.Add(idx, C, name="A_sample")
    unnamed = sample(rc.Add(X, C))
    assert unnamed.name == "x var + c_sample" or unnamed.name == "x idx + c_sample"

    wide = sample(rc.Add(X, M, name="A"))
    assert wide.name == "A_sample" and wide.children[1] == M
    assert wide.children[0].name == "x idx unsq_b_add" and wide.children[0].shape == (3, 1, 2)

    product = sample(rc.Einsum.from_einsum_string("a,ab->b", X, M))
    assert product.name == "x var * m_sample" and product.shape == (3, 2) and product.children[1] == M

    joined = sample(rc.Concat(X, C, axis=0, name="C"))
    assert (joined.name, joined.axis, [child.name for child in joined.children]) == ("C_sample", 1, ["x idx", "c rep_for_batch"])

    assert sample(rc.Rearrange.from_string(X, "a -> a 2", "R")).shape == (3, 2, 2)
    indexed = sample(rc.Index(X, (0,), "I"))
    assert indexed.name == "I_sample" and indexed.idx[1] == 0
    assert sample(rc.GeneralFunction.new_by_name(X, spec_name="softmax", name="s")) == rc.GeneralFunction.new_by_name(
        idx, spec_name="softmax", name="s_sample"
    )
    tag = sample(rc.Tag(X, uuid.UUID(int=8), "t"))
    assert isinstance(tag, rc.Tag) and tag.uuid == uuid.UUID(int=8) and tag.children[0] == idx


def test_modules_are_sampled() -> None:
    sample = rc.Sampler(rc.RunDiscreteVarAllSpec([G3])).sample
    symbol = rc.Symbol((2,), uuid.UUID(int=20), "in")
    spec = rc.ModuleSpec(rc.Add(symbol, C, name="body"), [rc.ModuleArgSpec(symbol)])
    argument = sample(rc.Module.new_flat(spec, X, name="M"))
    assert isinstance(argument, rc.Module) and argument.name == "M_sample" and argument.spec == spec
    random_body = rc.ModuleSpec(rc.Add(symbol, X, name="body"), [rc.ModuleArgSpec(symbol)])
    inside = sample(rc.Module.new_flat(random_body, C, name="M"))
    assert inside.name == "M_sample" and inside.spec.circuit.name == "body_sample"
    assert inside.evaluate().tolist() == [[8, 10], [10, 12], [12, 14]]


# --- section 8
def test_sampler_attributes() -> None:
    spec = rc.RandomSampleSpec((3,), seeder=lambda c: 0)
    sampler = rc.Sampler(spec)
    before = sampler.sample(TOKS)
    spec.simplify = False
    spec.seeder = lambda c: 1
    assert sampler.sample_spec.simplify and sampler.sample(TOKS) == before
    assert isinstance(sampler.expander, rc.Expander)
    assert isinstance(sampler.cumulant_matcher, rc.IterativeMatcher)
    assert isinstance(sampler.run_on_sampled, rc.Transform)
    with pytest.raises(AttributeError):
        sampler.sample_spec = spec
    for argument in (3, None):
        with pytest.raises(TypeError):
            sampler.sample(argument)
    with pytest.raises(TypeError):
        rc.Sampler(3)


def test_table_of_samples() -> None:
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]))
    constant = sampler.sample(X.values)
    assert (constant.name, constant.shape) == ("x rearrange", (3, 3, 2))
    k1 = rc.Cumulant(X)
    both = rc.Add(k1, X, name="A")
    sampled = sampler.sample(both)
    assert sampled.name == "A_sample" and [child.name for child in sampled.children] == ["K1(x var)", "x idx"]
    assert sampler(both).evaluate().tolist() == sampler.estimate_and_sample(both).evaluate().tolist() == [[4, 6], [6, 8], [8, 10]]

    bias = rc.Array(torch.tensor([10.0, 20.0]), "bias")
    drawn = rc.Sampler(rc.RandomSampleSpec((3,), seeder=lambda c: 0)).sample(rc.Add(TOKS, bias, name="A"))
    assert drawn.name == "A_sample" and drawn.evaluate().tolist() == [[16, 27], [14, 25], [12, 23]]

    nothing = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]), var_matcher=rc.Matcher("no such node")).sample(rc.Add(X, C, name="A"))
    assert nothing.name == "(A) rearrange" and nothing.children[0] == rc.Add(X, C, name="A")


def test_run_on_sampled() -> None:
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]), run_on_sampled=lambda c: c.mean(0))
    assert sampler.sample(X).evaluate().tolist() == [3, 4]
    with pytest.raises(RuntimeError):
        sampler.estimate(rc.Cumulant(X))
    with pytest.raises(TypeError):
        rc.Sampler(rc.RunDiscreteVarAllSpec([G3]), run_on_sampled=lambda c: 3).sample(X)

    def broken(circuit: rc.Circuit) -> rc.Circuit:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        rc.Sampler(rc.RunDiscreteVarAllSpec([G3]), run_on_sampled=broken).sample(X)


# --- section 9
def test_estimates() -> None:
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]))
    mean = sampler.estimate(rc.Cumulant(X, name="k"))
    assert mean.name == "x idx_sample_expectation"
    torch.testing.assert_close(mean.evaluate(), f64([3, 4]))
    assert sampler.estimate(rc.Cumulant()) == rc.Scalar(1.0)
    torch.testing.assert_close(sampler.estimate(rc.Cumulant(X, X)).evaluate(), torch.full((2, 2), 8 / 3, dtype=torch.float64))
    random = rc.Sampler(rc.RandomSampleSpec((4,), seeder=lambda c: 0)).estimate(rc.Cumulant(X))
    assert random.name == "x var sampled_sample_expectation"
    unsuffixed = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]), suffix=None).estimate(rc.Cumulant(X, name="k"))
    operands = zip(unsuffixed.children, unsuffixed.all_input_axes(), strict=True)
    assert unsuffixed.name == rc.Einsum(*operands, out_axes=unsuffixed.out_axes).name


def test_nested_estimate() -> None:
    w = variable([0.0, 10.0, 20.0], G3)
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]))
    torch.testing.assert_close(sampler.estimate(rc.Cumulant(rc.Add(w, rc.Cumulant(w)))).evaluate(), f64(20))


def test_estimates_of_integers_are_refused() -> None:
    tokens = rc.DiscreteVar(rc.Array(torch.tensor([1, 2, 3]), "tokens"), G3)
    with pytest.raises(RuntimeError, match="cast"):
        rc.Sampler(rc.RunDiscreteVarAllSpec([G3])).estimate(rc.Cumulant(tokens))


def test_module_with_cumulant_of_its_symbol() -> None:
    symbol = rc.Symbol((2,), uuid.UUID(int=20), "in")
    spec = rc.ModuleSpec(rc.Add(symbol, rc.Cumulant(symbol)), [rc.ModuleArgSpec(symbol)])
    module = rc.Module.new_flat(spec, X, name="M")
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]))
    assert sampler(module).evaluate().tolist() == [[4, 6], [6, 8], [8, 10]]
    assert sampler(module.substitute()).evaluate().tolist() == [[4, 6], [6, 8], [8, 10]]


def test_estimates_selected_by_name() -> None:
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([G3]), cumulant_matcher=rc.Matcher("k"))
    kept = rc.Cumulant(X, name="other")
    assert sampler.estimate(rc.Add(rc.Cumulant(X, name="k"), kept, name="s")).children[1] == kept


def test_groups_of_different_dtypes() -> None:
    h32 = rc.Tag(rc.Array(torch.tensor([0.5, 0.5])), uuid.UUID(int=30), "h32")
    y32 = rc.DiscreteVar(rc.Array(torch.tensor([1, 2])), h32)
    g64 = rc.Tag(rc.Array(f64([0.5, 0.5])), uuid.UUID(int=31), "g64")
    spec = rc.RunDiscreteVarAllSpec([h32, g64])
    assert rc.Sampler(spec).sample(y32).shape == (2, 2)
    with pytest.raises(rc.MiscInputChildrenMultipleDtypesError):
        spec.get_empirical_weights()


def test_unknown_group_in_estimates() -> None:
    with pytest.raises(rc.SampleUnhandledVarErrorError):
        rc.Sampler(rc.RunDiscreteVarAllSpec([H])).estimate(rc.Cumulant(X))


def test_joint_law_example() -> None:
    total = rc.Add(X, rc.Index(rc.Rearrange.from_string(Y, "-> 1"), (0,)))
    sampled = rc.Sampler(rc.RunDiscreteVarAllSpec([G3, H])).sample(total).evaluate()
    for i in range(3):
        for j in range(2):
            assert torch.equal(sampled[i, j], outcome_values(total, {G3: i, H: j}))
