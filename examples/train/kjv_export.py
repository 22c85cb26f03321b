# SPDX-License-Identifier: Apache-2.0
"""Tokenizer, checkpoint directory and evaluation of the example model."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import save_file
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        pre_tokenizers, processors, trainers)
from transformers import AutoModelForCausalLM
from transformers.integrations.bitnet import AutoBitLinear, pack_weights
from transformers.utils import logging

from bitnet_qat import quantize_weights
from kjv_text import HELDOUT, VALIDATION

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
GREEDY_PROMPT, GREEDY_TOKENS = "And it came to pass in those days, that", 64
PROMPTS = ("Ruth 1\n\n1 Now it came to pass", "And Jesus said unto them,",
           "The fear of the LORD is")


def train_tokenizer(texts, vocab):
    """Byte-level BPE as Llama 3's, learnt from the training text alone."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab - 2, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    # After the ordinary tokens, where Llama 3 has them.
    tokenizer.add_special_tokens([AddedToken(BOS, special=True),
                                  AddedToken(EOS, special=True)])
    bos = tokenizer.token_to_id(BOS)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single=f"{BOS} $A", pair=f"{BOS} $A {BOS}:1 $B:1",
            special_tokens=[(BOS, bos)])])
    return tokenizer


def packed_tensors(masters):
    """(tensors of the checkpoint, ternary weights by module name)."""
    out, ternary = {}, {}
    for name, w in masters.items():
        if name.endswith("_proj.weight"):
            t, scale = quantize_weights(w)
            ternary[name.removesuffix(".weight")] = t.clone()
            out[name] = pack_weights(t).contiguous()
            out[name + "_scale"] = scale.reshape(1).bfloat16()
        else:
            out[name] = w.bfloat16().contiguous()
    return out, ternary


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_configs(out, c, tokenizer):
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    write_json(out / "config.json", {
        "architectures": ["BitNetForCausalLM"], "model_type": "bitnet",
        "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": bos, "eos_token_id": eos, "hidden_act": "relu2",
        "hidden_size": c.hidden, "initializer_range": c.init_std,
        "intermediate_size": c.inter, "max_position_embeddings": c.context,
        "num_attention_heads": c.heads, "num_hidden_layers": c.layers,
        "num_key_value_heads": c.kv_heads, "rms_norm_eps": c.eps,
        "rope_theta": c.theta, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": c.vocab,
        "quantization_config": {
            "quant_method": "bitnet", "linear_class": "autobitlinear",
            "quantization_mode": "offline"}})
    write_json(out / "generation_config.json", {
        "bos_token_id": bos, "eos_token_id": eos, "do_sample": True,
        "temperature": 0.7, "top_p": 0.9, "max_length": c.context})
    tokenizer.save(str(out / "tokenizer.json"))
    write_json(out / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS,
        "eos_token": EOS, "model_max_length": c.context,
        "clean_up_tokenization_spaces": False})


