//===- npy.cpp - Write a matrix as a NumPy file ---------------------------===//
//
// Format: numpy/lib/format.py, version 1.0. Both our architectures are
// little-endian, as the descriptor '<f4' says.
//
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//
#include "npy.h"

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

using namespace bitnet;

NpyWriter::~NpyWriter() { discard(); }

void NpyWriter::discard() {
  if (!file)
    return;
  fclose(file);
  file = nullptr;
  if (!temporary.empty())
    unlink(temporary.c_str());
}

Error NpyWriter::failure(const char *what) {
  int reason = errno;
  discard();
  return Error::make("%s: %s: %s", name.c_str(), what, strerror(reason));
}

Error NpyWriter::open(const std::string &path, uint64_t rows,
                      uint64_t columnCount) {
  name = path;
  columns = columnCount;
  missingRows = rows;
  // A device or a pipe must not be replaced by a file.
  struct stat status;
  bool replaces = stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
  temporary = replaces ? path + ".part" + std::to_string(getpid()) : "";
  file = fopen(replaces ? temporary.c_str() : path.c_str(), "we");
  if (!file)
    return Error::make("%s: cannot create: %s", name.c_str(), strerror(errno));

  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(columns) +
                       "), }";
  // Magic, version and length are 10 bytes; data starts at a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  const unsigned char start[10] = {0x93,
                                   'N',
                                   'U',
                                   'M',
                                   'P',
                                   'Y',
                                   1,
                                   0,
                                   (unsigned char)(header.size() & 255),
                                   (unsigned char)(header.size() >> 8)};
  if (fwrite(start, 1, sizeof(start), file) != sizeof(start) ||
      fwrite(header.data(), 1, header.size(), file) != header.size())
    return failure("cannot write");
  return Error();
}

Error NpyWriter::append(const float *values, uint64_t rows) {
  if (rows > missingRows)
    return Error::make("%s: expected %" PRIu64 " more rows, but got %" PRIu64,
                       name.c_str(), missingRows, rows);
  if (fwrite(values, sizeof(float) * columns, rows, file) != rows)
    return failure("cannot write");
  missingRows -= rows;
  return Error();
}

Error NpyWriter::close() {
  if (missingRows) {
    discard();
    return Error::make("%s: expected %" PRIu64 " more rows, but got none",
                       name.c_str(), missingRows);
  }
  // fflush first: a full disk shows there, and discard() needs an open file.
  if (fflush(file) != 0)
    return failure("cannot write");
  int closed = fclose(file);
  file = nullptr;
  if (closed != 0) {
    int reason = errno;
    if (!temporary.empty())
      unlink(temporary.c_str());
    return Error::make("%s: cannot write: %s", name.c_str(), strerror(reason));
  }
  if (!temporary.empty() && rename(temporary.c_str(), name.c_str()) != 0) {
    int reason = errno;
    unlink(temporary.c_str());
    return Error::make("%s: cannot create: %s", name.c_str(), strerror(reason));
  }
  return Error();
}
