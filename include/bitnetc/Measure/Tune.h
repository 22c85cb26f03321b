//===- Tune.h - Choose formats by measuring them ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_MEASURE_TUNE_H
#define BITNETC_MEASURE_TUNE_H

#include "bitnetc/Pipeline/Compiler.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc::measure {

/// Measures all formats for all shapes of the model's matrices in all phases,
/// on this machine, with the kernels that the compiler generates for
/// `options.cpu`; writes the fastest to `file` (bitnetc/Pipeline/Spec.h).
/// Prints measured beside predicted times to `os`, progress to stderr.
llvm::Error tuneModel(const CompilerOptions &options, llvm::StringRef file,
                      llvm::raw_ostream &os);

} // namespace bitnetc::measure

#endif // BITNETC_MEASURE_TUNE_H
