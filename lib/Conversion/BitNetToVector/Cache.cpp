//===- Cache.cpp - Writing keys and values into the cache -----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

using namespace mlir;

namespace bitnetc {

void emitKernel(VectorEmitter &e, bitnet::KVStoreOp op) {
  Value cache = op.getCache();
  auto type = cast<MemRefType>(cache.getType());
  int64_t heads = type.getDimSize(1), dim = type.getDimSize(3);
  // Keys are the first half of the cache, values the second.
  Value sources[] = {op.getKeys(), op.getValues()};
  e.forTokens(op.getKeys(), [&](Value m) {
    Value position = e.addIndex(op.getPosition(), m);
    e.forLoop(e.index(0), e.index(heads), 1, [&](Value head) {
      Value first = e.mulIndex(head, dim);
      e.rowLoop(dim, [&](Value column, int64_t width) {
        Value from = e.addIndex(first, column);
        for (auto [half, source] : llvm::enumerate(sources))
          e.store(e.load(source, {m, from}, width), cache,
                  {e.index(half), head, position, column}, width);
      });
    });
  });
}

} // namespace bitnetc
