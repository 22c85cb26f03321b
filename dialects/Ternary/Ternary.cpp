//===- Ternary.cpp - Dialect, types and attributes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "dialects/Ternary/Ternary.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace bitnetc::ternary;

#include "dialects/Ternary/TernaryAttrInterfaces.cpp.inc"
#include "dialects/Ternary/TernaryDialect.cpp.inc"
#include "dialects/Ternary/TernaryOpInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Ternary/TernaryAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Ternary/TernaryTypes.cpp.inc"

void TernaryDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Ternary/TernaryAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Ternary/TernaryTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Ternary/TernaryOps.cpp.inc"
      >();
}

LogicalResult PackedType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t n, int64_t k,
                                 PackingFormatInterface format) {
  if (!isMatrixShape({n, k})) // packed_c1
    return emitError() << "expected N and K between 1 and 2^31 - 1, but got "
                       << n << " x " << k;
  return success();
}

static int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t PackedType::getNumTiles() const {
  return divideUp(getN(), getFormat().getTileRows());
}
int64_t PackedType::getNumSteps() const {
  return divideUp(getK(), getFormat().getStepCols());
}
int64_t PackedType::getTileBytes() const {
  return getNumSteps() * getFormat().getStepBytes();
}
int64_t PackedType::getSizeInBytes() const {
  return getNumTiles() * getTileBytes();
}
