"""RearrangeSpec and the Rearrange node (spec 03, sections 1 to 10)."""

import einops
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import rearrange_specs, shapes, tensors

Spec = rc.RearrangeSpec
N = None


def parse(text):
    return Spec.from_string(text)


def fields(spec):
    return spec.input_ints, spec.output_ints, spec.int_sizes


def renumbered(spec):
    order = list(dict.fromkeys(k for side in (spec.input_ints, spec.output_ints) for group in side for k in group))
    number = {k: i for i, k in enumerate(order)}
    sides = [[[number[k] for k in group] for group in side] for side in (spec.input_ints, spec.output_ints)]
    return (*sides, [spec.int_sizes[k] for k in order])


@st.composite
def specs_and_tensors(draw, min_size=0):
    shape = draw(shapes(max_rank=4, max_size=6, min_size=min_size))
    return draw(rearrange_specs(shape)), draw(tensors(shape))


def by_einops(spec, tensor):
    """The value that section 9 defines."""
    spec = spec.conform_to_input_shape(tensor.shape)
    letters = "abcdefghijklmnopqrstuvwxyz"
    sizes = {letters[k]: spec.int_sizes[k] for group in spec.input_ints if len(group) > 1 for k in group}
    return einops.repeat(tensor, spec.to_einops_string(), **sizes)


# --- text
@pytest.mark.parametrize(
    "text, expected",
    [
        ("h w -> w h", ([[0], [1]], [[1], [0]], [N, N])),
        ("batch (head:8 dim) -> head (dim batch) 3", ([[0], [1, 2]], [[1], [2, 0], [3]], [N, 8, N, 3])),
        ("() v -> 6 (v 2)", ([[], [0]], [[1], [0, 2]], [N, 6, 2])),
        ("->", ([], [], [])),
        ("-> 5 5", ([], [[0], [1]], [5, 5])),
        ("q:0s (w:2*1s e) -> e (q w) 3s", ([[0], [1, 2]], [[2], [0, 1], [3]], [10007, 20018, N, 10039])),
        ("t -> t k:4", ([[0]], [[0], [1]], [N, 4])),
        ("a(b:2 c)->(a b)c", ([[0], [1, 2]], [[0, 1], [2]], [N, 2, N])),
        ("a -> a (2 * 3 b:1_0)", ([[0]], [[0], [1, 2]], [N, 6, 10])),
        ("α ω -> ω α", ([[0], [1]], [[1], [0]], [N, N])),
        ("a:3 -> a:3", ([[0]], [[0]], [3])),
        ("a -> a:3", ([[0]], [[0]], [3])),
    ],
)
def test_from_string(text, expected):
    assert fields(parse(text)) == expected


@pytest.mark.parametrize(
    "text, error, payload",
    [
        ("a b", rc.RearrangeParseArrowIssueError, {"string": "a b"}),
        ("a -> b -> c", rc.RearrangeParseArrowIssueError, None),
        ("a% (b -> b a", rc.RearrangeParseFailedToMatchRegexError, None),
        ("((a)) -> a", rc.RearrangeParseFailedToMatchRegexError, None),
        ("a) -> a", rc.RearrangeParseFailedToMatchRegexError, None),
        ("a: 3 -> a", rc.RearrangeParseFailedToMatchRegexError, None),
        ("3a -> a", rc.RearrangeParseFailedToMatchRegexError, None),
        ("a: -> a", rc.RearrangeParseFailedToMatchRegexError, None),
        ("a:3 -> a:4", rc.RearrangeParseFailedToMatchRegexError, None),
        (" ".join(f"x{i}" for i in range(257)) + " ->", rc.RearrangeParseTooManyAxesError, None),
        ("-> 99999999999999999999", rc.ParseInvalidNumberError, None),
        ("-> 9999999999*9999999999", rc.ParseFactorProductTooLargeError, None),
        ("-> 256s", rc.ParseSymbolicSizeNumberOutOfBoundsError, {"i": 256, "bound": 256}),
        ("-> " + "*".join(["0s"] * 5), rc.SymbolicSizeOverflowProductTooLargeError, None),
        ("1 a -> a", rc.RearrangeSpecInpNotInOutError, None),
        ("a -> b", rc.RearrangeSpecInpNotInOutError, None),
        ("-> b", rc.RearrangeSpecIntOnlyInOutputWithoutSizeError, None),
        ("(a b) -> a b", rc.RearrangeSpecInputAxisHasMultipleWildCardsError, None),
        ("a a -> a", rc.RearrangeSpecIntsNotUniqueError, {"is_input": True, "ints": [0, 0]}),
        ("a -> a a", rc.RearrangeSpecIntsNotUniqueError, {"is_input": False, "ints": [0, 0]}),
    ],
)
def test_parse_errors(text, error, payload):
    with pytest.raises(error) as caught:
        parse(text)
    assert type(caught.value) is error
    if payload:
        assert caught.value.args[0].items() == payload


