//===- Link.h - Object + runtime + data -> executable ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_LINK_LINK_H
#define BITNETC_LINK_LINK_H

#include "bitnetc/Target/TargetInfo.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace bitnetc {

/// What goes into one executable.
struct LinkInput {
  llvm::StringRef object;    // an ELF object that defines bn_model_info
  llvm::StringRef tokenizer; // blob of tokenizer_format.h, may be empty
  /// Writes the weight section to a stream.
  llvm::function_ref<llvm::Error(llvm::raw_ostream &)> writeWeights;
};

/// Links a static executable with the in-process linker, appends the sections
/// of runtime/include/bitnet/container.h and moves it to `output`, which is
/// untouched if anything fails. The runtime archive and the C library come from
/// `libraryPath`/<triple>.
llvm::Error linkExecutable(const LinkInput &input, const TargetInfo &target,
                           llvm::StringRef libraryPath, llvm::StringRef output);

/// A file that appears under its name when it is complete: written beside it,
/// renamed by commit(), removed if that never happens.
class PendingFile {
public:
  static llvm::Expected<std::unique_ptr<PendingFile>>
  create(llvm::StringRef path, bool executable);
  ~PendingFile();

  llvm::raw_fd_ostream &os() { return *stream; }
  llvm::StringRef getTemporaryPath() const { return temporary; }
  /// Reports what went wrong while writing; for a file that others read next.
  llvm::Error flush();
  /// Closes the file, reports what went wrong while writing, and renames it.
  llvm::Error commit();

private:
  PendingFile() = default;
  std::string path, temporary;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
  bool executable = false;
};

} // namespace bitnetc

#endif // BITNETC_LINK_LINK_H
