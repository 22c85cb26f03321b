//===- tokenizer_bpe.h - Byte-pair merging of one word --------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNET_SRC_TOKENIZER_BPE_H
#define BITNET_SRC_TOKENIZER_BPE_H

#include "bitnet/tokenizer_format.h"

#include <cstdint>
#include <vector>

namespace bitnet {

/// Merges neighbours, lowest rank first and of equal ranks the leftmost, until
/// no pair of the table is left: O(n log n) for n symbols. Keeps its memory
/// from word to word.
class BpeMerger {
public:
  BpeMerger(const uint32_t *rows, const tokfmt::Merge *merges)
      : rows(rows), merges(merges) {}

  void clear() { symbols.clear(); }
  /// Adds a symbol at the end of the word; `id` is a token of the vocabulary.
  void add(uint32_t id);
  /// Merges, and appends the resulting ids to `out`.
  void finish(std::vector<int32_t> &out);

private:
  static constexpr uint32_t none = 0xffffffffu;
  struct Symbol {
    uint32_t id; // none: swallowed by the symbol before it
    uint32_t previous, next;
  };
  struct Candidate {
    uint32_t rank, position, result;
    bool operator<(const Candidate &other) const { // heap: smallest on top
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };

  const tokfmt::Merge *find(uint32_t left, uint32_t right) const;
  void propose(uint32_t position);

  const uint32_t *rows;
  const tokfmt::Merge *merges;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

} // namespace bitnet

#endif // BITNET_SRC_TOKENIZER_BPE_H
