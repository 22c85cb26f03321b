# SPDX-License-Identifier: Apache-2.0
"""Write tiny random checkpoints of every BitNet family and what they compute.

    python3 make_goldens.py            # all families, next to this file
    python3 make_goldens.py llama-packed --out /tmp/goldens

Each family gets a directory as a model hub would have it, and with it

    prompt.txt, prompt.ids   a text and the 24 token ids it encodes to
    logits.npy               float32 [24, vocabulary], the prompt's logits
    greedy.ids               the 64 tokens which greedy decoding adds to the
                             prompt, an end-of-text token does not stop it
    tokenizer_cases.json     strings and the ids the tokenizer gives for them
    golden.json              seed, margins and numerical noise (see `measure`)

The numbers come from the transformers library's own model classes, loaded
with dtype=float32, so every product, norm and softmax is float32.  What that
means for each kind of storage:

packed    The library unpacks U8 weights to {-1, 0, 1} in float32.  BitLinear
          divides by weight_scale, AutoBitLinear multiplies; the scale is the
          stored (bfloat16, float16 or float32) value widened to float32.
masters   AutoBitLinear in "online" mode ternarises the widened master itself:
          s = 1 / max(mean|W|, 1e-5), W' = clamp(round(W * s), -1, 1) / s,
          all in float32.  In a bfloat16 model the library would round W' to
          bfloat16; in float32, as here, there is no such rounding.
1bitLLM   The library has no class for these.  Their modeling code is the
          structure of BitNetForCausalLM with silu and online AutoBitLinear
          under other names, so the golden comes from that class, given the
          same tensors renamed.

Random models repeat themselves and have near ties.  Seeds are tried in order
until decoding is varied and every step's two best logits are clearly apart.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

# The library compiles its quantisers with torch.compile.  Plain eager
# operations round in the documented order and need no C++ compiler.
os.environ["TORCHDYNAMO_DISABLE"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers.integrations.bitnet import (AutoBitLinear, BitLinear,
                                              pack_weights, unpack_weights)
from transformers.utils import logging

from families import FAMILIES, config_json, generation_json
from tiny_tokenizers import CASES, CORPUS, KINDS

PROMPT_TOKENS, GREEDY_TOKENS = 24, 64
# Smallest allowed distance of the two best logits, in standard deviations of
# the logits, and fewest different tokens: no golden hangs on a rounding.
MARGIN, DISTINCT, SEEDS = 1e-2, 12, 2000
# How often a golden is disturbed, and how little of it may show, see `measure`.
DISTURBANCES, NOISE = 8, 1e-4


def make_masters(f, generator):
    """Random float32 tensors under transformers' names."""
    def normal(rows, columns, gain):
        return torch.randn(rows, columns, generator=generator) * gain

    def gain(n):
        # Far from 1, so that a forgotten or misplaced norm weight shows.
        return 0.5 + torch.rand(n, generator=generator)

    # Small embeddings: otherwise a model with tied embeddings just repeats
    # its input token.
    t = {"model.embed_tokens.weight": normal(f.vocab, f.hidden, 0.2),
         "model.norm.weight": gain(f.hidden)}
    if not f.tied:
        t["lm_head.weight"] = normal(f.vocab, f.hidden, 0.2)
    q, kv = f.heads * f.head_dim, f.kv_heads * f.head_dim
    for i in range(f.layers):
        p = f"model.layers.{i}."
        linears = {"self_attn.q_proj": (q, f.hidden),
                   "self_attn.k_proj": (kv, f.hidden),
                   "self_attn.v_proj": (kv, f.hidden),
                   "self_attn.o_proj": (f.hidden, q),
                   "mlp.gate_proj": (f.inter, f.hidden),
                   "mlp.up_proj": (f.inter, f.hidden),
                   "mlp.down_proj": (f.hidden, f.inter)}
        for name, (rows, columns) in linears.items():
            t[p + name + ".weight"] = normal(rows, columns,
                                             1.5 * columns ** -0.5)
            if f.inner_norm:
                t[p + name + ".rms_norm.weight"] = gain(columns)
        t[p + "input_layernorm.weight"] = gain(f.hidden)
        t[p + "post_attention_layernorm.weight"] = gain(f.hidden)
        if f.sub_norms:
            t[p + "self_attn.attn_sub_norm.weight"] = gain(q)
            t[p + "mlp.ffn_sub_norm.weight"] = gain(f.inter)
    return t


