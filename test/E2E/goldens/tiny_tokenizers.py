# SPDX-License-Identifier: Apache-2.0
"""Tiny tokenizers of the kinds that ternary checkpoints come with.

Each has the structure of the real one (normaliser, splitting pattern, merge
rules, special tokens, where the ids lie) and a vocabulary of a few hundred
entries learnt from a paragraph.
"""

import json

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        normalizers, pre_tokenizers, processors, trainers)

# Public domain (King James Version, Ruth 1).
CORPUS = """\
Now it came to pass in the days when the judges ruled, that there was a famine
in the land. And a certain man of Bethlehemjudah went to sojourn in the country
of Moab, he, and his wife, and his two sons. And the name of the man was
Elimelech, and the name of his wife Naomi, and the name of his two sons Mahlon
and Chilion, Ephrathites of Bethlehemjudah. And they came into the country of
Moab, and continued there. And Elimelech Naomi's husband died; and she was left,
and her two sons. And they took them wives of the women of Moab; the name of the
one was Orpah, and the name of the other Ruth: and they dwelled there about ten
years. And Ruth said, Intreat me not to leave thee, or to return from following
after thee: for whither thou goest, I will go; and where thou lodgest, I will
lodge: thy people shall be my people, and thy God my God.
"""

# What every tokenizer here is asked to encode; the answers are goldens too.
CASES = [
    "", " ", "a", "Now it came to pass in the days when the judges ruled,",
    " leading and trailing ", "two  spaces   three", "line\nline\n\n\nline\r\n",
    "\ttab\t\ttabs", "it's I'll WE'RE they'd he's", "1 12 123 1234 12345",
    "3.14159, -42; 1/2", "caf\u00e9 na\u00efve \u00dcber", "\u4f60\u597d\u4e16\u754c",
    "\u0440\u0443\u0441\u0441\u043a\u0438\u0439", "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "x == y != z;", "a_b-c.d@e", "Moab,\n and Ruth\n", "\u00a0nbsp\u3000wide",
    "e\u0301 combining", "and the name of the man was", "\u2581", "...!?",
]

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_level_trained(vocab):
    """Byte-level BPE with `vocab` entries and Llama 3's splitting."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([CORPUS], trainers.BpeTrainer(
        vocab_size=vocab, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


def rebuilt(tokenizer, vocab, ignore_merges):
    """The same tokenizer with another id for each token."""
    description = json.loads(tokenizer.to_str())
    description["model"]["vocab"] = vocab
    description["model"]["ignore_merges"] = ignore_merges
    return Tokenizer.from_str(json.dumps(description))


def llama3(vocab):
    """Llama 3: specials last, whole words first, <|begin_of_text|> put on."""
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
                "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = byte_level_trained(vocab - len(specials))
    tokenizer = rebuilt(tokenizer, tokenizer.get_vocab(), True)
    tokenizer.add_special_tokens([AddedToken(s, special=True)
                                  for s in specials])
    bos = specials[0]
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1",
            special_tokens=[(bos, tokenizer.token_to_id(bos))])])
    return tokenizer, bos, specials[1]


def falcon3(vocab):
    """Falcon 3: a dozen specials first, the end of text is 11, no bos."""
    specials = [f">>{n}<<" for n in (
        "TITLE", "ABSTRACT", "INTRODUCTION", "SUMMARY", "COMMENT", "ANSWER",
        "QUESTION", "DOMAIN", "PREFIX", "SUFFIX", "MIDDLE")]
    specials.append("<|endoftext|>")
    tokenizer = byte_level_trained(vocab - len(specials))
    ids = {s: i for i, s in enumerate(specials)}
    ids.update({t: i + len(specials)
                for t, i in tokenizer.get_vocab().items()})
    tokenizer = rebuilt(tokenizer, ids, True)
    tokenizer.add_special_tokens([AddedToken(s, special=True)
                                  for s in specials])
    return tokenizer, None, specials[-1]


def llama2(vocab):
    """Llama 2: SentencePiece BPE with byte fallback, as 1bitLLM has it.

    Two tokens were added behind the vocabulary, <pad> and </line>, which
    makes the real count 32002.
    """
    head = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tail = ["<pad>", "</line>"]
    learnt = Tokenizer(models.BPE())
    # Letters outside the alphabet become bytes.  It is listed here because
    # the library's own choice among rare letters varies from run to run.
    alphabet = set("abcdefghijklmnoprstuvwy NRAM,.;")
    text = "".join(c for c in CORPUS.replace("\n", " ") if c in alphabet)
    # Only learning needs words; the finished tokenizer merges across them.
    learnt.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    learnt.train_from_iterator([text], trainers.BpeTrainer(
        vocab_size=vocab - len(head) - len(tail), show_progress=False))
    description = json.loads(learnt.to_str())["model"]
    merges = [tuple(m) for m in description["merges"]]
    merged = ["".join(m) for m in merges]
    # The merges' results in order and then single characters, as
    # SentencePiece numbers them.
    single = sorted(set(description["vocab"]) - set(merged))
    ids = {t: i for i, t in enumerate(head + merged + single)}
    tokenizer = Tokenizer(models.BPE(
        vocab=ids, merges=merges, unk_token="<unk>", fuse_unk=True,
        byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("\u2581", " "), decoders.ByteFallback(),
        decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False)
                                  for s in head[:3]])
    tokenizer.add_tokens([AddedToken(s, normalized=False) for s in tail])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1",
        special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    return tokenizer, "<s>", "</s>"


KINDS = {"llama3": llama3, "llama2": llama2, "falcon3": falcon3}
