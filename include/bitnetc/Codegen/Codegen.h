//===- Codegen.h - llvm dialect -> LLVM IR -> machine code -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_CODEGEN_CODEGEN_H
#define BITNETC_CODEGEN_CODEGEN_H

#include "bitnetc/Target/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc {

/// Translates a module of the llvm dialect and optimises it for `target` at
/// level 0..3. Kernels keep their functions: they are called once per layer,
/// and inlining would copy them as often.
llvm::Expected<std::unique_ptr<llvm::Module>>
emitLLVMIR(mlir::ModuleOp module, const TargetInfo &target, unsigned level,
           llvm::LLVMContext &context);

/// Writes an ELF object or, if `assembly`, its text.
llvm::Error emitMachineCode(llvm::Module &module, const TargetInfo &target,
                            unsigned level, bool assembly,
                            llvm::raw_pwrite_stream &os);

} // namespace bitnetc

#endif // BITNETC_CODEGEN_CODEGEN_H
