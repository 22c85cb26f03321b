//===- ParallelToLLVM.h - bitnet.parallel in convert-to-llvm ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_CONVERSION_PARALLELTOLLVM_H
#define BITNETC_CONVERSION_PARALLELTOLLVM_H

#include "mlir/IR/DialectRegistry.h"

namespace bitnetc {

/// Lets upstream's convert-to-llvm convert the types of `bitnet.parallel`; the
/// operation itself stays until convert-parallel-to-runtime.
void registerConvertBitNetToLLVMInterface(mlir::DialectRegistry &registry);

} // namespace bitnetc

#endif // BITNETC_CONVERSION_PARALLELTOLLVM_H