def test_printing():
    s = parse("batch (head:8 dim) -> head (dim batch) 3")
    assert s.to_string() == repr(s) == str(s) == "a (b:8 c) -> b:8 (c a) 3"
    assert s.to_string(False) == "a (b:8 c) -> b:8 (c a) 3".replace(":8", "") and s.to_einops_string() == "a (b c) -> b (c a) 3"
    assert parse("-> 5 5").to_string() == " -> 5 5" and parse("() ->").to_string() == "() -> "
    assert parse("a:0s -> a 2*1s").to_string() == "a:0s -> a:0s 2*1s"
    assert parse("a:0s -> a 2*1s").to_string(use_symbolic=False) == "a:10007 -> a:10007 20018"
    assert parse("a:3 (b:2 c) -> a b c").to_string(show_size_if_present=False) == "a (b:2 c) -> a b:2 c"
    # One letter each up to 75, then x76, x77, ...
    wide = Spec.ident(80).to_string()
    assert "α" in wide and "ψ" in wide and "x76" in wide and "ω" not in wide
    assert parse(wide) == Spec.ident(80) and fields(parse(Spec.flatten(255).to_string())) == fields(Spec.flatten(255))


@given(specs_and_tensors())
def test_text_round_trip(pair):
    spec, _ = pair
    assert fields(parse(spec.to_string())) == renumbered(spec)
    batched = spec.add_batch_dims(2)
    assert fields(parse(batched.to_string())) == renumbered(batched)


def test_fancy_text():
    s = parse("a b -> b a")
    assert s.to_fancy_einops_string({0: "row", 1: "col"}, {}) == "row col -> col row"
    assert s.to_fancy_einops_string({0: "row"}, {0: "col"}) == "row col -> col row"
    assert s.to_fancy_einops_string({0: "row", 1: "col"}, {0: "other"}) == "row other -> other row"
    assert s.to_fancy_einops_string({0: "row"}, {}) is None and s.to_fancy_einops_string({0: "x", 1: "x"}, {}) is None
    assert parse("a (b:2 c) -> a b c").to_fancy_einops_string({0: "x"}, {}) is None
    assert s.to_maybe_fancy_einops_string({0: "row"}, {}) == "a b -> b a"
    assert s.to_maybe_fancy_einops_string({0: "row", 1: "col"}, {}) == "row col -> col row"


# --- constructors
def test_validity_checks_in_order():
    for arguments, error in [
        (([[0, 0]], [[0]], [N]), rc.RearrangeSpecIntsNotUniqueError),
        (([[0]], [[0], [0]], [N]), rc.RearrangeSpecIntsNotUniqueError),
        (([[0], [1]], [[0]], [N, N]), rc.RearrangeSpecInpNotInOutError),
        (([[0]], [[0], [7]], [N]), rc.RearrangeSpecIntNotInSizesError),
        (([[200]], [[200]], [N]), rc.RearrangeSpecIntNotInSizesError),
        (([[0]], [[0], [1]], [N, N]), rc.RearrangeSpecIntOnlyInOutputWithoutSizeError),
        (([[0, 1]], [[0], [1]], [N, N]), rc.RearrangeSpecInputAxisHasMultipleWildCardsError),
    ]:
        with pytest.raises(error):
            Spec(*arguments)
        with pytest.raises(error):
            Spec(input_ints=arguments[0], output_ints=arguments[1], int_sizes=arguments[2])
    with pytest.raises(rc.RearrangeSpecInpNotInOutError) as caught:
        Spec([[0], [1]], [[0]], [N, N])
    info = caught.value.args[0]
    assert (info.difference, info.ints_in_inp, info.ints_in_out) == ({1}, {0, 1}, {0})
    with pytest.raises(rc.RearrangeSpecIntOnlyInOutputWithoutSizeError) as caught:
        Spec([[0]], [[0, 1]], [2, N])
    assert caught.value.args[0].items() == {"only_in_output": [1], "corresponding_sizes": [N], "int_sizes": [2, N]}
    with pytest.raises(rc.RearrangeSpecRepeatedAxesError) as caught:
        Spec.expand_at_axes(1, [0, -3])
    assert caught.value.args[0].items() == {"axes": [0, 0], "unique_count": 1, "actual_count": 2}
    for wrong in ((3, [], []), ([], "a", []), ([[0]], [[0]], 3), ([[0]], [[0]], ["a"]), ([0], [[0]], [N])):
        with pytest.raises(TypeError):
            Spec(*wrong)
    for wrong in (([[-1]], [[-1]], [N]), ([[256]], [[256]], [N]), ([[0]], [[0]], [-1]), ([[0]], [[0]], [2**63])):
        with pytest.raises((OverflowError, ValueError)):
            Spec(*wrong)