def is_ternary(name):
    return name.endswith("_proj.weight")


def stored(f, masters):
    """The tensors as the checkpoint holds them."""
    out = {}
    for name, w in masters.items():
        if f.packed and is_ternary(name):
            scale = w.abs().mean()
            out[name] = pack_weights((w / scale).round().clamp(-1, 1))
            scale = scale if f.multiplies else 1 / scale
            out[name + "_scale"] = scale.reshape(1).to(f.dtype)
        else:
            out[name] = w.to(f.dtype)
    return out


def write_tensors(directory, tensors, shards):
    """model.safetensors, or `shards` files and their index."""
    meta = {"format": "pt"}
    tensors = {k: v.contiguous() for k, v in tensors.items()}
    if shards == 1:
        save_file(tensors, directory / "model.safetensors", meta)
        (directory / "model.safetensors").chmod(0o644)
        return
    names = sorted(tensors)
    each = -(-len(names) // shards)
    index = {}
    for i in range(shards):
        part = names[i * each:(i + 1) * each]
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        save_file({n: tensors[n] for n in part}, directory / file, meta)
        (directory / file).chmod(0o644)
        index.update((n, file) for n in part)
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    text = json.dumps({"metadata": {"total_size": size}, "weight_map": index},
                      indent=1)
    (directory / "model.safetensors.index.json").write_text(text + "\n")


def write_checkpoint(directory, f, tensors, bos, eos):
    """Everything a model hub's directory has, but for the tokenizer."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(config_json(f, bos, eos))
    (directory / "generation_config.json").write_text(
        generation_json(f, bos, eos))
    write_tensors(directory, {f.rename(k): v for k, v in tensors.items()},
                  f.shards)


def load(directory, tensors, f):
    """The library's float32 model of a directory, checked tensor by tensor."""
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager",
        output_loading_info=True)
    wrong = {k: v for k, v in info.items() if v and k != "error_msgs"}
    if wrong or info.get("error_msgs"):
        raise RuntimeError(f"{directory}: not all was loaded: {info}")
    # Of a quantised checkpoint the library keeps what it does not convert in
    # the stored type, whatever dtype was asked for, and its own float() only
    # refuses.
    torch.nn.Module.float(model)
    # Releases differ in whether the CPU path for packed weights is right
    # (some unpack -1 to 255), so what the modules hold is compared, and
    # where the library failed the right values are put in their place.
    for name, module in model.named_modules():
        if isinstance(module, (BitLinear, AutoBitLinear)):
            want = tensors[name + ".weight"]
            if isinstance(module, AutoBitLinear):
                want = (unpack_weights(want, torch.float32) if f.packed
                        else want.float())
            if not torch.equal(module.weight, want):
                print(f"{directory.name}: {name} repaired", file=sys.stderr)
                module.weight.data = want
    return model.eval()


@torch.no_grad()
def greedy(model, prompt):
    """(prompt logits, 64 greedy tokens, logits of each greedy step)."""
    ids, past, steps, tokens = torch.tensor([prompt]), None, [], []
    first = None
    for _ in range(GREEDY_TOKENS):
        out = model(ids, past_key_values=past, use_cache=True)
        if first is None:
            first = out.logits[0]
        steps.append(out.logits[0, -1])
        tokens.append(int(steps[-1].argmax()))
        ids, past = torch.tensor([tokens[-1:]]), out.past_key_values
    return first, tokens, torch.stack(steps)


@torch.no_grad()
def disturbed(model, ids, seed):
    """Logits of all ids at once, embeddings off by a float32 rounding or so."""
    table = model.get_input_embeddings()
    g = torch.Generator().manual_seed(seed)
    x = table(torch.tensor([ids]))
    x = x * (1 + 3e-7 * torch.randn(x.shape, generator=g))
    return model(inputs_embeds=x, use_cache=False).logits[0]


