//===- MappedFile.h - A whole file, mapped and read-only -------*- C++ -*-===//
//
// Model files are larger than memory, so they are mapped and never read as a
// whole. Reading them front to back would still fill the resident set; the
// stream that has used a part of the file gives it back with `releasePages`.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#ifndef BITNETC_SUPPORT_MAPPEDFILE_H
#define BITNETC_SUPPORT_MAPPEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include <memory>
#include <string>

namespace bitnetc {

class MappedFile {
public:
  /// Maps `path`. Fails if it is missing, unreadable, a directory or empty;
  /// the message starts with the path.
  static llvm::Expected<std::shared_ptr<MappedFile>>
  open(const llvm::Twine &path);

  const std::string &getPath() const { return path; }
  llvm::ArrayRef<uint8_t> getBytes() const {
    return {reinterpret_cast<const uint8_t *>(region.const_data()),
            region.size()};
  }

private:
  MappedFile(std::string path, llvm::sys::fs::mapped_file_region region)
      : path(std::move(path)), region(std::move(region)) {}

  std::string path;
  llvm::sys::fs::mapped_file_region region;
};

/// Takes the pages of [data, data + bytes) out of this process's resident set;
/// they stay in the page cache and come back when touched. `data` must lie in
/// a MappedFile: on other memory this would erase the content. A page that
/// the range ends in is kept, because a stream reads the rest of it next.
void releasePages(const uint8_t *data, uint64_t bytes);

} // namespace bitnetc

#endif // BITNETC_SUPPORT_MAPPEDFILE_H