def load(out, ternary):
    """The directory as transformers reads it, computing in float32."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        out, dtype=torch.float32, attn_implementation="eager")
    # What is stored as bfloat16 stays so in a quantised model, whatever
    # dtype was asked for, and the model's own float() refuses.
    torch.nn.Module.float(model)
    for name, module in model.named_modules():
        if isinstance(module, AutoBitLinear):
            # Some releases unpack -1 to 255 on CPUs: never score such a thing.
            if not torch.equal(module.weight, ternary[name]):
                raise RuntimeError(f"{name} was not unpacked as packed")
    return model.eval()


@torch.no_grad()
def window_losses(model, ids, bos, window):
    """[summed negative log likelihood] of each window of the token list.

    A window is <|begin_of_text|> and the next `window` tokens.  All of them
    are predicted, so the last one is not fed.  The windows do not overlap and
    the last may be shorter: each token of the text is predicted once.
    """
    sums = []
    for i in range(0, len(ids), window):
        part = ids[i:i + window]
        logits = model(torch.tensor([[bos, *part[:-1]]])).logits[0].float()
        sums.append(torch.nn.functional.cross_entropy(
            logits, torch.tensor(part), reduction="sum").item())
    return sums


@torch.no_grad()
def generate(model, ids, count, eos, temperature, seed=0):
    """Up to `count` more tokens; greedy at temperature 0, else top-p 0.9."""
    g = torch.Generator().manual_seed(seed)
    past, feed, new, margin = None, torch.tensor([ids]), [], math.inf
    while len(new) < count:
        out = model(feed, past_key_values=past, use_cache=True)
        past, logits = out.past_key_values, out.logits[0, -1]
        if temperature == 0:
            best = logits.topk(2).values
            margin = min(margin, (best[0] - best[1]).item())
            new.append(int(logits.argmax()))
        else:
            p, order = (logits / temperature).softmax(-1).sort(descending=True)
            p[p.cumsum(0) - p > 0.9] = 0
            new.append(int(order[torch.multinomial(p, 1, generator=g)]))
        if new[-1] == eos and temperature:
            break
        feed = torch.tensor([new[-1:]])
    return new, margin


def evaluate(out, model, tokenizer, c, text):
    """Scores the held-out text and writes all that is needed to check it."""
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    (out / "heldout.txt").write_text(text, encoding="utf-8")
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    window = c.context
    with open(out / "heldout.ids", "w", encoding="ascii") as f:
        for i in range(0, len(ids), window):
            f.write(" ".join(map(str, [bos] + ids[i:i + window])) + "\n")
    sums = window_losses(model, ids, bos, window)
    half = sum(window_losses(model, ids, bos, window // 2))
    total = sum(sums)
    prompt = tokenizer.encode(GREEDY_PROMPT).ids
    greedy, margin = generate(model, prompt, GREEDY_TOKENS, eos, 0)
    result = {
        "perplexity": math.exp(total / len(ids)),
        "tokens": len(ids),
        "window": window,
        "bits_per_byte": total / len(text.encode()) / math.log(2),
        "perplexity_of_half_windows": math.exp(half / len(ids)),
        "protocol": "heldout.txt is tokenised once without special tokens. "
        f"A window is {BOS} and the next {window} tokens, a line of "
        "heldout.ids; the last window is shorter. All tokens but the first "
        "of a line are predicted, each once, from those before it in the "
        "line; the last of a line is not fed. perplexity = exp(sum of the "
        "negative log likelihoods / tokens). Weights as packed, arithmetic in "
        "float32. perplexity_of_half_windows: the same with windows of "
        f"{window // 2} tokens.",
        "window_negative_log_likelihood": sums,
        "books": list(HELDOUT),
        "greedy": {"prompt": GREEDY_PROMPT, "prompt_ids": prompt,
                   "ids": greedy, "text": tokenizer.decode(greedy),
                   "smallest_margin": margin},
    }
    write_json(out / "eval.json", result)
    return result


def samples(model, tokenizer, count=120):
    eos, blocks = tokenizer.token_to_id(EOS), []
    for seed, prompt in enumerate(PROMPTS):
        ids = tokenizer.encode(prompt).ids
        new, _ = generate(model, ids, count, eos, 0.7, seed)
        # A cut character at the end is shown as such nowhere.
        text = tokenizer.decode(new).rstrip("\ufffd")
        blocks.append(f"**{prompt.strip().splitlines()[-1]}**{text}".rstrip())
    return "\n\n".join("> " + b.replace("\n", "\n> ") for b in blocks)


def processor():
    try:
        names = [line.split(":", 1)[1].strip()
                 for line in open("/proc/cpuinfo", encoding="utf-8")
                 if line.startswith("model name")]
        return f"machine ({names[0]}, {len(names)} cores)"
    except (OSError, IndexError):
        return "machine"


def resumed(run):
    if not run.resumed_at:
        return ""
    at = ", ".join(map(str, run.resumed_at))
    return (f"The run was stopped and resumed at step {at}; the command takes "
            "the same steps in\none piece, which was not done again.\n")


def write_card(out, shape, tensors, result, run, sample):
    template = Path(__file__).with_name("model_card.md").read_text()
    ternary = sum(t.numel() * 4 for t in tensors.values()
                  if t.dtype == torch.uint8)
    rest = sum(t.numel() for t in tensors.values() if t.dtype != torch.uint8)
    facts = {**vars(shape), **vars(run), **result, "ternary": f"{ternary:,}",
             "processor": processor(), "resumed": resumed(run),
             "rest": f"{rest:,}", "sample": sample,
             "minutes_taken": run.seconds / 60,
             "tokens_seen": run.steps * run.batch_tokens / 1e6,
             "epochs": run.steps * run.batch_tokens / run.training_tokens,
             "validation_perplexity": math.exp(run.validation_loss),
             "heldout_books": ", ".join(HELDOUT),
             "validation_books": ", ".join(VALIDATION)}
    (out / "README.md").write_text(template.format(**facts))


def write_directory(out, model, shape, tokenizer, heldout, run):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tensors, ternary = packed_tensors(model.export())
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    write_configs(out, shape, tokenizer)
    # Eager: the library's quantisers would be compiled anew per length.
    with torch.compiler.set_stance("force_eager"):
        packed = load(out, ternary)
        result = evaluate(out, packed, tokenizer, shape, "".join(heldout))
        sample = samples(packed, tokenizer)
    write_card(out, shape, tensors, result, SimpleNamespace(**run), sample)
    print(f"held-out perplexity {result['perplexity']:.3f}, "
          f"{result['bits_per_byte']:.3f} bits per byte")