def test_values_are_immutable_and_compared_by_fields():
    s = Spec([[1], [0]], [[0], [1]], [N, N, 5])
    assert s == Spec([[1], [0]], [[0], [1]], [N, N, 5]) and hash(s) == hash(Spec([[1], [0]], [[0], [1]], [N, N, 5]))
    assert s != Spec([[1], [0]], [[0], [1]], [N, N]) and s != parse("a b -> b a") and s != "a b -> b a"
    s.input_ints.append([9])
    assert s.input_ints == [[1], [0]]
    with pytest.raises(AttributeError):
        s.input_ints = []
    with pytest.raises(TypeError):
        type("Mine", (Spec,), {})


def test_constructors():
    assert fields(Spec.ident(2)) == ([[0], [1]], [[0], [1]], [N, N])
    assert fields(Spec.flatten(3)) == ([[0], [1], [2]], [[0, 1, 2]], [N] * 3) and Spec.flatten(0).to_string() == " -> ()"
    assert fields(Spec.unflatten((2, 3))) == ([[0, 1]], [[0], [1]], [2, 3]) and Spec.unflatten(()).to_string() == "() -> "
    assert fields(Spec.unflatten_axis(3, 0, (2, 5))) == ([[2, 3], [0], [1]], [[2], [3], [0], [1]], [N, N, 2, 5])
    assert Spec.unflatten_axis(3, 0, (2, 5)).to_string() == "(c:2 d:5) a b -> c:2 d:5 a b"
    assert Spec.unflatten_axis(2, -1, (3,)).to_string() == "a b:3 -> a b:3"
    assert fields(Spec.expand_at_axes(2, (-1, 0), (7, 4))) == ([[0], [1]], [[2], [0], [1], [3]], [N, N, 4, 7])
    assert Spec.unsqueeze(1, [0, -1]).to_string() == "a -> 1 a 1" and Spec.expand_at_axes(1, 0) == Spec.unsqueeze(1, 0)
    assert fields(Spec.prepend_batch_shape((4, 5), 2)) == ([[2], [3]], [[0], [1], [2], [3]], [4, 5, N, N])
    assert Spec.prepend_batch_shape(shape=(4,), old_rank=1) == Spec.prepend_batch_shape(new_shape=(4,), old_rank=1)
    assert fields(Spec.new_permute([2, 0, 1])) == ([[0], [1], [2]], [[2], [0], [1]], [N] * 3)
    assert fields(Spec.new_permute_combine([[2], [], [1, 0]])) == ([[0], [1], [2]], [[2], [], [1, 0]], [N] * 3)
    assert fields(Spec.combine_axes_at_end(3, [2, 0])) == ([[0], [1], [2]], [[1], [2, 0]], [N] * 3)
    assert Spec.combine_axes_at_end(1, []).to_string() == "a -> a ()"
    assert parse("(a:2 b) -> a:2 b").add_batch_dims(2).to_string() == "c d (a:2 b) -> c d a:2 b"
    assert Spec.check_rank(255) is None


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: Spec.ident(256), OverflowError),
        (lambda: Spec.ident(-1), OverflowError),
        (lambda: Spec.flatten(256), OverflowError),
        (lambda: Spec.unflatten((1,) * 256), rc.RearrangeSpecLenShapeTooLargeError),
        (lambda: Spec.unflatten_axis(0, 0, ()), rc.RearrangeSpecCantUnflattenScalarError),
        (lambda: Spec.unflatten_axis(2, 2, ()), rc.MiscInputItemOutOfBoundsError),
        (lambda: Spec.unflatten_axis(255, 0, (1, 1)), rc.RearrangeSpecLenShapeTooLargeError),
        (lambda: Spec.expand_at_axes(255, 0), rc.RearrangeSpecLenShapeTooLargeError),
        (lambda: Spec.expand_at_axes(1, [0, 1], [2]), rc.RearrangeSpecAxesAndCountsDontMatchError),
        (lambda: Spec.expand_at_axes(1, 2), rc.MiscInputItemOutOfBoundsError),
        (lambda: Spec.expand_at_axes(1, [0, -3]), rc.RearrangeSpecRepeatedAxesError),
        (lambda: Spec.expand_at_axes(1, 0, -1), (TypeError, ValueError)),
        (lambda: Spec.prepend_batch_shape((1,) * 200, 100), rc.RearrangeSpecLenShapeTooLargeError),
        (lambda: Spec.new_permute([0, 0]), rc.PermIntsNotUniqueError),
        (lambda: Spec.new_permute([0, 2]), rc.PermNotContiguousIntsError),
        (lambda: Spec.new_permute([0, -1]), (rc.PermNotContiguousIntsError, OverflowError)),
        (lambda: Spec.new_permute(list(range(256))), rc.RearrangeSpecLenShapeTooLargeError),
        (lambda: Spec.new_permute_combine([[0], [0]]), ValueError),
        (lambda: Spec.new_permute_combine([[0], [5]]), ValueError),
        (lambda: Spec.combine_axes_at_end(2, [2]), rc.RearrangeSpecAxesToCombineNotSubsetError),
        (lambda: Spec.combine_axes_at_end(2, [0, 0]), rc.RearrangeSpecIntsNotUniqueError),
        (lambda: Spec.check_rank(256), rc.RearrangeSpecLenShapeTooLargeError),
        (lambda: Spec.ident("a"), TypeError),
        (lambda: Spec.ident(2**70), OverflowError),
        (lambda: Spec.from_string(3), TypeError),
    ],
)
def test_constructor_errors(call, error):
    with pytest.raises(error):
        call()


