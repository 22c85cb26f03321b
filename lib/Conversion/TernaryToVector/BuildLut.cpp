//===- BuildLut.cpp - Tables of sums of activations -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "Lowerings.h"
#include "bitnetc/Formats/PackingFormat.h"

using namespace mlir;
using namespace bitnetc;

void bitnetc::emitBuildLut(VectorEmitter &e, ternary::BuildLutOp op) {
  Value activations = op.getActivations();
  int64_t columns = cast<MemRefType>(activations.getType()).getDimSize(1);
  e.forTokens(activations, [&](Value token) {
    getFormat(op.getFormat())
        .emitTables(e.builder, e.loc, activations, columns, token,
                    op.getOuts().front());
  });
}
