//===- bitnet-opt.cpp - Run passes on .mlir files -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Pipeline/Pipeline.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  bitnetc::registerDialects(registry);
  mlir::registerAllPasses();
  bitnetc::registerPassesAndPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv,
      "bitnet-opt: run bitnetc's passes, stage pipelines and MLIR's own passes",
      registry));
}
