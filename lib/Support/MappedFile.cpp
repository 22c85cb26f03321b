//===- MappedFile.cpp - A whole file, mapped and read-only ----------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "bitnetc/Support/MappedFile.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

using namespace llvm;

namespace bitnetc {

Expected<std::shared_ptr<MappedFile>> MappedFile::open(const Twine &pathTwine) {
  std::string path = pathTwine.str();
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return makeFileError(path, "cannot be read: " + error.message());
  // A pipe or a device could block or have no end.
  if (status.type() != sys::fs::file_type::regular_file)
    return makeFileError(path, "expected a regular file");
  if (status.getSize() == 0)
    return makeFileError(path, "the file is empty; copy or download it again");

  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return makeFileError(path,
                         "cannot be opened: " + toString(file.takeError()));
  std::error_code error;
  sys::fs::mapped_file_region region(
      *file, sys::fs::mapped_file_region::readonly, status.getSize(), 0, error);
  sys::fs::closeFile(*file);
  if (error)
    return makeFileError(path, "cannot be mapped: " + error.message());
  return std::shared_ptr<MappedFile>(
      new MappedFile(std::move(path), std::move(region)));
}

void releasePages(const uint8_t *data, uint64_t bytes) {
  // Not mapped_file_region::dontNeed: that is posix_madvise, whose DONTNEED
  // glibc ignores.
  uintptr_t page = sys::Process::getPageSizeEstimate();
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) & ~(page - 1);
  uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(page - 1);
  if (begin < end)
    (void)::madvise(reinterpret_cast<void *>(begin), end - begin,
                    MADV_DONTNEED);
}

} // namespace bitnetc
