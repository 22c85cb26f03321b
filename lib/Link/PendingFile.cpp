//===- PendingFile.cpp - Files that are whole or absent -------------------===//
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#include "bitnetc/Link/Link.h"
#include "bitnetc/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

using namespace llvm;
using namespace bitnetc;

/// Bytes of one write: a few huge pages.
static constexpr size_t kWriteBytes = 8 << 20;

Expected<std::unique_ptr<PendingFile>> PendingFile::create(StringRef name,
                                                           bool executable) {
  // A link stays, and the file that it leads to is written.
  SmallString<128> path(name);
  if (sys::fs::is_symlink_file(name) && sys::fs::real_path(name, path))
    path = name; // leads nowhere: the file takes its place
  // Renaming would put a file in the place of a device such as /dev/null.
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && !sys::fs::is_regular_file(status))
    return makeFileError(
        path,
        Twine("expected a file to write, but got a ") +
            (sys::fs::is_directory(status) ? "directory" : "device or pipe"));
  std::unique_ptr<PendingFile> file(new PendingFile);
  int descriptor;
  SmallString<128> temporary;
  unsigned mode = sys::fs::all_read | sys::fs::owner_write;
  if (executable)
    mode |= sys::fs::all_exe;
  if (std::error_code error =
          sys::fs::createUniqueFile(path.str() + ".%%%%%%.tmp", descriptor,
                                    temporary, sys::fs::OF_None, mode))
    return makeFileError(path, "cannot write: " + error.message());
  file->path = path.str().str();
  file->temporary = temporary.str().str();
  file->executable = executable;
  file->stream =
      std::make_unique<raw_fd_ostream>(descriptor, /*shouldClose=*/true);
  // Written in large aligned pieces, the file lies in large pages of the cache,
  // and the runtime maps it by 2 MiB pages: fewer misses when weights stream.
  file->stream->SetBufferSize(kWriteBytes);
  sys::RemoveFileOnSignal(file->temporary);
  return std::move(file);
}

PendingFile::~PendingFile() {
  if (stream) {
    stream->close();
    stream->clear_error();
  }
  if (!temporary.empty()) {
    sys::fs::remove(temporary);
    sys::DontRemoveFileOnSignal(temporary);
  }
}

Error PendingFile::flush() {
  stream->flush();
  std::error_code error = stream->error();
  stream->clear_error();
  return error ? makeFileError(path, "cannot write: " + error.message())
               : Error::success();
}

Error PendingFile::commit() {
  stream->close();
  std::error_code error = stream->error();
  stream->clear_error();
  stream.reset();
  if (error)
    return makeFileError(path, "cannot write: " + error.message());
  if ((error = sys::fs::rename(temporary, path)))
    return makeFileError(path, "cannot write: " + error.message());
  sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
  return Error::success();
}
