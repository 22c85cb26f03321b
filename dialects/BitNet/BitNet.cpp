//===- BitNet.cpp - Dialect and types -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/BitNet/BitNet.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace bitnetc::bitnet;

#include "dialects/BitNet/BitNetDialect.cpp.inc"
#include "dialects/BitNet/BitNetEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/BitNet/BitNetTypes.cpp.inc"

void BitNetDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/BitNet/BitNetTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/BitNet/BitNetOps.cpp.inc"
      >();
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t layers, int64_t heads,
                                  int64_t headDim, Type elementType) {
  if (layers <= 0 || heads <= 0 || headDim <= 0 ||
      !(elementType.isF32() || elementType.isF16())) // kv_cache_c1
    return emitError() << "expected positive dimensions of f32 or f16, but got "
                       << layers << " x " << heads << " x " << headDim << " x "
                       << elementType;
  return success();
}