def measure(model, prompt):
    """The golden, or None where the model would make a poor one.

    Activations are rounded to integers, so a difference in the last bit of a
    sum can move one over a border and then shows in the logits.  `noise` is
    the largest effect on the prompt's logits, `greedy_noise` on those of the
    greedy steps, that a few disturbances of the size of a float32 rounding
    have.  Seeds are passed over until nothing of it shows; another
    implementation may still meet a border that these disturbances did not.
    """
    logits, tokens, steps = greedy(model, prompt)
    deviation = logits.std().item()
    best = steps.topk(2, -1).values
    margin = (best[:, 0] - best[:, 1]).min().item() / deviation
    if margin < MARGIN or len(set(tokens)) < DISTINCT:
        return None
    noise = greedy_noise = 0.0
    for i in range(DISTURBANCES):
        other = disturbed(model, prompt + tokens[:-1], i)
        noise = max(noise, (other[:len(prompt)] - logits).abs().max().item())
        other = other[len(prompt) - 1:]
        greedy_noise = max(greedy_noise, (other - steps).abs().max().item())
        if max(noise, greedy_noise) > NOISE * deviation:
            return None
    return logits, tokens, {
        "smallest_margin": margin, "logit_deviation": deviation,
        "distinct_greedy_tokens": len(set(tokens)),
        "noise": noise, "greedy_noise": greedy_noise}


def write_tokenizer(directory, f):
    tokenizer, bos, eos = KINDS[f.tokenizer](f.vocab)
    if tokenizer.get_vocab_size() != f.vocab:
        raise RuntimeError(f"{f.name}: {tokenizer.get_vocab_size()} tokens")
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast",
              "eos_token": eos, "clean_up_tokenization_spaces": False}
    if bos:
        config["bos_token"] = bos
    (directory / "tokenizer_config.json").write_text(
        json.dumps(config, indent=2) + "\n")
    cases = [{"text": t, "ids": tokenizer.encode(t).ids,
              "decoded": tokenizer.decode(tokenizer.encode(t).ids)}
             for t in CASES]
    (directory / "tokenizer_cases.json").write_text(
        json.dumps(cases, indent=0) + "\n")
    return tokenizer, bos, eos


def make_prompt(tokenizer):
    """A text of the corpus which encodes to exactly 24 tokens."""
    words = CORPUS.split()
    for start in range(len(words)):
        for end in range(start + 1, len(words)):
            text = " ".join(words[start:end])
            ids = tokenizer.encode(text).ids
            if len(ids) == PROMPT_TOKENS:
                return text, ids
            if len(ids) > PROMPT_TOKENS:
                break
    raise RuntimeError("no piece of the corpus has 24 tokens")


def make_family(f, out):
    directory = out / f.name
    shutil.rmtree(directory, ignore_errors=True)
    tokenizer, bos, eos = write_tokenizer(directory, f)
    bos, eos = (t and tokenizer.token_to_id(t) for t in (bos, eos))
    text, prompt = make_prompt(tokenizer)
    for seed in range(f.first_seed, f.first_seed + SEEDS):
        masters = make_masters(f, torch.Generator().manual_seed(seed))
        tensors = stored(f, masters)
        with tempfile.TemporaryDirectory() as scratch:
            twin = f.library_twin()
            write_checkpoint(Path(scratch), twin, tensors, bos, eos)
            model = load(Path(scratch), tensors, twin)
            golden = measure(model, prompt)
        if golden:
            break
    else:
        raise RuntimeError(f"{f.name}: no seed gave a good golden")
    logits, tokens, facts = golden
    write_checkpoint(directory, f, tensors, bos, eos)
    (directory / "prompt.txt").write_text(text)
    for name, ids in (("prompt.ids", prompt), ("greedy.ids", tokens)):
        (directory / name).write_text(" ".join(map(str, ids)) + "\n")
    np.save(directory / "logits.npy", logits.numpy())
    facts = {"seed": seed, **facts}
    (directory / "golden.json").write_text(json.dumps(facts, indent=2) + "\n")
    size = sum(p.stat().st_size for p in directory.iterdir())
    print(f"{f.name}: {size // 1024} KB, {facts}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*",
                        help="which to write (default: all); one of "
                        + ", ".join(f.name for f in FAMILIES))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent,
                        help="where the directories go (default: beside this "
                        "script)")
    args = parser.parse_args()
    unknown = set(args.families) - {f.name for f in FAMILIES}
    if unknown:
        parser.error(f"unknown family: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for f in FAMILIES:
        if not args.families or f.name in args.families:
            make_family(f, args.out)


if __name__ == "__main__":
    main()
