//===- tokenizer_bpe.cpp - Byte-pair merging of one word ------------------===//
//
// Follows tokenizers/src/models/bpe/word.rs (Hugging Face tokenizers 0.21) to
// the letter, including that a candidate stays alive when its pair changed into
// another one with the same result: ids must be equal, not just good.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "tokenizer_bpe.h"

#include <algorithm>

using namespace bitnet;
using tokfmt::Merge;

void BpeMerger::add(uint32_t id) {
  uint32_t position = static_cast<uint32_t>(symbols.size());
  symbols.push_back({id, position ? position - 1 : none, none});
  if (position)
    symbols[position - 1].next = position;
}

const Merge *BpeMerger::find(uint32_t left, uint32_t right) const {
  const Merge *begin = merges + rows[left], *end = merges + rows[left + 1];
  const Merge *at =
      std::lower_bound(begin, end, right, [](const Merge &merge, uint32_t id) {
        return merge.right < id;
      });
  return at != end && at->right == right ? at : nullptr;
}

/// Puts the pair at `position` and the symbol after it on the heap.
void BpeMerger::propose(uint32_t position) {
  const Symbol &left = symbols[position];
  if (const Merge *merge = find(left.id, symbols[left.next].id)) {
    heap.push_back({merge->rank, position, merge->result});
    std::push_heap(heap.begin(), heap.end());
  }
}

void BpeMerger::finish(std::vector<int32_t> &out) {
  heap.clear();
  for (uint32_t i = 0; i + 1 < symbols.size(); ++i)
    propose(i);
  while (!heap.empty()) {
    Candidate top = heap.front();
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
    Symbol &left = symbols[top.position];
    if (left.id == none || left.next == none)
      continue;
    Symbol &right = symbols[left.next];
    const Merge *merge = find(left.id, right.id);
    if (!merge || merge->result != top.result)
      continue;
    left.id = top.result;
    right.id = none;
    left.next = right.next;
    if (left.next != none) {
      symbols[left.next].previous = top.position;
      propose(top.position);
    }
    if (left.previous != none)
      propose(left.previous);
  }
  for (const Symbol &symbol : symbols)
    if (symbol.id != none)
      out.push_back(static_cast<int32_t>(symbol.id));
}
