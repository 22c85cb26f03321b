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
      !(elementType.isF32() || elementType.isF16() ||
        elementType.isSignlessInteger(8))) // kv_cache_c1
    return emitError() << "expected positive dimensions of f32, f16 or i8, "
                          "but got "
                       << layers << " x " << heads << " x " << headDim << " x "
                       << elementType;
  return success();
}

/// Elements behind the keys or values of a block: the scales of an i8 cache.
static int64_t getScaleElements(Type element) {
  return element.isInteger(8) ? cacheBlock * sizeof(float) : 0;
}

MemRefType KVCacheType::getMemRefType() {
  int64_t row = cacheBlock * getHeadDim() + getScaleElements(getElementType());
  return MemRefType::get(
      {getLayers(), 2, getHeads(), ShapedType::kDynamic, row},
      getElementType());
}

CacheShape bitnetc::bitnet::getCacheShape(Type type) {
  if (auto cache = dyn_cast<KVCacheType>(type))
    return {cache.getHeads(), cache.getHeadDim(), cache.getElementType()};
  auto memref = cast<MemRefType>(type); // [2, heads, blocks, row]
  Type element = memref.getElementType();
  int64_t row = memref.getDimSize(3) - getScaleElements(element);
  return {memref.getDimSize(1), row % cacheBlock == 0 ? row / cacheBlock : 0,
          element};
}
