//===- Patterns.h - The regular expressions of tokenizers -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LIB_IMPORT_TOKENIZER_PATTERNS_H
#define BITNETC_LIB_IMPORT_TOKENIZER_PATTERNS_H

#include "bitnet/tokenizer_format.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace bitnetc::tokenizer {

/// A published pattern and the hand-written splitter that equals it.
struct Pattern {
  const char *regex;
  bitnet::tokfmt::SplitterKind kind;
  uint32_t argument;
  /// Every character is part of a match, so that "Removed" with "invert" is
  /// the same as "Isolated".
  bool coversAll;
  /// Also right after ByteLevel, on its printable alphabet.
  bool onBytes;
};

/// The pattern with this text, or nullptr.
const Pattern *findPattern(llvm::StringRef regex);

} // namespace bitnetc::tokenizer

#endif // BITNETC_LIB_IMPORT_TOKENIZER_PATTERNS_H
