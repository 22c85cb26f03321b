#!/usr/bin/env python3
"""Trains small tokenizers and records what the reference library does.

Writes tokenizers/NAME.json (a tokenizer.json) and tokenizers/NAME.golden.json
beside this file. Run by hand, with Python's package `tokenizers`; the results
are committed, so that the tests need nothing. Version of the present files:
tokenizers 0.23.3.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models
from tokenizers import normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = (ENDINGS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+" + REST)
QWEN2 = ENDINGS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+" + REST
QWEN35 = (ENDINGS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|"
          r" ?[^\s\p{L}\p{M}\p{N}]+" + REST)

# Enough repetition for merges across words, digits, signs and scripts.
CORPUS = [
    "In the beginning God created the heaven and the earth.",
    "And the earth was without form, and void; and darkness was upon the deep.",
    "And God said, Let there be light: and there was light.",
    "1234 567 1999 2024 100000 12 3.14159 0x1F",
    "for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }\n\n\treturn sum;\n",
    "I've told you he's there, they'll say we're done; don't! I'M, WE'LL",
    "Äpfel, Öl und Übermut; naïve café, déjà vu, Việt Nam",
    "нещо на Български и ещё немного по-русски",
    "我想在apple工作1314151天～ 日本語の文章です。",
    "कि हिन्दी में लिखा है। 한국어 문장입니다.",
    "🚀 (normal) 😶‍🌫️ ✅ 🦙🦙 ½ ² Ⅷ ٣",
] * 4

TEXTS = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\n\n\n", "\t\n", " \n ", "\r\n",
    "Hello world", " Hello world", "  Hello", "Hello ", "Hello  \n  world\n",
    "the light was upon the earth's face; they'LL I'VE 'S 's ' era",
    "' 'x ''' 're 'RE 'ſ ſ's", "3 33 333 3333 33333 3.3 3..3 a1b22c333",
    "½ ²³ Ⅷ ٣٤٥ १२३", "!!!!!! ??? ...\n\n ...\r\n=====", "a\u00a0b\u3000c\u2003\u2003d\u0085e",
    "e\u0301 é \u1e9b\u0323 \u0344 \u212b 각 \u1100\u1161\u11a8 q\u0307\u0323",
    "कि हिन्दी में \u0301x", "我想在apple工作", "😶‍🌫️ 🦙.cpp 🚀", "\u2581a\u2581 \u2581",
    "<s>hi</s> <unk>", "x <|end|>  y<|end|>", "  <mask>  z", "ab cab ab", "<0x41> A",
    "\u200b\u200d\ufeff", "\U0010ffff \ue000", "$+<=>^`|~ a$b", "_a_b__c",
]


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def split(regex):
    return pre_tokenizers.Split(Regex(regex), "isolated", invert=False)


def cut_bytes(*steps):
    return pre_tokenizers.Sequence([*steps])


def bytes_bpe(pre_tokenizer, normalizer=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=380, show_progress=False, special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_tokens([
        AddedToken("ab", single_word=True),
        AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False),
    ])
    tokenizer.add_special_tokens([AddedToken("<|end|>", rstrip=True)])
    return tokenizer


def with_bos(tokenizer):
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer


def score_bpe(metaspace=False):
    """Llama-2's way, with the bytes as tokens."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=True))
    legacy = normalizers.Sequence([normalizers.Prepend("\u2581"),
                                   normalizers.Replace(" ", "\u2581")])
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = legacy
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = legacy
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(CORPUS[:6] * 4, trainers.BpeTrainer(
        vocab_size=180, show_progress=False))
    learned = json.loads(trained.to_str())["model"]
    vocab = ["<unk>", "<s>", "</s>", *[f"<0x{i:02X}>" for i in range(256)]]
    vocab += sorted(learned["vocab"], key=learned["vocab"].get)
    tokenizer.model = models.BPE(
        {token: i for i, token in enumerate(vocab)},
        [tuple(merge) for merge in learned["merges"]], unk_token="<unk>",
        fuse_unk=True, byte_fallback=True)
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("\u2581", " "), decoders.ByteFallback(),
        decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([
        AddedToken(token, normalized=False) for token in vocab[:3]])
    tokenizer.add_special_tokens([
        AddedToken("<|end|>", rstrip=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


TOKENIZERS = {
    "gpt2": bytes_bpe(byte_level(use_regex=True)),
    "llama3": with_bos(bytes_bpe(cut_bytes(split(LLAMA3), byte_level()),
                                 ignore_merges=True)),
    "qwen2": bytes_bpe(cut_bytes(split(QWEN2), byte_level()),
                       normalizers.NFC()),
    "qwen35": bytes_bpe(cut_bytes(split(QWEN35), byte_level()),
                        normalizers.NFC()),
    "falcon": bytes_bpe(cut_bytes(
        pre_tokenizers.Punctuation("contiguous"), byte_level(use_regex=True),
        pre_tokenizers.Digits(individual_digits=False),
        split("[0-9][0-9][0-9]"))),
    "digits": bytes_bpe(cut_bytes(pre_tokenizers.Digits(individual_digits=True),
                                  byte_level(use_regex=True))),
    "llama2": score_bpe(),
    "llama2-metaspace": score_bpe(metaspace=True),
}


def main():
    rng = random.Random(1)
    texts = TEXTS + ["".join(rng.choice(rng.choice([*TEXTS[11:], *CORPUS]) or " ")
                             for _ in range(40)) for _ in range(40)]
    folder = HERE / "tokenizers"
    folder.mkdir(exist_ok=True)
    for name, tokenizer in TOKENIZERS.items():
        tokenizer.save(str(folder / f"{name}.json"), pretty=False)
        cases = []
        for text in texts:
            case = {"text": text}
            for plain in (False, True):
                tokenizer.encode_special_tokens = plain
                case["plain" if plain else "ids"] = tokenizer.encode(text).ids
            case["decoded"] = tokenizer.decode(case["ids"])
            cases.append(case)
        lines = ",\n".join(json.dumps(case) for case in cases)
        (folder / f"{name}.golden.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
