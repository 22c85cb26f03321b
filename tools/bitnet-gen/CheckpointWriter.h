//===- CheckpointWriter.h - Writes a checkpoint directory ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_TOOLS_BITNET_GEN_CHECKPOINTWRITER_H
#define BITNETC_TOOLS_BITNET_GEN_CHECKPOINTWRITER_H

#include "Layout.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc::gen {

struct WriteResult {
  uint64_t bytes;
  size_t shards;
};

/// Makes the directory `path`, which must not exist or be empty. It is written
/// under a temporary name beside it, so that there is either a whole
/// checkpoint or none. Errors: the disk is full, the place is not writable.
llvm::Expected<WriteResult> writeCheckpoint(const Layout &layout,
                                            llvm::StringRef path);

/// tokenizer.json: byte-level BPE with the 256 bytes, made-up merges up to the
/// vocabulary's size, and a start and an end token.
void writeTokenizer(const Layout &layout, llvm::raw_ostream &os);

} // namespace bitnetc::gen

#endif // BITNETC_TOOLS_BITNET_GEN_CHECKPOINTWRITER_H
