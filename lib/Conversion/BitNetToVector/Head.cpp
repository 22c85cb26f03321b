//===- Head.cpp - Logits of a slice of the vocabulary ---------------------===//
//
// The output embedding is the largest single read of a token: a 2B model has
// 657 MB of it in bf16 and 417 MB of ternary weights. So every row is read
// once, four rows at a time, for all tokens, and asked for ahead of its use.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"
#include "RowSums.h"

using namespace mlir;

namespace bitnetc {

void emitKernel(VectorEmitter &e, bitnet::LMHeadOp op) {
  Value x = op.getX(), out = op.getOuts().front();
  RowSums sums(e, x, op.getTable(), /*streams=*/true);
  int64_t rows = cast<MemRefType>(op.getTable().getType()).getDimSize(0);
  sums.forGroups(rows, [&](Value row, int64_t count) {
    e.forTokens(x, [&](Value m) {
      e.store(sums.emit(m, row, count), out, {m, row}, count);
    });
  });
}

} // namespace bitnetc