# --- queries
def test_queries():
    s = parse("a -> 3 (a 2) ()")
    assert s.out_broadcast_axes() == [0, 2] and s.is_valid() and not s.is_identity() and not s.is_permute()
    assert s.ints_in_inp() == {0} and s.ints_in_out() == {0, 1, 2} and s.next_axis() == 3 and parse("->").next_axis() == 0
    assert parse("a (b:2 c) -> a b c").ints_needing_sizes() == {1, 2}
    for text, identity in [("() -> ()", True), ("->", True), ("() a -> a ()", False), ("(a:2 b) -> (a b)", True)]:
        assert parse(text).is_identity() == identity
    assert Spec([[0], [1]], [[0], [1]], [N, 1]).is_identity()
    assert Spec.new_permute([2, 0, 1]).get_fwd_permutation() == [1, 2, 0] and s.get_fwd_permutation() is None
    assert parse("a:5 (b:8 c:4) -> b (c a) 3").shapes() == ([5, 32], [8, 20, 3])
    with pytest.raises(rc.RearrangeSpecHasWildcardSizesError) as error:
        s.shapes()
    assert error.value.args[0].spec == s
    with pytest.raises(ImportError):
        s.to_py_rearrange_spec((3,))


@given(st.permutations(range(5)), st.data())
def test_permutations(p, data):
    t = data.draw(tensors((2, 3, 4, 1, 2)))
    spec = Spec.new_permute(p)
    assert torch.equal(spec.apply(t), t.permute(p))
    forward = spec.get_fwd_permutation()
    assert [forward[k] for k in p] == list(range(5))


# --- sizes
def test_conform():
    s = parse("a (b:8 c) -> b:8 (c a) 3")
    conformed = s.conform_to_input_shape((5, 32))
    assert conformed.to_string() == "a:5 (b:8 c:4) -> b:8 (c:4 a:5) 3" and conformed.shapes() == ([5, 32], [8, 20, 3])
    for shape in ((5, 33), (5,), (5, 32, 1), (5, 4)):
        with pytest.raises(rc.RearrangeSpecNotConformableError) as error:
            s.conform_to_input_shape(shape)
        assert error.value.args[0].items() == {"spec": s, "shape": shape}
    with pytest.raises(rc.RearrangeSpecNotConformableError):
        Spec([[0, 1]], [[0], [1]], [0, N]).conform_to_input_shape((0,))
    assert parse("a b -> a b").conform_to_output_shape((2, 3)).to_string() == "a:2 b:3 -> a:2 b:3"
    with pytest.raises(rc.RearrangeSpecTooManyWildcardSizesError):
        parse("a b -> (a b)").conform_to_output_shape((6,))


