//===- WeightWriter.h - Stream packed weights into a file ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LINK_WEIGHTWRITER_H
#define BITNETC_LINK_WEIGHTWRITER_H

#include "bitnetc/Import/Model.h"
#include "bitnetc/Link/WeightCache.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc {

/// One weight and its place in the weight section. Types and literal values
/// belong to the MLIR context of the module they were read from.
struct PlannedWeight {
  std::string name;
  std::vector<std::string> sources; // names for findTernaryWeight & co
  mlir::ElementsAttr literal;       // instead of sources
  mlir::Type type;                  // packed or tensor
  uint64_t offset = 0, bytes = 0;
};

/// The weights of a bufferized module, by offset.
std::vector<PlannedWeight> collectWeights(mlir::ModuleOp module);

/// Writes the weight section to `os`, from its first byte on. Matrices are read
/// and packed a few row tiles at a time, on all cores. `progress` is told the
/// bytes of each piece written. What `cache` has, if there is one, is not
/// packed again.
llvm::Error writeWeights(const Model &model,
                         llvm::ArrayRef<PlannedWeight> weights,
                         llvm::raw_ostream &os,
                         llvm::function_ref<void(uint64_t)> progress,
                         WeightCache *cache = nullptr);

} // namespace bitnetc

#endif // BITNETC_LINK_WEIGHTWRITER_H
