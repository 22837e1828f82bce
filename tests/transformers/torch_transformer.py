"""A transformer of spec 14 in plain torch, from weights and inputs by name: what the circuits are compared with."""

import torch


def layernorm(x, bias, scale):
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5) * scale + bias


def batchnorm(x, mean, var, bias, scale):
    return (x - mean) / torch.sqrt(var + 1e-5) * scale + bias


def rotate_first_half(x):
    """Rotates adjacent pairs of the first half of the last axis by position; the second half passes."""
    seq, size = x.shape[-2:]
    half = size // 2
    frequencies = 10000.0 ** (-torch.arange(half // 2, dtype=torch.float32) * 2 / half)
    angles = torch.outer(torch.arange(seq, dtype=torch.float32), frequencies)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x[..., 0:half:2], x[..., 1:half:2]
    rotated = torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)
    return torch.cat((rotated, x[..., half:]), dim=-1)


def attention(x, mask, weights, place="a", pos=None, rope=False):
    """All heads on x `[*batch, seq, hidden]`; mask `[q, k]` or `[*batch, q, k]`."""
    mask = mask[..., None, :, :]

    def project(inp, key):
        projected = torch.einsum("...sd,hcd->...hsc", inp, weights[f"{place}.w.{key}"])
        bias = weights.get(f"{place}.w.{key}_bias")
        return projected if bias is None else projected + bias[:, None, :]

    qk_input = x if pos is None else x + pos
    q, k, v = project(qk_input, "q"), project(qk_input, "k"), project(x, "v")
    if rope:
        q, k = rotate_first_half(q), rotate_first_half(k)
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 * mask + (1 - mask) * -10000
    out = torch.einsum("...hsv,hdv->...sd", scores.softmax(-1) @ v, weights[f"{place}.w.o"])
    return out + weights.get(f"{place}.w.o_bias", 0)


ACTIVATIONS = {
    "gelu": torch.nn.functional.gelu,
    "gelu_new": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "relu": torch.relu,
    "bilinear": lambda x: x.chunk(2, -1)[0] * x.chunk(2, -1)[1],
}


def mlp(x, weights, act_type, place="m"):
    activated = ACTIVATIONS[act_type](x @ weights[f"{place}.w.proj_in"].T + weights[f"{place}.w.in_bias"])
    return activated @ weights[f"{place}.w.proj_out"].T + weights.get(f"{place}.w.out_bias", 0)


def norm(x, weights, place, norm_type):
    if norm_type is None:
        return x
    keys = ("w.bias", "w.scale") if norm_type == "ln" else ("mean", "var", "w.bias", "w.scale")
    return {"ln": layernorm, "bn": batchnorm}[norm_type](x, *(weights[f"{place}.{norm_type}.{key}"] for key in keys))


def block(x, layer, params, weights, inputs):
    a, m, p = (f"{place}{layer}" for place in "amp")
    pos = inputs.get("a.pos_input")

    def attend(normed):
        return attention(normed, inputs["a.mask"], weights, a, pos, params.use_rope)

    if params.use_parallel_residual:
        normed = norm(x, weights, p, params.norm_type)
        return x + attend(normed) + mlp(normed, weights, params.mlp_act_type, m)
    x = x + attend(norm(x, weights, a, params.norm_type))
    return x + mlp(norm(x, weights, m, params.norm_type), weights, params.mlp_act_type, m) if params.use_mlp else x


def transformer(params, weights, inputs):
    """Logits of `TransformerParams` on tensors by name."""
    x = inputs["t.input"]
    for layer in range(params.num_layers):
        x = block(x, layer, params.block_params, weights, inputs)
    if params.use_norm_output:
        x = norm(x, weights, "final", params.norm_type)
    return x @ weights["t.w.unembed"].T + weights.get("t.w.unembed_bias", 0)
