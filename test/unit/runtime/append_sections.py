#!/usr/bin/env python3
"""Appends model data to an executable, as lib/Link does (bitnet/container.h).

usage: append_sections.py ELF OUT MULTIPLIER [TOKENIZER]
The weights are 1024 words of MULTIPLIER, what FakeModel.cpp expects.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import struct
import sys

elf, out, multiplier = sys.argv[1:4]
tokenizer = b""
if len(sys.argv) > 4:
    with open(sys.argv[4], "rb") as file:
        tokenizer = file.read()
with open(elf, "rb") as file:
    data = bytearray(file.read())

sections = []
for content in (struct.pack("<I", int(multiplier)) * 1024, tokenizer):
    data += bytes(-len(data) % 4096)
    sections += [len(data), len(content)]
    data += content
data += struct.pack("<4Q", *sections) + b"BNTRAIL\x01"
with open(out, "wb") as file:
    file.write(data)
os.chmod(out, 0o755)
