//===- Embedding.cpp - Rows of the embedding matrix -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

using namespace mlir;

namespace bitnetc {

void emitKernel(VectorEmitter &e, bitnet::EmbeddingOp op) {
  Value tokens = op.getTokens(), table = op.getTable();
  Value out = op.getOuts().front();
  e.forTokens(out, [&](Value m) {
    Value row = arith::IndexCastOp::create(
        e.builder, e.loc, e.builder.getIndexType(), e.loadScalar(tokens, m));
    e.rowLoop(getColumns(table), [&](Value column, int64_t width) {
      e.store(e.load(table, {row, column}, width), out, {m, column}, width);
    });
  });
}

} // namespace bitnetc
