# SPDX-License-Identifier: Apache-2.0
"""BitNet b1.58 for quantisation-aware training, quick on one CPU core.

The function computed is transformers' BitNetForCausalLM with every projection
a BitLinear in its "online" mode; `train_kjv.py` checks that after training.
The difference is speed.  The quantised activations are integers of at most
128 and the weights are -1, 0, 1, so both are exact in bfloat16, and the
matrix units of a recent x86 core multiply them many times faster than float32.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class TernaryMatmul(torch.autograd.Function):
    """y = x @ w^T with w ternary and x int8; gradients pass straight through.

    `q` and `s` are the quantised x and its scale per token, `rows` the absmean
    scale of w repeated per output row.
    """

    @staticmethod
    def forward(ctx, x, q, s, w, ternary, rows):
        ctx.save_for_backward(q, s, ternary, rows)
        return ((q @ ternary.t()).float() * (rows / s)).bfloat16()

    @staticmethod
    def backward(ctx, gy):
        q, s, ternary, rows = ctx.saved_tensors
        gy = gy.float()
        # d/dx of (q/s) @ W' is taken as W', d/dw as q/s: the straight-through
        # estimator ignores both roundings.
        gx = (gy * rows).bfloat16() @ ternary
        gw = (gy / s).bfloat16().t() @ q
        return gx, None, None, gw.float(), None, None


def quantize_activations(x):
    """Per-token absmax int8, as integers in bfloat16, and the scale."""
    x = x.float()
    s = 127.0 / x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
    return (x * s).round().clamp(-128, 127).bfloat16(), s


def quantize_weights(w):
    """(ternary values, absmean scale) of one weight tensor in float32."""
    scale = w.abs().mean().clamp(min=1e-5)
    return (w / scale).round().clamp(-1, 1), scale


class BitLinear(nn.Module):
    """Several projections of one input, each with its own absmean scale."""

    def __init__(self, inputs, outputs, init_std):
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.randn(sum(outputs), inputs) * init_std)

    def forward(self, x):
        with torch.no_grad():
            q, s = quantize_activations(x)
            parts = [quantize_weights(w)
                     for w in self.weight.split(self.outputs)]
            ternary = torch.cat([t for t, _ in parts]).bfloat16()
            rows = torch.cat([m.expand(n)
                              for (_, m), n in zip(parts, self.outputs)])
        return TernaryMatmul.apply(x, q, s, self.weight, ternary, rows)


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        x = x.float()
        x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)
        return (self.weight * x).bfloat16()


def rope_tables(length, size, theta):
    inverse = 1.0 / theta ** (torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(length).float(), inverse)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    a, b = x.float().chunk(2, -1)
    return (x * cos + torch.cat([-b, a], -1) * sin).bfloat16()


class DropoutPool:
    """Dropout masks cut from one stretch of random bits.

    Drawing 13 masks afresh took a quarter of a training step; a window at a
    random place of a fixed pool is free, and rows are shuffled anyway.
    """

    def __init__(self, c, tokens, seed):
        self.shape = (2 * c.layers + 1, tokens, c.hidden)
        self.scale, self.keep = 1 / (1 - c.dropout), math.prod(self.shape)
        g = torch.Generator().manual_seed(seed)
        self.spare = 1 << 22
        bits = torch.rand(self.keep + self.spare, generator=g) >= c.dropout
        self.pool = bits.to(torch.bfloat16) * self.scale

    def draw(self, generator):
        # Starts of whole cache lines, which the compiled step expects.
        at = torch.randint(self.spare // 64, (1,), generator=generator)
        at = at.item() * 64
        return self.pool[at:at + self.keep].view(self.shape)


def drop(x, keep, i):
    return x if keep is None else x * keep[i]


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv, self.size = c.heads, c.kv_heads, c.head_dim
        q, kv = c.heads * c.head_dim, c.kv_heads * c.head_dim
        self.input_layernorm = RMSNorm(c.hidden, c.eps)
        self.qkv = BitLinear(c.hidden, [q, kv, kv], c.init_std)
        self.attn_sub_norm = RMSNorm(q, c.eps)
        self.o = BitLinear(q, [c.hidden], c.init_std)
        self.post_attention_layernorm = RMSNorm(c.hidden, c.eps)
        self.gate_up = BitLinear(c.hidden, [c.inter] * 2, c.init_std)
        self.ffn_sub_norm = RMSNorm(c.inter, c.eps)
        self.down = BitLinear(c.inter, [c.hidden], c.init_std)

    def forward(self, x, batch, cos, sin, future, keep):
        n = x.shape[0] // batch
        qkv = self.qkv(self.input_layernorm(x)).view(batch, n, -1, self.size)
        q, k, v = (t.transpose(1, 2)
                   for t in qkv.split([self.heads, self.kv, self.kv], 2))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        k, v = (t.repeat_interleave(self.heads // self.kv, 1) for t in (k, v))
        # Written out: the CPU's fused attention is slow going backward.
        scores = (q @ k.transpose(-1, -2)).float() * self.size ** -0.5
        p = scores.masked_fill(future, -1e30).softmax(-1).bfloat16()
        a = (p @ v).transpose(1, 2).reshape(x.shape[0], -1)
        x = x + drop(self.o(self.attn_sub_norm(a)), keep, 0)
        gate, up = self.gate_up(self.post_attention_layernorm(x)).chunk(2, -1)
        h = F.relu(gate.float()).square() * up
        return x + drop(self.down(self.ffn_sub_norm(h)), keep, 1)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = nn.Parameter(torch.randn(c.vocab, c.hidden) * c.init_std)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = RMSNorm(c.hidden, c.eps)
        cos, sin = rope_tables(c.context, c.head_dim, c.theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        future = torch.ones(c.context, c.context, dtype=torch.bool).triu(1)
        self.register_buffer("future", future, persistent=False)

    def forward(self, ids, targets, keep=None):
        """Mean loss over ids [batch, n] and the tokens that follow them.

        `keep` holds a DropoutPool's masks while training.
        """
        batch, n = ids.shape
        x = F.embedding(ids.flatten(), self.embed)
        x = drop(x, keep, 2 * len(self.layers))
        future = self.future[:n, :n]
        for i, layer in enumerate(self.layers):
            masks = None if keep is None else keep[2 * i:2 * i + 2]
            x = layer(x, batch, self.cos[:n], self.sin[:n], future, masks)
        logits = self.norm(x) @ self.embed.bfloat16().t()
        return F.cross_entropy(logits.float(), targets.flatten())

    def export(self):
        """Named master weights in the layout of transformers' checkpoints."""
        out = {"model.embed_tokens.weight": self.embed,
               "model.norm.weight": self.norm.weight}
        for i, layer in enumerate(self.layers):
            p = f"model.layers.{i}."
            q, k, v = layer.qkv.weight.split(layer.qkv.outputs)
            gate, up = layer.gate_up.weight.split(layer.gate_up.outputs)
            out.update({
                p + "input_layernorm.weight": layer.input_layernorm.weight,
                p + "self_attn.q_proj.weight": q,
                p + "self_attn.k_proj.weight": k,
                p + "self_attn.v_proj.weight": v,
                p + "self_attn.attn_sub_norm.weight":
                    layer.attn_sub_norm.weight,
                p + "self_attn.o_proj.weight": layer.o.weight,
                p + "post_attention_layernorm.weight":
                    layer.post_attention_layernorm.weight,
                p + "mlp.gate_proj.weight": gate,
                p + "mlp.up_proj.weight": up,
                p + "mlp.ffn_sub_norm.weight": layer.ffn_sub_norm.weight,
                p + "mlp.down_proj.weight": layer.down.weight,
            })
        return {k: v.detach().float().clone() for k, v in out.items()}
