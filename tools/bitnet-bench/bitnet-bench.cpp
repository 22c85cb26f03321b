//===- bitnet-bench.cpp - Measure ternary products and whole models -------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "KernelBench.h"
#include "ModelBench.h"
#include "Options.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace bitnetc::bench;

static int fail(llvm::Error error) {
  llvm::errs() << "bitnet-bench: error: " << llvm::toString(std::move(error))
               << "\n";
  return 1;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::SmallVector<llvm::StringRef> arguments(argv + 1, argv + argc);
  auto options = parseOptions(arguments);
  if (!options)
    return fail(options.takeError());
  if (options->mode == Options::Mode::Help) {
    llvm::outs() << getHelp();
    return 0;
  }
  auto report = options->mode == Options::Mode::Kernel
                    ? runKernelBench(*options)
                    : runModelBench(*options);
  if (!report)
    return fail(report.takeError());
  report->print(options->format, llvm::outs());
  llvm::outs().flush();
  if (std::error_code code = llvm::outs().error()) {
    llvm::outs().clear_error();
    return fail(llvm::createStringError(code, "standard output: cannot write"));
  }
  return 0;
}
