//===- VerifyLLVM.cpp - The contract of the llvm stage --------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace bitnetc {
#define GEN_PASS_DEF_BITNETVERIFYLLVM
#include "bitnetc/Conversion/Passes.h.inc"
} // namespace bitnetc

using namespace mlir;

namespace {

struct BitNetVerifyLLVMPass
    : bitnetc::impl::BitNetVerifyLLVMBase<BitNetVerifyLLVMPass> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](Operation *op) -> WalkResult {
      if (isa<ModuleOp>(op) ||
          isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
        return WalkResult::advance();
      return op->emitOpError("is left: expected only the llvm dialect");
    });
    if (result.wasInterrupted())
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
