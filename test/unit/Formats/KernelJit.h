//===- KernelJit.h - Compile a format's tile kernel and call it -----------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TEST_UNIT_FORMATS_KERNELJIT_H
#define BITNETC_TEST_UNIT_FORMATS_KERNELJIT_H

#include "bitnetc/Formats/PackingFormat.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace bitnetc {

struct KernelShape {
  int64_t tokens, columns, streams;
  /// By tables, which the kernel builds first, for formats that use them.
  bool lookup = false;
};

/// One compiled kernel of one format.
class KernelJit {
public:
  /// Emits, lowers, optimises and loads the kernel for `target`, which the
  /// machine that runs the test must be able to run.
  static llvm::Expected<KernelJit> create(const PackingFormat &format,
                                          const TargetInfo &target,
                                          KernelShape shape);

  struct Arguments {
    const int8_t *activations; // tokens x padded columns
    const int32_t *sums;       // tokens
    int8_t *tables;            // room for the tokens' tables, or null
    const uint8_t *bytes;      // `size` packed bytes
    int64_t size;
    int64_t offsets[2];   // of the streams' tiles
    int32_t *products[2]; // tokens x tile rows each
  };
  void run(const Arguments &arguments) const;

private:
  std::unique_ptr<llvm::orc::LLJIT> jit;
  KernelShape shape;
  int64_t rows, tableBytes;
  void *function = nullptr;
};

} // namespace bitnetc

#endif // BITNETC_TEST_UNIT_FORMATS_KERNELJIT_H