@pytest.mark.parametrize(
    "shape, result",
    [
        ((24, 3), "(a:4 b:6) c:3 -> c:3 a:4 b:6"),
        ((24, 5), "(a:4 b:6) c -> c a:4 b:6"),
        ((28, 3), "(a:4 b) c:3 -> c:3 a:4 b"),
        ((18, 3), "(a b:6) c:3 -> c:3 a b:6"),
        ((48, 3), None),
        ((5, 3), None),
    ],
)
def test_expand_to(shape, result):
    s = parse("(a:4 b:6) c:3 -> c:3 a:4 b:6")
    if result:
        assert s.expand_to(shape).to_string() == result
        return
    with pytest.raises(rc.RearrangeSpecAmbiguousExpandError) as error:
        s.expand_to(shape)
    info = error.value.args[0]
    assert (info.expand_size, info.current_size, info.dim, info.shape, info.spec) == (shape[0], 24, 0, shape, s)


def test_fill_empty_ints():
    assert parse("() a -> a").fill_empty_ints().to_string() == "b:1 a -> (a b:1)"
    assert fields(parse("a () -> () a ()").fill_empty_ints())[:2] == ([[0], [1]], [[2, 1], [0], [3]])
    with pytest.raises(rc.RearrangeSpecNotConvertableError):
        parse("() () ->").fill_empty_ints()


# --- forms
@pytest.mark.parametrize(
    "text, ones, no_ones",
    [
        ("x (h:3 w:5) c:1 -> (h:3 w:5) c x (2 7)", "a b:15 () -> b:15 () a 14", "a b:15 c:1 -> b:15 c:1 a 14"),
        ("(a:2 b:3) c -> c b:3 a:2", "(a:2 b:3) c -> c b:3 a:2", "(a:2 b:3) c -> c b:3 a:2"),
        ("p (q:4 r:2 s:3) -> (p q:4) (r:2 s:3)", "a (b:4 c:6) -> (a b:4) c:6", "a (b:4 c:6) -> (a b:4) c:6"),
    ],
)
def test_canonicalize_examples(text, ones, no_ones):
    assert parse(text).canonicalize().to_string() == ones and parse(text).canonicalize(special_case_ones=False).to_string() == no_ones


@given(specs_and_tensors(), st.booleans())
def test_canonicalize_laws(pair, ones):
    spec, t = pair
    canonical = spec.canonicalize(ones)
    assert torch.equal(canonical.apply(t), spec.apply(t))
    assert canonical.canonicalize(ones) == canonical and fields(canonical) == renumbered(canonical)
    assert len(canonical.int_sizes) == len(canonical.ints_in_out())


@pytest.mark.parametrize(
    "inner, outer, fused",
    [
        ("a:4 b:6 -> (a:4 b:6)", "(x:8 y:3) -> y:3 x:8", "a:4 (b:2 c:3) -> c:3 (a:4 b:2)"),
        ("t:5 -> t:5 3", "u:5 v:3 -> (v:3 u:5)", "a:5 -> (3 a:5)"),
        ("a:6 -> a:6 2", "(x:2 y:3) z:2 -> (z:2 y:3) x:2", "(a:2 b:3) -> (2 b:3) a:2"),
        ("a:2 b:1 -> a:2 b:1", "x:2 () -> x:2", "a:2 () -> a:2"),
        ("() a:7 -> a:7", "b:7 -> 1 b:7", "() a:7 -> () a:7"),
        ("a:4 b:9 -> (a:4 b:9)", "(x:6 y:6) -> y:6 x:6", rc.RearrangeSpecNotFusableError),
        ("a -> a", "a:2 -> a", rc.RearrangeSpecHasWildcardSizesError),
        ("a:2 -> a", "a:2 b:1 -> a b", rc.RearrangeSpecNotFusableError),
        ("a:0 -> a", "(a:0 b:2) -> a b", None),
    ],
)
def test_fuse_examples(inner, outer, fused):
    if isinstance(fused, str):
        assert Spec.fuse(parse(inner), parse(outer)).to_string() == fused
    elif fused:
        with pytest.raises(fused):
            Spec.fuse(parse(inner), parse(outer))
    else:
        try:
            Spec.fuse(inner=parse(inner), outer=parse(outer))
        except rc.RearrangeSpecNotFusableError:
            pass


