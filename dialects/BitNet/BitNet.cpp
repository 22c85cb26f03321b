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
                                  int64_t headDim, Type elementType,
                                  int64_t sequences) {
  if (layers <= 0 || heads <= 0 || headDim <= 0 ||
      !(elementType.isF32() || elementType.isF16() ||
        elementType.isSignlessInteger(8))) // kv_cache_c1
    return emitError() << "expected positive dimensions of f32, f16 or i8, "
                          "but got "
                       << layers << " x " << heads << " x " << headDim << " x "
                       << elementType;
  if (sequences <= 0) // kv_cache_c1
    return emitError() << "expected a positive number of sequences, but got "
                       << sequences;
  return success();
}

/// Elements behind the keys or values of a block: the scales of an i8 cache.
static int64_t getScaleElements(Type element) {
  return element.isInteger(8) ? cacheBlock * sizeof(float) : 0;
}

MemRefType KVCacheType::getMemRefType() {
  int64_t row = cacheBlock * getHeadDim() + getScaleElements(getElementType());
  SmallVector<int64_t> shape = {getLayers(), 2, getHeads(),
                                ShapedType::kDynamic, row};
  if (getSequences() > 1)
    shape.insert(shape.begin(), getSequences());
  return MemRefType::get(shape, getElementType());
}

CacheShape bitnetc::bitnet::getCacheShape(Type type) {
  if (auto cache = dyn_cast<KVCacheType>(type))
    return {cache.getHeads(), cache.getHeadDim(), cache.getElementType()};
  // [sequences, if several,] [2, heads, blocks, row]
  auto memref = cast<MemRefType>(type);
  ArrayRef<int64_t> shape = memref.getShape().take_back(4);
  Type element = memref.getElementType();
  int64_t row = shape[3] - getScaleElements(element);
  return {shape[1], row % cacheBlock == 0 ? row / cacheBlock : 0, element};
}