@given(specs_and_tensors(), st.data())
def test_fuse_law(pair, data):
    inner, t = pair
    inner = inner.conform_to_input_shape(t.shape)
    middle = inner.apply(t)
    outer = data.draw(rearrange_specs(middle.shape)).conform_to_input_shape(middle.shape)
    try:
        fused = Spec.fuse(inner, outer)
    except rc.RearrangeSpecNotFusableError:
        return
    assert torch.equal(fused.apply(t), outer.apply(middle)) and fused == fused.canonicalize()


# --- applying
@given(specs_and_tensors(min_size=1))
def test_apply_is_einops(pair):
    spec, t = pair
    assert torch.equal(spec.apply(t), by_einops(spec, t))
    strided = torch.stack([t, t], -1)[..., 1]
    assert torch.equal(spec.apply(strided), by_einops(spec, t))


@given(specs_and_tensors())
def test_apply_shapes(pair):
    spec, t = pair
    conformed = spec.conform_to_input_shape(t.shape)
    assert conformed.shapes() == (list(t.shape), list(spec.apply(t).shape))
    try:
        filled = spec.fill_empty_ints()
    except rc.RearrangeSpecNotConvertableError:
        return
    assert torch.equal(filled.apply(t), spec.apply(t))


@given(shapes(max_rank=3, min_rank=1, min_size=0), st.data())
def test_constructors_agree_with_torch(shape, data):
    t = data.draw(tensors(shape))
    assert torch.equal(Spec.flatten(len(shape)).apply(t), t.reshape(-1))
    assert torch.equal(Spec.unflatten(shape).apply(t.reshape(-1)), t)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    assert torch.equal(Spec.unflatten_axis(len(shape), axis, (1, shape[axis])).apply(t), t.unflatten(axis, (1, shape[axis])))
    batch = data.draw(shapes(max_rank=2, min_size=0))
    assert torch.equal(Spec.prepend_batch_shape(batch, len(shape)).apply(t), t.expand(*batch, *shape))
    where = data.draw(st.integers(-len(shape) - 1, len(shape)))
    assert torch.equal(Spec.unsqueeze(len(shape), where).apply(t), t.unsqueeze(where))


def test_apply_errors_and_gradients():
    with pytest.raises(rc.RearrangeSpecNotConformableError):
        parse("a b -> b a").apply(torch.zeros(2))
    for wrong in ([1, 2], None, 3):
        with pytest.raises(TypeError):
            parse("a -> a").apply(wrong)
    x = torch.ones(2, 3, requires_grad=True)
    parse("a b -> b a 2").apply(x).sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


# --- the node
@given(specs_and_tensors())
def test_node(pair):
    spec, t = pair
    c = rc.Rearrange(rc.Array(t, "x"), spec, "r")
    assert c.spec == spec and torch.equal(c.evaluate(), spec.apply(t))
    assert c.conform_to_input_shape_spec() == spec.conform_to_input_shape(t.shape)
    conformed = c.conform_to_input_shape()
    assert (
        conformed.spec == c.conform_to_input_shape_spec()
        and conformed.name == "x rearrange"
        and torch.equal(conformed.evaluate(), c.evaluate())
    )
    for i, group in enumerate(spec.input_ints):
        expected = [j for j, out in enumerate(spec.output_ints) if len(group) == 1 and out == group]
        assert c.child_axis_map()[0][i] == (expected[0] if expected else None)


def test_reshape():
    x = rc.Array(torch.arange(6.0).reshape(2, 3))
    c = rc.Rearrange.reshape(x, (3, 2))
    assert c.node.spec == Spec.flatten(2) and c.spec == Spec.unflatten((3, 2)) and torch.equal(c.evaluate(), x.value.reshape(3, 2))
    with pytest.raises(rc.RearrangeSpecNotConformableError):
        rc.Rearrange.reshape(x, (4,))
    with pytest.raises(OverflowError):
        rc.Rearrange.reshape(x, (-1,))
    with pytest.raises(rc.RearrangeSpecNotConformableError) as error:
        rc.Rearrange(rc.Scalar(1.0, (2,), "child"), parse("a b -> b a"), "the node")
    assert "child" in str(error.value) and "the node" in str(error.value)
